//! Where certificates are, as every process below cargo is told: cargo's TLS
//! library sets `SSL_CERT_FILE` and `SSL_CERT_DIR` in cargo's own environment
//! before it does anything else, so that rustc and build scripts inherit them.
//!
//! A variable that names something that is there stays. Not on Apple's
//! systems, where cargo uses the system's own TLS.

use crate::host::Host;
use std::ffi::OsString;
use std::path::Path;

/// Where distributions have their certificates, in the order of cargo 1.95.
const PLACES: &[&str] = &[
    "/var/ssl",
    "/usr/share/ssl",
    "/usr/local/ssl",
    "/usr/local/openssl",
    "/usr/local/etc/openssl",
    "/usr/local/share",
    "/usr/lib/ssl",
    "/usr/ssl",
    "/etc/openssl",
    "/etc/pki/ca-trust/extracted/pem",
    "/etc/pki/tls",
    "/etc/ssl",
    "/etc/certs",
    "/opt/etc/ssl",
];

/// Names of a file with all of them.
const FILES: &[&str] = &[
    "cert.pem",
    "certs.pem",
    "ca-bundle.pem",
    "cacert.pem",
    "ca-certificates.crt",
    "certs/ca-certificates.crt",
    "certs/ca-root-nss.crt",
    "certs/ca-bundle.crt",
    "CARootCertificates.pem",
    "tls-ca-bundle.pem",
];

/// The variables that cargo would add to the environment of `host`.
pub(crate) fn variables(host: &Host) -> Vec<(String, OsString)> {
    if cfg!(target_vendor = "apple") { Vec::new() } else { probe(host, PLACES) }
}

fn probe(host: &Host, places: &[&str]) -> Vec<(String, OsString)> {
    let missing = |name: &str| match host.var_os(name) {
        Some(path) => path.is_empty() || !host.cwd.join(path).exists(),
        None => true,
    };
    let find = |files: &[&str]| {
        let paths = places.iter().flat_map(|p| files.iter().map(|f| Path::new(p).join(f)));
        paths.into_iter().find(|path| path.exists())
    };
    [("SSL_CERT_FILE", FILES), ("SSL_CERT_DIR", &["certs"][..])]
        .into_iter()
        .filter(|(name, _)| missing(name))
        .filter_map(|(name, files)| Some((name.to_owned(), find(files)?.into_os_string())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn what_is_missing_is_found_in_the_first_place_that_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let place = |name: &str| dir.path().join(name).display().to_string();
        fs_err::create_dir_all(place("a/certs")).unwrap();
        fs_err::create_dir_all(place("b/certs")).unwrap();
        fs_err::write(place("b/certs/ca-certificates.crt"), "").unwrap();
        let (a, b) = (place("a"), place("b"));
        let probed = |env: &[(&str, &str)]| {
            let host = Host {
                env: env.iter().map(|(n, v)| (n.into(), v.into())).collect::<BTreeMap<_, _>>(),
                cwd: dir.path().to_owned(),
                exe: "larder".into(),
                larder_dir: dir.path().to_owned(),
                layers: None,
            };
            let found = probe(&host, &[&place("absent"), &a, &b]);
            found.into_iter().map(|(n, v)| format!("{n}={}", v.display())).collect::<Vec<_>>()
        };
        let file = format!("SSL_CERT_FILE={b}/certs/ca-certificates.crt");
        let directory = format!("SSL_CERT_DIR={a}/certs");
        assert_eq!(probed(&[]), [file.as_str(), directory.as_str()]);
        assert_eq!(probed(&[("SSL_CERT_FILE", ""), ("SSL_CERT_DIR", &b)]), [file]);
        assert_eq!(probed(&[("SSL_CERT_FILE", "b"), ("SSL_CERT_DIR", "gone")]), [directory]);
        assert_eq!(probed(&[("SSL_CERT_FILE", "b"), ("SSL_CERT_DIR", "a")]).len(), 0);
    }
}
