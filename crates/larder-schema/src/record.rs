//! The record of a result: what an action produced, and what it was built
//! against. Written last when a result is published, so its presence means
//! that the result is whole.

use crate::Digest;
use serde::{Deserialize, Serialize};

/// Version of [`ResultRecord`]; part of the store's directory name.
pub const RECORD_VERSION: u32 = 1;

/// One file of a result, named as rustc or the build script named it,
/// relative to the result's directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputFile {
    /// Relative path with `/` separators.
    pub name: String,
    /// SHA-256 of the content; of the target's text for a symbolic link.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// Unix permission bits (`0o644`, `0o755`).
    pub mode: u32,
    /// Target of a symbolic link, where the output is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symlink: Option<String>,
}

/// What of the host a result depends on, and so who may use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing of the host beyond the toolchain.
    Portable,
    /// Every host file that was read is known and in the key.
    HostKeyed,
    /// An absolute path is visible in the output.
    PathBound,
    /// Only declared inputs are known.
    Unobserved,
    /// Network, or inputs that cannot be keyed.
    Volatile,
}

/// Who may be given a result beside the checkout that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Every machine: whoever finds it by its key may use it.
    Everywhere,
    /// Other machines only where a policy says so by name.
    ByPolicy,
    /// This machine, where everything that its key holds is the same.
    ThisMachine,
}

impl Verdict {
    /// Where a result of this verdict may go.
    #[must_use]
    pub fn sharing(self) -> Sharing {
        match self {
            Self::Portable | Self::HostKeyed => Sharing::Everywhere,
            Self::Unobserved => Sharing::ByPolicy,
            Self::PathBound | Self::Volatile => Sharing::ThisMachine,
        }
    }

    /// Whether another run of the same action has to give the same bits.
    #[must_use]
    pub fn is_reproducible(self) -> bool {
        self.sharing() == Sharing::Everywhere
    }

    /// The word of reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::HostKeyed => "host-keyed",
            Self::PathBound => "path-bound",
            Self::Unobserved => "unobserved",
            Self::Volatile => "volatile",
        }
    }
}

/// The digest of one dependency's output that an action was built against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltAgainst {
    /// Identity of the dependency's unit.
    pub identity: Digest,
    /// Digest over the dependency's outputs: see [`ResultRecord::interface`].
    pub interface: Digest,
}

/// A file that an action wrote outside its own directories. It is a
/// post-condition: there with that digest, or the action runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideOutput {
    /// Template of the path.
    pub path: String,
    /// SHA-256 of the content.
    pub digest: Digest,
    /// Permission bits, where the bytes are kept beside the result: then the
    /// file is restored where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
}

/// What an action read without anybody having declared it: seen by observing
/// it. All of it is in its path set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undeclared {
    /// Whose code it was: the package of the build script, or those of the
    /// proc-macros that rustc loaded, one of which it was.
    pub by: Vec<String>,
    /// Templates of paths, sorted; at most [`Undeclared::MOST`].
    pub paths: Vec<String>,
    /// How many more there were.
    #[serde(default)]
    pub more: usize,
}

impl Undeclared {
    /// How many paths are named.
    pub const MOST: usize = 50;
}

/// The record of one result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResultRecord {
    /// [`RECORD_VERSION`].
    pub version: u32,
    /// The key that this result answers.
    pub key: Digest,
    /// Identity of the unit.
    pub identity: Digest,
    /// Name of the unit for people: `serde v1.0.210 (lib)`.
    pub unit: String,
    /// Directory of the files, relative to the store's `out` directory.
    pub directory: String,
    /// Files, sorted by name.
    pub outputs: Vec<OutputFile>,
    /// What dependents see of this result: the digest over names and digests
    /// of the files that they read (metadata if there is any, else all).
    pub interface: Digest,
    /// The dependencies' outputs that this was built against, where rustc
    /// would refuse others (E0460). Empty for final binaries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub built_against: Vec<BuiltAgainst>,
    /// Standard output to replay: for build scripts their directives, with
    /// symbolic paths.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stdout: String,
    /// Standard error to replay: for rustc its JSON diagnostics, a line each,
    /// with symbolic paths.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stderr: String,
    /// Wall time of the execution, milliseconds.
    pub duration_ms: u64,
    /// Milliseconds after which the metadata was there (pipelining).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_ms: Option<u64>,
    /// Who may use it.
    pub verdict: Verdict,
    /// Why the verdict is not a better one, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Files written outside the action's own directories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub side_outputs: Vec<SideOutput>,
    /// What it read without declaring it, if it was observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undeclared: Option<Undeclared>,
}

impl ResultRecord {
    /// The output named `name`.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&OutputFile> {
        self.outputs.iter().find(|o| o.name == name)
    }

    /// Bytes of all outputs.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.outputs.iter().map(|o| o.size).sum()
    }
}
