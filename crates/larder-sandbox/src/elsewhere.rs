//! Where processes can be neither observed nor confined: they run, and the
//! reason is said.

use crate::confine::{Confinement, Enforced, NotConfined};
use crate::observation::{Mechanism, Observation, Unobserved};
use crate::watch::{Observe, Watch};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};

/// There is none here.
#[derive(Debug)]
pub(crate) enum Observer {}

pub(crate) fn start(
    mut command: Command,
    watch: &Watch,
    _: Option<OwnedFd>,
) -> io::Result<(Child, Result<Observer, Unobserved>)> {
    let reason = match watch.observe {
        Observe::No => Unobserved::NotAsked,
        Observe::Best | Observe::Only(_) => Unobserved::Platform,
    };
    Ok((command.spawn()?, Err(reason)))
}

pub(crate) fn prepare(within: &Confinement) -> Result<(Option<OwnedFd>, Enforced), NotConfined> {
    Ok((None, Enforced { version: landlock(), network_allowed: within.network }))
}

pub(crate) fn probe(_: Mechanism) -> Result<(), Unobserved> {
    Err(Unobserved::Platform)
}

pub(crate) fn landlock() -> u32 {
    0
}

pub(crate) const fn records() -> bool {
    false
}

pub(crate) fn install(_: &Path) -> io::Result<Option<PathBuf>> {
    Ok(None)
}

impl Observer {
    pub(crate) fn wait(&mut self, _: &mut Child) -> io::Result<ExitStatus> {
        match *self {}
    }

    pub(crate) fn finish(self) -> Result<Observation, Unobserved> {
        match self {}
    }
}
