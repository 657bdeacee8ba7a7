//! Formats of repositories that store files: names, checksum files, and the metadata of Maven.
//!
//! Everything here is pure, except [`checksum::Actual::of_file`]. What the files of a version mean is decided in the
//! repositories.

pub mod checksum;
mod files;
pub mod metadata;
pub mod pom;
mod range;
pub mod xml;

pub use files::{
    CONFIGURATION, CONTENTS, DOCUMENT, Files, INDEX, INDEX_LONGEST, SIGNATURE, SIGNATURES, ending,
    is_compressed, is_content, is_file_of, is_word, signature, signature_numbers,
};
