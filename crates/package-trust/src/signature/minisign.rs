//! Minisign signatures: Ed25519 over a `BLAKE2b` digest.

mod text;

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use extension_registry_core::diagnostic::Explain;
use extension_registry_core::sensitive::Sensitive;
use minisign::{KeyPair, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};

use self::text::Lines;
use super::{Fault, Format, INDEX_API_VERSION, KeyError, Signature, SignedPayload, Statement};

/// Size of a public key: algorithm, key id, point.
const PUBLIC: usize = 2 + 8 + 32;

/// Size of the checksum at the end of a secret key.
const CHECKSUM: usize = 32;

/// Size of a secret key: three algorithms, salt, two limits, key id, key, checksum.
const SECRET: usize = 3 * 2 + 32 + 2 * 8 + 8 + 64 + CHECKSUM;

/// A public key. Keys are equal if they verify the same signatures; the id is an arbitrary label.
#[derive(Clone)]
pub struct PublicKey {
    key: ::minisign::PublicKey,
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for PublicKey {}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "minisign {}", self.id())
    }
}

impl PublicKey {
    /// Parses the text of a `.pub` file, or its second line.
    ///
    /// # Errors
    /// Returns an error if it is invalid.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        let text = text.trim_start_matches('\u{feff}').trim();
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let encoded = match lines.as_slice() {
            [line] => *line,
            [comment, line] if comment.starts_with(text::UNTRUSTED) => *line,
            _ => return Err(KeyError::NoKey),
        };
        let bytes = STANDARD.decode(encoded).map_err(|_| KeyError::NoKey)?;
        if bytes.len() != PUBLIC {
            return Err(KeyError::Minisign("expected 42 bytes"));
        }
        if !bytes.starts_with(b"Ed") {
            return Err(KeyError::Minisign("unsupported algorithm"));
        }
        let key = ::minisign::PublicKey::from_bytes(&bytes)
            .map_err(|_| KeyError::Minisign("invalid point"))?;
        Ok(Self { key })
    }

    /// Returns the key id as the tool prints it: 16 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        text::id(self.key.keynum())
    }
}

/// A new key pair.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Text of the secret key file.
    pub secret: Sensitive,
    /// Text of the `.pub` file.
    pub public: String,
}

/// Why signing or generating a key failed. Contains no part of the key or the password.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
pub enum SignError {
    /// The secret key is invalid.
    #[error("invalid secret key")]
    NoKey,
    /// It is encrypted, and no password was given.
    #[error("the secret key is encrypted")]
    PasswordNeeded,
    /// The password is wrong.
    #[error("failed to decrypt the secret key: wrong password")]
    WrongPassword,
    /// The library failed: no random numbers, no memory.
    #[error("failed to {what}: {why}")]
    Failed {
        /// The operation: `sign`, `generate a key`.
        what: &'static str,
        /// The cause.
        why: String,
    },
}

