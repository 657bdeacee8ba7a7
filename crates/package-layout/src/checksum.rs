//! Checksum files: MD5, SHA-1 and SHA-256 of a file, each in a file beside it, as in Maven repositories.
//!
//! They detect accidental damage, not attacks: an attacker who can change a file can change its checksums. They
//! are never used for trust; signatures are.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use extension_registry_package_format::digest::Digest;

/// Maximum size of a checksum file.
pub const LONGEST: u64 = 4096;

extension_registry_core::listed! {
    /// A checksum algorithm.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Algorithm {
        /// MD5: detects damage only.
        Md5,
        /// SHA-1: detects damage only.
        Sha1,
        /// SHA-256.
        Sha256,
    }
}

impl Algorithm {
    /// Returns the file extension, without the dot.
    #[must_use]
    pub fn ending(self) -> &'static str {
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

    /// Returns the name of the checksum file of a file.
    #[must_use]
    pub fn file(self, file: &str) -> String {
        format!("{file}.{}", self.ending())
    }
}

/// The computed checksums of a file.
#[derive(Clone, Debug)]
pub struct Actual {
    md5: String,
    sha1: String,
    sha256: String,
}

impl Actual {
    /// Computes the checksums of bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            md5: hex::encode(Md5::digest(bytes)),
            sha1: hex::encode(Sha1::digest(bytes)),
            sha256: Digest::of(bytes).to_string(),
        }
    }

    /// Computes the checksums of a local file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub fn of_file(path: &Path) -> io::Result<Self> {
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
            md5: hex::encode(md5.finalize()),
            sha1: hex::encode(sha1.finalize()),
            sha256: Digest::finish(sha256).to_string(),
        })
    }

    /// Wraps a known digest, if no other checksum is needed.
    #[must_use]
    pub fn of_digest(digest: Digest) -> Self {
        Self {
            md5: String::new(),
            sha1: String::new(),
            sha256: digest.to_string(),
        }
    }

    /// Returns a checksum as hexadecimal digits.
    #[must_use]
    pub fn get(&self, algorithm: Algorithm) -> &str {
        match algorithm {
            Algorithm::Md5 => &self.md5,
            Algorithm::Sha1 => &self.sha1,
            Algorithm::Sha256 => &self.sha256,
        }
    }

    /// Returns the checksum files of a file with their contents: digits only, as Maven writes them.
    #[must_use]
    pub fn files(&self, file: &str) -> [(String, Vec<u8>); 3] {
        Algorithm::ALL.map(|algorithm| {
            let digits = self.get(algorithm).as_bytes().to_vec();
            (algorithm.file(file), digits)
        })
    }
}

/// The checksums in the files beside a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChecksumFiles {
    values: [Option<String>; 3],
}

impl ChecksumFiles {
    /// Parses the text of a checksum file, in any of these forms:
    ///
    /// ```text
    /// HEX                     Maven
    /// HEX  FILE, HEX *FILE    sha256sum, shasum
    /// SHA256 (FILE) = HEX     sha256sum --tag, BSD
    /// SHA256(FILE)= HEX       openssl dgst; SHA2-256(FILE)= HEX since OpenSSL 3
    /// FILE: HE XH EX          gpg --print-md, in groups of digits and several lines
    /// ```
    ///
    /// # Errors
    /// Returns what was expected and what was found if the text has none of these forms.
    pub fn take(&mut self, algorithm: Algorithm, text: &[u8]) -> Result<(), String> {
        let text = String::from_utf8_lossy(text);
        let text = text.trim_start_matches('\u{feff}');
        let is_one = |word: &str| {
            word.len() == algorithm.digits() && word.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        let first = text.split_whitespace().next().unwrap_or_default();
        let value = if is_one(first) {
            Some(first.to_owned())
        } else {
            let joined = |(_, value): (&str, &str)| value.split_whitespace().collect::<String>();
            let after = text.rsplit_once("= ").or_else(|| text.rsplit_once('='));
            let after = after.or_else(|| text.rsplit_once(':')).map(joined);
            after.filter(|value| is_one(value))
        };
        let Some(value) = value else {
            let begin: String = first.chars().take(80).collect();
            let (digits, name) = (algorithm.digits(), algorithm.name());
            return Err(format!(
                "expected a {name} checksum of {digits} hexadecimal digits, got `{begin}`"
            ));
        };
        self.values[algorithm as usize] = Some(value.to_ascii_lowercase());
        Ok(())
    }

    /// Returns whether there are no checksums.
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }

