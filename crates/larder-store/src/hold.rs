//! What keeps garbage collection from removing what a running build uses.
//!
//! Time is counted in *epochs*, without any clock. The link `run/epoch` says
//! which one it is, and a build holds a shared lock on `run/holds/<epoch>` of
//! the epoch that it started in. Collection works in two steps:
//!
//! 1. **Trash**: records are moved out of sight, then a new epoch begins. From
//!    here on no newcomer finds these results; only builds of earlier epochs
//!    can have seen them.
//! 2. **Sweep**: once every earlier epoch can be locked exclusively (all its
//!    builds are over), the directories are removed. Otherwise a later
//!    collection sweeps.
//!
//! Why this is safe: a build takes its shared lock on epoch *n* and then reads
//! the link again; if it no longer says *n*, it starts over. So if a hold on
//! *n* was granted, the link was moved to *n+1* later than the lock was taken,
//! and the collection that moved it, which looks at the locks after that,
//! meets the lock. Builds never wait for a collection, and a collection never
//! waits for builds; nor can it starve, since no newcomer joins an old epoch.
//!
//! The current epoch is a link because replacing one is atomic and its text
//! needs no block on a full disk. Taking the highest name in `run/holds`
//! instead is not safe: a listing during which one name goes and another comes
//! may show neither.

use crate::StoreError;
use crate::layout::Layout;
use crate::lock;
use crate::read_write::remove;
use crate::stats::entries;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;

/// Keeps what this build has seen in the store from being removed, until it
/// and all its clones are dropped or the process ends.
#[derive(Clone, Debug)]
#[must_use = "dropping the hold ends it"]
pub struct Hold {
    pub(crate) epoch: Arc<Epoch>,
}

/// A granted shared lock.
#[derive(Debug)]
pub(crate) struct Epoch {
    #[cfg(test)]
    number: u64,
    _file: File,
}

fn path(layout: &Layout, epoch: u64) -> PathBuf {
    layout.holds().join(epoch.to_string())
}

/// The current epoch; the first one begins if there is none.
pub(crate) fn current(layout: &Layout) -> Result<u64, StoreError> {
    let link = layout.epoch();
    loop {
        match fs::read_link(&link) {
            Ok(text) => {
                let number = text.to_str().and_then(|text| text.parse().ok());
                // Nobody but us writes there.
                let rubbish = || io::Error::new(io::ErrorKind::InvalidData, "not an epoch");
                return number.ok_or_else(rubbish).map_err(StoreError::at(&link));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::at(&link)(error)),
        }
        if let Some(run) = link.parent() {
            fs::create_dir_all(run).map_err(StoreError::at(run))?;
        }
        match symlink("1", &link) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(StoreError::at(&link)(error)),
        }
    }
}

/// Takes a shared lock on the current epoch.
pub(crate) fn hold(layout: &Layout) -> Result<Hold, StoreError> {
    loop {
        if let Some(hold) = join(layout, current(layout)?)? {
            return Ok(hold);
        }
    }
}

/// A hold on epoch `number`, if that is still the current one when locked.
fn join(layout: &Layout, number: u64) -> Result<Option<Hold>, StoreError> {
    let path = path(layout, number);
    let file = lock::open(&path)?;
    // A collection holds this lock for a moment only.
    file.lock_shared().map_err(StoreError::locking(&path))?;
    if !lock::is_at(&file, &path)? || current(layout)? != number {
        return Ok(None);
    }
    let epoch = Epoch {
        #[cfg(test)]
        number,
        _file: file,
    };
    Ok(Some(Hold { epoch: Arc::new(epoch) }))
}

/// Begins a new epoch and returns its number. Only a collection does, and
/// there is one at a time.
pub(crate) fn begin_epoch(layout: &Layout) -> Result<u64, StoreError> {
    let next = current(layout)? + 1;
    let (link, fresh) = (layout.epoch(), layout.next_epoch());
    remove(&fresh)?;
    symlink(next.to_string(), &fresh).map_err(StoreError::at(&fresh))?;
    fs::rename(&fresh, &link).map_err(StoreError::at(&link))?;
    Ok(next)
}

/// Whether every build that started before `epoch` is over. Removes the files
/// of epochs that are.
pub(crate) fn all_over_before(layout: &Layout, epoch: u64) -> Result<bool, StoreError> {
    // An epoch that has not begun cannot have ended the others.
    if epoch > current(layout)? {
        return Ok(false);
    }
    let mut over = true;
    for (path, _) in entries(&layout.holds())? {
        let number = path.file_name().and_then(|name| name.to_str()?.parse::<u64>().ok());
        if number.is_none_or(|number| number >= epoch) {
            continue;
        }
        match lock::try_exclusive(&path)? {
            Some(_lock) => {
                let _ = fs::remove_file(&path);
            }
            None => over = false,
        }
    }
    Ok(over)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

    #[test]
    fn a_latecomer_does_not_join_an_epoch_that_has_passed() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::new(root.path());
        // A build reads the link; before it locks, a collection goes by.
        let seen = current(&layout).unwrap();
        let next = begin_epoch(&layout).unwrap();
        assert!(all_over_before(&layout, next).unwrap());
        assert!(join(&layout, seen).unwrap().is_none());
        let late = hold(&layout).unwrap();
        assert_eq!(late.epoch.number, next);
        let after = begin_epoch(&layout).unwrap();
        assert!(!all_over_before(&layout, after).unwrap());
        assert!(!all_over_before(&layout, after + 1).unwrap(), "it has not begun");
        drop(late);
        assert!(all_over_before(&layout, after).unwrap());
    }

    #[test]
    fn no_hold_is_granted_in_an_epoch_that_is_over() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::new(root.path());
        drop(hold(&layout).unwrap());
        let (over, done) = (AtomicU64::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !done.load(SeqCst) {
                        let held = hold(&layout).unwrap();
                        // Long enough for a collection to come by.
                        for _ in 0..20 {
                            let over = over.load(SeqCst);
                            assert!(held.epoch.number >= over, "{} < {over}", held.epoch.number);
                            std::thread::yield_now();
                        }
                    }
                });
            }
            for _ in 0..200 {
                let epoch = begin_epoch(&layout).unwrap();
                // No newcomer joins an old epoch, so this comes to an end.
                while !all_over_before(&layout, epoch).unwrap() {
                    std::thread::yield_now();
                }
                over.store(epoch, SeqCst);
            }
            done.store(true, SeqCst);
        });
    }
}
