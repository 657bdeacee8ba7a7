//! Reads source Secrets by name and decrypts sealed values.

use std::sync::Arc;

use extension_registry_core::record::{
    Credentials, Name, RecordKey, Service, Source, SourceSecret,
};
use extension_registry_core::resolve::Choice;
use extension_registry_core::sensitive::Sensitive;
use extension_registry_render::ObjectKey;
use extension_registry_render::seal::EntryKey;
use extension_registry_render::source::{Data, KeyView, SourceState, ValueView, place, secrets};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;

use crate::context::Context;
use crate::error::{Error, code};
use crate::impact;
use crate::seal::KeyUse;

/// Returns the state of a source Secret from the cache. Fetches it if it is not cached or was forbidden,
/// because no watch reports a new permission.
///
/// # Errors
/// If the request fails for another reason than a missing Secret or permission.
async fn state(context: &Arc<Context>, key: &ObjectKey) -> Result<SourceState, Error> {
    let known = context.stores.sources.read().get(key).cloned();
    match known {
        Some(SourceState::Denied) | None => fetch(context, key).await,
        Some(state) => Ok(state),
    }
}

/// Reads a source Secret and caches the names of its keys.
///
/// # Errors
/// See [`state`].
pub(crate) async fn fetch(context: &Arc<Context>, key: &ObjectKey) -> Result<SourceState, Error> {
    let (state, _) = read(context, key).await?;
    cache(context, key, &state);
    Ok(state)
}

/// Caches the state of a source Secret and enqueues the dependents of a changed one.
fn cache(context: &Arc<Context>, key: &ObjectKey, state: &SourceState) {
    let before = context
        .stores
        .sources
        .write()
        .set(key.clone(), state.clone());
    impact::source_read(context, key, before.as_ref(), state);
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
///
/// # Errors
/// See [`state`].
pub(crate) async fn keys(
    context: &Arc<Context>,
    record: &RecordKey,
    secrets: impl IntoIterator<Item = SourceSecret>,
) -> Result<KeyView, Error> {
    let settings = &context.settings;
    let mut view = KeyView::default();
    for secret in secrets {
        let place = place(record, &secret, &settings.records_namespace);
        let state = state(context, &place).await?;
        view.add(record, &secret, &place, &state, &settings.account);
    }
    Ok(view)
}

/// Reads the source Secrets of a choice and decrypts its sealed entries.
///
/// # Errors
/// See [`state`].
pub(crate) async fn values(context: &Arc<Context>, choice: &Choice) -> Result<ValueView, Error> {
    let settings = &context.settings;
    let record = &choice.record.key;
    let mut view = ValueView::default();
    for secret in secrets(choice) {
        let place = place(record, &secret, &settings.records_namespace);
        let (state, data) = read(context, &place).await?;
        cache(context, &place, &state);
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
