//! What the one who builds asked for: BuildKit's options of a frontend.
//!
//! They come as variables `BUILDKIT_FRONTEND_OPT_<n>`, each `key=value`, with
//! the session beside them. What is not read here has no effect.

use crate::failure::Failure;
use crate::llb::Network;
use bollard_buildkit_proto::pb;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A cache that the builder may import.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CacheImport {
    /// `local`, `registry` and so on.
    #[serde(rename = "Type")]
    pub(crate) kind: String,
    /// Where it is.
    #[serde(default, rename = "Attrs")]
    pub(crate) attributes: BTreeMap<String, String>,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Options {
    /// The client's session.
    pub(crate) session: String,
    /// Name of the manifest: `docker build -f`.
    pub(crate) filename: String,
    /// The image that this frontend is in.
    pub(crate) source: Option<String>,
    /// `--target`.
    pub(crate) target: Option<String>,
    /// `--build-arg`.
    pub(crate) build_args: BTreeMap<String, String>,
    /// `--build-context`: what the client calls each one.
    pub(crate) contexts: BTreeMap<String, String>,
    /// `--label`.
    pub(crate) labels: BTreeMap<String, String>,
    /// `--platform`.
    pub(crate) platforms: Vec<String>,
    /// `--no-cache`.
    pub(crate) no_cache: bool,
    /// `--pull`, in the builder's words.
    pub(crate) resolve_mode: String,
    /// The build context where it is no directory of the client.
    pub(crate) remote: Option<String>,
    /// The client's name of the directory to build in.
    pub(crate) context_name: String,
    /// The client's name of the directory that the manifest is in.
    pub(crate) manifest_name: String,
    /// `--network`.
    pub(crate) network: Network,
    /// `--cache-from`.
    pub(crate) cache_imports: Vec<CacheImport>,
    /// Something else than a build is asked for: `--call`.
    pub(crate) request: Option<String>,
}

impl Options {
    /// From the variables of the process.
    pub(crate) fn new(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Failure> {
        let mut session = String::new();
        let mut options = BTreeMap::new();
        for (name, value) in variables {
            if name == "BUILDKIT_SESSION_ID" {
                session = value;
            } else if name.starts_with("BUILDKIT_FRONTEND_OPT_")
                && let Some((key, value)) = value.split_once('=')
            {
                options.insert(key.to_owned(), value.to_owned());
            }
        }
        Self::from_map(session, options)
    }

    fn from_map(session: String, options: BTreeMap<String, String>) -> Result<Self, Failure> {
        let get = |key: &str| options.get(key).filter(|value| !value.is_empty()).cloned();
        let below = |prefix: &str| -> BTreeMap<String, String> {
            let named = options.iter().filter_map(|(key, value)| {
                Some((key.strip_prefix(prefix)?.to_owned(), value.clone()))
            });
            named.collect()
        };
        let cache_imports = match get("cache-imports") {
            None => Vec::new(),
            Some(json) => serde_json::from_str(&json)
                .map_err(|error| Failure::text(format!("`--cache-from`: {error}")))?,
        };
        let network = match get("force-network-mode").as_deref() {
            None | Some("default" | "sandbox") => Network::Sandbox,
            Some("host") => Network::Host,
            Some("none") => Network::None,
            Some(other) => {
                return Err(Failure::text(format!(
                    "`--network {other}`: larder knows default, host and none"
                )));
            }
        };
        let platforms = get("platform").unwrap_or_default();
        Ok(Self {
            session,
            filename: get("filename").unwrap_or_else(|| "Cargo.toml".into()),
            source: get("source"),
            target: get("target"),
            build_args: below("build-arg:"),
            contexts: below("context:"),
            labels: below("label:"),
            platforms: platforms
                .split(',')
                .map(|platform| platform.trim().to_owned())
                .filter(|platform| !platform.is_empty())
                .collect(),
            no_cache: options.contains_key("no-cache"),
            resolve_mode: get("image-resolve-mode").unwrap_or_else(|| "default".into()),
            remote: get("context"),
            context_name: get("contextkey").unwrap_or_else(|| "context".into()),
            manifest_name: get("dockerfilekey").unwrap_or_else(|| "dockerfile".into()),
            network,
            cache_imports,
            request: get("requestid"),
        })
    }

    /// The proxies of the one who builds: Docker's own build arguments.
    pub(crate) fn proxies(&self) -> Option<pb::ProxyEnv> {
        let get = |name: &str| {
            let upper = self.build_args.get(&name.to_uppercase());
            upper.or_else(|| self.build_args.get(name)).cloned().unwrap_or_default()
        };
        let proxies = pb::ProxyEnv {
            http_proxy: get("http_proxy"),
            https_proxy: get("https_proxy"),
            ftp_proxy: get("ftp_proxy"),
            no_proxy: get("no_proxy"),
            all_proxy: get("all_proxy"),
        };
        (proxies != pb::ProxyEnv::default()).then_some(proxies)
    }

    /// The time that files of the image have, in seconds.
    pub(crate) fn epoch(&self) -> Result<i64, Failure> {
        match self.build_args.get("SOURCE_DATE_EPOCH").filter(|text| !text.is_empty()) {
            None => Ok(0),
            Some(text) => text.parse().map_err(|_| {
                Failure::text(format!("--build-arg SOURCE_DATE_EPOCH: `{text}` is no number"))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn options(given: &[(&str, &str)]) -> Result<Options, Failure> {
        let numbered = given.iter().enumerate().map(|(number, (key, value))| {
            (format!("BUILDKIT_FRONTEND_OPT_{number}"), format!("{key}={value}"))
        });
        Options::new(numbered.chain([("BUILDKIT_SESSION_ID".to_owned(), "s".to_owned())]))
    }

    #[test]
    fn options_are_read_and_have_defaults() {
        let read = options(&[
            ("filename", "app/Cargo.toml"),
            ("build-arg:LARDER_PROFILE", "dev=x"),
            ("label:a.b", "c"),
            ("context:common", "local:common"),
            ("platform", "linux/amd64, linux/arm64"),
            ("force-network-mode", "host"),
            ("no-cache", ""),
            ("cache-imports", r#"[{"Type":"local","Attrs":{"src":"/c"}}]"#),
        ])
        .unwrap();
        assert_eq!((read.session.as_str(), read.filename.as_str()), ("s", "app/Cargo.toml"));
        assert_eq!(read.build_args["LARDER_PROFILE"], "dev=x");
        assert_eq!(read.labels["a.b"], "c");
        assert_eq!(read.contexts["common"], "local:common");
        assert_eq!(read.platforms, ["linux/amd64", "linux/arm64"]);
        assert!(read.no_cache && read.network == Network::Host);
        assert_eq!(read.cache_imports[0].attributes["src"], "/c");

        let plain = options(&[]).unwrap();
        assert_eq!(
            (plain.filename.as_str(), plain.context_name.as_str()),
            ("Cargo.toml", "context")
        );
        assert!(!plain.no_cache && plain.platforms.is_empty() && plain.target.is_none());
    }

    #[test]
    fn what_cannot_be_understood_is_said() {
        let error = options(&[("force-network-mode", "bridge")]).unwrap_err();
        assert!(error.to_string().contains("--network bridge"), "{error}");
        let options = options(&[("build-arg:SOURCE_DATE_EPOCH", "now")]).unwrap();
        assert!(options.epoch().unwrap_err().to_string().contains("SOURCE_DATE_EPOCH"));
    }
}
