//! A small server of files, as Maven repositories are served: GET with ranges, HEAD, PUT, DELETE. What it lets
//! anybody do can be narrowed, and it keeps a log.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "tests; not every test needs all of it"
)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_MATCH, IF_NONE_MATCH, LAST_MODIFIED,
    RANGE,
};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use url::Url;

/// How it behaves.
#[derive(Debug, Default)]
pub(crate) struct Behaviour {
    /// Answers 405 to DELETE.
    pub(crate) keeps: AtomicBool,
    /// Knows nothing of `If-Match` and `If-None-Match`.
    pub(crate) unconditional: AtomicBool,
    /// Sends the whole, whatever range is asked.
    pub(crate) no_ranges: AtomicBool,
    /// Answers 416 to every range.
    pub(crate) bad_ranges: AtomicBool,
    /// How many contents are cut in their middle.
    pub(crate) cuts: AtomicUsize,
    /// What `Authorization` has to be.
    pub(crate) wants: Mutex<Option<String>>,
    /// Requests whose answers wait for each other.
    pub(crate) gather: Mutex<Option<Gather>>,
    /// What somebody else writes into a file just before the next one who writes it.
    pub(crate) meddles: Mutex<Option<(&'static str, Vec<u8>)>>,
    /// Held while a file is compared and written.
    writing: Mutex<()>,
    log: Mutex<Vec<String>>,
}

/// The next requests of a kind, whose answers are made at once and sent when the last of them is there.
#[derive(Debug)]
pub(crate) struct Gather {
    pub(crate) method: Method,
    pub(crate) ending: &'static str,
    pub(crate) left: usize,
    pub(crate) barrier: Arc<tokio::sync::Barrier>,
}

impl Gather {
    pub(crate) fn of(method: Method, ending: &'static str, count: usize) -> Self {
        let barrier = Arc::new(tokio::sync::Barrier::new(count));
        Self {
            method,
            ending,
            left: count,
            barrier,
        }
    }
}

/// A server. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct FileServer {
    pub(crate) url: Url,
    pub(crate) root: PathBuf,
    pub(crate) behaviour: Arc<Behaviour>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for FileServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FileServer {
    /// Serves a folder at `/repo`.
    pub(crate) async fn start(root: &Path) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let behaviour = Arc::new(Behaviour::default());
        let state = (root.to_owned(), Arc::clone(&behaviour));
        let app = Router::new().fallback(serve).with_state(state);
        let task = tokio::spawn(async move {
            axum::serve(listener, app).await.unwrap();
        });
        Self {
            url: format!("http://{address}/repo/").parse().unwrap(),
            root: root.to_owned(),
            behaviour,
            task,
        }
    }

    /// Requests since the last time, as `GET /repo/a`.
    pub(crate) fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.behaviour.log.lock().unwrap())
    }
}

