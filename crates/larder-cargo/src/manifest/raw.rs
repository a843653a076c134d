//! `Cargo.toml` as it is written: only the keys that planning reads.

use serde::de::{Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, de};
use std::collections::BTreeMap;
use std::fmt;

/// A table of dependencies.
pub type Dependencies = BTreeMap<String, RawDependency>;

/// A manifest.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct RawManifest {
    /// `cargo-features`.
    pub cargo_features: Vec<String>,
    /// `[package]`.
    pub package: Option<toml::Table>,
    /// Its old name.
    pub project: Option<toml::Table>,
    /// `[features]`.
    pub features: BTreeMap<String, Vec<String>>,
    /// `[lib]`.
    pub lib: Option<RawTarget>,
    /// `[[bin]]`.
    pub bin: Option<Vec<RawTarget>>,
    /// `[[example]]`.
    pub example: Option<Vec<RawTarget>>,
    /// `[[test]]`.
    pub test: Option<Vec<RawTarget>>,
    /// `[[bench]]`.
    pub bench: Option<Vec<RawTarget>>,
    /// Normal dependencies. (A flattened [`DependencyTables`] would make serde
    /// buffer the whole manifest: twice the time.)
    pub dependencies: Dependencies,
    /// For tests, examples and benches.
    pub dev_dependencies: Option<Dependencies>,
    /// Old spelling.
    #[serde(rename = "dev_dependencies")]
    pub dev_dependencies2: Option<Dependencies>,
    /// For the build script.
    pub build_dependencies: Option<Dependencies>,
    /// Old spelling.
    #[serde(rename = "build_dependencies")]
    pub build_dependencies2: Option<Dependencies>,
    /// `[target.*]`.
    pub target: BTreeMap<String, DependencyTables>,
    /// `[lints]`.
    pub lints: Option<toml::Table>,
    /// `[workspace]`.
    pub workspace: Option<RawWorkspace>,
    /// `[patch.*]`.
    pub patch: BTreeMap<String, Dependencies>,
    /// `[replace]`.
    pub replace: Dependencies,
    /// `[profile.*]`.
    pub profile: BTreeMap<String, toml::Table>,
}

/// The three kinds of dependencies, old spellings included.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct DependencyTables {
    /// Normal ones.
    pub dependencies: Dependencies,
    /// For tests, examples and benches.
    pub dev_dependencies: Option<Dependencies>,
    /// Old spelling.
    #[serde(rename = "dev_dependencies")]
    pub dev_dependencies2: Option<Dependencies>,
    /// For the build script.
    pub build_dependencies: Option<Dependencies>,
    /// Old spelling.
    #[serde(rename = "build_dependencies")]
    pub build_dependencies2: Option<Dependencies>,
}

impl DependencyTables {
    /// Every dependency, in cargo's order of kinds.
    pub fn all(&self) -> impl Iterator<Item = (&String, &RawDependency)> {
        every(
            &self.dependencies,
            self.dev_dependencies.as_ref().or(self.dev_dependencies2.as_ref()),
            self.build_dependencies.as_ref().or(self.build_dependencies2.as_ref()),
        )
    }
}

fn every<'a>(
    normal: &'a Dependencies,
    dev: Option<&'a Dependencies>,
    build: Option<&'a Dependencies>,
) -> impl Iterator<Item = (&'a String, &'a RawDependency)> {
    normal.iter().chain(dev.into_iter().flatten()).chain(build.into_iter().flatten())
}

/// A target.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct RawTarget {
    /// Name.
    pub name: Option<String>,
    /// Root file.
    pub path: Option<String>,
    /// `harness`.
    pub harness: Option<bool>,
    /// `crate-type`.
    pub crate_type: Option<Vec<String>>,
    /// Old spelling.
    #[serde(rename = "crate_type")]
    pub crate_type2: Option<Vec<String>>,
    /// `proc-macro`.
    pub proc_macro: Option<bool>,
    /// Old spelling.
    #[serde(rename = "proc_macro")]
    pub proc_macro2: Option<bool>,
}

impl RawTarget {
    /// `crate-type` in either spelling.
    #[must_use]
    pub fn crate_types(&self) -> Option<&Vec<String>> {
        self.crate_type.as_ref().or(self.crate_type2.as_ref())
    }

    /// `proc-macro` in either spelling, or as a crate type.
    #[must_use]
    pub fn is_proc_macro(&self) -> bool {
        self.proc_macro.or(self.proc_macro2).unwrap_or_else(|| {
            self.crate_types().is_some_and(|types| types.iter().any(|t| t == "proc-macro"))
        })
    }
}

/// `[workspace]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct RawWorkspace {
    /// Patterns.
    pub members: Option<Vec<String>>,
    /// Directories.
    pub exclude: Vec<String>,
    /// Patterns.
    pub default_members: Option<Vec<String>>,
    /// What members inherit.
    pub package: toml::Table,
    /// What members inherit.
    pub dependencies: Dependencies,
    /// What members inherit.
    pub lints: Option<toml::Table>,
}

/// A dependency: a version, or a table.
#[derive(Clone, Debug, Default)]
pub struct RawDependency {
    /// `package`.
    pub package: Option<String>,
    /// `optional`.
    pub optional: bool,
    /// `path`.
    pub path: Option<String>,
    /// `workspace = true`.
    pub workspace: bool,
    /// `artifact` occurs.
    pub artifact: bool,
    /// `base` occurs (unstable).
    pub base: bool,
}

#[derive(Deserialize)]
struct DependencyTable {
    package: Option<String>,
    #[serde(default)]
    optional: bool,
    path: Option<String>,
    #[serde(default)]
    workspace: bool,
    artifact: Option<de::IgnoredAny>,
    base: Option<de::IgnoredAny>,
}

impl<'de> Deserialize<'de> for RawDependency {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = RawDependency;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a version or a table")
            }
            fn visit_str<E: de::Error>(self, _: &str) -> Result<RawDependency, E> {
                Ok(RawDependency::default())
            }
            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<RawDependency, M::Error> {
                let table = DependencyTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RawDependency {
                    package: table.package,
                    optional: table.optional,
                    path: table.path,
                    workspace: table.workspace,
                    artifact: table.artifact.is_some(),
                    base: table.base.is_some(),
                })
            }
        }
        from.deserialize_any(Either)
    }
}

impl RawManifest {
    /// `[package]` in either spelling.
    #[must_use]
    pub fn package(&self) -> Option<&toml::Table> {
        self.package.as_ref().or(self.project.as_ref())
    }

    /// A text of `[package]`, not inherited.
    #[must_use]
    pub fn package_text(&self, key: &str) -> Option<&str> {
        self.package()?.get(key)?.as_str()
    }

    /// Every dependency of every kind and platform.
    pub fn dependencies(&self) -> impl Iterator<Item = (&String, &RawDependency)> {
        every(
            &self.dependencies,
            self.dev_dependencies.as_ref().or(self.dev_dependencies2.as_ref()),
            self.build_dependencies.as_ref().or(self.build_dependencies2.as_ref()),
        )
        .chain(self.target.values().flat_map(DependencyTables::all))
    }
}
