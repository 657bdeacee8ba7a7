//! Reading source Secrets, by name, and decrypting sealed values.

use std::sync::Arc;

use extension_registry_binding::ObjectKey;
use extension_registry_binding::seal::EntryKey;
use extension_registry_binding::source::{Data, KeyView, SourceState, ValueView, place, secrets};
use extension_registry_core::record::{
    Credentials, Name, RecordKey, Service, Source, SourceSecret,
};
use extension_registry_core::resolve::Choice;
use extension_registry_core::sensitive::Sensitive;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;

use crate::context::Context;
use crate::error::{Error, code};
use crate::impact;
use crate::seal::Use;

/// What is known of a source Secret; looks when nobody did yet, and at one that could not be read: no
/// watch shows when a permission comes back.
///
/// # Errors
/// When the API server does not answer. Missing and forbidden are answers.
async fn state(context: &Arc<Context>, key: &ObjectKey) -> Result<SourceState, Error> {
    let known = context.world.sources.read().get(key).cloned();
    match known {
        Some(SourceState::Denied) | None => look(context, key).await,
        Some(state) => Ok(state),
    }
}

/// Looks at a source Secret and keeps the names of its keys.
///
/// # Errors
/// As [`state`].
pub(crate) async fn look(context: &Arc<Context>, key: &ObjectKey) -> Result<SourceState, Error> {
    let (state, _) = read(context, key).await?;
    note(context, key, &state);
    Ok(state)
}

/// Keeps what was read, and wakes whoever relied on something else.
fn note(context: &Arc<Context>, key: &ObjectKey, state: &SourceState) {
    let before = context
        .world
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

/// What is known of the source Secrets of a record; looks at those that nobody looked at yet.
///
/// # Errors
/// When the API server does not answer.
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
/// When the API server does not answer.
pub(crate) async fn values(context: &Arc<Context>, choice: &Choice) -> Result<ValueView, Error> {
    let settings = &context.settings;
    let record = &choice.record.key;
    let mut view = ValueView::default();
    for secret in secrets(choice) {
        let place = place(record, &secret, &settings.records_namespace);
        let (state, data) = read(context, &place).await?;
        note(context, &place, &state);
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

/// Decrypts the sealed entries of a set of credentials; `None` where that is not possible.
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
    let keys = context.sealing_keys.keyring(texts, Use::Open).await;
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
