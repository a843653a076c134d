//! Locks on files: they end with the process that holds them, however it ends.

use crate::StoreError;
use crate::layout::{Layout, stem};
use crate::unfinished;
use larder_schema::Digest;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The right to build one key: single flight. Others who lock the same key
/// wait until this is dropped, or its process is gone.
///
/// The lock file is removed on release. That is safe because whoever gets the
/// lock looks whether the path still leads to the file it locked, and starts
/// again if not.
#[derive(Debug)]
#[must_use = "dropping the lock releases it"]
pub struct KeyLock {
    key: Digest,
    path: PathBuf,
    // Closing the file releases the lock.
    _file: File,
}

impl KeyLock {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &Digest {
        &self.key
    }

    pub(crate) fn acquire(layout: &Layout, key: &Digest) -> Result<Self, StoreError> {
        let path = layout.keys().join(stem(key));
        loop {
            let file = open(&path)?;
            file.lock().map_err(StoreError::locking(&path))?;
            if is_at(&file, &path)? {
                return Ok(Self::granted(key, path, file));
            }
        }
    }

    pub(crate) fn try_acquire(layout: &Layout, key: &Digest) -> Result<Option<Self>, StoreError> {
        let path = layout.keys().join(stem(key));
        Ok(try_exclusive(&path)?.map(|file| Self::granted(key, path, file)))
    }

    fn granted(key: &Digest, path: PathBuf, file: File) -> Self {
        unfinished::list().add_lock(&path);
        Self { key: *key, path, _file: file }
    }
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        let mut list = unfinished::list();
        list.remove_lock(&self.path);
        // Removed while still locked: a newcomer makes a new file, a waiter
        // finds that its file is no longer at the path.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Opens a lock file, and makes it and its directory if need be.
pub(crate) fn open(path: &Path) -> Result<File, StoreError> {
    let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(StoreError::at(parent))?;
            }
            open().map_err(StoreError::at(path))
        }
        other => other.map_err(StoreError::at(path)),
    }
}

/// Whether `path` leads to `file`.
pub(crate) fn is_at(file: &File, path: &Path) -> Result<bool, StoreError> {
    let ours = file.metadata().map_err(StoreError::at(path))?;
    match std::fs::metadata(path) {
        Ok(there) => Ok(there.ino() == ours.ino() && there.dev() == ours.dev()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::at(path)(error)),
    }
}

/// Locks `path` exclusively if nobody else has it.
pub(crate) fn try_exclusive(path: &Path) -> Result<Option<File>, StoreError> {
    loop {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(StoreError::locking(path)(error)),
        }
        if is_at(&file, path)? {
            return Ok(Some(file));
        }
    }
}
