//! Tokens of a YAML document.
//!
//! The rules are those of the scanner of go-yaml 2, which `kubectl` uses, including those that contradict the
//! specification of YAML. It is a translation of libyaml; see `LICENSE-libyaml`.

mod block;
mod cursor;
mod directive;
mod property;
mod quoted;
mod scanner;
mod token;
mod unquoted;

pub(crate) use scanner::Scanner;
pub(crate) use token::{Kind, Token};
