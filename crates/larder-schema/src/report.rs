//! The JSON document that `--report FILE` writes.
//!
//! The schema is stable: fields are only added, and [`REPORT_VERSION`] rises
//! when one changes its meaning.

use crate::Digest;
use crate::record::{Undeclared, Verdict};
use serde::{Deserialize, Serialize};

/// Version of [`Report`].
pub const REPORT_VERSION: u32 = 1;

/// What became of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Its result came from the store.
    Hit,
    /// It ran.
    Executed,
    /// It ran with incremental compilation; its result is not published.
    Incremental,
    /// It ran and failed.
    Failed,
    /// Something that it needs failed, or the build was interrupted.
    NotRun,
}

/// Why a unit was not answered by the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum MissReason {
    /// No unit of this identity was ever built.
    NeverBuilt,
    /// Inputs differ from those of the closest earlier build.
    InputsChanged {
        /// What differs, with both values.
        changes: Vec<Change>,
    },
    /// A dependency of it was executed or answered with another key.
    DependencyChanged {
        /// The dependencies' names.
        dependencies: Vec<String>,
    },
    /// Its stored result was built against other outputs of a dependency.
    DepOutputDiffers {
        /// The dependencies' names.
        dependencies: Vec<String>,
    },
    /// The result was known but its files are gone or damaged.
    Damaged {
        /// What is wrong, with the file's name.
        detail: String,
    },
    /// The key is known, the result was garbage collected.
    Collected,
    /// A file that the action writes outside its own directories is not there
    /// as it was left.
    SideOutputChanged {
        /// The file.
        path: String,
    },
    /// Its stored result is of a run that was not observed, and here it is.
    Unobserved {
        /// Why it was not.
        detail: String,
    },
    /// Its stored result is of a run that reached for what a hermetic one may
    /// not, and this build is hermetic.
    NotHermetic {
        /// What it reached for.
        detail: String,
    },
    /// The store cannot hold this unit.
    Uncacheable {
        /// Why.
        detail: String,
    },
}

/// One input that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Name of the input: `env HOME`, `file src/lib.rs`, `argv`, `toolchain`.
    pub input: String,
    /// Value at the closest earlier build; absent: the input was not there.
    pub old: Option<String>,
    /// Value now; absent: the input is not there.
    pub new: Option<String>,
}

/// One unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitReport {
    /// Index in the plan.
    pub index: usize,
    /// Package name.
    pub package: String,
    /// Package version.
    pub version: String,
    /// Target name.
    pub target: String,
    /// Target kind: `lib`, `bin`, `proc-macro`, `custom-build`, `test`, …
    pub kind: String,
    /// `build`, `check`, `test`, `run-custom-build`, `doctest`.
    pub mode: String,
    /// Target triple; absent for host units.
    pub platform: Option<String>,
    /// Whether the package is outside the workspace.
    pub external: bool,
    /// What names the unit across machines and edits.
    pub identity: Digest,
    /// What names its result.
    pub key: Option<Digest>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why the store did not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub miss: Option<MissReason>,
    /// Where the result came from: `local`, later also the remotes' names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Seconds of wall time that executing took in this build.
    pub seconds_spent: f64,
    /// Seconds of wall time that the stored result took when it was built.
    pub seconds_saved: f64,
    /// Who may use the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Why the verdict is not a better one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// What it read without declaring it, and whose code that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undeclared: Option<Undeclared>,
}

/// Sums over the units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// All units of the plan.
    pub units: usize,
    /// Answered by the store.
    pub hits: usize,
    /// Ran, incremental ones included.
    pub executed: usize,
    /// Of these, with incremental compilation.
    pub incremental: usize,
    /// Failed.
    pub failed: usize,
    /// Seconds of wall time of the executions in this build, summed.
    pub seconds_spent: f64,
    /// Seconds of the executions that hits made unnecessary, summed.
    pub seconds_saved: f64,
    /// Of these, what packages of registries and git have.
    #[serde(default)]
    pub external: Share,
    /// And what path packages have.
    #[serde(default)]
    pub local: Share,
}

/// What some of the units have of the sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Units.
    pub units: usize,
    /// Answered by the store.
    pub hits: usize,
    /// Ran, incremental ones included.
    pub executed: usize,
    /// Failed.
    pub failed: usize,
    /// Seconds of wall time of the executions, summed.
    pub seconds_spent: f64,
    /// Seconds that hits made unnecessary, summed.
    pub seconds_saved: f64,
}

impl Share {
    /// The sums over some units.
    #[must_use]
    pub fn of<'a>(units: impl IntoIterator<Item = &'a UnitReport>) -> Self {
        let mut share = Self::default();
        for unit in units {
            share.units += 1;
            match unit.outcome {
                Outcome::Hit => share.hits += 1,
                Outcome::Executed | Outcome::Incremental => share.executed += 1,
                Outcome::Failed => share.failed += 1,
                Outcome::NotRun => {}
            }
            share.seconds_spent += unit.seconds_spent;
            share.seconds_saved += unit.seconds_saved;
        }
        share
    }
}

/// The whole document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// Version of larder.
    pub larder: String,
    /// The cargo command: `build`, `test`, …
    pub command: String,
    /// Directory of the workspace.
    pub workspace: String,
    /// Whether the plan came from the plan cache.
    pub plan_cached: bool,
    /// Seconds of wall time, by phase.
    pub seconds: Phases,
    /// Sums.
    pub totals: Totals,
    /// Units in plan order.
    pub units: Vec<UnitReport>,
    /// Variables that were kept from build scripts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env_removed: Vec<String>,
}

/// Seconds of wall time, by phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Phases {
    /// Asking cargo, or reading the plan cache.
    pub plan: f64,
    /// Identities, keys, lookups.
    pub lookup: f64,
    /// Executing what is missing.
    pub execute: f64,
    /// Delivering to the target directory.
    pub deliver: f64,
    /// Everything.
    pub total: f64,
}
