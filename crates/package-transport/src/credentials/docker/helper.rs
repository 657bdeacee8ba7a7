//! Credential helpers: `docker-credential-NAME`.
//!
//! The protocol is docker's: the verb is the argument, standard input is the server or a JSON object, standard
//! output is a JSON object.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use extension_registry_core::sensitive::Sensitive;
use serde::Deserialize;
use serde_json::json;

use super::key;
use crate::credentials::{Credentials, CredentialsError};
use crate::environment::Environment;

/// Timeout of a helper: some ask the user to unlock a store.
const LIMIT: Duration = Duration::from_secs(30);
/// Maximum size of its output.
const LONGEST: usize = 64 << 10;
/// Interval of checks for its exit, after it closed its output.
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// Output of every helper without an entry for the server.
const NOTHING: &str = "credentials not found in native keychain";
/// The username that marks the secret as a token.
const TOKEN: &str = "<token>";

/// A helper, called for one server.
#[derive(Debug)]
pub(super) struct Helper<'e> {
    program: String,
    path: PathBuf,
    place: String,
    server: String,
    environment: &'e Environment,
    limit: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reply {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// Exit status and output of a helper.
struct ExitResult {
    is_fine: bool,
    code: Option<i32>,
    output: Vec<u8>,
}

impl<'e> Helper<'e> {
    /// Finds a helper on the PATH of the environment. `place` is the file that names it.
    pub(super) fn new(
        name: &str,
        place: &str,
        server: &str,
        environment: &'e Environment,
    ) -> Result<Self, CredentialsError> {
        let program = format!("docker-credential-{name}");
        let failed = |why: &str, hint: &str| CredentialsError::Helper {
            program: program.clone(),
            place: place.to_owned(),
            server: server.to_owned(),
            why: why.to_owned(),
            hint: hint.to_owned(),
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !name.bytes().all(fits) {
            return Err(failed("invalid program name", ""));
        }
        let path = on_path(&program, environment).ok_or_else(|| {
            failed(
                "not found on PATH",
                "install it, or remove it from the file",
            )
        })?;
        Ok(Self {
            path,
            place: place.to_owned(),
            server: key::written(server).to_owned(),
            environment,
            limit: LIMIT,
            program,
        })
    }

    pub(super) fn program(&self) -> &str {
        &self.program
    }

    /// Gets the credentials of the server.
    pub(super) fn get(&self) -> Result<Option<Credentials>, CredentialsError> {
        let exit = self.run("get", &self.server)?;
        if !exit.is_fine {
            if exit.output.trim_ascii() == NOTHING.as_bytes() {
                return Ok(None);
            }
            return Err(self.refused(&exit));
        }
        let reply: Reply = serde_json::from_slice(&exit.output)
            .map_err(|_| self.failed("invalid JSON output".to_owned()))?;
        let secret = Sensitive::new(reply.secret);
        Ok(match reply.username.as_str() {
            _ if secret.is_empty() => None,
            TOKEN => Some(Credentials::Identity(secret)),
            _ => Some(Credentials::Basic {
                user: reply.username,
                password: secret,
            }),
        })
    }

    /// Stores credentials.
    pub(super) fn store(&self, user: &str, password: &Sensitive) -> Result<(), CredentialsError> {
        let given = json!({
            "ServerURL": self.server,
            "Username": user,
            "Secret": password.reveal(),
        });
        let exit = self.run("store", &given.to_string())?;
        if exit.is_fine {
            Ok(())
        } else {
            Err(self.refused(&exit))
        }
    }

    /// Erases the credentials of the server. Returns whether there were any.
    pub(super) fn erase(&self) -> Result<bool, CredentialsError> {
        let exit = self.run("erase", &self.server)?;
        match exit.is_fine {
            true => Ok(true),
            false if exit.output.trim_ascii() == NOTHING.as_bytes() => Ok(false),
            false => Err(self.refused(&exit)),
        }
    }

    fn failed(&self, why: String) -> CredentialsError {
        self.failed_with_hint(why, String::new())
    }

    fn failed_with_hint(&self, why: String, hint: String) -> CredentialsError {
        CredentialsError::Helper {
            program: self.program.clone(),
            place: self.place.clone(),
            server: self.server.clone(),
            why,
            hint,
        }
    }

    fn refused(&self, exit: &ExitResult) -> CredentialsError {
        let how = match exit.code {
            Some(code) => format!("exit status {code}"),
            None => "killed by a signal".to_owned(),
        };
        let hint = format!(
            "run `echo {} | {} get` to see why",
            self.server, self.program
        );
        self.failed_with_hint(how, hint)
    }

    /// Runs the helper with a timeout. It gets the given environment, not that of the process.
    fn run(&self, verb: &str, input: &str) -> Result<ExitResult, CredentialsError> {
        let until = Instant::now() + self.limit;
        let mut child = Command::new(&self.path)
            .arg(verb)
            .env_clear()
            .envs(self.environment.iter())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| self.failed(format!("failed to start: {error}")))?;
        // A helper that does not read its input, or closes its output late, must not block us.
        if let Some(mut stdin) = child.stdin.take() {
            let input = input.to_owned();
            thread::spawn(move || stdin.write_all(input.as_bytes()));
        }
        let (sender, receiver) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || {
                let mut output = Vec::new();
                let outcome = stdout
                    .take(LONGEST as u64 + 1)
                    .read_to_end(&mut output)
                    .map(|_| output);
                // The receiver is gone after a timeout.
                let _ = sender.send(outcome);
            });
        }
        let Ok(outcome) = receiver.recv_timeout(self.limit) else {
            return Err(self.too_slow(child));
        };
        let output =
            outcome.map_err(|error| self.failed(format!("failed to read its output: {error}")))?;
        if output.len() > LONGEST {
            end(child);
            return Err(self.failed("its output is larger than 64 KiB".to_owned()));
        }
        loop {
            match child.try_wait() {
                Ok(Some(status)) => {
                    return Ok(ExitResult {
                        is_fine: status.success(),
                        code: status.code(),
                        output,
                    });
                }
                Ok(None) if Instant::now() < until => thread::sleep(POLL_INTERVAL),
                Ok(None) => return Err(self.too_slow(child)),
                Err(error) => {
                    return Err(self.failed(format!("failed to wait for it to exit: {error}")));
                }
            }
        }
    }

    fn too_slow(&self, child: Child) -> CredentialsError {
        end(child);
        self.failed(format!("timed out after {:?}", self.limit))
    }
}

/// Kills a helper, if it still runs.
fn end(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Finds a program on the PATH. Relative folders are skipped: the working folder is untrusted.
fn on_path(program: &str, environment: &Environment) -> Option<PathBuf> {
    let path = environment.get("PATH")?;
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn kills_helper_after_timeout() {
        let folder = tempfile::tempdir().unwrap();
        // A link to a system program avoids executing a file that was just written.
        let sleep = ["/bin/sleep", "/usr/bin/sleep"];
        let sleep = sleep
            .into_iter()
            .find(|path| std::path::Path::new(path).exists());
        let program = folder.path().join("docker-credential-slow");
        std::os::unix::fs::symlink(sleep.unwrap(), &program).unwrap();
        let environment = Environment::from_iter([("PATH", folder.path())]);
        let mut helper = Helper::new("slow", "config.json", "example.com", &environment).unwrap();
        helper.limit = Duration::from_millis(50);
        let Err(error) = helper.run("600", "") else {
            panic!("it ended");
        };
        let text = error.to_string();
        assert!(text.contains("timed out after"), "{text}");
    }
}
