//! What is asked of a verification, what it says while it runs, and what keeps
//! it from running.

use crate::request::BuildRequest;
use crate::session::EngineError;
use larder_schema::verification::VerifiedUnit;
use larder_store::StoreError;
use std::path::Path;

/// What to verify.
#[derive(Clone, Debug, Default)]
pub struct VerifyRequest {
    /// The command whose units they are.
    pub build: BuildRequest,
    /// How many, chosen anew each time; all if absent.
    pub sample: Option<usize>,
    /// Only those of these packages: `name` or `name@version`.
    pub packages: Vec<String>,
}

/// What happens while units are verified.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// The other place is ready.
    Ready {
        /// Units that are run again.
        units: usize,
        /// Units that could be.
        of: usize,
        /// The place.
        place: &'a Path,
    },
    /// A unit was run again.
    Checked {
        /// What came of it.
        unit: &'a VerifiedUnit,
        /// How many are done.
        done: usize,
        /// Of how many.
        units: usize,
    },
}

/// Why nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// As for a build.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// There is nothing to compare with.
    #[error("no result of {what} is in the store: run `cargo larder {command}` first")]
    NothingStored {
        /// Of what.
        what: String,
        /// The command.
        command: String,
    },
    /// The other place could not be made.
    #[error("the place to build in again could not be made")]
    Place(#[source] std::io::Error),
    /// Cargo refuses there what it took here.
    #[error("the command cannot be planned in another place")]
    Elsewhere {
        /// What was said.
        #[source]
        said: Said,
    },
}

/// What cargo or larder said.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Said(pub(super) String);

impl From<StoreError> for VerifyError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}
