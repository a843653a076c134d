//! What of this machine the sandbox can use, found out by trying it.

use crate::observation::{Mechanism, Unobserved};
use crate::platform;

/// What works here, and why not what does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Observation by notification.
    pub notify: Result<(), Unobserved>,
    /// Observation by ptrace.
    pub trace: Result<(), Unobserved>,
    /// Version of Landlock; 0 if there is none.
    pub landlock: u32,
}

impl Capabilities {
    /// Tries each mechanism on a process that fails to execute a program. Two
    /// forks, a few milliseconds.
    #[must_use]
    pub fn probe() -> Self {
        Self {
            notify: platform::probe(Mechanism::Notify),
            trace: platform::probe(Mechanism::Trace),
            landlock: platform::landlock(),
        }
    }

    /// What observes a process here, if anything does.
    #[must_use]
    pub fn observes(&self) -> Option<Mechanism> {
        match (&self.notify, &self.trace) {
            (Ok(()), _) => Some(Mechanism::Notify),
            (Err(_), Ok(())) => Some(Mechanism::Trace),
            (Err(_), Err(_)) => None,
        }
    }
}
