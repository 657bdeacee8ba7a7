//! Messages on standard error.

use std::io;

use extension_registry_core::diagnostic::Note;

use super::progress::print_status;
use super::safe::write_error;

/// Prints a note on standard error, with its hints below.
///
/// # Errors
/// If standard error cannot be written.
pub fn note(note: &Note) -> io::Result<()> {
    print_status(&format!("note: {}", note.message))?;
    let mut hints = note.hints.iter();
    hints.try_for_each(|hint| print_status(&format!("  hint: {hint}")))
}

/// Prints a warning on standard error, with its hints below.
///
/// # Errors
/// If standard error cannot be written.
pub fn warn(warning: &Note) -> io::Result<()> {
    let mut text = Vec::new();
    crate::write_line!(&mut text, "warning: {}", warning.message)?;
    warning
        .hints
        .iter()
        .try_for_each(|one| hint(&mut text, one))?;
    write_error(&String::from_utf8_lossy(&text))
}

/// Writes a hint on its own line.
///
/// # Errors
/// If standard error cannot be written.
pub fn hint(out: &mut Vec<u8>, hint: &str) -> io::Result<()> {
    if !hint.is_empty() {
        crate::write_line!(out, "  hint: {hint}")?;
    }
    Ok(())
}