    /// Returns whether SHA-256 is the only checksum.
    #[must_use]
    pub fn is_digest_alone(&self) -> bool {
        matches!(self.values, [None, None, Some(_)])
    }

    /// Returns the SHA-256 digest. The other checksums do not identify content: they have collisions.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        let text = self.values[Algorithm::Sha256 as usize].as_ref()?;
        text.parse().ok()
    }

    /// Describes the first mismatch: the checksum file and both values.
    #[must_use]
    pub fn contradiction(&self, file: &str, actual: &Actual) -> Option<String> {
        Algorithm::ALL.into_iter().find_map(|algorithm| {
            let checksums = self.values[algorithm as usize].as_deref()?;
            let found = actual.get(algorithm);
            (checksums != found).then(|| {
                let (beside, name) = (algorithm.file(file), algorithm.name());
                format!("{name} checksum mismatch: expected {checksums} ({beside}), got {found}")
            })
        })
    }
}

/// Describes a file without checksums.
#[must_use]
pub fn none_of(file: &str) -> String {
    format!("no checksum found: {file}.md5, .sha1 or .sha256 is required")
}

#[cfg(test)]
mod tests {
    use super::{Actual, Algorithm, ChecksumFiles};

    #[test]
    fn reads_first_word_of_checksum_file() {
        let actual = Actual::of(b"abc");
        let mut checksums = ChecksumFiles::default();
        let text = b"A9993E364706816ABA3E25717850C26C9CD0D89D  abc.txt\n";
        checksums.take(Algorithm::Sha1, text).unwrap();
        assert_eq!(checksums.contradiction("abc.txt", &actual), None);
        assert_eq!(checksums.digest(), None, "SHA-1 does not identify content");
        checksums.take(Algorithm::Md5, &[b'0'; 32]).unwrap();
        let error = checksums.contradiction("abc.txt", &actual).unwrap();
        assert!(error.contains("expected 000"), "{error}");
        assert!(
            error.ends_with("900150983cd24fb0d6963f7d28e17f72"),
            "{error}"
        );
    }

    #[test]
    fn reads_forms_of_other_tools() {
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let groups =
            "BA7816BF 8F01CFEA 414140DE 5DAE2223\n      B00361A3 96177A9C B410FF61 F20015AD";
        for text in [
            format!("{hex} *abc.txt\n"),
            format!("\u{feff}{hex}\r\n"),
            format!("SHA256 (abc=1.txt) = {hex}\n"),
            format!("SHA256(abc.txt)= {hex}\n"),
            format!("SHA2-256(abc.txt)= {}\n", hex.to_uppercase()),
            format!("SHA256(abc.txt)={hex}"),
            format!("sha256:{hex}"),
            format!("abc.txt: {groups}\n"),
        ] {
            let mut checksums = ChecksumFiles::default();
            checksums.take(Algorithm::Sha256, text.as_bytes()).unwrap();
            let actual = Actual::of(b"abc");
            assert_eq!(checksums.contradiction("abc", &actual), None, "{text}");
        }
        // Another algorithm, or several files.
        for text in [
            format!("SHA1(abc.txt)= {hex}"),
            format!("SHA256(a)= {hex}\nSHA256(b)= {}\n", &hex[1..]),
            String::new(),
        ] {
            let taken = ChecksumFiles::default().take(Algorithm::Sha1, text.as_bytes());
            assert!(taken.is_err(), "{text}");
        }
    }

    #[test]
    fn rejects_html_page_as_checksum() {
        let error = ChecksumFiles::default()
            .take(Algorithm::Sha1, b"<html> no")
            .unwrap_err();
        assert!(error.contains("`<html>`"), "{error}");
    }
}
