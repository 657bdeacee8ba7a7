//! Asks for a secret.
//!
//! The terminal stops to show what is typed before the question is there, so that not even the first letter
//! of somebody quick is seen. Signals wait meanwhile: a terminal that stays silent after an interrupt is no
//! help to anybody.

use std::io::{self, IsTerminal, Read, Write};

use anyhow::{Context, bail, ensure};
use extension_registry_core::sensitive::Sensitive;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::{NOTHING, again};

const INTERRUPT: u8 = 0x03;
const END: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const CLEAR: u8 = 0x15;
const DELETE: u8 = 0x7f;

/// Asks a person for a secret, which the terminal does not show, and again where nothing is typed.
pub(crate) fn ask_secret(question: &str) -> anyhow::Result<Sensitive> {
    ask_secret_or(
        question,
        "file:PATH, env:NAME or secret:NAME/KEY say where it is",
    )
}

/// The same, with the way out for where nobody is there.
pub(crate) fn ask_secret_or(question: &str, hint: &str) -> anyhow::Result<Sensitive> {
    ensure!(
        io::stdin().is_terminal(),
        "nobody is there to be asked for the {question}; hint: {hint}"
    );
    let _silence = Silence::start().context("the terminal cannot hide what is typed")?;
    let mut err = io::stderr().lock();
    loop {
        write!(err, "{question}: ")?;
        err.flush()?;
        let typed = line();
        writeln!(err)?;
        let secret = typed?.with_context(|| format!("nothing was said for {question}"))?;
        if !secret.is_empty() {
            return Ok(secret);
        }
        again(&mut err, NOTHING)?;
    }
}

/// What is typed until the end of the line; None where nothing more will be.
fn line() -> anyhow::Result<Option<Sensitive>> {
    let mut typed = Vec::new();
    let mut is_line = false;
    for byte in io::stdin().lock().bytes() {
        match byte? {
            END => break,
            b'\n' | b'\r' => {
                is_line = true;
                break;
            }
            INTERRUPT => bail!("interrupted"),
            CLEAR => typed.clear(),
            BACKSPACE | DELETE => {
                // A character may have several bytes.
                while typed.pop().is_some_and(|byte: u8| byte & 0xc0 == 0x80) {}
            }
            byte => typed.push(byte),
        }
    }
    let text = String::from_utf8(typed)
        .ok()
        .context("it is no text (UTF-8)")?;
    Ok((is_line || !text.is_empty()).then(|| Sensitive::new(text)))
}

/// While it lives, the terminal shows nothing and hands on each key at once.
struct Silence(Termios);

impl Silence {
    fn start() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        let modes = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        silent.local_modes.remove(modes);
        tcsetattr(io::stdin(), OptionalActions::Now, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
