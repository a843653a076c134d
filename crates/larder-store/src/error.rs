//! What can go wrong with the local store, told so that the engine can decide
//! whether to go on without it.

use std::io;
use std::path::{Path, PathBuf};

/// An error of the local store. Every one names the file and the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// This user may not write here, or the file system is mounted read-only.
    #[error(
        "`{path}` in the store cannot be written ({source}): make it writable for this user, or choose another directory for the store"
    )]
    ReadOnly {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk or the quota is full.
    #[error(
        "no space is left for `{path}` ({source}): run `cargo larder gc`, or choose a directory on a larger disk for the store"
    )]
    Full {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The bucket was written by something that this version cannot read.
    #[error(
        "`{path}` says `{found}`, which this version of larder does not know: choose another directory for the store, or remove this one"
    )]
    ForeignVersion {
        /// The format file.
        path: PathBuf,
        /// What it says, shortened.
        found: String,
    },
    /// Something that is not a directory of ours is where the store should be.
    #[error(
        "`{path}` is in the way of the store ({source}): remove it, or choose another directory for the store"
    )]
    InTheWay {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file system cannot lock files, without which processes would
    /// overwrite each other's results.
    #[error(
        "the file system of `{path}` cannot lock files ({source}): choose a directory on a local disk for the store"
    )]
    NoLocks {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An output that cannot be described by a record.
    #[error("`{path}` cannot be part of a result: {why}; the result is used once and not stored")]
    Unpublishable {
        /// The output.
        path: PathBuf,
        /// Why not.
        why: &'static str,
    },
    /// Anything else.
    #[error("`{path}` in the store: {source}; if this stays, remove the store's directory")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl StoreError {
    /// Sorts an error of the operating system at `path`.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| {
            let path = path.to_owned();
            match source.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Self::ReadOnly { path, source }
                }
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => Self::Full { path, source },
                io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                    Self::InTheWay { path, source }
                }
                _ => Self::Io { path, source },
            }
        }
    }

    /// Sorts an error of locking the file at `path`.
    pub(crate) fn locking(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::Unsupported => Self::NoLocks { path: path.to_owned(), source },
            _ => Self::at(path)(source),
        }
    }

    /// Whether the store as a whole is of no use, so that a build should go on
    /// without it. Otherwise only the one result is lost.
    #[must_use]
    pub fn means_no_store(&self) -> bool {
        !matches!(self, Self::Unpublishable { .. } | Self::Io { .. })
    }
}
