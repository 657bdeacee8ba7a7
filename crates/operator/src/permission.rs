//! Asks the API server who somebody is and whether a person may do something.

use std::sync::Arc;

use k8s_openapi::api::authentication::v1::{SelfSubjectReview, UserInfo};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};

use crate::error::Error;

/// Whether the person may do that.
///
/// # Errors
/// When the API server does not answer. Nobody may anything then.
pub(crate) async fn is_allowed(
    client: &Client,
    person: &UserInfo,
    action: ResourceAttributes,
) -> Result<bool, Error> {
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: person.username.clone(),
            groups: person.groups.clone(),
            uid: person.uid.clone(),
            extra: person.extra.clone(),
            resource_attributes: Some(action),
            non_resource_attributes: None,
        },
        ..SubjectAccessReview::default()
    };
    let answer = Api::<SubjectAccessReview>::all(client.clone())
        .create(&PostParams::default(), &review)
        .await
        .map_err(|error| Error::api("ask what the person may do", &error))?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

/// The operator's own account. Only texts need it, so it is empty when the API server does not say.
pub(crate) async fn own_account(client: &Client) -> Arc<str> {
    let review = SelfSubjectReview::default();
    let answer = Api::<SelfSubjectReview>::all(client.clone())
        .create(&PostParams::default(), &review)
        .await;
    let user = match answer {
        Ok(answer) => answer.status.and_then(|status| status.user_info),
        Err(error) => {
            tracing::debug!(%error, "the API server does not say who the operator is");
            None
        }
    };
    user.and_then(|user| user.username)
        .unwrap_or_default()
        .into()
}
