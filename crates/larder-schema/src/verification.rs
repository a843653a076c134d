//! The JSON document that `cargo larder verify --report FILE` writes.
//!
//! Fields are only added, and [`VERIFICATION_VERSION`] rises when one changes
//! its meaning.

use crate::Digest;
use crate::record::Verdict;
use serde::{Deserialize, Serialize};

/// Version of [`Verification`].
pub const VERIFICATION_VERSION: u32 = 1;

/// What a second run of a unit gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repeated {
    /// The same bits.
    Equal,
    /// Other bits.
    Different,
    /// It could not be run in the other place.
    Failed,
}

/// What a difference is likely to come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The path of a place that is another one in the second run.
    Path,
    /// A date, or a time.
    Time,
    /// The name of the host or of the user.
    Host,
    /// The same things in another order.
    Order,
    /// None of these: a random number, for example.
    Unknown,
}

/// The first difference between two results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The output; `standard output` is what a build script said.
    pub file: String,
    /// The member, in an archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// The section, in an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// Byte in the file; absent if a file is there only once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The text there in the stored result, as far as it is text.
    pub stored: String,
    /// The text there in the second one.
    pub rebuilt: String,
    /// What it is likely to come from.
    pub cause: Cause,
}

/// One unit that was run a second time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerifiedUnit {
    /// Name for people: `serde v1.0.210 (lib)`.
    pub unit: String,
    /// Package name.
    pub package: String,
    /// Package version.
    pub version: String,
    /// Target name.
    pub target: String,
    /// What names the unit across machines and edits.
    pub identity: Digest,
    /// What names its result.
    pub key: Digest,
    /// The verdict of the stored result.
    pub verdict: Verdict,
    /// Why it is not a better one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Whether its verdict promises the same bits.
    pub promised: bool,
    /// What came of it.
    pub outcome: Repeated,
    /// Where the results differ first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
    /// What the second run read and the first one did not, as names in path
    /// sets: no key holds it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read_only_again: Vec<String>,
    /// Why it could not be run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Seconds of wall time of the second run.
    pub seconds: f64,
}

impl VerifiedUnit {
    /// Whether something is wrong: a promise that does not hold, or could not
    /// be looked at.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.promised && self.outcome != Repeated::Equal
    }
}

/// Sums over the units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedTotals {
    /// Units of the plan that have a result in the store.
    pub stored: usize,
    /// Of these, run a second time.
    pub checked: usize,
    /// Gave the same bits.
    pub equal: usize,
    /// Gave other bits although their verdict promises the same.
    pub different: usize,
    /// Gave other bits, and nothing was promised.
    pub varying: usize,
    /// Could not be run in the other place.
    pub failed: usize,
    /// Read something that the first run did not, whatever they gave.
    #[serde(default)]
    pub reading_more: usize,
}

/// The whole document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// [`VERIFICATION_VERSION`].
    pub version: u32,
    /// Version of larder.
    pub larder: String,
    /// The cargo command: `build`, `test`, …
    pub command: String,
    /// Directory of the workspace.
    pub workspace: String,
    /// Seconds of wall time.
    pub seconds: f64,
    /// Sums.
    pub totals: VerifiedTotals,
    /// The units that were run, in plan order.
    pub units: Vec<VerifiedUnit>,
}

impl Verification {
    /// Whether every promise held.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.units.iter().any(VerifiedUnit::is_wrong)
    }
}
