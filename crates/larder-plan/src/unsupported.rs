//! What larder does not plan, and the line that says so.

/// Versions of cargo whose rules this crate follows, as prefixes.
pub const SUPPORTED_CARGO: &[&str] = &["1.95."];

/// Something that larder does not model: the command goes to plain cargo.
///
/// Its `Display` is the one line that the user sees.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} ({place}) is not supported by larder: plain cargo runs, and rebuilds everything")]
pub struct Unsupported {
    /// The feature, in the words of cargo's documentation.
    pub what: String,
    /// Where it was found: a package, a target or the command.
    pub place: String,
}

impl Unsupported {
    pub(crate) fn new(what: impl Into<String>, place: impl Into<String>) -> Self {
        Self { what: what.into(), place: place.into() }
    }
}
