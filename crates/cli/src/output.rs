//! Everything that is printed: tables, JSON and YAML, messages and prompts.

mod fit;
mod format;
mod message;
mod progress;
mod prompt;
mod safe;
mod secret;
mod terminal;

pub(crate) use fit::{columns, fitting};
pub(crate) use format::{Answer, answer, count, json, objects, table, yaml};
pub(crate) use message::{hint, note, warn};
pub(crate) use progress::{Spinner, print_status};
pub(crate) use prompt::{confirm, prompt};
pub(crate) use safe::{displayable, line, write_error, write_line};
pub(crate) use secret::{prompt_secret, prompt_secret_with_hint};
pub(crate) use terminal::{Colour, Terminal};
