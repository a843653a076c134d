//! Running a process under watch: what to ask for, and what comes back.

use crate::confine::{Confinement, Enforced};
use crate::observation::{Mechanism, Observation, Unobserved};
use crate::platform;
use crate::process::Ended;
use std::io;
use std::path::{Path, PathBuf};

/// How a process is watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// Whether it is observed.
    pub observe: Observe,
    /// What it may touch; `None`: everything.
    pub confinement: Option<Confinement>,
    /// The library of [`library`], for programs that start compilers of C:
    /// what its processes look at costs little then. It changes nothing of
    /// what is seen.
    pub library: Option<PathBuf>,
}

/// Whether this platform has the library for [`Watch::library`].
#[must_use]
pub const fn records() -> bool {
    platform::records()
}

/// Puts the library for [`Watch::library`] into a directory, where it stays as
/// long as anything is watched with it. `None`: this platform has none.
///
/// # Errors
/// If it cannot be written.
pub fn library(directory: &Path) -> io::Result<Option<PathBuf>> {
    platform::install(directory)
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
