//! The content of kubeconfig files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use extension_registry_core::diagnostic::Failure;
use serde_json::Value;

use crate::field::Fields;
use extension_registry_core::sensitive::Sensitive;

/// The merged content of kubeconfig files.
#[derive(Debug, Default)]
pub(crate) struct Kubeconfig {
    pub(crate) current_context: String,
    pub(crate) clusters: BTreeMap<String, Cluster>,
    pub(crate) contexts: BTreeMap<String, Context>,
    pub(crate) users: BTreeMap<String, User>,
}

/// Data that stands in the file, base64-encoded, or in another file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Data {
    /// Field with the data, for messages.
    pub(crate) field: String,
    pub(crate) inline: Sensitive,
    pub(crate) file: Option<PathBuf>,
}

impl Data {
    pub(crate) fn is_empty(&self) -> bool {
        self.inline.is_empty() && self.file.is_none()
    }
}

/// How to reach a cluster.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    pub(crate) server: String,
    pub(crate) skip_verification: bool,
    pub(crate) authority: Data,
    pub(crate) proxy: String,
    pub(crate) server_name: String,
    /// The cluster as an exec plugin gets it.
    pub(crate) plugin_config: Option<Value>,
}

/// A cluster and a user.
#[derive(Debug, Default)]
pub(crate) struct Context {
    pub(crate) cluster: String,
    pub(crate) user: String,
    pub(crate) namespace: String,
}

/// Credentials and impersonation.
#[derive(Debug, Default)]
pub(crate) struct User {
    pub(crate) username: String,
    pub(crate) password: Sensitive,
    pub(crate) token: Sensitive,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) certificate: Data,
    pub(crate) key: Data,
    pub(crate) provider: Option<Provider>,
    pub(crate) plugin: Option<Plugin>,
    pub(crate) impersonate: Impersonate,
}

/// User to impersonate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Impersonate {
    pub(crate) user: String,
    pub(crate) uid: String,
    pub(crate) groups: Vec<String>,
    pub(crate) extra: Vec<(String, Vec<String>)>,
}

/// An `auth-provider`.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) name: String,
    pub(crate) id_token: Sensitive,
}

/// An exec plugin.
#[derive(Clone, Debug)]
pub(crate) struct Plugin {
    /// Field of the plugin, for messages.
    pub(crate) field: String,
    pub(crate) api_version: String,
    pub(crate) command: String,
    pub(crate) arguments: Vec<Sensitive>,
    pub(crate) environment: Vec<(String, Sensitive)>,
    pub(crate) install_hint: String,
    pub(crate) interactive_mode: String,
    pub(crate) wants_cluster: bool,
}

impl Kubeconfig {
    /// Parses a file. Relative paths are relative to `folder`.
    pub(crate) fn parse(text: &str, folder: &Path) -> Result<Self, Failure> {
        let (documents, errors) = extension_registry_yaml::parse(text);
        // As kubectl, only the first document is used.
        let Some((document, _)) = documents.into_iter().next() else {
            return match errors.into_iter().next() {
                None => Ok(Self::default()),
                Some(error) => Err(Failure::new(format!(
                    "line {} column {}: {}",
                    error.at.line, error.at.column, error.message
                ))),
            };
        };
        if let Some(error) = errors.into_iter().find(|error| error.rule == "syntax") {
            return Err(Failure::new(format!(
                "line {} column {}: {}",
                error.at.line, error.at.column, error.message
            )));
        }
        Self::read(&document, folder)
    }

    fn read(document: &Value, folder: &Path) -> Result<Self, Failure> {
        let fields = Fields::new("", document)
            .map_err(|_| Failure::new("the file is not a mapping of fields"))?;
        for (name, expected) in [("apiVersion", "v1"), ("kind", "Config")] {
            let found = fields.text(name)?;
            if !found.is_empty() && found != expected {
                return Err(Failure::new(format!(
                    "field `{name}` must be `{expected}`, not `{found}`"
                ))
                .hint("pass a kubeconfig"));
            }
        }
        Ok(Self {
            current_context: fields.text("current-context")?,
            clusters: named(&fields, "clusters", "cluster", |fields| {
                cluster(fields, folder)
            })?,
            contexts: named(&fields, "contexts", "context", context)?,
            users: named(&fields, "users", "user", |fields| user(fields, folder))?,
        })
    }

    /// Adds the content of the next file. The first file with a name wins.
    pub(crate) fn merge(&mut self, next: Self) {
        fn add<T>(to: &mut BTreeMap<String, T>, from: BTreeMap<String, T>) {
            for (name, item) in from {
                to.entry(name).or_insert(item);
            }
        }
        if self.current_context.is_empty() {
            self.current_context = next.current_context;
        }
        add(&mut self.clusters, next.clusters);
        add(&mut self.contexts, next.contexts);
        add(&mut self.users, next.users);
    }
}

