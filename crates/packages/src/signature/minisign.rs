//! Signatures of minisign: Ed25519 over a `BLAKE2b` digest, in the form of the tool of that name.

mod text;

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use extension_registry_core::sensitive::Sensitive;
use minisign::{KeyPair, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};

use self::text::Lines;
use super::{Claim, Fault, Format, KeyError, Signature, Statement};

/// Bytes of a public key: algorithm, key id, point.
const PUBLIC: usize = 2 + 8 + 32;

/// Bytes of a checksum, the end of a secret key.
const CHECKSUM: usize = 32;

/// Bytes of a secret key: three algorithms, salt, two limits, key id, key, checksum.
const SECRET: usize = 3 * 2 + 32 + 2 * 8 + 8 + 64 + CHECKSUM;

/// A public key. Two are equal if they verify the same signatures; the id is a label that anybody can choose.
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
    /// Reads the text of a `.pub` file, or its second line alone.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
        let encoded = match lines.as_slice() {
            [line] => *line,
            [comment, line] if comment.starts_with(text::UNTRUSTED) => *line,
            _ => return Err(KeyError::NoKey),
        };
        let bytes = STANDARD.decode(encoded).map_err(|_| KeyError::NoKey)?;
        if bytes.len() != PUBLIC {
            return Err(KeyError::Minisign("it does not have 42 bytes"));
        }
        if !bytes.starts_with(b"Ed") {
            return Err(KeyError::Minisign("it is of another algorithm"));
        }
        let key = ::minisign::PublicKey::from_bytes(&bytes)
            .map_err(|_| KeyError::Minisign("it cannot be read"))?;
        Ok(Self { key })
    }

    /// What the key is known by, as the tool prints it: 16 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        text::id(self.key.keynum())
    }
}

/// A key that was made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Text for a file that nobody else reads.
    pub secret: Sensitive,
    /// Text of a `.pub` file.
    pub public: String,
}

/// Why nothing was signed, or no key made. No message holds a part of the key or the password.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
pub enum SignError {
    /// The secret key is none.
    #[error(
        "the secret key cannot be read; hint: it is the whole text of the file that `minisign -G` wrote"
    )]
    NoKey,
    /// It is encrypted, and there is no password.
    #[error("the secret key is encrypted; hint: give its password")]
    PasswordNeeded,
    /// The password is another one.
    #[error("the secret key cannot be opened with this password")]
    WrongPassword,
    /// The library failed: no random numbers, no memory.
    #[error("failed to {what}: {why}")]
    Failed {
        /// `sign`, `make a key`.
        what: &'static str,
        /// Why.
        why: String,
    },
}

/// Makes a key. With a password it is encrypted, as the tool does it.
///
/// # Errors
/// When there are no random numbers.
pub fn generate(password: Option<&Sensitive>) -> Result<NewKey, SignError> {
    let failed = |error: ::minisign::PError| SignError::Failed {
        what: "make a key",
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

/// The public key of a secret one, as text of a `.pub` file.
///
/// # Errors
/// When the secret key cannot be opened.
pub fn public(secret: &Sensitive, password: Option<&Sensitive>) -> Result<String, SignError> {
    let key = open(secret, password)?;
    let public = ::minisign::PublicKey::from_secret_key(&key).map_err(|_| SignError::NoKey)?;
    let text: Result<PublicKeyBox, _> = public.to_box();
    Ok(text.map_err(|_| SignError::NoKey)?.into_string())
}

/// Signs a statement about a package. The trusted comment is the statement again, so that the tool shows it
/// to whoever verifies by hand.
///
/// # Errors
/// When the secret key cannot be opened.
pub fn sign(
    statement: &Statement,
    secret: &Sensitive,
    password: Option<&Sensitive>,
) -> Result<Signature, SignError> {
    let payload = statement.to_json();
    let comment = String::from_utf8_lossy(&payload).into_owned();
    sign_bytes(payload, &comment, secret, password)
}

/// Signs bytes that say of themselves what they are, with a comment of one line.
pub(crate) fn sign_bytes(
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

/// Opens a secret key. The library would ask a terminal for a password that is not there, so it never gets
/// an encrypted key without one.
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
        // `minisign -W` writes no checksum, and the library wants one.
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

/// Id of the key that a signature names.
pub(super) fn signer(signature: &[u8]) -> Option<String> {
    let lines = Lines::read(signature).ok()?;
    Some(text::id(&lines.key))
}

/// What a signature over this payload claims, if this key made it.
pub(super) fn verify(payload: &[u8], signature: &[u8], key: &PublicKey) -> Result<Claim, Fault> {
    let lines = Lines::read(signature)?;
    if lines.key != key.key.keynum() {
        return Err(Fault::OtherKey);
    }
    // The library panics on some texts that `Lines` refuses.
    let signed = SignatureBox::from_string(lines.text)
        .map_err(|_| Fault::Unreadable("it is no signature of minisign"))?;
    ::minisign::verify(&key.key, &signed, Cursor::new(payload), true, false, false)
        .map_err(|_| Fault::Forged)?;
    // A statement in the comment that is another one would mislead whoever reads it with the tool.
    match Statement::read(lines.comment.as_bytes()) {
        Ok(said) if Statement::read(payload).as_ref() != Ok(&said) => Err(Fault::Foreign(
            "its trusted comment states something else than what is signed",
        )),
        _ => Claim::of(payload),
    }
}
