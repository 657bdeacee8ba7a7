//! Certificates and keys of kubeconfig files, decoded as Go does.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use extension_registry_core::diagnostic::Failure;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::kubeconfig::Data;

/// A PEM block.
struct Block {
    label: String,
    headers: bool,
    content: Vec<u8>,
}

/// Decodes base64. As in Go, line breaks are ignored.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text
        .bytes()
        .filter(|byte| !matches!(byte, b'\r' | b'\n'))
        .collect();
    STANDARD.decode(text).ok()
}

/// Reads data from its field or its file.
pub(crate) fn load(data: &Data) -> Result<Vec<u8>, Failure> {
    if !data.inline.is_empty() {
        return decode_base64(data.inline.reveal()).ok_or_else(|| {
            Failure::new(format!("field `{}` is not valid base64", data.field))
                .hint("write the value as `base64 -w0 FILE` prints it")
        });
    }
    let Some(path) = &data.file else {
        return Ok(Vec::new());
    };
    fs::read(path).map_err(|error| {
        let field = data.field.trim_end_matches("-data");
        Failure::new(format!(
            "failed to read {} of field `{field}`: {error}",
            path.display()
        ))
    })
}

/// Returns the PEM blocks of a text. Other text and incomplete blocks are ignored, as in Go.
fn blocks(bytes: &[u8]) -> Vec<Block> {
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    let mut open: Option<(String, bool, String)> = None;
    for line in text.lines().map(str::trim) {
        let marker = |start: &str| {
            let label = line.strip_prefix(start)?.strip_suffix("-----")?;
            Some(label.to_owned())
        };
        if let Some(label) = marker("-----BEGIN ") {
            open = Some((label, false, String::new()));
        } else if let Some(label) = marker("-----END ") {
            let Some((begun, headers, body)) = open.take() else {
                continue;
            };
            if let Some(content) = decode_base64(&body).filter(|_| begun == label) {
                found.push(Block {
                    label,
                    headers,
                    content,
                });
            }
        } else if let Some((_, headers, body)) = &mut open {
            if line.contains(':') {
                *headers = true;
            } else {
                body.push_str(line);
            }
        }
    }
    found
}

/// Returns the certificates of a PEM text.
pub(crate) fn certificates(bytes: &[u8]) -> Vec<CertificateDer<'static>> {
    let blocks = blocks(bytes).into_iter();
    let certificates = blocks.filter(|block| block.label == "CERTIFICATE");
    certificates
        .map(|block| CertificateDer::from(block.content))
        .collect()
}

/// Returns the first private key of a PEM text. `field` is named in errors.
pub(crate) fn private_key(bytes: &[u8], field: &str) -> Result<PrivateKeyDer<'static>, Failure> {
    for block in blocks(bytes) {
        let is_encrypted = block.headers || block.label == "ENCRYPTED PRIVATE KEY";
        if is_encrypted && block.label.ends_with("PRIVATE KEY") {
            return Err(
                Failure::new(format!("the private key of field `{field}` is encrypted"))
                    .hint("decrypt it with `openssl pkey -in KEY -out NEW-KEY`, and use NEW-KEY"),
            );
        }
        match &*block.label {
            "PRIVATE KEY" => return Ok(PrivateKeyDer::Pkcs8(block.content.into())),
            "RSA PRIVATE KEY" => return Ok(PrivateKeyDer::Pkcs1(block.content.into())),
            "EC PRIVATE KEY" => return Ok(PrivateKeyDer::Sec1(block.content.into())),
            _ => {}
        }
    }
    Err(
        Failure::new(format!("field `{field}` contains no private key"))
            .hint("a key in PEM form starts with `-----BEGIN PRIVATE KEY-----`"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_ignores_line_breaks_only() {
        assert_eq!(decode_base64("aGVs\r\nbG8=\n"), Some(b"hello".to_vec()));
        assert_eq!(decode_base64("aGVs bG8="), None);
        assert_eq!(decode_base64("aGVsbG8"), None);
    }

    #[test]
    fn pem_ignores_text_between_blocks() {
        let text = "subject=a\r\n-----BEGIN CERTIFICATE-----\r\naGVs\r\nbG8=\r\n-----END CERTIFICATE-----\r\n\
                    -----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n\
                    -----BEGIN KEY-----\naGk=\n-----END KEY-----\n-----BEGIN CERTIFICATE-----\n";
        assert_eq!(
            certificates(text.as_bytes()),
            [CertificateDer::from(b"hello".to_vec())]
        );
    }
}
