//! What a stand-in asks of its callers: TLS with a certificate of this run's own authority, and a login.

use crate::catalog::Service;
use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::net::IpAddr;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// By default open to everybody, without TLS.
#[derive(Clone, Default)]
pub(crate) struct Door {
    pub tls: Option<TlsAcceptor>,
    /// The header `Authorization` that every request must have.
    pub login: Option<String>,
}

/// Signs the certificates of stand-ins; every run has another one.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate, which whoever scrapes the stand-ins must trust.
    pub pem: String,
}

impl Authority {
    pub(crate) fn new() -> Result<Authority> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "stand-ins of monstack");
        let pem = params.self_signed(&key)?.pem();
        Ok(Authority {
            issuer: Issuer::new(params, key),
            pem,
        })
    }

    /// TLS under every name by which the service is scraped, and under those of this machine.
    pub(crate) fn tls(&self, service: &Service, address: IpAddr) -> Result<TlsAcceptor> {
        let mut names = vec![
            "localhost".to_string(),
            service.name.clone(),
            service.host.clone(),
            address.to_string(),
        ];
        let hosts = service
            .instances
            .iter()
            .map(|one| one.host().trim_matches(['[', ']']).to_string());
        names.extend(hosts);
        let tls = service.tls.as_ref();
        names.extend(tls.and_then(|tls| tls.server_name.clone()));
        names.retain(|name| !name.is_empty());
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(names)?.signed_by(&key, &self.issuer)?;
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .context("the stand-in's own certificate")?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