/// Reads a list of named items.
fn named<T>(
    fields: &Fields<'_>,
    list: &str,
    item: &str,
    read: impl Fn(&Fields<'_>) -> Result<T, Failure>,
) -> Result<BTreeMap<String, T>, Failure> {
    let mut found = BTreeMap::new();
    for (path, value) in fields.items(list)? {
        let entry = Fields::new(path, value)?;
        let name = entry.text("name")?;
        let content = read(&entry.fields(item)?)?;
        if found.insert(name.clone(), content).is_some() {
            return Err(Failure::new(format!("duplicate name `{name}` in `{list}`"))
                .hint("remove or rename one of them"));
        }
    }
    Ok(found)
}

fn context(fields: &Fields<'_>) -> Result<Context, Failure> {
    Ok(Context {
        cluster: fields.text("cluster")?,
        user: fields.text("user")?,
        namespace: fields.text("namespace")?,
    })
}

/// Reads a path; an empty one counts as none.
fn path(fields: &Fields<'_>, name: &str, folder: &Path) -> Result<Option<PathBuf>, Failure> {
    let text = fields.text(name)?;
    Ok((!text.is_empty()).then(|| folder.join(text)))
}

/// Reads `name`, a path, and `name-data`, its content.
fn data(fields: &Fields<'_>, name: &str, folder: &Path) -> Result<Data, Failure> {
    let inline = format!("{name}-data");
    let data = Data {
        field: fields.path(&inline),
        inline: Sensitive::new(fields.text(&inline)?),
        file: path(fields, name, folder)?,
    };
    Ok(data)
}

fn cluster(fields: &Fields<'_>, folder: &Path) -> Result<Cluster, Failure> {
    let mut plugin_config = None;
    for (path, item) in fields.items("extensions")? {
        let extension = Fields::new(path, item)?;
        if extension.text("name")? == "client.authentication.k8s.io/exec" {
            plugin_config = extension.value("extension").cloned();
        }
    }
    Ok(Cluster {
        server: fields.text("server")?,
        skip_verification: fields.flag("insecure-skip-tls-verify")?,
        authority: data(fields, "certificate-authority", folder)?,
        proxy: fields.text("proxy-url")?,
        server_name: fields.text("tls-server-name")?,
        plugin_config,
    })
}

fn user(fields: &Fields<'_>, folder: &Path) -> Result<User, Failure> {
    Ok(User {
        username: fields.text("username")?,
        password: Sensitive::new(fields.text("password")?),
        token: Sensitive::new(fields.text("token")?),
        token_file: path(fields, "tokenFile", folder)?,
        certificate: data(fields, "client-certificate", folder)?,
        key: data(fields, "client-key", folder)?,
        provider: provider(fields)?,
        plugin: plugin(fields, folder)?,
        impersonate: impersonate(fields)?,
    })
}

fn impersonate(fields: &Fields<'_>) -> Result<Impersonate, Failure> {
    let extra = fields.fields("as-user-extra")?;
    let names = extra.names().map(|name| {
        let values = extra.texts(name)?;
        Ok((name.clone(), values))
    });
    Ok(Impersonate {
        user: fields.text("as")?,
        uid: fields.text("as-uid")?,
        groups: fields.texts("as-groups")?,
        extra: names.collect::<Result<_, Failure>>()?,
    })
}

fn provider(fields: &Fields<'_>) -> Result<Option<Provider>, Failure> {
    if !fields.has("auth-provider") {
        return Ok(None);
    }
    let provider = fields.fields("auth-provider")?;
    Ok(Some(Provider {
        name: provider.text("name")?,
        id_token: Sensitive::new(provider.fields("config")?.text("id-token")?),
    }))
}

fn plugin(fields: &Fields<'_>, folder: &Path) -> Result<Option<Plugin>, Failure> {
    if !fields.has("exec") {
        return Ok(None);
    }
    let exec = fields.fields("exec")?;
    let mut command = exec.text("command")?;
    // A command with a slash is a path; another one is searched in PATH.
    if command.contains('/') {
        command = folder.join(command).to_string_lossy().into_owned();
    }
    let mut environment = Vec::new();
    for (path, item) in exec.items("env")? {
        let variable = Fields::new(path, item)?;
        environment.push((
            variable.text("name")?,
            Sensitive::new(variable.text("value")?),
        ));
    }
    Ok(Some(Plugin {
        field: fields.path("exec"),
        api_version: exec.text("apiVersion")?,
        command,
        arguments: exec
            .texts("args")?
            .into_iter()
            .map(Sensitive::new)
            .collect(),
        environment,
        install_hint: exec.text("installHint")?,
        interactive_mode: exec.text("interactiveMode")?,
        wants_cluster: exec.flag("provideClusterInfo")?,
    }))
}
