//! Prompts for a secret.
//!
//! Echo is disabled before the prompt is printed, so that input typed early is not visible. Signal keys are read as
//! input, so that an interrupt restores the terminal.

use std::io::{self, IsTerminal, Read};

use anyhow::{Context, bail};
use extension_registry_core::diagnostic::Failure;
use extension_registry_core::sensitive::Sensitive;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::prompt::{ask, empty, print_mistake};
use super::safe::write_error;

const INTERRUPT: u8 = 0x03;
const END: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const CLEAR: u8 = 0x15;
const DELETE: u8 = 0x7f;

/// Prompts for a secret without echo, until it is not empty.
///
/// # Errors
/// If standard input is not a terminal, ends or cannot be read, or echo cannot be disabled.
pub fn prompt_secret(question: &str) -> anyhow::Result<Sensitive> {
    prompt_secret_with_hint(
        question,
        "pass the value as file:PATH, env:NAME or secret:NAME/KEY",
    )
}

/// Prompts for a secret, with a hint for the case that standard input is not a terminal.
///
/// # Errors
/// If standard input is not a terminal, ends or cannot be read, or echo cannot be disabled.
pub fn prompt_secret_with_hint(question: &str, hint: &str) -> anyhow::Result<Sensitive> {
    if !io::stdin().is_terminal() {
        let message = format!("cannot prompt for {question}: stdin is not a terminal");
        bail!(Failure::new(message).hint(hint));
    }
    let _guard = EchoGuard::start().context("failed to disable terminal echo")?;
    loop {
        ask(question)?;
        let typed = line();
        write_error("\n")?;
        let secret = typed?.with_context(|| format!("no value for {question}: end of input"))?;
        if !secret.is_empty() {
            return Ok(secret);
        }
        print_mistake(&empty())?;
    }
}

/// Reads a line; None at the end of input.
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
                // Delete all bytes of the character.
                while typed.pop().is_some_and(|byte: u8| byte & 0xc0 == 0x80) {}
            }
            byte => typed.push(byte),
        }
    }
    let text = String::from_utf8(typed)
        .ok()
        .context("the input is not valid UTF-8")?;
    Ok((is_line || !text.is_empty()).then(|| Sensitive::new(text)))
}

/// Disables echo and line editing of the terminal until it is dropped.
struct EchoGuard(Termios);

impl EchoGuard {
    fn start() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        let modes = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        silent.local_modes.remove(modes);
        tcsetattr(io::stdin(), OptionalActions::Now, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for EchoGuard {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
