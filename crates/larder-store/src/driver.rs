//! What a store elsewhere must do: the trait behind HTTP, REAPI, S3, OCI and
//! GitHub drivers, and behind every combinator.
//!
//! Blobs are named by SHA-256 and size, as REAPI does; records by key; path
//! sets by identity. A driver need not check what it is given or what it
//! returns: [`crate::Verifying`] does that once for all of them. A driver's
//! calls may block and come from several threads. Operations over many names
//! have a default that asks one by one; a remote should override them, since
//! a warm build is meant to cost a constant number of round trips.

use larder_schema::Digest;
use larder_schema::pathset::PathSets;
use larder_schema::record::{OutputFile, ResultRecord};
use std::io::{self, Read};
use std::sync::Arc;

/// The name of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Blob {
    /// SHA-256 of its content.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
}

impl Blob {
    /// The name of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { digest: Digest::of(bytes), size: bytes.len() as u64 }
    }
}

impl From<&OutputFile> for Blob {
    fn from(output: &OutputFile) -> Self {
        Self { digest: output.digest, size: output.size }
    }
}

/// Why a driver did not do what was asked. None of them fails a build.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// It cannot be reached, is too slow, or failed: worth another try later.
    #[error("{driver} is not available: {why}; going on without it")]
    Unavailable {
        /// Which one.
        driver: String,
        /// What happened.
        why: String,
    },
    /// It does not take this, by policy: no use in trying again.
    #[error("{driver} does not take it: {why}")]
    Refused {
        /// Which one.
        driver: String,
        /// Which rule.
        why: String,
    },
    /// It returned or was given something that is not what its name says.
    #[error("{driver} has wrong content for {what}: {why}; it is not used")]
    Corrupt {
        /// Which one.
        driver: String,
        /// The name that was asked for.
        what: String,
        /// The difference.
        why: String,
    },
}

impl DriverError {
    /// An error of reading or writing, sorted: content that was found to be
    /// wrong on the way is [`DriverError::Corrupt`].
    #[must_use]
    pub fn io(driver: &str, what: &dyn std::fmt::Display, error: &io::Error) -> Self {
        let (driver, why) = (driver.to_owned(), error.to_string());
        match error.kind() {
            io::ErrorKind::InvalidData => Self::Corrupt { driver, what: what.to_string(), why },
            _ => Self::Unavailable { driver, why: format!("{what}: {why}") },
        }
    }
}

/// What a call returns.
pub type Answer<T> = Result<T, DriverError>;

/// A store of results that may be on another machine.
pub trait Driver: Send + Sync {
    /// What people call it: `http://cache.local`, `memory`.
    fn name(&self) -> String;

    /// Asked before anything of a result is sent: a policy's chance to say no
    /// while nothing has left this machine.
    ///
    /// # Errors
    /// [`DriverError::Refused`].
    fn admit(&self, record: &ResultRecord) -> Answer<()> {
        let _ = record;
        Ok(())
    }

    /// The record under `key`.
    ///
    /// # Errors
    /// All kinds; absence is none.
    fn get_record(&self, key: &Digest) -> Answer<Option<ResultRecord>>;

    /// Stores `record` under its key, replacing another one. Its blobs are
    /// there already.
    ///
    /// # Errors
    /// All kinds.
    fn put_record(&self, record: &ResultRecord) -> Answer<()>;

    /// The path sets of a unit.
    ///
    /// # Errors
    /// All kinds; absence is none.
    fn get_path_sets(&self, identity: &Digest) -> Answer<Option<PathSets>>;

    /// Replaces the path sets of a unit.
    ///
    /// # Errors
    /// All kinds.
    fn put_path_sets(&self, identity: &Digest, sets: &PathSets) -> Answer<()>;

    /// The content of a blob. A reader that fails half way is allowed: what
    /// was read until then must not be used.
    ///
    /// # Errors
    /// All kinds; absence is none.
    fn get_blob(&self, blob: &Blob) -> Answer<Option<Box<dyn Read + Send>>>;

    /// Stores a blob. If `content` fails or ends early, nothing is stored.
    ///
    /// # Errors
    /// All kinds.
    fn put_blob(&self, blob: &Blob, content: &mut dyn Read) -> Answer<()>;

    /// Which of `blobs` need not be sent, in their order.
    ///
    /// # Errors
    /// All kinds.
    fn has_blobs(&self, blobs: &[Blob]) -> Answer<Vec<bool>>;

    /// The records under `keys`, in their order.
    ///
    /// # Errors
    /// All kinds.
    fn get_records(&self, keys: &[Digest]) -> Answer<Vec<Option<ResultRecord>>> {
        keys.iter().map(|key| self.get_record(key)).collect()
    }

    /// The path sets of `identities`, in their order.
    ///
    /// # Errors
    /// All kinds.
    fn get_all_path_sets(&self, identities: &[Digest]) -> Answer<Vec<Option<PathSets>>> {
        identities.iter().map(|identity| self.get_path_sets(identity)).collect()
    }
}

/// Forwards every method, so that a driver may be shared or boxed.
macro_rules! forward {
    ($($to:ty),*) => { $(
        impl<D: Driver + ?Sized> Driver for $to {
            fn name(&self) -> String {
                (**self).name()
            }
            fn admit(&self, record: &ResultRecord) -> Answer<()> {
                (**self).admit(record)
            }
            fn get_record(&self, key: &Digest) -> Answer<Option<ResultRecord>> {
                (**self).get_record(key)
            }
            fn put_record(&self, record: &ResultRecord) -> Answer<()> {
                (**self).put_record(record)
            }
            fn get_path_sets(&self, identity: &Digest) -> Answer<Option<PathSets>> {
                (**self).get_path_sets(identity)
            }
            fn put_path_sets(&self, identity: &Digest, sets: &PathSets) -> Answer<()> {
                (**self).put_path_sets(identity, sets)
            }
            fn get_blob(&self, blob: &Blob) -> Answer<Option<Box<dyn Read + Send>>> {
                (**self).get_blob(blob)
            }
            fn put_blob(&self, blob: &Blob, content: &mut dyn Read) -> Answer<()> {
                (**self).put_blob(blob, content)
            }
            fn has_blobs(&self, blobs: &[Blob]) -> Answer<Vec<bool>> {
                (**self).has_blobs(blobs)
            }
            fn get_records(&self, keys: &[Digest]) -> Answer<Vec<Option<ResultRecord>>> {
                (**self).get_records(keys)
            }
            fn get_all_path_sets(&self, identities: &[Digest]) -> Answer<Vec<Option<PathSets>>> {
                (**self).get_all_path_sets(identities)
            }
        }
    )* };
}
forward!(Box<D>, Arc<D>, &D);
