//! Settings from manifests.
//!
//! | written in | counts |
//! |---|---|
//! | a build argument `LARDER_…` | first |
//! | `[package.metadata.larder]` of the manifest that is built | second |
//! | `[workspace.metadata.larder]` of it, or of the root's manifest | last |
//!
//! Whole values replace each other: lists and maps are not joined. Where the
//! manifest that is built is a workspace's, `package` says which member's table
//! is the second one; without it, the only one that there is.

use super::table::{Settings, Written};
use super::values::Located;
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

/// Reads the manifest that is built, the root's where that is another one, and
/// those of members where it is a workspace's.
pub(crate) fn read(
    built: &Arc<Manifest>,
    root: Option<&Arc<Manifest>>,
    members: &[Arc<Manifest>],
    arguments: &BTreeMap<String, String>,
) -> Result<Found, Failure> {
    let file = parse(built)?;
    let settings = |metadata: Option<Metadata>, manifest: &Arc<Manifest>| {
        let written = metadata.and_then(|metadata| metadata.larder);
        written.map(|written| written.located(manifest)).unwrap_or_default()
    };
    let mut shared = settings(file.workspace.and_then(|part| part.metadata), built);
    if let Some(root) = root {
        let metadata = parse(root)?.workspace.and_then(|part| part.metadata);
        shared = shared.or(settings(metadata, root));
    }
    let own = match file.package {
        Some(part) => Some(Own { name: part.name, settings: settings(part.metadata, built) }),
        None => None,
    };
    // What may say which package it is.
    let mut asked = own.as_ref().map(|own| own.settings.clone()).unwrap_or_default();
    asked = asked.or(shared.clone()).with_arguments(arguments)?;
    // A member's own manifest says it already.
    let wanted = asked.package.as_ref().filter(|_| root.is_none());
    let own_name = own.as_ref().and_then(|own| own.name.as_ref());
    let is_own = wanted.is_some_and(|wanted| own_name == Some(&wanted.value));
    let (own, package) = match (wanted, own) {
        (None, Some(own)) => {
            let package = own.name.clone().filter(|_| root.is_some());
            (Some(own), package)
        }
        (Some(wanted), own) if is_own => (own, Some(wanted.value.clone())),
        (wanted, _) => {
            let own = member(members, wanted, &settings)?;
            let package = own.as_ref().and_then(|own| own.name.clone());
            (own, package)
        }
    };
    let found = own.map(|own| own.settings).unwrap_or_default().or(shared);
    Ok(Found { settings: found.with_arguments(arguments)?, package })
}

/// A package, and the settings of its manifest.
struct Own {
    name: Option<String>,
    settings: Settings,
}

