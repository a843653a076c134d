//! The seam to the engine for verification.

use crate::session::{Wired, explained};
use larder_engine::event::Reporter;
use larder_engine::verify::{self, Step, VerifyError, VerifyRequest};
use larder_schema::verification::Verification;

impl Wired<'_> {
    /// Runs units again and compares. Errors are those of
    /// [`crate::session::Session::build`] and [`VerifyError`].
    pub(crate) fn verify(
        &self,
        request: &VerifyRequest,
        reporter: &dyn Reporter,
        watch: &(dyn Fn(Step<'_>) + Sync),
    ) -> anyhow::Result<Verification> {
        verify::verify(&self.machine()?, request, reporter, watch).map_err(|error| match error {
            VerifyError::Engine(error) => explained(error),
            other => other.into(),
        })
    }
}
