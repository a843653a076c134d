//! Path sets: the inputs that a run of an action was seen to use. Paths are
//! templates (see [`crate::plan::Template`]), so one path set serves every
//! checkout. Values are not stored here: they are evaluated where the set is
//! used, and go into the key.

use crate::Digest;
use serde::{Deserialize, Serialize};

/// Version of [`PathSets`].
pub const PATH_SETS_VERSION: u32 = 5;

/// What about a path an action depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathUse {
    /// Its content; its absence is a value too.
    Content,
    /// The content of everything below it, as `rerun-if-changed` on a
    /// directory means.
    Tree,
    /// Only whether it exists, and as what.
    Presence,
    /// The text of a symbolic link, wherever it leads.
    Link,
    /// The names directly inside it.
    Listing,
    /// All files of a package as cargo lists them: a build script without
    /// any `rerun-if`.
    Package,
    /// All files of a package, hidden and ignored ones too, without `target`,
    /// `.git` and the packages in it: a macro that reads whatever it likes.
    Whole,
    /// Where it is: the result holds the path itself.
    Location,
    /// The path is a name: which file of that name `PATH` leads to, and its
    /// content.
    Program,
}

/// One path of a path set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PathInput {
    /// Template of the path.
    pub path: String,
    /// What about it counts.
    pub uses: PathUse,
}

/// Why the inputs of a run that wanted to be observed are not all known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unseen {
    /// Observation was switched off.
    SwitchedOff,
    /// Nothing that observes worked where it ran.
    Impossible,
    /// It was observed, and the observer failed.
    Failed,
    /// Some of it cannot be seen, however often it runs: it hides behind a
    /// wrapper, leaves processes behind, changes its root directory.
    Hides,
}

impl Unseen {
    /// Whether another run, in a build that observes, may show more.
    #[must_use]
    pub fn may_be_seen(self) -> bool {
        self != Self::Hides
    }

    /// For people, about a run.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::SwitchedOff => "observation was switched off",
            Self::Impossible => "nothing that observes worked where it ran",
            Self::Failed => "the observer failed",
            Self::Hides => "not all that it does can be observed",
        }
    }
}

/// What a run of foreign code reached for although nobody gave it: beyond its
/// own directories, its package, what it declares, the toolchain and the
/// installed system. A hermetic run reaches for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Templates of what it read, listed or executed, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<String>,
    /// Templates of what it made, changed or removed, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<String>,
    /// Whether it made sockets that reach beyond the machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub network: bool,
}

impl Reach {
    /// Whether it reached for nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.reads.is_empty() && self.writes.is_empty() && !self.network
    }
}

/// The inputs of one run: a sorted set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathSet {
    /// Files and directories, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathInput>,
    /// Environment variables, sorted; an absent one is a value too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Why there may be more, if foreign code ran and was not wholly observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<Unseen>,
    /// What of it, and what else, no hermetic run would have been given.
    #[serde(default, skip_serializing_if = "Reach::is_empty")]
    pub reach: Reach,
}

/// The most recent path sets of one identity, newest first, with the key that
/// each led to when it was last used and the values behind that key (for
/// explaining misses).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathSets {
    /// [`PATH_SETS_VERSION`].
    pub version: u32,
    /// Newest first, at most [`PathSets::KEPT`].
    pub sets: Vec<PathSet>,
}

impl PathSets {
    /// How many path sets of one identity are kept.
    pub const KEPT: usize = 16;
}

/// The values behind one key, kept beside the result so that a miss can be
/// explained: `(name of the input, its value or digest)`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyInputs {
    /// The key.
    pub key: Option<Digest>,
    /// Sorted by name.
    pub inputs: Vec<(String, String)>,
}
