//! Programs that keep credentials: `docker-credential-NAME`.
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
use crate::config::Environment;
use crate::credentials::{Credentials, CredentialsError};

/// How long a program may take: some ask a person to unlock a store.
const LIMIT: Duration = Duration::from_secs(30);
/// What it prints is no longer than this.
const LONGEST: usize = 64 << 10;
/// How often it is looked whether it ended, once it printed all.
const LOOK: Duration = Duration::from_millis(5);
/// What every helper prints where it has nothing for a server.
const NOTHING: &str = "credentials not found in native keychain";
/// The name that says that the secret is a token.
const TOKEN: &str = "<token>";

/// A program, asked about one server.
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

/// How a program ended.
struct Ended {
    is_fine: bool,
    code: Option<i32>,
    output: Vec<u8>,
}

impl<'e> Helper<'e> {
    /// Finds a program on the PATH of the environment. `place` is the file that names it.
    pub(super) fn new(
        name: &str,
        place: &str,
        server: &str,
        environment: &'e Environment,
    ) -> Result<Self, CredentialsError> {
        let program = format!("docker-credential-{name}");
        let failed = |why: &str| CredentialsError::Helper {
            program: program.clone(),
            place: place.to_owned(),
            server: server.to_owned(),
            why: why.to_owned(),
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !name.bytes().all(fits) {
            return Err(failed("that is no name of a program"));
        }
        let path = on_path(&program, environment).ok_or_else(|| {
            failed("it is not on PATH; hint: install it, or take it out of the file")
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

    /// What it has for the server.
    pub(super) fn get(&self) -> Result<Option<Credentials>, CredentialsError> {
        let ended = self.run("get", &self.server)?;
        if !ended.is_fine {
            if ended.output.trim_ascii() == NOTHING.as_bytes() {
                return Ok(None);
            }
            return Err(self.refused(&ended));
        }
        let reply: Reply = serde_json::from_slice(&ended.output)
            .map_err(|_| self.failed("it did not answer with JSON".to_owned()))?;
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

    /// Gives it credentials to keep.
    pub(super) fn store(&self, user: &str, password: &Sensitive) -> Result<(), CredentialsError> {
        let given = json!({
            "ServerURL": self.server,
            "Username": user,
            "Secret": password.reveal(),
        });
        let ended = self.run("store", &given.to_string())?;
        if ended.is_fine {
            Ok(())
        } else {
            Err(self.refused(&ended))
        }
    }

    /// Has it forget those of the server. Whether it had some.
    pub(super) fn erase(&self) -> Result<bool, CredentialsError> {
        let ended = self.run("erase", &self.server)?;
        match ended.is_fine {
            true => Ok(true),
            false if ended.output.trim_ascii() == NOTHING.as_bytes() => Ok(false),
            false => Err(self.refused(&ended)),
        }
    }

    fn failed(&self, why: String) -> CredentialsError {
        CredentialsError::Helper {
            program: self.program.clone(),
            place: self.place.clone(),
            server: self.server.clone(),
            why,
        }
    }

    fn refused(&self, ended: &Ended) -> CredentialsError {
        let how = match ended.code {
            Some(code) => format!("it ended with {code}"),
            None => "a signal ended it".to_owned(),
        };
        let hint = format!(
            "run `echo {} | {} get` to see why",
            self.server, self.program
        );
        self.failed(format!("{how}; hint: {hint}"))
    }

    /// Starts it, and waits for it no longer than the limit. The helper gets the environment that was given,
    /// not that of the process.
    fn run(&self, verb: &str, input: &str) -> Result<Ended, CredentialsError> {
        let until = Instant::now() + self.limit;
        let mut child = Command::new(&self.path)
            .arg(verb)
            .env_clear()
            .envs(self.environment.iter())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| self.failed(format!("it cannot be started: {error}")))?;
        // A program that reads nothing must not stop us, nor one that closes its output late.
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
                // Nobody listens any more where it took too long.
                let _ = sender.send(outcome);
            });
        }
        let Ok(outcome) = receiver.recv_timeout(self.limit) else {
            return Err(self.too_slow(child));
        };
        let output = outcome.map_err(|error| self.failed(format!("it cannot be read: {error}")))?;
        if output.len() > LONGEST {
            end(child);
            return Err(self.failed("it printed more than 64 KiB".to_owned()));
        }
        loop {
            match child.try_wait() {
                Ok(Some(status)) => {
                    return Ok(Ended {
                        is_fine: status.success(),
                        code: status.code(),
                        output,
                    });
                }
                Ok(None) if Instant::now() < until => thread::sleep(LOOK),
                Ok(None) => return Err(self.too_slow(child)),
                Err(error) => return Err(self.failed(format!("it cannot be waited for: {error}"))),
            }
        }
    }

    fn too_slow(&self, child: Child) -> CredentialsError {
        end(child);
        self.failed(format!("it did not end within {:?}", self.limit))
    }
}

/// Ends a program. One that ended already is fine too.
fn end(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// A program on the PATH. Relative folders there are left out: the working folder may be anybody's.
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
    fn r81_a_helper_that_does_not_end_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        // A link to a program of the system: nothing is written that is then started.
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
        assert!(text.contains("did not end within"), "{text}");
    }
}
