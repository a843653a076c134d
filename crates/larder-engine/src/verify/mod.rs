//! Running units a second time, in another place, and comparing the results
//! with the stored ones bit for bit.
//!
//! Every unit is run for itself, against the *stored* results of what is
//! below it: a difference is found in the unit that makes it, not in all that
//! are built on it. Workspace, cargo home, store, target directory and time
//! are others than in the first run; toolchain, host and user are the same.
//! The second run is observed as the first one was, and what it reads that is
//! in no path set is said.

mod check;
mod difference;
mod place;
mod reads;
mod request;

pub(crate) use difference::{Side, first as first_difference};
pub(crate) use larder_schema::verification::Difference;

pub use check::verify;
pub use request::{Step, VerifyError, VerifyRequest};
