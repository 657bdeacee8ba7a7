//! Evaluates packages and indexes against a policy.

use jiff::Timestamp;

use super::{Evidence, INDEX_NAME, Key, Manifest, Mode, Part, Policy, Reason, Rule, Verdict};
use crate::signature::{Fault, IndexFile, Signature, SignedPayload, Statement};
use extension_registry_package_format::digest::Digest;

/// What must be signed.
#[derive(Clone, Copy)]
enum Subject<'s> {
    Package {
        statement: &'s Statement,
        manifest: Option<Manifest>,
    },
    Index(Digest),
}

impl Subject<'_> {
    /// Name that rules match.
    fn name(&self) -> &str {
        match self {
            Self::Package { statement, .. } => &statement.name,
            Self::Index(_) => INDEX_NAME,
        }
    }

    /// Description for display.
    fn shown(&self) -> String {
        match self {
            Self::Package { statement, .. } => statement.subject(),
            Self::Index(_) => "the index".to_owned(),
        }
    }
}

impl Policy {
    /// Evaluates a package.
    #[must_use]
    pub fn judge(&self, evidence: &Evidence<'_>) -> Verdict {
        let subject = Subject::Package {
            statement: evidence.statement,
            manifest: evidence.manifest,
        };
        self.verdict(
            subject,
            evidence.repository,
            evidence.signatures,
            evidence.now,
        )
    }

    /// Evaluates an index: it must be signed like a package named [`INDEX_NAME`], so that a key for some
    /// packages cannot sign the list of all.
    #[must_use]
    pub fn judge_index(&self, repository: &str, file: &IndexFile, now: Timestamp) -> Verdict {
        let subject = Subject::Index(Digest::of(&file.bytes));
        self.verdict(subject, repository, &file.signatures, now)
    }

    fn verdict(
        &self,
        subject: Subject<'_>,
        repository: &str,
        signatures: &[Signature],
        now: Timestamp,
    ) -> Verdict {
        let rule = self.rules.iter().position(|rule| {
            let is_of =
                |globs: &[super::Glob], name: &str| globs.iter().any(|glob| glob.matches(name));
            is_of(&rule.repositories, repository) && is_of(&rule.names, subject.name())
        });
        let mut reasons = Vec::new();
        let shown = || (subject.shown(), repository.to_owned());
        if rule.is_none() {
            let (subject, repository) = shown();
            reasons.push(Reason::NoRule {
                subject,
                repository,
            });
        }
        if signatures.is_empty() {
            let (subject, repository) = shown();
            reasons.push(Reason::Unsigned {
                subject,
                repository,
            });
        }
        // Several signatures by one key count once.
        let mut signed = vec![false; rule.map_or(0, |rule| self.rules[rule].keys.len())];
        for signature in signatures {
            match self.made(signature, rule) {
                Ok((index, key, payload)) => {
                    let mut found = self.state(key, now);
                    found.extend(faults(key, payload, subject));
                    signed[index] |= found.is_empty();
                    add(&mut reasons, found);
                }
                Err(reason) => add(&mut reasons, [reason]),
            }
        }
        if let Some(rule) = rule {
            let rule = &self.rules[rule];
            let by = distinct(rule, &signed);
            let need = rule.threshold.max(1);
            if by.len() >= need {
                // Additional signatures by unknown keys are harmless.
                reasons.retain(|reason| !matches!(reason, Reason::UnknownKey { .. }));
                return Verdict::Trusted {
                    by,
                    warnings: reasons,
                };
            }
            if need > 1 {
                let have = by.len();
                reasons.push(Reason::BelowThreshold { have, need, by });
            }
        }
        match self.mode {
            Mode::Enforce => Verdict::Refused { reasons },
            Mode::Warn => Verdict::Tolerated { reasons },
        }
    }

    /// Returns why a key is invalid now.
    fn state(&self, key: &Key, now: Timestamp) -> Vec<Reason> {
        let name = || key.name.clone();
        let mut faults = Vec::new();
        // A compromised key is compromised in all rules that name it.
        let all = self.rules.iter().flat_map(|rule| &rule.keys);
        let mut same = all.filter(|other| other.public == key.public);
        if let Some(why) = same.find_map(|other| other.revoked.as_ref()) {
            let why = why.clone();
            faults.push(Reason::Revoked { key: name(), why });
        }
        if let Some(from) = key.not_before.filter(|from| now < *from) {
            faults.push(Reason::NotYetValid { key: name(), from });
        }
        if let Some(at) = key.not_after.filter(|at| now >= *at) {
            faults.push(Reason::Expired { key: name(), at });
        }
        faults
    }

