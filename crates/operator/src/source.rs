//! Reads source Secrets by name and decrypts sealed values.

use std::sync::Arc;

use extension_registry_core::record::{
    Credentials, Name, RecordKey, Service, Source, SourceSecret,
};
use extension_registry_core::resolve::Choice;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_render::ObjectKey;
use extension_registry_render::source::{Data, KeyView, SourceState, ValueView, place, secrets};
use extension_registry_runtime::error::{Error, code};
use extension_registry_seal::EntryKey;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;

use crate::context::Context;
use crate::sealing_keys::KeyUse;
use crate::store::RenderInputs;

/// A source Secret whose state differs from the cached one.
pub(crate) struct SourceChange {
    pub(crate) secret: ObjectKey,
    /// Whether it has other keys or admits other records, not only other values.
    pub(crate) keys_changed: bool,
}

impl SourceChange {
    fn between(
        secret: &ObjectKey,
        before: Option<&SourceState>,
        after: &SourceState,
    ) -> Option<Self> {
        let before = before.filter(|before| *before != after)?;
        Some(Self {
            secret: secret.clone(),
            keys_changed: !before.is_equivalent(after),
        })
    }
}

/// Result of reading source Secrets, and those that changed, also if the read of another one failed.
pub(crate) struct SourceRead<T> {
    pub(crate) result: Result<T, Error>,
    pub(crate) changes: Vec<SourceChange>,
}

/// Reads source Secrets and collects the changed ones.
struct Reader<'a> {
    context: &'a Context,
    changes: Vec<SourceChange>,
}

impl<'a> Reader<'a> {
    fn new(context: &'a Context) -> Self {
        Self {
            context,
            changes: Vec::new(),
        }
    }

    /// Returns the state of a source Secret from the cache. Fetches it if it is not cached or was forbidden,
    /// because no watch reports a new permission.
    ///
    /// # Errors
    /// If the request fails for another reason than a missing Secret or permission.
    async fn state(&mut self, key: &ObjectKey) -> Result<SourceState, Error> {
        let known = self.context.stores.sources.read().get(key).cloned();
        match known {
            Some(SourceState::Denied) | None => Ok(self.fetch(key).await?.0),
            Some(state) => Ok(state),
        }
    }

    /// Fetches a source Secret and caches the names of its keys.
    ///
    /// # Errors
    /// See [`Reader::state`].
    async fn fetch(&mut self, key: &ObjectKey) -> Result<(SourceState, Data), Error> {
        let (state, data) = read(self.context, key).await?;
        let mut sources = self.context.stores.sources.write();
        let before = sources.set(key.clone(), state.clone());
        drop(sources);
        let change = SourceChange::between(key, before.as_ref(), &state);
        self.changes.extend(change);
        Ok((state, data))
    }

    fn finish<T>(self, result: Result<T, Error>) -> SourceRead<T> {
        SourceRead {
            result,
            changes: self.changes,
        }
    }
}

/// Fetches a source Secret whose cached state is outdated.
pub(crate) async fn fetch_again(context: &Context, key: &ObjectKey) -> SourceRead<()> {
    let before = context.stores.sources.write().forget(key);
    let mut reader = Reader::new(context);
    let result = reader.fetch(key).await.map(|(state, _)| {
        let change = SourceChange::between(key, before.as_ref(), &state);
        reader.changes.extend(change);
    });
    reader.finish(result)
}

async fn read(context: &Context, key: &ObjectKey) -> Result<(SourceState, Data), Error> {
    let api = Api::<Secret>::namespaced(context.client.clone(), &key.namespace);
    match api.get_opt(&key.name).await {
        Ok(None) => Ok((SourceState::Missing, Data::new())),
        Ok(Some(secret)) => Ok(SourceState::of(secret)),
        Err(error) if code(&error) == 403 => Ok((SourceState::Denied, Data::new())),
        Err(error) => Err(Error::secret(format!("read source Secret {key}"), &error)),
    }
}

