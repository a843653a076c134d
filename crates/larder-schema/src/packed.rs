//! The head of a packed result: which files follow, in which order.

use crate::record::OutputFile;
use serde::{Deserialize, Serialize};

/// Version of [`PackedHead`].
pub const PACKED_VERSION: u32 = 1;

/// First line of a packed result, as JSON; the contents of its files follow
/// without anything in between.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedHead {
    /// [`PACKED_VERSION`].
    pub version: u32,
    /// The files, none of them a symbolic link.
    pub files: Vec<OutputFile>,
}
