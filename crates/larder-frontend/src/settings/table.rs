//! All settings, in one list: what a manifest calls them, and what a build
//! argument does.

use super::argument::Argument;
use super::values::{Bin, Layering, Located, Port, Secret};
use crate::failure::Failure;
use crate::place::{Lines, Manifest};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::Spanned;

/// What every build argument of larder begins with.
const PREFIX: &str = "LARDER_";

macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// A table of a manifest.
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        pub(super) struct Written {
            $(#[serde(default)] $name: Option<Spanned<$type>>,)*
        }

        /// All settings; what is not there has its default.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub(crate) struct Settings {
            $($(#[$doc])* pub(crate) $name: Option<Located<$type>>,)*
        }

        impl Written {
            /// With the lines of the manifest that they are written in.
            pub(super) fn located(self, manifest: &Arc<Manifest>) -> Settings {
                Settings {
                    $($name: self.$name.map(|spanned| Located {
                        lines: Some(Lines::of(manifest, spanned.span())),
                        value: spanned.into_inner(),
                    }),)*
                }
            }
        }

        impl Settings {
            /// These, and where they say nothing, the others.
            pub(super) fn or(self, others: Settings) -> Settings {
                Settings { $($name: self.$name.or(others.$name),)* }
            }

            /// Reads the build argument of this name, without the prefix.
            fn argument(&mut self, name: &str, text: &str) -> Option<Result<(), &'static str>> {
                match name {
                    $(stringify!($name) => Some(<$type as Argument>::read(text).map(|value| {
                        self.$name = Some(Located { value, lines: None });
                    })),)*
                    _ => None,
                }
            }
        }

        /// The names of all settings, as Rust has them.
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

settings! {
    /// The image to build in.
    builder: String,
    /// The image to build on.
    base: String,
    /// The image that has `/cargo-larder`; the frontend's own otherwise.
    larder: String,
    /// The member of the workspace that is built.
    package: String,
    /// Binaries of the image; the first one is started.
    bins: Vec<Bin>,
    /// Profile to build with.
    profile: String,
    /// Features.
    features: Vec<String>,
    /// All of them.
    all_features: bool,
    /// Not the default one.
    no_default_features: bool,
    /// Rust's targets: at most one for each platform.
    targets: Vec<String>,
    /// Where results survive: `layers` or `mount`.
    cache: String,
    /// In how many layers external units are; or one for each crate.
    layers: Layering,
    /// Debian packages to build with.
    build_packages: Vec<String>,
    /// Debian packages of the image.
    run_packages: Vec<String>,
    /// The user of the image.
    user: String,
    /// The working directory of the image.
    workdir: String,
    /// What the image starts, instead of the first binary.
    entrypoint: Vec<String>,
    /// Its arguments where `docker run` gives none.
    args: Vec<String>,
    /// Variables of the image.
    env: BTreeMap<String, String>,
    /// Ports of the image.
    expose: Vec<Port>,
    /// Volumes of the image.
    volumes: Vec<String>,
    /// Labels of the image.
    labels: BTreeMap<String, String>,
    /// The signal that stops the image.
    stop_signal: String,
    /// Build contexts by name, with the paths that crates have for them.
    contexts: BTreeMap<String, String>,
    /// Secrets that the build may see.
    secrets: Vec<Secret>,
    /// Ssh agents that the build may ask.
    ssh: Vec<String>,
}

impl Settings {
    /// With the build arguments that are larder's.
    pub(super) fn with_arguments(
        mut self,
        arguments: &BTreeMap<String, String>,
    ) -> Result<Settings, Failure> {
        for (argument, text) in arguments {
            let Some(name) = argument.strip_prefix(PREFIX) else { continue };
            match self.argument(&name.to_lowercase(), text) {
                Some(Ok(())) => {}
                Some(Err(wanted)) => {
                    return Err(Failure::text(format!(
                        "--build-arg {argument}: `{text}` should be {wanted}"
                    )));
                }
                None => {
                    let names: Vec<_> = NAMES
                        .iter()
                        .map(|name| format!("{PREFIX}{}", name.to_uppercase()))
                        .collect();
                    return Err(Failure::text(format!(
                        "--build-arg {argument}: there is no such setting; there are {}",
                        names.join(", ")
                    )));
                }
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_setting() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/frontend.md");
        let page = std::fs::read_to_string(page).unwrap();
        let table = page.split("## Settings").nth(1).unwrap().split("## Targets").next().unwrap();
        for name in NAMES {
            let name = format!("`{}`", name.replace('_', "-"));
            assert!(table.contains(&name), "docs/frontend.md does not tell of {name}");
        }
    }
}
