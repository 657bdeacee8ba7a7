//! Reading source Secrets, by name.

use std::sync::Arc;

use extension_registry_binding::ObjectKey;
use extension_registry_binding::source::{Data, KeyView, SourceState, ValueView, place};
use extension_registry_core::record::{RecordKey, SourceSecret};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;

use crate::context::Context;
use crate::error::{Error, code};
use crate::impact;

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

/// Reads source Secrets of a record, values and all.
///
/// # Errors
/// When the API server does not answer.
pub(crate) async fn values(
    context: &Arc<Context>,
    record: &RecordKey,
    secrets: impl IntoIterator<Item = SourceSecret>,
) -> Result<ValueView, Error> {
    let settings = &context.settings;
    let mut view = ValueView::default();
    for secret in secrets {
        let place = place(record, &secret, &settings.records_namespace);
        let (state, data) = read(context, &place).await?;
        note(context, &place, &state);
        view.add(record, secret, &place, (&state, data), &settings.account);
    }
    Ok(view)
}
