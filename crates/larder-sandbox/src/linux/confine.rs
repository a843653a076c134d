//! Confinement by Landlock: a rule set made here, applied by the child to
//! itself.

use super::kernel;
use crate::confine::{Confinement, Enforced, NotConfined};
use landlock::{
    ABI, Access, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
};
use std::os::fd::OwnedFd;

/// Device files that say nothing of the machine, and that nothing works
/// without.
const DEVICES: &[&str] =
    &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// What every process reads of itself: C libraries look for the bounds of
/// their stack there. It also tells of the machine; the observation says so.
const PROCESSES: &str = "/proc";

/// The version of Landlock here; 0 where there is none.
pub(crate) fn landlock() -> u32 {
    kernel::landlock_version().unwrap_or(0)
}

/// Makes the rule set. `None`: the kernel has no Landlock.
pub(crate) fn prepare(within: &Confinement) -> Result<(Option<OwnedFd>, Enforced), NotConfined> {
    let version = landlock();
    let enforced = Enforced { version, network_allowed: within.network };
    if version == 0 {
        return Ok((None, enforced));
    }
    let every = AccessFs::from_all(ABI::V3);
    let read = AccessFs::from_read(ABI::V3);
    let failed = |error: landlock::RulesetError| NotConfined(error.to_string());
    let mut ruleset = Ruleset::default().handle_access(every).map_err(failed)?;
    if !within.network {
        ruleset = ruleset.handle_access(AccessNet::from_all(ABI::V4)).map_err(failed)?;
    }
    let mut created = ruleset.create().map_err(failed)?;
    let writable = within.writable.iter().map(|path| (path.as_path(), every));
    let readable = within.readable.iter().map(|path| (path.as_path(), read));
    let devices = DEVICES.iter().map(|path| (path.as_ref(), every));
    let own = std::iter::once((PROCESSES.as_ref(), read));
    for (path, access) in writable.chain(readable).chain(devices).chain(own) {
        // What is not there cannot be read. What will be made has to be made
        // by the caller before, or in a directory that is there.
        let Ok(path) = PathFd::new(path) else { continue };
        created = created.add_rule(PathBeneath::new(path, access)).map_err(failed)?;
    }
    Ok((created.into(), enforced))
}
