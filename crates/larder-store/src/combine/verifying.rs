//! Nothing passes that is not what its name says.

use crate::driver::{Answer, Blob, Driver, DriverError};
use crate::hash::Hasher;
use larder_schema::Digest;
use larder_schema::pathset::{PATH_SETS_VERSION, PathSets};
use larder_schema::record::{RECORD_VERSION, ResultRecord};
use std::io::{self, Read};

/// Checks digest and size of every blob on the way, in both directions, and
/// that records answer the key they were asked for.
///
/// A blob's reader ends well only if all of it was right: a wrong one fails
/// with [`io::ErrorKind::InvalidData`] instead of ending. Never more than the
/// blob's size is passed on.
#[derive(Debug)]
pub struct Verifying<D>(D);

impl<D: Driver> Verifying<D> {
    /// Distrusts `inner`.
    pub fn new(inner: D) -> Self {
        Self(inner)
    }

    fn checked(&self, key: &Digest, found: Option<ResultRecord>) -> Answer<Option<ResultRecord>> {
        // Another version is nobody's fault: it is as if absent.
        let Some(record) = found.filter(|r| r.version == RECORD_VERSION) else { return Ok(None) };
        let why = if record.key != *key {
            format!("it answers {}", record.key)
        } else if let Some(bad) =
            record.outputs.iter().find(|o| !crate::transfer::is_safe_path(&o.name))
        {
            format!("an output is named `{}`", bad.name)
        } else {
            return Ok(Some(record));
        };
        Err(DriverError::Corrupt { driver: self.name(), what: key.to_string(), why })
    }
}

impl<D: Driver> Driver for Verifying<D> {
    fn name(&self) -> String {
        self.0.name()
    }
    fn admit(&self, record: &ResultRecord) -> Answer<()> {
        self.0.admit(record)
    }
    fn get_record(&self, key: &Digest) -> Answer<Option<ResultRecord>> {
        self.checked(key, self.0.get_record(key)?)
    }
    fn put_record(&self, record: &ResultRecord) -> Answer<()> {
        self.0.put_record(record)
    }
    fn get_path_sets(&self, identity: &Digest) -> Answer<Option<PathSets>> {
        Ok(self.0.get_path_sets(identity)?.filter(|s| s.version == PATH_SETS_VERSION))
    }
    fn put_path_sets(&self, identity: &Digest, sets: &PathSets) -> Answer<()> {
        self.0.put_path_sets(identity, sets)
    }
    fn get_blob(&self, blob: &Blob) -> Answer<Option<Box<dyn Read + Send>>> {
        let Some(inner) = self.0.get_blob(blob)? else { return Ok(None) };
        Ok(Some(Box::new(Checked { inner, blob: *blob, seen: Hasher::default() })))
    }
    fn put_blob(&self, blob: &Blob, content: &mut dyn Read) -> Answer<()> {
        self.0.put_blob(blob, &mut Checked { inner: content, blob: *blob, seen: Hasher::default() })
    }
    fn has_blobs(&self, blobs: &[Blob]) -> Answer<Vec<bool>> {
        let found = self.0.has_blobs(blobs)?;
        if found.len() != blobs.len() {
            let why = format!("{} answers to {} questions", found.len(), blobs.len());
            let what = "a list of blobs".to_owned();
            return Err(DriverError::Corrupt { driver: self.name(), what, why });
        }
        Ok(found)
    }
    fn get_records(&self, keys: &[Digest]) -> Answer<Vec<Option<ResultRecord>>> {
        let mut found = self.0.get_records(keys)?;
        found.resize(keys.len(), None);
        keys.iter().zip(found).map(|(key, record)| self.checked(key, record)).collect()
    }
    fn get_all_path_sets(&self, identities: &[Digest]) -> Answer<Vec<Option<PathSets>>> {
        let mut found = self.0.get_all_path_sets(identities)?;
        found.resize(identities.len(), None);
        let known = |sets: &PathSets| sets.version == PATH_SETS_VERSION;
        Ok(found.into_iter().map(|sets| sets.filter(known)).collect())
    }
}

/// A reader that ends well only if it yielded the blob.
struct Checked<R> {
    inner: R,
    blob: Blob,
    seen: Hasher,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let wrong = |why: String| Err(io::Error::new(io::ErrorKind::InvalidData, why));
        let n = self.inner.read(buffer)?;
        self.seen.update(&buffer[..n]);
        let (size, expected) = (self.seen.size(), self.blob.size);
        if size > expected {
            return wrong(format!("more than {expected} bytes"));
        }
        // The last bytes are held back too if they are not the right ones, so
        // that a caller who knows the size and stops there is not deceived.
        if n > 0 && size == expected || n == 0 {
            if size < expected {
                return wrong(format!("{size} bytes instead of {expected}"));
            }
            let found = self.seen.finish();
            if found != self.blob.digest {
                return wrong(format!("SHA-256 is {found}"));
            }
        }
        Ok(n)
    }
}
