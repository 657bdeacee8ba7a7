//! Names of images.

/// Returns the full name of an image with registry, folder and tag, as stored by the container runtime.
///
/// ```
/// use extension_registry_e2e::image::full_name;
///
/// assert_eq!(full_name("python:3.12"), "docker.io/library/python:3.12");
/// assert_eq!(full_name("curlimages/curl"), "docker.io/curlimages/curl:latest");
/// assert_eq!(full_name("registry.local/busybox:e2e"), "registry.local/busybox:e2e");
/// ```
#[must_use]
pub fn full_name(name: &str) -> String {
    let mut full = match name.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => name.to_owned(),
        Some(_) => format!("docker.io/{name}"),
        None => format!("docker.io/library/{name}"),
    };
    let last = full.rsplit('/').next().unwrap_or_default();
    if !last.contains([':', '@']) {
        full += ":latest";
    }
    full
}
