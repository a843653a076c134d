//! One name for the directory of a unit's outputs, from build to build.
//!
//! Every execution has a new directory for its outputs, and rustc keeps the
//! name of that directory with what it compiled: under another name, nothing
//! of an incremental session is used again. So a unit that compiles
//! incrementally gets a name beside its session, a symbolic link that leads to
//! the directory while rustc runs.
//!
//! Two builds of one checkout may compile the same unit at once. The second
//! one goes without the name, as its session would be locked anyway. The lock
//! lies in the store, since `cargo clean` may remove everything beside the
//! session while rustc runs; so builds with different stores, which do not see
//! each other's locks, have different names.

use crate::build::Build;
use crate::work::Task;
use larder_schema::Framed;
use larder_store::{DiskStore, KeyLock};
use std::path::{Path, PathBuf};

/// The name, as long as this lives.
#[derive(Debug)]
pub(crate) struct SteadyDir {
    link: PathBuf,
    _lock: KeyLock,
}

impl SteadyDir {
    /// A name for `outputs` beside the session in `incremental`; `None` if
    /// somebody else has it, or where it cannot be made.
    fn new(store: &DiskStore, incremental: &Path, outputs: &Path) -> Option<Self> {
        let real = std::fs::canonicalize(incremental).ok()?;
        let mut name = Framed::new("larder steady name 1");
        name.bytes("store", store.root().as_os_str().as_encoded_bytes());
        let link = incremental.join(format!("out-{}", name.finish().short()));
        let mut lock = Framed::new("larder steady lock 1");
        lock.bytes("session", real.as_os_str().as_encoded_bytes());
        let lock = store.try_lock_key(&lock.finish()).ok()??;
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
        if unpacked { None } else { SteadyDir::new(self.store, &incremental, task.pending.dir()) }
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

    struct Scene {
        dir: tempfile::TempDir,
        session: PathBuf,
        outputs: PathBuf,
    }

    impl Scene {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let (session, outputs) = (dir.path().join("session"), dir.path().join("outputs"));
            std::fs::create_dir(&session).unwrap();
            std::fs::create_dir(&outputs).unwrap();
            Self { dir, session, outputs }
        }

        fn store(&self, name: &str) -> DiskStore {
            DiskStore::open(&self.dir.path().join(name)).unwrap()
        }

        fn name(&self, store: &DiskStore) -> Option<SteadyDir> {
            SteadyDir::new(store, &self.session, &self.outputs)
        }

        fn beside_session(&self) -> usize {
            std::fs::read_dir(&self.session).unwrap().count()
        }
    }

    #[test]
    fn one_at_a_time_has_the_name() {
        let scene = Scene::new();
        let store = scene.store("store");
        let first = scene.name(&store).unwrap();
        let mut args =
            ["--out-dir".to_owned(), scene.outputs.display().to_string(), "-v".to_owned()].to_vec();
        first.replace(&scene.outputs, &mut args);
        assert_eq!(args[1], first.link.display().to_string());
        std::fs::write(first.link.join("file"), "").unwrap();
        assert!(scene.outputs.join("file").exists());
        assert!(scene.name(&store).is_none());
        let link = first.link.clone();
        drop(first);
        assert_eq!(scene.beside_session(), 0, "nothing is left");
        // As if a build had been killed.
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        assert_eq!(scene.name(&store).unwrap().link, link, "the same from build to build");
    }

    /// `cargo clean` during a build removed the lock with the session: a second
    /// build then gave the name to its own outputs, and the first rustc wrote
    /// into them.
    #[test]
    fn cargo_clean_during_a_build_frees_no_name() {
        let scene = Scene::new();
        let store = scene.store("store");
        let first = scene.name(&store).unwrap();
        std::fs::remove_dir_all(&scene.session).unwrap();
        std::fs::create_dir(&scene.session).unwrap();
        assert!(scene.name(&store).is_none());
        drop(first);
        assert!(scene.name(&store).is_some());
    }

    #[test]
    fn other_stores_have_other_names() {
        let scene = Scene::new();
        let one = scene.name(&scene.store("one")).unwrap();
        let two = scene.name(&scene.store("two")).unwrap();
        assert_ne!(one.link, two.link);
        assert!(one.link.exists() && two.link.exists());
    }
}
