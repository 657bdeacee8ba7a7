//! Access reviews of users and of the operator's own account.

use std::sync::Arc;

use k8s_openapi::api::authentication::v1::{SelfSubjectReview, UserInfo};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};

use crate::error::Error;

/// Returns whether a user is allowed to perform an action.
///
/// # Errors
/// If the request fails; the caller must then deny the action.
pub async fn is_allowed(
    client: &Client,
    user: &UserInfo,
    action: ResourceAttributes,
) -> Result<bool, Error> {
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: user.username.clone(),
            groups: user.groups.clone(),
            uid: user.uid.clone(),
            extra: user.extra.clone(),
            resource_attributes: Some(action),
            non_resource_attributes: None,
        },
        ..SubjectAccessReview::default()
    };
    let answer = Api::<SubjectAccessReview>::all(client.clone())
        .create(&PostParams::default(), &review)
        .await
        .map_err(|error| Error::api("create SubjectAccessReview", &error))?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

/// Returns the user name of the operator; empty if the review fails, because only messages use it.
pub async fn own_account(client: &Client) -> Arc<str> {
    let review = SelfSubjectReview::default();
    let answer = Api::<SelfSubjectReview>::all(client.clone())
        .create(&PostParams::default(), &review)
        .await;
    let user = match answer {
        Ok(answer) => answer.status.and_then(|status| status.user_info),
        Err(error) => {
            tracing::debug!(%error, "failed to create SelfSubjectReview");
            None
        }
    };
    user.and_then(|user| user.username)
        .unwrap_or_default()
        .into()
}
