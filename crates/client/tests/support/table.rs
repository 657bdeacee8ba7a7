//! Kubeconfigs and what a client does with them.

mod plugins;
mod servers;
mod users;

use std::collections::BTreeMap;
use std::path::Path;

use super::base64;
use super::certificates::certificates;
use super::server::Server;

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It sends a request with this `Authorization` header, and with or without a client certificate.
    Connects(&'static str, bool),
    /// It sends nothing; the error contains this text.
    Refuses(&'static str),
}

/// A kubeconfig and what a client does with it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Name of the server in [`Servers`].
    pub(crate) server: &'static str,
    pub(crate) kubeconfig: String,
    pub(crate) expected: Expected,
    /// Why kubectl does something else; empty if it does the same.
    pub(crate) difference: &'static str,
}

/// The servers of the table: one for each certificate, and `http`, which has none.
pub(crate) struct Servers(BTreeMap<&'static str, Server>);

impl Servers {
    pub(crate) fn start() -> Self {
        let mut servers = BTreeMap::from([("http", Server::start(None))]);
        for (name, pair) in &certificates().servers {
            servers.insert(name, Server::start(Some(pair)));
        }
        Self(servers)
    }

    pub(crate) fn get(&self, name: &str) -> &Server {
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("no server {name}"))
    }

    /// Returns what the servers received since the last call.
    pub(crate) fn seen(&self) -> Vec<(String, bool)> {
        self.0.values().flat_map(Server::seen).collect()
    }
}

/// Returns a kubeconfig with a cluster and a user, both as fields in flow or block style at this indentation.
fn kubeconfig(cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
         contexts:\n  - name: a\n    context: {{cluster: a, user: a}}\n\
         clusters:\n  - name: a\n    cluster:\n      {cluster}\n\
         users:\n  - name: a\n    user:\n      {user}\n"
    )
}

/// Collects cases.
struct Table<'s> {
    servers: &'s Servers,
    cases: Vec<Case>,
}

const TOKEN: &str = "token: abc";
const WITH_TOKEN: Expected = Expected::Connects("Bearer abc", false);

impl Table<'_> {
    /// Adds a case of a server with an authority, given as PEM.
    fn trust(
        &mut self,
        name: &'static str,
        server: &'static str,
        authority: &str,
        expected: Expected,
    ) -> &mut Self {
        let data = base64(authority.as_bytes());
        self.with(
            name,
            server,
            &format!("certificate-authority-data: {data}"),
            TOKEN,
            expected,
        )
    }

    /// Adds a case of a server at its address.
    fn with(
        &mut self,
        name: &'static str,
        server: &'static str,
        cluster: &str,
        user: &str,
        expected: Expected,
    ) -> &mut Self {
        let address = self.servers.get(server).address;
        let scheme = if server == "http" { "http" } else { "https" };
        let cluster = format!("server: {scheme}://{address}\n      {cluster}");
        self.add(name, server, kubeconfig(&cluster, user), expected)
    }

    fn add(
        &mut self,
        name: &'static str,
        server: &'static str,
        kubeconfig: String,
        expected: Expected,
    ) -> &mut Self {
        self.cases.push(Case {
            name,
            server,
            kubeconfig,
            expected,
            difference: "",
        });
        self
    }

    /// Sets why kubectl does something else in the last case.
    fn differs(&mut self, why: &'static str) {
        self.cases.last_mut().unwrap().difference = why;
    }
}

/// Returns the table. Files that kubeconfigs refer to are written to a folder.
pub(crate) fn cases(servers: &Servers, folder: &Path) -> Vec<Case> {
    let mut table = Table {
        servers,
        cases: Vec::new(),
    };
    servers::certificate_cases(&mut table);
    users::data_cases(&mut table, folder);
    users::user_cases(&mut table, folder);
    plugins::plugin_cases(&mut table, folder);
    servers::address_cases(&mut table);
    table.cases
}
