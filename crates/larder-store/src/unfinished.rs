//! What this process would leave behind if it ended now: directories without
//! a record, and lock files. A signal ends the whole process, whatever stores
//! it uses, so there is one list for all of them.
//!
//! Whoever makes, publishes or removes such a thing holds the list meanwhile.
//! [`abandon`] takes it for good: from then on nothing can be published whose
//! files are being removed, and no lock file can be removed that another
//! process has made since.

use crate::disk::DiskStore;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

static LIST: Mutex<List> = Mutex::new(List { places: BTreeMap::new(), locks: Vec::new() });

/// What is on the list.
pub(crate) struct List {
    places: BTreeMap<PathBuf, DiskStore>,
    locks: Vec<PathBuf>,
}

impl List {
    /// Adds a directory that has no record.
    pub(crate) fn add_place(&mut self, store: &DiskStore, root: &Path) {
        self.places.insert(root.to_owned(), store.clone());
    }

    /// The directory has a record, or is gone.
    pub(crate) fn remove_place(&mut self, root: &Path) {
        self.places.remove(root);
    }

    /// Adds the file of a lock that was granted.
    pub(crate) fn add_lock(&mut self, path: &Path) {
        self.locks.push(path.to_owned());
    }

    /// The file is gone.
    pub(crate) fn remove_lock(&mut self, path: &Path) {
        self.locks.retain(|lock| lock != path);
    }
}

/// The list, for as long as the guard lives.
pub(crate) fn list() -> MutexGuard<'static, List> {
    LIST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what has no record yet, and the locks of this process. To be
/// called when the process is about to end: threads that still work on results
/// stop at their next step, for ever.
pub fn abandon() {
    let list = list();
    for (root, store) in &list.places {
        // What cannot be removed is found by a garbage collection.
        let _ = store.discard_tree(root);
    }
    for lock in &list.locks {
        let _ = std::fs::remove_file(lock);
    }
    std::mem::forget(list);
}