async fn serve(
    State((root, behaviour)): State<(PathBuf, Arc<Behaviour>)>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let line = format!("{} {}", parts.method, parts.uri.path());
    behaviour.log.lock().unwrap().push(line);
    if let Some(wants) = behaviour.wants.lock().unwrap().as_ref() {
        let shown = parts.headers.get(AUTHORIZATION);
        if shown.is_none_or(|shown| shown != wants) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
    }
    // A `+` that was not encoded is a blank for this server, as for many.
    let raw = parts.uri.path().replace('+', " ");
    let decoded = Url::parse(&format!("file://{raw}")).unwrap().to_file_path();
    let Some(decoded) = decoded
        .ok()
        .and_then(|path| path.into_os_string().into_string().ok())
    else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Some(below) = decoded.strip_prefix("/repo/") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let path = root.join(below);
    let text = |name| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let on = |flag: &AtomicBool| flag.load(Ordering::SeqCst);
    let answer = match parts.method {
        Method::GET => get(&behaviour, &path, text(RANGE)),
        Method::HEAD => head(&path),
        Method::PUT => {
            let bytes = to_bytes(body, 1 << 30).await.unwrap();
            let _writing = behaviour.writing.lock().unwrap();
            let mut meddles = behaviour.meddles.lock().unwrap();
            if let Some((_, other)) = meddles.take_if(|(ending, _)| below.ends_with(*ending)) {
                put(&path, &other);
            }
            let has_conditions = !on(&behaviour.unconditional);
            let there = fs::read(&path).ok();
            let is_refused = match (text(IF_NONE_MATCH), text(IF_MATCH)) {
                (Some(_), _) => there.is_some(),
                (_, Some(wanted)) => there.is_none_or(|there| tag(&there) != wanted),
                _ => false,
            };
            if has_conditions && is_refused {
                StatusCode::PRECONDITION_FAILED.into_response()
            } else {
                put(&path, &bytes);
                StatusCode::CREATED.into_response()
            }
        }
        Method::DELETE if on(&behaviour.keeps) => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        Method::DELETE => match fs::remove_file(&path) {
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
            Err(_) => StatusCode::NOT_FOUND.into_response(),
        },
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    };
    let barrier = gathers(&behaviour, &parts.method, below);
    if let Some(barrier) = barrier {
        barrier.wait().await;
    }
    answer
}

fn tag(bytes: &[u8]) -> String {
    format!(
        "\"{}\"",
        extension_registry_package_format::Digest::of(bytes)
    )
}

fn gathers(
    behaviour: &Behaviour,
    method: &Method,
    below: &str,
) -> Option<Arc<tokio::sync::Barrier>> {
    let mut gather = behaviour.gather.lock().unwrap();
    let gather = gather.as_mut()?;
    if gather.method != *method || !below.ends_with(gather.ending) {
        return None;
    }
    gather.left = gather.left.checked_sub(1)?;
    Some(Arc::clone(&gather.barrier))
}

fn head(path: &Path) -> Response {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Response::builder()
            .header(CONTENT_LENGTH, found.len())
            .header(LAST_MODIFIED, "Wed, 21 Oct 2026 07:28:00 GMT")
            .body(Body::empty())
            .unwrap(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn get(behaviour: &Behaviour, path: &Path, range: Option<&str>) -> Response {
    let Ok(bytes) = fs::read(path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let on = |flag: &AtomicBool| flag.load(Ordering::SeqCst);
    let start = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
    let start: Option<usize> = start.and_then(|start| start.parse().ok());
    let total = bytes.len();
    let (status, from) = match start {
        Some(_) if on(&behaviour.bad_ranges) => {
            return StatusCode::RANGE_NOT_SATISFIABLE.into_response();
        }
        Some(start) if !on(&behaviour.no_ranges) => {
            if start >= total {
                return StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            }
            (StatusCode::PARTIAL_CONTENT, start)
        }
        _ => (StatusCode::OK, 0),
    };
    let whole = Bytes::from(bytes);
    let bytes = whole.slice(from..);
    let mut answer = Response::builder()
        .status(status)
        .header(CONTENT_LENGTH, bytes.len())
        .header(ETAG, tag(&whole));
    if status == StatusCode::PARTIAL_CONTENT {
        let last = total - 1;
        answer = answer.header(CONTENT_RANGE, format!("bytes {from}-{last}/{total}"));
    }
    let is_content = path.to_string_lossy().ends_with(".tar.gz");
    let cuts = &behaviour.cuts;
    let cut = is_content
        && cuts
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .is_ok();
    let body = if cut {
        let half = bytes.slice(..bytes.len() / 2);
        let gone = io::Error::new(io::ErrorKind::ConnectionReset, "cut");
        Body::from_stream(futures::stream::iter([Ok(half), Err(gone)]))
    } else {
        Body::from(bytes)
    };
    answer.body(body).unwrap()
}

fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut beside = tempfile::NamedTempFile::new_in(path.parent().unwrap()).unwrap();
    io::Write::write_all(&mut beside, bytes).unwrap();
    beside.persist(path).unwrap();
}