/// The member of this name; without one, the only member that has settings.
fn member(
    members: &[Arc<Manifest>],
    wanted: Option<&Located<String>>,
    settings: &dyn Fn(Option<Metadata>, &Arc<Manifest>) -> Settings,
) -> Result<Option<Own>, Failure> {
    let mut all = Vec::new();
    for manifest in members {
        if let Some(package) = parse(manifest)?.package {
            let has_settings = package.metadata.as_ref().is_some_and(|data| data.larder.is_some());
            let own = Own { name: package.name, settings: settings(package.metadata, manifest) };
            all.push((own, has_settings, manifest));
        }
    }
    let names = |all: &[(Own, bool, &Arc<Manifest>)]| {
        let names: Vec<&str> = all.iter().filter_map(|(own, ..)| own.name.as_deref()).collect();
        names.join(", ")
    };
    let Some(wanted) = wanted else {
        all.retain(|(_, has_settings, _)| *has_settings);
        if let [_, (_, _, second), ..] = all.as_slice() {
            return Err(Failure::text(format!(
                "several members of the workspace have settings: choose {} with `--build-arg \
                 LARDER_PACKAGE=NAME`, or build a member's manifest: docker build -f {} .",
                names(&all),
                second.path
            )));
        }
        return Ok(all.pop().map(|(own, ..)| own));
    };
    match all.iter().position(|(own, ..)| own.name.as_ref() == Some(&wanted.value)) {
        Some(at) => Ok(Some(all.swap_remove(at).0)),
        None => Err(Failure::at(
            format!(
                "the workspace lists no package `{}`; there are: {}",
                wanted.value,
                names(&all)
            ),
            wanted.lines.as_ref(),
        )),
    }
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
    use crate::settings::{Bin, Layering, Secret};

    fn manifest(path: &str, text: &str) -> Arc<Manifest> {
        Arc::new(Manifest { path: path.into(), text: text.into() })
    }

    fn arguments(given: &[(&str, &str)]) -> BTreeMap<String, String> {
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn error(text: &str, given: &[(&str, &str)]) -> String {
        read(&manifest("Cargo.toml", text), None, &[], &arguments(given)).unwrap_err().to_string()
    }

    #[test]
    fn every_setting_is_read() {
        let text = r#"# syntax=larder/frontend
[package]
name = "app"
[package.metadata.other]
anything = 1
[package.metadata.larder]
package = "app"
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
layers = "crates"
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
contexts = { common = "../common" }
secrets = ["token", { id = "key", env = "KEY" }, { id = "file", path = "/etc/x" }]
ssh = ["default"]
"#;
        let found = read(&manifest("Cargo.toml", text), None, &[], &BTreeMap::new()).unwrap();
        let settings = found.settings;
        assert_eq!(found.package.as_deref(), Some("app"));
        let bins = settings.bins.unwrap();
        assert_eq!(bins.value[1], Bin { name: "tool".into(), path: Some("/tool".into()) });
        assert_eq!(bins.lines.unwrap().shown(), "Cargo.toml:11");
        let ports: Vec<_> = settings.expose.unwrap().value.into_iter().map(|port| port.0).collect();
        assert_eq!(ports, ["8080/tcp", "53/udp"]);
        let secrets = settings.secrets.unwrap().value;
        assert_eq!(secrets[0], Secret { id: "token".into(), env: None, path: None });
        assert_eq!(secrets[1].env.as_deref(), Some("KEY"));
        assert_eq!(settings.stop_signal.unwrap().value, "SIGINT");
        assert_eq!(settings.layers.unwrap().value, Layering::Crates);
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
        let found = read(&built, Some(&root), &[], &given).unwrap();
        let value = |setting: Option<crate::settings::Located<String>>| setting.unwrap().value;
        assert_eq!(found.package.as_deref(), Some("app"));
        assert_eq!(found.settings.profile.as_ref().unwrap().lines, None);
        assert_eq!(value(found.settings.profile), "a");
        assert_eq!(value(found.settings.user), "p");
        assert_eq!(value(found.settings.base), "w");
    }

    #[test]
    fn a_workspace_takes_the_settings_of_one_member() {
        let root = |more: &str| {
            let text = format!("[workspace.metadata.larder]\nuser = 'w'\nbase = 'w'\n{more}");
            manifest("Cargo.toml", &text)
        };
        let member = |name: &str, more: &str| {
            let text = format!("[package]\nname = '{name}'\n{more}");
            manifest(&format!("crates/{name}/Cargo.toml"), &text)
        };
        let table = "[package.metadata.larder]\nuser = 'm'\n";
        let (a, b, lib) = (member("a", table), member("b", table), member("lib", ""));
        let found = |root: &Arc<Manifest>, members: &[Arc<Manifest>], given: &[(&str, &str)]| {
            read(root, None, members, &arguments(given))
        };
        let only = found(&root(""), &[a.clone(), lib.clone()], &[]).unwrap();
        assert_eq!(only.package.as_deref(), Some("a"));
        let (user, base) = (only.settings.user.unwrap(), only.settings.base.unwrap());
        assert_eq!((user.value.as_str(), base.value.as_str()), ("m", "w"));
        assert_eq!(user.lines.unwrap().shown(), "crates/a/Cargo.toml:4");

        let none = found(&root(""), std::slice::from_ref(&lib), &[]).unwrap();
        assert_eq!((none.package, none.settings.user.unwrap().value), (None, "w".to_owned()));

        let both = [a, b, lib];
        let error = found(&root(""), &both, &[]).unwrap_err().to_string();
        assert!(error.contains("a, b") && error.contains("crates/b/Cargo.toml"), "{error}");
        let chosen = found(&root("package = 'b'\n"), &both, &[]).unwrap();
        assert_eq!(chosen.package.as_deref(), Some("b"));
        let given = found(&root("package = 'b'\n"), &both, &[("LARDER_PACKAGE", "lib")]).unwrap();
        assert_eq!(given.package.as_deref(), Some("lib"));
        assert_eq!(given.settings.user.unwrap().value, "w");
        let error = found(&root("package = 'none'\n"), &both, &[]).unwrap_err().to_string();
        assert_eq!(
            error,
            "Cargo.toml:4: the workspace lists no package `none`; there are: a, b, lib"
        );

        // The root's own package is built, unless another one is asked for.
        let app = manifest("Cargo.toml", &format!("[workspace]\n[package]\nname = 'app'\n{table}"));
        assert_eq!(found(&app, &both, &[]).unwrap().package, None);
        let other = found(&app, &both, &[("LARDER_PACKAGE", "a")]).unwrap();
        assert_eq!(other.package.as_deref(), Some("a"));
        let wrong = member("c", "[package.metadata.larder]\nusr = 1\n");
        let error = found(&root(""), &[wrong], &[]).unwrap_err().to_string();
        assert!(error.starts_with("crates/c/Cargo.toml:4: unknown field `usr`"), "{error}");
    }

    #[test]
    fn build_arguments_are_lists_and_maps_too() {
        let given = arguments(&[
            ("LARDER_BINS", "app, tool=/tool"),
            ("LARDER_ENV", "A=1,B=x=y"),
            ("LARDER_NO_DEFAULT_FEATURES", "true"),
            ("LARDER_SECRETS", "a,b=/b,c=C"),
            ("LARDER_LAYERS", "3"),
        ]);
        let settings = read(&manifest("Cargo.toml", ""), None, &[], &given).unwrap().settings;
        let bins = settings.bins.unwrap().value;
        assert_eq!(bins[1], Bin { name: "tool".into(), path: Some("/tool".into()) });
        assert_eq!(settings.env.unwrap().value["B"], "x=y");
        assert!(settings.no_default_features.unwrap().value);
        let secrets = settings.secrets.unwrap().value;
        assert_eq!(secrets[1].path.as_deref(), Some("/b"));
        assert_eq!(secrets[2].env.as_deref(), Some("C"));
        assert_eq!(settings.layers.unwrap().value, Layering::Layers(3));
    }

    #[test]
    fn errors_name_the_line_and_the_way_out() {
        let table = "[package.metadata.larder]\n";
        for (text, line, words) in [
            (format!("{table}\nbuilder = 1\n"), 3, "expected a string"),
            (format!("{table}bulider = 'x'\n"), 2, "`builder`"),
            (format!("{table}bins = [1]\n"), 2, "a binary's name"),
            (format!("{table}expose = [99999]\n"), 2, "a port"),
            (format!("{table}layers = 0\n"), 2, "a number of layers from 1"),
            (format!("{table}layers = \"units\"\n"), 2, "or `crates`"),
            (format!("{table}layers = true\n"), 2, "a number of layers from 1"),
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
