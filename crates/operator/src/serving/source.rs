//! Where the certificate on the socket comes from.

use std::path::PathBuf;

use axum_server::tls_rustls::RustlsConfig;
use k8s_openapi::jiff::Timestamp;

use crate::context::Context;
use crate::error::Error;
use crate::serving::certificate::Certificate;
use crate::serving::keeper::Keeper;

/// Where the certificate comes from.
pub(super) enum Source {
    /// Files that somebody else renews, and what was last read from them.
    Folder { folder: PathBuf, loaded: Pair },
    /// The operator's own authorities.
    Own(Box<Own>),
}

/// What the operator makes itself.
pub(super) struct Own {
    keeper: Keeper,
    host: String,
    bundle: String,
    current: Option<Certificate>,
}

/// Certificate and key in PEM.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

impl Source {
    pub(super) fn new(context: &Context, host: String, folder: Option<PathBuf>) -> Self {
        match folder {
            Some(folder) => Self::Folder {
                folder,
                loaded: Pair::default(),
            },
            None => Self::Own(Box::new(Own {
                keeper: Keeper::new(context.client.clone(), &context.settings.namespace),
                host,
                bundle: String::new(),
                current: None,
            })),
        }
    }

    pub(super) async fn first(&mut self) -> Result<RustlsConfig, Error> {
        let (certificate, key) = self.renewed().await?.unwrap_or_default();
        RustlsConfig::from_pem(certificate, key)
            .await
            .map_err(|error| Error::internal("load the serving certificate", &error))
    }

    /// The certificate, where it is another than the last time.
    pub(super) async fn renewed(&mut self) -> Result<Option<Pair>, Error> {
        match self {
            Self::Folder { folder, loaded } => {
                let read = |name: &str| {
                    let path = folder.join(name);
                    std::fs::read(&path).map_err(|error| {
                        Error::internal(format!("read {}", path.display()), &error)
                    })
                };
                let found = (read("tls.crt")?, read("tls.key")?);
                if found == *loaded {
                    return Ok(None);
                }
                loaded.clone_from(&found);
                Ok(Some(found))
            }
            Self::Own(own) => own.renewed().await,
        }
    }

    /// What the API server has to trust, where the operator says so.
    pub(super) fn bundle(&self) -> Option<&str> {
        match self {
            Self::Folder { .. } => None,
            Self::Own(own) => Some(&own.bundle),
        }
    }
}

impl Own {
    async fn renewed(&mut self) -> Result<Option<Pair>, Error> {
        let now = Timestamp::now().as_second();
        let authorities = self.keeper.follow(now).await?;
        self.bundle = authorities.bundle();
        let Some(authority) = authorities.signing(now) else {
            return Ok(None);
        };
        let known = self.current.as_ref();
        if known.is_some_and(|known| known.is_current(authority, now)) {
            return Ok(None);
        }
        let new = Certificate::issue(authority, &self.host, now)
            .map_err(|error| Error::internal("make a serving certificate", &error))?;
        let pair = (
            new.pem.clone().into_bytes(),
            new.key.pem().as_bytes().to_vec(),
        );
        self.current = Some(new);
        Ok(Some(pair))
    }
}
