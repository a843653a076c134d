//! The cook plan: everything that the external units of one cargo command
//! need, and nothing of the workspace. A file of its own, with canonical
//! bytes: equal files mean that the same units come out.

use crate::Digest;
use crate::plan::{Package, Unit};
use serde::{Deserialize, Serialize};

/// Version of [`CookPlan`].
pub const COOK_PLAN_VERSION: u32 = 1;

/// The compiler that the units were planned for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CookToolchain {
    /// Rustup's name of it, where rustup chose: build scripts see the name.
    pub name: Option<String>,
    /// Version of cargo.
    pub cargo: String,
    /// The host's triple.
    pub host: String,
    /// Platforms that `digest` is over, besides the host's; sorted.
    pub platforms: Vec<String>,
    /// Whether `digest` is over clippy's driver too.
    pub clippy: bool,
    /// What compiles, by content.
    pub digest: Digest,
}

/// External units of one command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CookPlan {
    /// [`COOK_PLAN_VERSION`].
    pub version: u32,
    /// What compiles them.
    pub toolchain: CookToolchain,
    /// Name of the profile that was asked for.
    pub profile: String,
    /// Packages, sorted by id.
    pub packages: Vec<Package>,
    /// Units in an order that only they decide.
    pub units: Vec<Unit>,
}

/// A file that is no cook plan of this larder.
#[derive(Debug, thiserror::Error)]
pub enum CookPlanError {
    /// It is not JSON of a cook plan.
    #[error("it is not a cook plan")]
    Syntax(#[from] serde_json::Error),
    /// Another larder wrote it.
    #[error("it has format {found}, and this larder reads format {COOK_PLAN_VERSION}")]
    Version {
        /// Its version.
        found: u64,
    },
    /// A unit or package has a number that nothing has.
    #[error("it is damaged: {0}")]
    Damaged(String),
}

impl CookPlan {
    /// The canonical bytes: JSON, two spaces, fields in the order of the
    /// types, a newline at the end.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Nothing in it can fail to serialise: no maps, no floats.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Where it is not a cook plan of this version, or holds numbers of units
    /// that are not in it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CookPlanError> {
        let value: serde_json::Value = serde_json::from_slice(bytes)?;
        let found = value.get("version").and_then(serde_json::Value::as_u64);
        if let Some(found) = found
            && found != u64::from(COOK_PLAN_VERSION)
        {
            return Err(CookPlanError::Version { found });
        }
        let plan: Self = serde_json::from_value(value)?;
        plan.check()?;
        Ok(plan)
    }

    /// Every number leads somewhere: what reads a plan indexes by them.
    fn check(&self) -> Result<(), CookPlanError> {
        let count = self.units.len();
        for (index, unit) in self.units.iter().enumerate() {
            let below = unit.deps.iter().map(|dep| dep.unit);
            let runs = unit.native_runs.iter().chain(&unit.plugin_runs).copied();
            if let Some(wrong) = below.chain(runs).find(|&below| below >= count) {
                return Err(CookPlanError::Damaged(format!("unit {index} needs unit {wrong}")));
            }
            if unit.package >= self.packages.len() {
                let package = unit.package;
                return Err(CookPlanError::Damaged(format!(
                    "unit {index} is of package {package}"
                )));
            }
        }
        Ok(())
    }
}

/// A difference between two cook plans, as `cargo larder plan --diff --json`
/// prints them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum CookChange {
    /// Something about the compiler.
    Toolchain {
        /// `name`, `cargo`, `host`, `platforms`, `clippy`, `content`.
        what: String,
        /// Before.
        old: String,
        /// After.
        new: String,
    },
    /// The profile that was asked for has another name.
    Profile {
        /// Before.
        old: String,
        /// After.
        new: String,
    },
    /// A crate is new.
    Added {
        /// Its name.
        package: String,
        /// Its version.
        version: String,
    },
    /// A crate is no longer needed.
    Removed {
        /// Its name.
        package: String,
        /// Its version.
        version: String,
    },
    /// A crate has another version.
    Version {
        /// Its name.
        package: String,
        /// Before.
        old: String,
        /// After.
        new: String,
    },
    /// A crate of one version comes from elsewhere, or has another checksum.
    Source {
        /// Its name.
        package: String,
        /// Its version.
        version: String,
        /// Before.
        old: String,
        /// After.
        new: String,
    },
    /// Units of a crate are new or gone: it is built for another platform, or
    /// as another thing.
    Units {
        /// Its name.
        package: String,
        /// Its version.
        version: String,
        /// Units that are gone.
        removed: Vec<String>,
        /// Units that are new.
        added: Vec<String>,
    },
    /// Features of a unit.
    Features {
        /// Activated.
        added: Vec<String>,
        /// No longer.
        removed: Vec<String>,
        /// The units it concerns, by name.
        units: Vec<String>,
    },
    /// A setting of profiles: `opt-level`, `debug`, …
    Setting {
        /// Its name in a manifest.
        setting: String,
        /// Before.
        old: String,
        /// After.
        new: String,
        /// The units it concerns, by name.
        units: Vec<String>,
    },
    /// Compiler flags.
    Flags {
        /// New.
        added: Vec<String>,
        /// Gone.
        removed: Vec<String>,
        /// The units it concerns, by name.
        units: Vec<String>,
    },
    /// A variable of the environment that cargo gives them.
    Variable {
        /// Its name.
        name: String,
        /// Before; absent: not set.
        old: Option<String>,
        /// After; absent: not set.
        new: Option<String>,
        /// The units it concerns, by name.
        units: Vec<String>,
    },
    /// They depend on other units, and nothing else about them changed.
    Dependencies {
        /// The units it concerns, by name.
        units: Vec<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_versions_and_damage_are_told_apart() {
        let plan = CookPlan {
            version: COOK_PLAN_VERSION,
            toolchain: CookToolchain {
                name: None,
                cargo: "1.95.0".into(),
                host: "h".into(),
                platforms: Vec::new(),
                clippy: false,
                digest: Digest::of(b"t"),
            },
            profile: "dev".into(),
            packages: Vec::new(),
            units: Vec::new(),
        };
        let bytes = plan.to_bytes();
        assert_eq!(CookPlan::from_bytes(&bytes).unwrap(), plan);
        let text = String::from_utf8(bytes).unwrap();
        let other = text.replacen("\"version\": 1", "\"version\": 7", 1);
        let error = CookPlan::from_bytes(other.as_bytes()).unwrap_err();
        assert!(matches!(error, CookPlanError::Version { found: 7 }), "{error}");
        assert!(matches!(CookPlan::from_bytes(b"{}"), Err(CookPlanError::Syntax(_))));
    }
}
