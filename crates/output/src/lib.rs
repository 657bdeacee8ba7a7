//! Everything that a program prints: tables, JSON and YAML, messages, progress and prompts.
//!
//! Text of files and servers is escaped on its way to the terminal: escape sequences, bidirectional controls and line
//! breaks in one-line fields cannot forge output. [`write_line!`] and [`write_error`] are the only ways out, and a text
//! that was collected passes through [`displayable`] before it is written.

mod fit;
mod format;
mod message;
mod progress;
mod prompt;
mod safe;
mod secret;
mod terminal;

pub use fit::{columns, fitting};
pub use format::{Answer, Format, ObjectFormat, answer, count, json, objects, table, yaml};
pub use message::{hint, note, warn};
pub use progress::{Spinner, print_status};
pub use prompt::{confirm, prompt};
pub use safe::{displayable, line, write_error};
pub use secret::{prompt_secret, prompt_secret_with_hint};
pub use terminal::{Colour, Terminal};
