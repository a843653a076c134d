//! One name for the directory of a unit's outputs, from build to build.
//!
//! Every execution has a new directory for its outputs, and rustc keeps the
//! name of that directory with what it compiled: under another name, nothing
//! of an incremental session is used again. So a unit that compiles
//! incrementally gets a name beside its session, a symbolic link that leads to
//! the directory while rustc runs.
//!
//! Two builds of one checkout may compile the same unit at once. The second
//! one goes without the name, as its session would be locked anyway.

use crate::build::Build;
use crate::work::Task;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The name, as long as this lives.
#[derive(Debug)]
pub(crate) struct SteadyDir {
    link: PathBuf,
    _lock: File,
}

impl SteadyDir {
    /// A name for `outputs` beside the session in `incremental`; `None` if
    /// somebody else has it, or where it cannot be made.
    fn new(incremental: &Path, outputs: &Path) -> Option<Self> {
        let lock = File::create(incremental.join("out.lock")).ok()?;
        lock.try_lock().ok()?;
        let link = incremental.join("out");
        // One that a killed build left.
        let _ = std::fs::remove_file(&link);
        link_to(outputs, &link).ok()?;
        Some(Self { link, _lock: lock })
    }

    /// Puts the name into the arguments of a call that writes to `outputs`.
    pub(crate) fn replace(&self, outputs: &Path, args: &mut [String]) {
        if let Some(at) = args.iter().position(|arg| arg == "--out-dir")
            && let Some(dir) = args.get_mut(at + 1)
            && Path::new(dir) == outputs
        {
            *dir = self.link.to_string_lossy().into_owned();
        }
    }
}

impl Build<'_> {
    /// A name for the unit's outputs that its incremental session knows.
    /// Debug information that stays in objects names them where they are.
    pub(crate) fn steady_dir(&self, task: &Task) -> Option<SteadyDir> {
        let incremental = self.incremental_dir_of(task.unit)?;
        std::fs::create_dir_all(&incremental).ok()?;
        let action = self.plan.units[task.unit].action.as_ref()?;
        let unpacked = action.args.iter().any(|arg| arg.0.contains("split-debuginfo=unpacked"));
        if unpacked { None } else { SteadyDir::new(&incremental, task.pending.dir()) }
    }
}

impl Drop for SteadyDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.link);
    }
}

#[cfg(unix)]
fn link_to(outputs: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(outputs, link)
}

#[cfg(not(unix))]
fn link_to(_: &Path, _: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_has_the_name() {
        let dir = tempfile::tempdir().unwrap();
        let (session, outputs) = (dir.path().join("session"), dir.path().join("outputs"));
        std::fs::create_dir(&session).unwrap();
        std::fs::create_dir(&outputs).unwrap();
        let first = SteadyDir::new(&session, &outputs).unwrap();
        let mut args =
            ["--out-dir".to_owned(), outputs.display().to_string(), "-v".to_owned()].to_vec();
        first.replace(&outputs, &mut args);
        assert_eq!(args[1], session.join("out").display().to_string());
        std::fs::write(session.join("out/file"), "").unwrap();
        assert!(outputs.join("file").exists());
        assert!(SteadyDir::new(&session, &outputs).is_none());
        drop(first);
        assert!(!session.join("out").exists());
        // As if a build had been killed.
        std::os::unix::fs::symlink("nowhere", session.join("out")).unwrap();
        assert!(SteadyDir::new(&session, &outputs).is_some());
    }
}
