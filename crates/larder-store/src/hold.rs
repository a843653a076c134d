//! What keeps garbage collection from removing what a running build uses.
//!
//! Time is counted in *epochs*, without any clock. An epoch is a file in
//! `run/holds`; the highest number is the current one. A build holds a shared
//! lock on the epoch that it started in. Collection works in two steps:
//!
//! 1. **Trash**: records are moved out of sight, then a new epoch begins. From
//!    here on no newcomer finds these results; only builds of earlier epochs
//!    can have seen them.
//! 2. **Sweep**: once every earlier epoch can be locked exclusively (all its
//!    builds are over), the directories are removed. Otherwise a later
//!    collection sweeps.
//!
//! Why this is safe: a build takes its shared lock on epoch *n* and then looks
//! again; if *n* is no longer the highest, it starts over. So if a hold on *n*
//! was granted, no epoch after *n* existed at that moment, and a collection
//! that begins *n+1* later meets the lock. Builds never wait for a
//! collection, and a collection never waits for builds; nor can it starve,
//! since no newcomer joins an old epoch.

use crate::StoreError;
use crate::layout::Layout;
use crate::lock::{is_at, try_exclusive};
use std::fs::{File, OpenOptions};
use std::io;
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
    _file: File,
}

fn path(layout: &Layout, epoch: u64) -> PathBuf {
    layout.holds().join(epoch.to_string())
}

/// The epochs that there are files for, lowest first.
fn epochs(layout: &Layout) -> Result<Vec<u64>, StoreError> {
    let dir = layout.holds();
    let entries = match std::fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::at(&dir)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.map_err(StoreError::at(&dir))?.file_name();
        found.extend(name.to_str().and_then(|n| n.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

/// Makes the file of an epoch.
fn create(layout: &Layout, epoch: u64) -> Result<(), StoreError> {
    let dir = layout.holds();
    std::fs::create_dir_all(&dir).map_err(StoreError::at(&dir))?;
    let path = path(layout, epoch);
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(StoreError::at(&path))?;
    Ok(())
}

/// Takes a shared lock on the current epoch.
pub(crate) fn hold(layout: &Layout) -> Result<Hold, StoreError> {
    loop {
        let Some(number) = epochs(layout)?.pop() else {
            create(layout, 1)?;
            continue;
        };
        let path = path(layout, number);
        let file = match File::open(&path) {
            Ok(file) => file,
            // A collection removed it: there is a newer one.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(StoreError::at(&path)(error)),
        };
        // A collection holds this lock for a moment only.
        file.lock_shared().map_err(StoreError::locking(&path))?;
        if is_at(&file, &path)? && epochs(layout)?.last() == Some(&number) {
            return Ok(Hold { epoch: Arc::new(Epoch { _file: file }) });
        }
    }
}

/// Begins a new epoch and returns its number.
pub(crate) fn begin_epoch(layout: &Layout) -> Result<u64, StoreError> {
    let next = epochs(layout)?.last().copied().unwrap_or(0) + 1;
    create(layout, next)?;
    Ok(next)
}

/// Whether every build that started before `epoch` is over. Removes the files
/// of epochs that are.
pub(crate) fn all_over_before(layout: &Layout, epoch: u64) -> Result<bool, StoreError> {
    let all = epochs(layout)?;
    // The current epoch is never over, whatever the number asked for: a
    // damaged store must not lead to removing what is in use.
    let current = all.last().copied().unwrap_or(0);
    if epoch > current {
        return Ok(false);
    }
    let mut over = true;
    for number in all.into_iter().filter(|&n| n < epoch) {
        let path = path(layout, number);
        match try_exclusive(&path)? {
            Some(_lock) => {
                let _ = std::fs::remove_file(&path);
            }
            None => over = false,
        }
    }
    Ok(over)
}
