//! Checksum files: MD5, SHA-1 and SHA-256 of a file, each in a file beside it (seed 001, section 6.B; the layout of
//! Maven repositories).
//!
//! They tell of mistakes, not of attacks: whoever can change a file can change its checksums. Nothing takes them for
//! trust; that is what signatures are for.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use extension_registry_core::hex::hex;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::digest::Digest;

/// The longest checksum file that is read.
pub(crate) const LONGEST: u64 = 4096;

/// A way to make a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Md5,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 3] = [Self::Md5, Self::Sha1, Self::Sha256];

    /// How the name of its files ends, without the dot.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
        }
    }

    fn digits(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha1 => 40,
            Self::Sha256 => 64,
        }
    }

    /// The name of the checksum file of a file.
    pub(crate) fn file(self, file: &str) -> String {
        format!("{file}.{}", self.ending())
    }
}

/// The checksums that a file really has.
#[derive(Clone, Debug)]
pub(crate) struct Actual {
    md5: String,
    sha1: String,
    sha256: String,
}

impl Actual {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self {
            md5: hex(&Md5::digest(bytes)),
            sha1: hex(&Sha1::digest(bytes)),
            sha256: Digest::of(bytes).to_string(),
        }
    }

    /// Of a file of this machine.
    pub(crate) fn of_file(path: &Path) -> io::Result<Self> {
        let (mut md5, mut sha1, mut sha256) = (Md5::new(), Sha1::new(), Sha256::new());
        let mut file = File::open(path)?;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            md5.update(&buffer[..count]);
            sha1.update(&buffer[..count]);
            sha256.update(&buffer[..count]);
        }
        Ok(Self {
            md5: hex(&md5.finalize()),
            sha1: hex(&sha1.finalize()),
            sha256: Digest::finish(sha256).to_string(),
        })
    }

    /// Of something whose digest is known, where nothing else is said of it.
    pub(crate) fn of_digest(digest: Digest) -> Self {
        Self {
            md5: String::new(),
            sha1: String::new(),
            sha256: digest.to_string(),
        }
    }

    pub(crate) fn get(&self, algorithm: Algorithm) -> &str {
        match algorithm {
            Algorithm::Md5 => &self.md5,
            Algorithm::Sha1 => &self.sha1,
            Algorithm::Sha256 => &self.sha256,
        }
    }

    /// The checksum files of a file, with what goes into them: digits alone, as Maven writes them.
    pub(crate) fn files(&self, file: &str) -> [(String, Vec<u8>); 3] {
        Algorithm::ALL.map(|algorithm| {
            let digits = self.get(algorithm).as_bytes().to_vec();
            (algorithm.file(file), digits)
        })
    }
}

/// The checksums that stand beside a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    values: [Option<String>; 3],
}

impl Said {
    /// Takes the text of a checksum file; why not, where it holds none.
    ///
    /// Only the first word counts: old files go on with the name of the file, as `sha1sum` writes it.
    pub(crate) fn take(&mut self, algorithm: Algorithm, text: &[u8]) -> Result<(), String> {
        let text = String::from_utf8_lossy(text);
        let word = text.split_whitespace().next().unwrap_or_default();
        let is_one =
            word.len() == algorithm.digits() && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_one {
            let begin: String = word.chars().take(80).collect();
            let (digits, name) = (algorithm.digits(), algorithm.name());
            return Err(format!(
                "it begins with `{begin}`, a {name} checksum has {digits} hexadecimal digits"
            ));
        }
        self.values[algorithm as usize] = Some(word.to_ascii_lowercase());
        Ok(())
    }

    /// Whether there is none at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }

    /// Whether the SHA-256 digest is all that is said.
    pub(crate) fn is_digest_alone(&self) -> bool {
        matches!(self.values, [None, None, Some(_)])
    }

    /// The SHA-256 digest, where it is said. The others name no content: two can have the same.
    pub(crate) fn digest(&self) -> Option<Digest> {
        let text = self.values[Algorithm::Sha256 as usize].as_ref()?;
        text.parse().ok()
    }

    /// What is wrong, where a checksum says something else than the file: which checksum file, and both values.
    pub(crate) fn contradiction(&self, file: &str, actual: &Actual) -> Option<String> {
        Algorithm::ALL.into_iter().find_map(|algorithm| {
            let said = self.values[algorithm as usize].as_deref()?;
            let found = actual.get(algorithm);
            (said != found).then(|| {
                let (beside, name) = (algorithm.file(file), algorithm.name());
                format!("{beside} says {said}, its {name} checksum is {found}")
            })
        })
    }
}

/// What is said of a file that has no checksums.
pub(crate) fn none_of(file: &str) -> String {
    format!("it has no checksum: neither {file}.md5 nor .sha1 nor .sha256 is there")
}

#[cfg(test)]
mod tests {
    use super::{Actual, Algorithm, Said};

    #[test]
    fn the_first_word_of_a_checksum_file_counts() {
        let actual = Actual::of(b"abc");
        let mut said = Said::default();
        let text = b"A9993E364706816ABA3E25717850C26C9CD0D89D  abc.txt\n";
        said.take(Algorithm::Sha1, text).unwrap();
        assert_eq!(said.contradiction("abc.txt", &actual), None);
        assert_eq!(said.digest(), None, "SHA-1 names no content");
        said.take(Algorithm::Md5, &[b'0'; 32]).unwrap();
        let told = said.contradiction("abc.txt", &actual).unwrap();
        assert!(told.starts_with("abc.txt.md5 says 000"), "{told}");
        assert!(told.ends_with("900150983cd24fb0d6963f7d28e17f72"), "{told}");
    }

    #[test]
    fn a_page_of_the_web_is_no_checksum() {
        let told = Said::default()
            .take(Algorithm::Sha1, b"<html> no")
            .unwrap_err();
        assert!(told.contains("`<html>`"), "{told}");
    }
}
