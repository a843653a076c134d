//! Running a process under watch: what to ask for, and what comes back.

use crate::confine::{Confinement, Enforced};
use crate::observation::{Mechanism, Observation, Unobserved};
use crate::process::Ended;

/// How a process is watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// Whether it is observed.
    pub observe: Observe,
    /// What it may touch; `None`: everything.
    pub confinement: Option<Confinement>,
}

/// Whether and how a process is observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Observe {
    /// Not at all.
    #[default]
    No,
    /// By the cheapest mechanism that works here.
    Best,
    /// By this one or not at all.
    Only(Mechanism),
}

/// A process that was watched and has ended.
#[derive(Debug)]
pub struct Watched {
    /// How it ended.
    pub ended: Ended,
    /// What it did, or why that is not known.
    pub observation: Result<Observation, Unobserved>,
    /// What of the confinement was enforced, if one was asked for.
    pub enforced: Option<Enforced>,
}
