//! Asks the API server whether a person may do something (`SubjectAccessReview`).

use k8s_openapi::api::authentication::v1::UserInfo;
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