    /// Finds the key of a rule that made a signature, and returns the signed payload.
    fn made(
        &self,
        signature: &Signature,
        rule: Option<usize>,
    ) -> Result<(usize, &Key, SignedPayload), Reason> {
        let mut bad = None;
        let here = rule.map(|rule| &self.rules[rule].keys);
        for (index, key) in here.into_iter().flatten().enumerate() {
            match key.public.verify(signature) {
                Ok(payload) => return Ok((index, key, payload)),
                Err(Fault::OtherKey) => {}
                Err(fault) => bad = Some(refused(key, fault)),
            }
        }
        if let Some(reason) = bad {
            return Err(reason);
        }
        for (index, other) in self.rules.iter().enumerate() {
            for key in &other.keys {
                match key.public.verify(signature) {
                    Err(Fault::OtherKey) => {}
                    Err(fault @ (Fault::Forged | Fault::Unreadable(_))) => {
                        return Err(refused(key, fault));
                    }
                    // The key is not trusted for this package, whatever the payload.
                    Ok(_) | Err(Fault::Foreign(_)) => {
                        return Err(Reason::WrongKey {
                            key: key.name.clone(),
                            rule: format!("trust.rule[{index}]"),
                        });
                    }
                }
            }
        }
        Err(Reason::UnknownKey {
            key: signature.signer(),
        })
    }
}

fn refused(key: &Key, fault: Fault) -> Reason {
    // The key id of an unreadable signature cannot be believed.
    let is_named = matches!(fault, Fault::Forged | Fault::Foreign(_));
    Reason::BadSignature {
        key: is_named.then(|| key.name.clone()),
        fault,
    }
}

/// Adds each reason once: anyone can add a thousand signatures.
fn add(reasons: &mut Vec<Reason>, more: impl IntoIterator<Item = Reason>) {
    for reason in more {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
}

/// Names of keys that signed. A key listed under two names counts once.
fn distinct(rule: &Rule, signed: &[bool]) -> Vec<String> {
    let mut keys: Vec<&Key> = Vec::new();
    for (key, _) in rule.keys.iter().zip(signed).filter(|(_, signed)| **signed) {
        if keys.iter().all(|other| other.public != key.public) {
            keys.push(key);
        }
    }
    keys.into_iter().map(|key| key.name.clone()).collect()
}

/// Compares what a key signed with the subject; returns the mismatches.
fn faults(key: &Key, payload: SignedPayload, subject: Subject<'_>) -> Vec<Reason> {
    let mut faults = Vec::new();
    match (payload, subject) {
        (SignedPayload::Package(signed), Subject::Package { statement, .. }) => {
            faults.extend(differences(key, &signed, statement));
        }
        (
            SignedPayload::Manifest(signed),
            Subject::Package {
                statement,
                manifest,
            },
        ) => faults.extend(of_manifest(key, &signed, statement, manifest)),
        (SignedPayload::Index(signed), Subject::Index(found)) => {
            if signed != found {
                faults.push(tampered(key, Part::Index, Some(signed), Some(found)));
            }
        }
        (payload, subject) => faults.push(Reason::OtherPackage {
            key: key.name.clone(),
            signed: match payload {
                SignedPayload::Package(signed) => signed.subject(),
                SignedPayload::Manifest(_) => "an OCI manifest".to_owned(),
                SignedPayload::Index(_) => "an index".to_owned(),
            },
            found: subject.shown(),
        }),
    }
    faults
}

/// Compares a signed statement with the actual one.
fn differences(key: &Key, signed: &Statement, found: &Statement) -> Vec<Reason> {
    let identity = |statement: &Statement| {
        (
            statement.kind.clone(),
            statement.name.clone(),
            statement.version.clone(),
            statement.packaging.clone(),
        )
    };
    if identity(signed) != identity(found) {
        return vec![Reason::OtherPackage {
            key: key.name.clone(),
            signed: signed.subject(),
            found: found.subject(),
        }];
    }
    [
        (Part::Content, Some(signed.content), Some(found.content)),
        (
            Part::Configuration,
            signed.configuration,
            found.configuration,
        ),
        (Part::Document, signed.document, found.document),
    ]
    .into_iter()
    .filter(|(_, signed, found)| signed != found)
    .map(|(part, signed, found)| tampered(key, part, signed, found))
    .collect()
}

fn of_manifest(
    key: &Key,
    signed: &[Digest],
    statement: &Statement,
    manifest: Option<Manifest>,
) -> Vec<Reason> {
    match manifest {
        Some(manifest) if !signed.contains(&manifest.digest) => vec![tampered(
            key,
            Part::Manifest,
            signed.first().copied(),
            Some(manifest.digest),
        )],
        Some(manifest) if manifest.names_package => Vec::new(),
        _ => vec![Reason::Unbound {
            key: key.name.clone(),
            found: statement.subject(),
        }],
    }
}

fn tampered(key: &Key, part: Part, signed: Option<Digest>, found: Option<Digest>) -> Reason {
    Reason::Tampered {
        key: key.name.clone(),
        part,
        signed,
        found,
    }
}