/// Returns the key names of the source Secrets of a record. Fetches Secrets that are not cached.
pub(crate) async fn keys(
    context: &Context,
    record: &RecordKey,
    secrets: impl IntoIterator<Item = SourceSecret>,
) -> SourceRead<KeyView> {
    let mut reader = Reader::new(context);
    let view = key_view(&mut reader, record, secrets).await;
    reader.finish(view)
}

async fn key_view(
    reader: &mut Reader<'_>,
    record: &RecordKey,
    secrets: impl IntoIterator<Item = SourceSecret>,
) -> Result<KeyView, Error> {
    let settings = &reader.context.settings;
    let mut view = KeyView::default();
    for secret in secrets {
        let place = place(record, &secret, &settings.records_namespace);
        let state = reader.state(&place).await?;
        view.add(record, &secret, &place, &state, &settings.account);
    }
    Ok(view)
}

/// Reads the source Secrets of a choice and decrypts its sealed entries.
pub(crate) async fn values(context: &Context, choice: &Choice) -> SourceRead<ValueView> {
    let mut reader = Reader::new(context);
    let view = value_view(&mut reader, choice).await;
    reader.finish(view)
}

async fn value_view(reader: &mut Reader<'_>, choice: &Choice) -> Result<ValueView, Error> {
    let context = reader.context;
    let settings = &context.settings;
    let record = &choice.record.key;
    let mut view = ValueView::default();
    for secret in secrets(choice) {
        let place = place(record, &secret, &settings.records_namespace);
        let (state, data) = reader.fetch(&place).await?;
        view.add(record, secret, &place, (&state, data), &settings.account);
    }
    if let Some(set) = choice.credentials() {
        for (entry, value) in unsealed(context, record, choice.service(), set).await {
            if let Some(value) = value {
                view.add_sealed(entry, value);
            }
        }
    }
    Ok(view)
}

/// Decrypts the sealed entries of a set of credentials; `None` for an entry that cannot be decrypted.
pub(crate) async fn unsealed<'s>(
    context: &Context,
    record: &RecordKey,
    service: &Service,
    set: &'s Credentials,
) -> Vec<(&'s Name, Option<Sensitive>)> {
    let sealed: Vec<_> = set
        .entries
        .iter()
        .filter_map(|entry| match &entry.source {
            Source::Sealed(text) => Some((&entry.name, text.reveal())),
            _ => None,
        })
        .collect();
    let texts = sealed.iter().map(|(_, text)| *text);
    let keys = context.sealing_keys.keyring(texts, KeyUse::Open).await;
    let open = |name: &Name, text: &str| {
        let entry = EntryKey {
            service: service.name.to_string(),
            credentials: set.name.to_string(),
            entry: name.to_string(),
        };
        Some(keys.open(record, &entry, text)?.value)
    };
    let opened = sealed.into_iter();
    opened
        .map(|(name, text)| (name, open(name, text)))
        .collect()
}

/// Returns the versions of the inputs of a choice from the caches; `None` if one is not cached.
pub(crate) fn cached_inputs(context: &Context, choice: &Choice) -> Option<RenderInputs> {
    let states = context.stores.sources.read();
    let sources = secrets(choice)
        .iter()
        .map(|secret| {
            let secret = place(
                &choice.record.key,
                secret,
                &context.settings.records_namespace,
            );
            let version = states.get(&secret)?.version();
            Some((secret, version))
        })
        .collect::<Option<Vec<_>>>()?;
    Some(RenderInputs {
        record: record_version(context, choice),
        sources,
    })
}

/// Returns uid and generation of the record of a choice.
pub(crate) fn record_version(context: &Context, choice: &Choice) -> (Arc<str>, i64) {
    let records = context.stores.records.read();
    let uid = records
        .get(&choice.record.key)
        .map_or_else(|| Arc::from(""), |entry| Arc::clone(&entry.uid));
    (uid, choice.record.generation)
}
