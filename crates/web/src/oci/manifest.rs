//! Manifests, tags and referrers.

use axum::response::Response;
use extension_registry_packages::Digest;
use extension_registry_packages::image::Member;
use extension_registry_packages::repository::oci::artifact::{INDEX_MEDIA_TYPE, cosign_tag};
use extension_registry_packages::repository::oci::names;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::json;

use super::fault::Fault;
use super::page::{Query, page};
use super::reply;
use super::route::{Name, digest};
use super::shelf::Shelf;

/// Maximum number of tags of a page.
const TAGS: usize = 10_000;
/// Header that names the applied filters (distribution-spec, "Listing Referrers").
const FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");

/// Returns a manifest by tag or digest.
pub(super) async fn get(
    shelf: &Shelf,
    (name, reference): (&Name, &str),
    headers: &HeaderMap,
    is_head: bool,
) -> Result<Response, Fault> {
    let absent = || Fault::unknown_manifest(reference, &name.path());
    let (served, wanted) = if reference.contains(':') {
        let digest = digest(reference)?;
        let served = shelf.find(name, digest, true).await?.ok_or_else(absent)?;
        (served, Some(digest))
    } else if let Some(version) = names::version(reference) {
        (shelf.version(name, &version).await?, None)
    } else {
        let subject = cosign_subject(reference).ok_or_else(absent)?;
        let served = shelf.find(name, subject, false).await?;
        let served = served.ok_or_else(absent)?;
        let mut referrers = served.image.referrers.iter();
        let tagged = referrers.find(|member| member.tag.as_deref() == Some(reference));
        let digest = tagged.ok_or_else(absent)?.manifest.digest;
        (served, Some(digest))
    };
    let member = match wanted {
        Some(digest) => served.image.manifest(digest).ok_or_else(absent)?,
        None => &served.image.package,
    };
    let digest = member.manifest.digest;
    let mut response = reply::bytes(member.manifest.bytes.clone(), is_head);
    reply::describe(&mut response, digest, &member.info.media_type);
    reply::warn(&mut response, &served.warnings);
    if reply::is_known(headers, digest) {
        let _ = response.headers_mut().remove(header::CONTENT_LENGTH);
        return Ok(reply::not_modified(response));
    }
    Ok(response)
}

/// Returns the digest in a tag of cosign.
fn cosign_subject(tag: &str) -> Option<Digest> {
    let hex = tag.strip_prefix("sha256-")?.strip_suffix(".sig")?;
    let subject: Digest = hex.parse().ok()?;
    (cosign_tag(subject) == tag).then_some(subject)
}

/// Lists the tags of a package, one for each version.
pub(super) async fn tags(
    shelf: &Shelf,
    name: &Name,
    query: &Query,
    is_head: bool,
) -> Result<Response, Fault> {
    let versions = shelf.versions(name).await?;
    let mut tags: Vec<String> = versions.iter().filter_map(names::tag).collect();
    tags.sort();
    let path = format!("/v2/{}/tags/list", name.path());
    let page = page(tags, String::as_str, (&path, query, TAGS))?;
    let body = json!({ "name": name.path(), "tags": page.entries });
    let mut response = reply::json(&body, is_head);
    if let Some(link) = page.link {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// Lists the manifests that refer to a package. Nothing refers to an unknown manifest.
pub(super) async fn referrers(
    shelf: &Shelf,
    (name, subject): (&Name, Digest),
    query: &Query,
    is_head: bool,
) -> Result<Response, Fault> {
    let served = shelf.find(name, subject, false).await?;
    let served = served.filter(|served| served.image.package.manifest.digest == subject);
    let kind = query.get("artifactType");
    let members = served.iter().flat_map(|served| &served.image.referrers);
    let members = members.filter(|member| {
        // A tag of cosign has no subject.
        member.tag.is_none() && kind.is_none_or(|kind| kind == member.info.artifact_type)
    });
    let manifests: Vec<serde_json::Value> = members.map(descriptor).collect();
    let body = json!({
        "schemaVersion": 2,
        "mediaType": INDEX_MEDIA_TYPE,
        "manifests": manifests,
    });
    let mut response = reply::json(&body, is_head);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(INDEX_MEDIA_TYPE),
    );
    if kind.is_some() {
        headers.insert(FILTERS, HeaderValue::from_static("artifactType"));
    }
    Ok(response)
}

fn descriptor(member: &Member) -> serde_json::Value {
    let mut descriptor = json!({
        "mediaType": member.info.media_type,
        "digest": member.manifest.digest.oci(),
        "size": member.manifest.bytes.len(),
        "artifactType": member.info.artifact_type,
    });
    if !member.info.annotations.is_empty() {
        descriptor["annotations"] = json!(member.info.annotations);
    }
    descriptor
}
