//! Settings from manifests.
//!
//! | written in | counts |
//! |---|---|
//! | a build argument `LARDER_…` | first |
//! | `[package.metadata.larder]` of the manifest that is built | second |
//! | `[workspace.metadata.larder]` of it, or of the root's manifest | last |
//!
//! Whole values replace each other: lists and maps are not joined.

use super::table::{Settings, Written};
use crate::failure::Failure;
use crate::place::{Lines, Manifest};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What manifests say.
#[derive(Debug)]
pub(crate) struct Found {
    /// The settings.
    pub(crate) settings: Settings,
    /// Name of the package, where the manifest that is built is not the root's.
    pub(crate) package: Option<String>,
}

#[derive(Deserialize)]
struct File {
    package: Option<Package>,
    workspace: Option<Workspace>,
}

#[derive(Deserialize)]
struct Package {
    name: Option<String>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Workspace {
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    larder: Option<Written>,
}

/// Reads the manifest that is built, and the root's where that is another one.
pub(crate) fn read(
    built: &Arc<Manifest>,
    root: Option<&Arc<Manifest>>,
    arguments: &BTreeMap<String, String>,
) -> Result<Found, Failure> {
    let file = parse(built)?;
    let settings = |metadata: Option<Metadata>, manifest: &Arc<Manifest>| {
        let written = metadata.and_then(|metadata| metadata.larder);
        written.map(|written| written.located(manifest)).unwrap_or_default()
    };
    let mut package = None;
    let mut found = Settings::default();
    if let Some(part) = file.package {
        package = part.name.filter(|_| root.is_some());
        found = settings(part.metadata, built);
    }
    found = found.or(settings(file.workspace.and_then(|part| part.metadata), built));
    if let Some(root) = root {
        let metadata = parse(root)?.workspace.and_then(|part| part.metadata);
        found = found.or(settings(metadata, root));
    }
    Ok(Found { settings: found.with_arguments(arguments)?, package })
}

fn parse(manifest: &Arc<Manifest>) -> Result<File, Failure> {
    toml::from_str(&manifest.text).map_err(|error| {
        let lines = error.span().map(|span| Lines::of(manifest, span));
        Failure::at(error.message(), lines.as_ref())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Bin, Secret};

    fn manifest(path: &str, text: &str) -> Arc<Manifest> {
        Arc::new(Manifest { path: path.into(), text: text.into() })
    }

    fn arguments(given: &[(&str, &str)]) -> BTreeMap<String, String> {
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn error(text: &str, given: &[(&str, &str)]) -> String {
        read(&manifest("Cargo.toml", text), None, &arguments(given)).unwrap_err().to_string()
    }

    #[test]
    fn every_setting_is_read() {
        let text = r#"# syntax=larder/frontend
[package]
name = "app"
[package.metadata.other]
anything = 1
[package.metadata.larder]
builder = "rust:1"
base = "scratch"
larder = "larder/frontend"
bins = ["app", { name = "tool", path = "/tool" }]
profile = "dist"
features = ["a", "b"]
all-features = false
no-default-features = true
targets = ["x86_64-unknown-linux-musl"]
cache = "mount"
build-packages = ["cmake"]
run-packages = ["libpq5"]
user = "1000"
workdir = "/data"
entrypoint = ["/usr/local/bin/app", "serve"]
args = ["--help"]
env = { RUST_LOG = "info" }
expose = [8080, "53/udp"]
volumes = ["/data"]
labels = { "a.b" = "c" }
stop-signal = "SIGINT"
secrets = ["token", { id = "key", env = "KEY" }, { id = "file", path = "/etc/x" }]
ssh = ["default"]
"#;
        let found = read(&manifest("Cargo.toml", text), None, &BTreeMap::new()).unwrap();
        let settings = found.settings;
        assert_eq!(found.package, None);
        let bins = settings.bins.unwrap();
        assert_eq!(bins.value[1], Bin { name: "tool".into(), path: Some("/tool".into()) });
        assert_eq!(bins.lines.unwrap().shown(), "Cargo.toml:10");
        let ports: Vec<_> = settings.expose.unwrap().value.into_iter().map(|port| port.0).collect();
        assert_eq!(ports, ["8080/tcp", "53/udp"]);
        let secrets = settings.secrets.unwrap().value;
        assert_eq!(secrets[0], Secret { id: "token".into(), env: None, path: None });
        assert_eq!(secrets[1].env.as_deref(), Some("KEY"));
        assert_eq!(settings.stop_signal.unwrap().value, "SIGINT");
    }

    #[test]
    fn arguments_come_before_the_package_and_that_before_the_workspace() {
        let built = manifest(
            "app/Cargo.toml",
            "[package]\nname = 'app'\n[package.metadata.larder]\nprofile = 'p'\nuser = 'p'\n",
        );
        let root = manifest(
            "Cargo.toml",
            "[workspace.metadata.larder]\nprofile = 'w'\nuser = 'w'\nbase = 'w'\n",
        );
        let given = arguments(&[("LARDER_PROFILE", "a"), ("OTHER", "x")]);
        let found = read(&built, Some(&root), &given).unwrap();
        let value = |setting: Option<crate::settings::Located<String>>| setting.unwrap().value;
        assert_eq!(found.package.as_deref(), Some("app"));
        assert_eq!(found.settings.profile.as_ref().unwrap().lines, None);
        assert_eq!(value(found.settings.profile), "a");
        assert_eq!(value(found.settings.user), "p");
        assert_eq!(value(found.settings.base), "w");
    }

    #[test]
    fn build_arguments_are_lists_and_maps_too() {
        let given = arguments(&[
            ("LARDER_BINS", "app, tool=/tool"),
            ("LARDER_ENV", "A=1,B=x=y"),
            ("LARDER_NO_DEFAULT_FEATURES", "true"),
            ("LARDER_SECRETS", "a,b=/b,c=C"),
        ]);
        let settings = read(&manifest("Cargo.toml", ""), None, &given).unwrap().settings;
        let bins = settings.bins.unwrap().value;
        assert_eq!(bins[1], Bin { name: "tool".into(), path: Some("/tool".into()) });
        assert_eq!(settings.env.unwrap().value["B"], "x=y");
        assert!(settings.no_default_features.unwrap().value);
        let secrets = settings.secrets.unwrap().value;
        assert_eq!(secrets[1].path.as_deref(), Some("/b"));
        assert_eq!(secrets[2].env.as_deref(), Some("C"));
    }

    #[test]
    fn errors_name_the_line_and_the_way_out() {
        let table = "[package.metadata.larder]\n";
        for (text, line, words) in [
            (format!("{table}\nbuilder = 1\n"), 3, "expected a string"),
            (format!("{table}bulider = 'x'\n"), 2, "`builder`"),
            (format!("{table}bins = [1]\n"), 2, "a binary's name"),
            (format!("{table}expose = [99999]\n"), 2, "a port"),
            ("[package\n".to_owned(), 1, ""),
        ] {
            let error = error(&text, &[]);
            assert!(error.starts_with(&format!("Cargo.toml:{line}: ")), "{error}");
            assert!(error.contains(words), "{error}");
        }
        let unknown = error("", &[("LARDER_BULIDER", "x")]);
        assert!(unknown.contains("LARDER_BULIDER") && unknown.contains("LARDER_BUILDER"));
        let wrong = error("", &[("LARDER_ALL_FEATURES", "maybe")]);
        assert!(wrong.contains("`maybe` should be `true` or `false`"), "{wrong}");
        assert!(error("", &[("LARDER_EXPOSE", "http")]).contains("ports"));
    }
}
