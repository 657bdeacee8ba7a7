//! A headless Chromium, driven by `WebDriver`, and the program `kubectl ext ui`.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of several tests, each of which uses some of them"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extension_registry_e2e::operator::built;
use extension_registry_e2e::setup::repository;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// Key under which `WebDriver` returns elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Keys of a keyboard, as `WebDriver` names them.
pub(crate) const TAB: &str = "\u{e004}";
pub(crate) const ENTER: &str = "\u{e007}";

/// Ends a program and those that it started, also after a failure. It must lead a process group.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.0.wait();
    }
}

/// Reads lines until one matches, and then the rest, so that the program never blocks.
fn line_with(from: impl Read + Send + 'static, text: &str) -> String {
    let mut lines = BufReader::new(from).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains(text));
    std::thread::spawn(move || lines.for_each(drop));
    line.unwrap_or_else(|| panic!("the program ended without `{text}`"))
}

/// Creates an HTTP client.
pub(crate) fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(Policy::none()).build().unwrap()
}

/// The program `kubectl ext ui`.
pub(crate) struct Ui {
    program: Program,
    /// The URL that works once.
    pub(crate) key_url: String,
    /// The URL without a path.
    pub(crate) url: String,
}

impl Ui {
    /// Starts the program with arguments, without opening a browser.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut program = Command::new(built("kubectl-ext").unwrap())
            .args(["ui", "--no-open"])
            .args(arguments)
            .current_dir(repository(""))
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let line = line_with(program.stderr.take().unwrap(), "serving on ");
        let key_url = line.rsplit(' ').next().unwrap().to_owned();
        let url = key_url.split("/?").next().unwrap().to_owned();
        Self {
            program: Program(program),
            key_url,
            url,
        }
    }

    /// Exchanges the key for the cookie.
    pub(crate) async fn cookie(&self, client: &Client) -> String {
        let response = client.get(&self.key_url).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// Returns the resident memory of the program in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = format!("/proc/{}/status", self.program.0.id());
        let status = fs::read_to_string(status).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
        kilobytes.parse::<u64>().unwrap() * 1024
    }
}

/// A browser with one window.
pub(crate) struct Browser {
    driver: Program,
    client: Client,
    session: String,
}

/// Returns why no browser can be started.
pub(crate) fn missing() -> Option<&'static str> {
    let is_missing = |program: &str| {
        let found = Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        found.is_err()
    };
    ["chromium", "chromedriver"]
        .into_iter()
        .any(is_missing)
        .then_some("chromium or chromedriver is not installed (Debian: chromium chromium-driver)")
}

impl Browser {
    /// Starts a browser.
    pub(crate) async fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let line = line_with(driver.stdout.take().unwrap(), "successfully on port ");
        let port = line.rsplit(' ').next().unwrap().trim_end_matches('.');
        let mut browser = Self {
            driver: Program(driver),
            client: client(),
            session: format!("http://127.0.0.1:{port}/session"),
        };
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage"]},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let created = browser.call(Method::POST, "", &capabilities).await;
        let id = created["sessionId"].as_str().unwrap();
        browser.session = format!("{}/{id}", browser.session);
        browser
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.session);
        let mut request = self.client.request(method.clone(), &url);
        if method == Method::POST {
            request = request.body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{method} {path}: {text}");
        let mut document: Value = serde_json::from_str(&text).unwrap();
        document["value"].take()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.call(Method::POST, path, &body).await
    }

    /// Closes the browser. Without it, ending the driver does.
    pub(crate) async fn stop(self) {
        self.call(Method::DELETE, "", &Value::Null).await;
    }

    pub(crate) async fn open(&self, url: &str) {
        self.post("/url", json!({"url": url})).await;
    }

    pub(crate) async fn url(&self) -> String {
        let url = self.call(Method::GET, "/url", &Value::Null).await;
        url.as_str().unwrap().to_owned()
    }

    /// Runs a script of the test; pages have none.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({"script": script, "args": []}))
            .await
    }

    /// Runs a script that passes its result to the function `arguments[0]`.
    pub(crate) async fn run_async(&self, script: &str) -> Value {
        self.post("/execute/async", json!({"script": script, "args": []}))
            .await
    }

    /// Clicks on the element of a CSS selector.
    pub(crate) async fn click(&self, selector: &str) {
        let element = self.find("css selector", selector).await;
        self.post(&format!("/element/{element}/click"), json!({}))
            .await;
    }

    /// Clicks on the link with this text.
    pub(crate) async fn follow(&self, text: &str) {
        let element = self.find("link text", text).await;
        self.post(&format!("/element/{element}/click"), json!({}))
            .await;
    }

    async fn find(&self, using: &str, value: &str) -> String {
        let found = self.post("/element", json!({"using": using, "value": value}));
        found.await[ELEMENT].as_str().unwrap().to_owned()
    }

    /// Types into the element of a CSS selector.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        let element = self.find("css selector", selector).await;
        self.post(&format!("/element/{element}/value"), json!({"text": text}))
            .await;
    }

    /// Presses keys in the focused element.
    pub(crate) async fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key.to_string()}))
            })
            .collect();
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": actions});
        self.post("/actions", json!({"actions": [keyboard]})).await;
    }

    /// Presses Tab until a link or button with this text has the focus.
    pub(crate) async fn tab_to(&self, text: &str) {
        for _ in 0..200 {
            self.press(TAB).await;
            let focused =
                "const e = document.activeElement; return (e.textContent || e.name || '').trim()";
            if self.run(focused).await == text {
                return;
            }
        }
        panic!("no element with the text `{text}` gets the focus");
    }

    /// Returns the text of the page.
    pub(crate) async fn text(&self) -> String {
        let text = self.run("return document.body.innerText").await;
        text.as_str().unwrap().to_owned()
    }

    pub(crate) async fn resize(&self, width: u32, height: u32) {
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
        )
        .await;
    }

    /// Sets the preferred color scheme: `light` or `dark`.
    pub(crate) async fn theme(&self, name: &str) {
        let feature = json!({"name": "prefers-color-scheme", "value": name});
        self.devtools("Emulation.setEmulatedMedia", json!({"features": [feature]}))
            .await;
    }

    async fn devtools(&self, command: &str, parameters: Value) {
        self.post(
            "/goog/cdp/execute",
            json!({"cmd": command, "params": parameters}),
        )
        .await;
    }

    /// Returns the messages of the console since the last call.
    pub(crate) async fn console(&self) -> Vec<Value> {
        let log = self.post("/se/log", json!({"type": "browser"})).await;
        log.as_array().unwrap().clone()
    }

    /// Stores a screenshot below `screenshots` in the folder of the build.
    pub(crate) async fn screenshot(&self, name: &str) {
        let image = self.call(Method::GET, "/screenshot", &Value::Null).await;
        let image = STANDARD.decode(image.as_str().unwrap()).unwrap();
        let folder = screenshots();
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.png")), image).unwrap();
    }
}

/// Returns the folder of the screenshots.
fn screenshots() -> PathBuf {
    let program = built("kubectl-ext").unwrap();
    let target = program.ancestors().nth(2).map(Path::to_owned);
    target.unwrap().join("screenshots")
}
