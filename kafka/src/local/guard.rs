//! TLS and a password in front of a local broker, by an authority made for it: for tests of getting in.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Cluster, local};
use crate::error::{Error, Result};

/// How clients talk to a guarded broker.
pub(super) const PROTOCOL: &str = "SASL_SSL";

/// See the module.
#[derive(Debug, Clone)]
pub struct Guard {
    /// The authority's certificate: what clients must know it by.
    pub authority: PathBuf,
    /// The broker's key and certificate.
    broker: PathBuf,
    /// Who is let in.
    pub user: String,
    /// By this.
    pub password: String,
}

impl Guard {
    /// Makes an authority and the broker's certificate in a folder.
    ///
    /// # Errors
    /// No openssl.
    pub fn make(folder: &Path, user: &str, password: &str) -> Result<Self> {
        let path = |name: &str| folder.join(name);
        let (authority, key) = (path("authority.pem"), path("authority.key"));
        openssl(&authority, &key, &["-subj", "/CN=an authority of a test"])?;
        let (certificate, own_key) = (path("broker.crt"), path("broker.key"));
        let (issuer, issuer_key) = (authority.display().to_string(), key.display().to_string());
        let names = "subjectAltName=IP:127.0.0.1,DNS:localhost";
        let signed = ["-CA", &issuer, "-CAkey", &issuer_key, "-addext", names];
        openssl(&certificate, &own_key, &[&["-subj", "/CN=localhost"], &signed[..]].concat())?;
        let read = |path: &Path| fs::read_to_string(path).map_err(local("a certificate"));
        let broker = path("broker.pem");
        let both = read(&own_key)? + &read(&certificate)?;
        fs::write(&broker, both).map_err(local("a certificate"))?;
        let (user, password) = (user.to_owned(), password.to_owned());
        Ok(Self { authority, broker, user, password })
    }

    /// What a client that is let in says.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("security.protocol", PROTOCOL.to_owned()),
            ("ssl.ca.location", self.authority.display().to_string()),
            ("sasl.mechanism", "SCRAM-SHA-512".to_owned()),
            ("sasl.username", self.user.clone()),
            ("sasl.password", self.password.clone()),
        ]
    }

    /// A file of options, for a client that says it with this password.
    ///
    /// # Errors
    /// The disk's.
    pub fn options(&self, folder: &Path, password: &str) -> Result<PathBuf> {
        let guard = Self { password: password.to_owned(), ..self.clone() };
        let lines = guard.settings().into_iter().map(|(name, value)| format!("{name}={value}\n"));
        let path = folder.join(format!("options-{password}"));
        fs::write(&path, lines.collect::<String>()).map_err(local("a file of options"))?;
        Ok(path)
    }

    /// Starts one broker behind it, with an empty log below `folder`.
    ///
    /// # Errors
    /// As `Cluster::start`.
    pub fn start(&self, jars: &Path, folder: &Path) -> Result<Cluster> {
        let mut cluster = Cluster::plan(jars, folder, 1)?;
        cluster.guard = Some(self.clone());
        cluster.format(0)?;
        cluster.begin(0)?;
        cluster.wait()?;
        Ok(cluster)
    }

    /// The broker's side of it.
    pub(super) fn properties(&self) -> Vec<(&'static str, String)> {
        let plain = "org.apache.kafka.common.security.plain.PlainLoginModule required";
        let scram = "org.apache.kafka.common.security.scram.ScramLoginModule required";
        let (user, password) = (&self.user, &self.password);
        let plain = format!(
            "{plain} username=\"{user}\" password=\"{password}\" user_{user}=\"{password}\";"
        );
        vec![
            (
                "listener.security.protocol.map",
                format!("{PROTOCOL}:{PROTOCOL},CONTROLLER:PLAINTEXT"),
            ),
            ("inter.broker.listener.name", PROTOCOL.to_owned()),
            ("sasl.mechanism.inter.broker.protocol", "PLAIN".to_owned()),
            ("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-512".to_owned()),
            ("listener.name.sasl_ssl.plain.sasl.jaas.config", plain),
            ("listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config", format!("{scram};")),
            ("ssl.keystore.type", "PEM".to_owned()),
            ("ssl.keystore.location", self.broker.display().to_string()),
            // It comes in by its own door.
            ("ssl.truststore.type", "PEM".to_owned()),
            ("ssl.truststore.location", self.authority.display().to_string()),
        ]
    }

    /// The user, as the log's maker takes it.
    pub(super) fn scram(&self) -> String {
        format!("SCRAM-SHA-512=[name={},password={}]", self.user, self.password)
    }
}

/// A certificate and its key, good for some days.
fn openssl(certificate: &Path, key: &Path, more: &[&str]) -> Result<()> {
    let mut tool = Command::new("openssl");
    tool.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "2", "-batch", "-out"])
        .arg(certificate)
        .arg("-keyout")
        .arg(key)
        .args(more);
    let done = tool.output().map_err(local("openssl"))?;
    match done.status.success() {
        true => Ok(()),
        false => Err(Error::NotReady {
            what: format!("has no certificate: {}", String::from_utf8_lossy(&done.stderr).trim()),
            log: certificate.to_owned(),
        }),
    }
}