impl Explain for SignError {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NoKey => "use the complete file that `minisign -G` wrote",
            Self::PasswordNeeded => "provide its password",
            Self::WrongPassword | Self::Failed { .. } => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

/// Generates a key, encrypted if a password is given.
///
/// # Errors
/// Returns an error if no random numbers are available.
pub fn generate(password: Option<&Sensitive>) -> Result<NewKey, SignError> {
    let failed = |error: ::minisign::PError| SignError::Failed {
        what: "generate a key",
        why: error.to_string(),
    };
    let (pair, comment) = match password {
        Some(password) => (
            KeyPair::generate_encrypted_keypair(Some(password.reveal().to_owned())),
            "encrypted secret key of a publisher",
        ),
        None => (
            KeyPair::generate_unencrypted_keypair(),
            "secret key of a publisher",
        ),
    };
    let pair = pair.map_err(failed)?;
    let secret = pair.sk.to_box(Some(comment)).map_err(failed)?;
    Ok(NewKey {
        secret: Sensitive::new(secret.into_string()),
        public: pair.pk.to_box().map_err(failed)?.into_string(),
    })
}

/// Derives the text of a `.pub` file from a secret key.
///
/// # Errors
/// Returns an error if the secret key cannot be decrypted.
pub fn public(secret: &Sensitive, password: Option<&Sensitive>) -> Result<String, SignError> {
    let key = open(secret, password)?;
    let public = ::minisign::PublicKey::from_secret_key(&key).map_err(|_| SignError::NoKey)?;
    let text: Result<PublicKeyBox, _> = public.to_box();
    Ok(text.map_err(|_| SignError::NoKey)?.into_string())
}

/// Signs a statement about a package. The trusted comment repeats the statement, so that `minisign -V` shows
/// it.
///
/// # Errors
/// Returns an error if the secret key cannot be decrypted.
pub fn sign(
    statement: &Statement,
    secret: &Sensitive,
    password: Option<&Sensitive>,
) -> Result<Signature, SignError> {
    let payload = statement.to_json();
    let comment = String::from_utf8_lossy(&payload).into_owned();
    sign_bytes(payload, &comment, secret, password)
}

/// Signs an index as JSON.
///
/// # Errors
/// Returns an error if the secret key cannot be decrypted, or the bytes are not an index.
pub fn sign_index(
    bytes: &[u8],
    secret: &Sensitive,
    password: Option<&Sensitive>,
) -> Result<Signature, SignError> {
    let Ok(SignedPayload::Index(digest)) = SignedPayload::of(bytes) else {
        return Err(SignError::Failed {
            what: "sign",
            why: "the content is not an index".to_owned(),
        });
    };
    let comment = format!("{INDEX_API_VERSION} sha256 {digest}");
    sign_bytes(bytes.to_vec(), &comment, secret, password)
}

/// Signs a self-describing payload, with a one-line comment.
fn sign_bytes(
    payload: Vec<u8>,
    comment: &str,
    secret: &Sensitive,
    password: Option<&Sensitive>,
) -> Result<Signature, SignError> {
    let key = open(secret, password)?;
    let untrusted = format!("signature of key {}", text::id(key.keynum()));
    let signed = ::minisign::PublicKey::from_secret_key(&key).and_then(|public| {
        ::minisign::sign(
            Some(&public),
            &key,
            Cursor::new(&payload),
            Some(comment),
            Some(&untrusted),
        )
    });
    let signed = signed.map_err(|error| SignError::Failed {
        what: "sign",
        why: error.to_string(),
    })?;
    Ok(Signature {
        format: Format::Minisign,
        payload,
        signature: signed.into_string().into_bytes(),
    })
}

/// Decrypts a secret key. The library would prompt on the terminal, so it never gets an encrypted key without a
/// password.
fn open(secret: &Sensitive, password: Option<&Sensitive>) -> Result<SecretKey, SignError> {
    let encoded = secret.reveal().lines().nth(1).unwrap_or_default();
    let bytes = STANDARD
        .decode(encoded.trim())
        .map_err(|_| SignError::NoKey)?;
    let is_plain = match bytes.get(..4) {
        Some(b"Ed\0\0") => true,
        Some(b"EdSc") => false,
        _ => return Err(SignError::NoKey),
    };
    let has_checksum = bytes.iter().rev().take(CHECKSUM).any(|byte| *byte != 0);
    if is_plain && bytes.len() == SECRET && !has_checksum {
        // `minisign -W` writes no checksum, but the library requires one.
        return SecretKey::from_bytes(&bytes).map_err(|_| SignError::NoKey);
    }
    let sealed = SecretKeyBox::from(secret.reveal().to_owned());
    if is_plain {
        return sealed
            .into_unencrypted_secret_key()
            .map_err(|_| SignError::NoKey);
    }
    let password = password.ok_or(SignError::PasswordNeeded)?;
    sealed
        .into_secret_key(Some(password.reveal().to_owned()))
        .map_err(|_| SignError::WrongPassword)
}

/// Returns the key id that a signature names.
pub(super) fn signer(signature: &[u8]) -> Option<String> {
    let lines = Lines::read(signature).ok()?;
    Some(text::id(&lines.key))
}

/// Verifies a signature and returns its payload.
pub(super) fn verify(
    payload: &[u8],
    signature: &[u8],
    key: &PublicKey,
) -> Result<SignedPayload, Fault> {
    let lines = Lines::read(signature)?;
    if lines.key != key.key.keynum() {
        return Err(Fault::OtherKey);
    }
    // The library panics on some input that `Lines` rejects.
    let signed = SignatureBox::from_string(lines.text)
        .map_err(|_| Fault::Unreadable("not a minisign signature"))?;
    ::minisign::verify(&key.key, &signed, Cursor::new(payload), true, false, false)
        .map_err(|_| Fault::Forged)?;
    // A different statement in the comment would mislead users of the tool.
    match Statement::read(lines.comment.as_bytes()) {
        Ok(comment) if Statement::read(payload).as_ref() != Ok(&comment) => Err(Fault::Foreign(
            "the trusted comment differs from the signed statement",
        )),
        _ => SignedPayload::of(payload),
    }
}
