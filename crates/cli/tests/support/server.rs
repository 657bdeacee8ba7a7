//! A mock API server that records requests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};
use tempfile::NamedTempFile;

/// Returns the status code and body for a path.
type Answer = fn(&str) -> Option<(u16, Value)>;

pub(crate) struct Server {
    asked: Arc<Mutex<Vec<String>>>,
    kubeconfig: NamedTempFile,
}

impl Server {
    /// Starts a server with these responses; other paths are not found.
    pub(crate) fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), answer, &noted);
            }
        });
        let mut kubeconfig = NamedTempFile::new().unwrap();
        let context = json!({"cluster": "a", "user": "a", "namespace": "alpha"});
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "a",
            "users": [{"name": "a", "user": {}}],
            "clusters": [{"name": "a", "cluster": {"server": format!("http://{address}")}}],
            "contexts": [{"name": "a", "context": context}],
        });
        write!(kubeconfig, "{config}").unwrap();
        Self { asked, kubeconfig }
    }

    /// Returns the path of a kubeconfig for the server.
    pub(crate) fn kubeconfig(&self) -> String {
        self.kubeconfig.path().display().to_string()
    }

    /// Returns the requests since the last call: `GET /version`.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn serve(mut stream: TcpStream, answer: Answer, noted: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
    let length = head.to_ascii_lowercase();
    let length = length.split("content-length: ").nth(1);
    let length = length.map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
    reader.read_exact(&mut vec![0; length]).unwrap();
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap_or_default());
    let path = path.split('?').next().unwrap();
    noted.lock().unwrap().push(format!("{method} {path}"));
    let (code, body) = answer(path).unwrap_or_else(|| refusal(404, "not found here"));
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {code} so\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // Whoever asked may have gone.
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

/// Returns an error response.
pub(crate) fn refusal(code: u16, message: &str) -> (u16, Value) {
    let status = json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "reason": "So", "message": message});
    (code, status)
}

/// Returns a list response.
pub(crate) fn list(items: &[Value]) -> (u16, Value) {
    (200, json!({"metadata": {}, "items": items}))
}
