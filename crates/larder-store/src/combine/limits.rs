//! Combinators that say no: to all writes, to large blobs, to private results.

use crate::driver::{Answer, Blob, Driver, DriverError};
use larder_schema::Digest;
use larder_schema::pathset::PathSets;
use larder_schema::record::ResultRecord;
use std::collections::HashSet;
use std::io::Read;
use std::sync::{Mutex, PoisonError};

fn refused<T>(driver: &impl Driver, why: impl Into<String>) -> Answer<T> {
    Err(DriverError::Refused { driver: driver.name(), why: why.into() })
}

/// Passes reads on and refuses every write.
#[derive(Debug)]
pub struct ReadOnly<D>(D);

impl<D: Driver> ReadOnly<D> {
    /// Makes `inner` read-only.
    pub fn new(inner: D) -> Self {
        Self(inner)
    }

    fn no<T>(&self) -> Answer<T> {
        refused(&self.0, "it is used for reading only")
    }
}

impl<D: Driver> Driver for ReadOnly<D> {
    fn name(&self) -> String {
        self.0.name()
    }
    fn admit(&self, _: &ResultRecord) -> Answer<()> {
        self.no()
    }
    fn get_record(&self, key: &Digest) -> Answer<Option<ResultRecord>> {
        self.0.get_record(key)
    }
    fn put_record(&self, _: &ResultRecord) -> Answer<()> {
        self.no()
    }
    fn get_path_sets(&self, identity: &Digest) -> Answer<Option<PathSets>> {
        self.0.get_path_sets(identity)
    }
    fn put_path_sets(&self, _: &Digest, _: &PathSets) -> Answer<()> {
        self.no()
    }
    fn get_blob(&self, blob: &Blob) -> Answer<Option<Box<dyn Read + Send>>> {
        self.0.get_blob(blob)
    }
    fn put_blob(&self, _: &Blob, _: &mut dyn Read) -> Answer<()> {
        self.no()
    }
    fn has_blobs(&self, blobs: &[Blob]) -> Answer<Vec<bool>> {
        self.0.has_blobs(blobs)
    }
    fn get_records(&self, keys: &[Digest]) -> Answer<Vec<Option<ResultRecord>>> {
        self.0.get_records(keys)
    }
    fn get_all_path_sets(&self, identities: &[Digest]) -> Answer<Vec<Option<PathSets>>> {
        self.0.get_all_path_sets(identities)
    }
}

/// Refuses blobs above a size, and results that have such outputs. Also
/// never fetches one, whatever a record of the other side claims.
#[derive(Debug)]
pub struct Bounded<D> {
    inner: D,
    max: u64,
}

impl<D: Driver> Bounded<D> {
    /// Keeps blobs of more than `max` bytes out of `inner`.
    pub fn new(inner: D, max: u64) -> Self {
        Self { inner, max }
    }

    fn check(&self, size: u64) -> Answer<()> {
        if size > self.max {
            return refused(&self.inner, format!("{size} bytes, and {} are allowed", self.max));
        }
        Ok(())
    }
}

impl<D: Driver> Driver for Bounded<D> {
    fn name(&self) -> String {
        self.inner.name()
    }
    fn admit(&self, record: &ResultRecord) -> Answer<()> {
        record.outputs.iter().try_for_each(|output| self.check(output.size))?;
        self.inner.admit(record)
    }
    fn get_record(&self, key: &Digest) -> Answer<Option<ResultRecord>> {
        self.inner.get_record(key)
    }
    fn put_record(&self, record: &ResultRecord) -> Answer<()> {
        record.outputs.iter().try_for_each(|output| self.check(output.size))?;
        self.inner.put_record(record)
    }
    fn get_path_sets(&self, identity: &Digest) -> Answer<Option<PathSets>> {
        self.inner.get_path_sets(identity)
    }
    fn put_path_sets(&self, identity: &Digest, sets: &PathSets) -> Answer<()> {
        self.inner.put_path_sets(identity, sets)
    }
    fn get_blob(&self, blob: &Blob) -> Answer<Option<Box<dyn Read + Send>>> {
        self.check(blob.size)?;
        // A sender that does not stop is cut off; the size then differs.
        let reader = self.inner.get_blob(blob)?;
        let limit = blob.size.saturating_add(1);
        Ok(reader.map(|reader| Box::new(reader.take(limit)) as Box<dyn Read + Send>))
    }
    fn put_blob(&self, blob: &Blob, content: &mut dyn Read) -> Answer<()> {
        self.check(blob.size)?;
        self.inner.put_blob(blob, content)
    }
    fn has_blobs(&self, blobs: &[Blob]) -> Answer<Vec<bool>> {
        self.inner.has_blobs(blobs)
    }
    fn get_records(&self, keys: &[Digest]) -> Answer<Vec<Option<ResultRecord>>> {
        self.inner.get_records(keys)
    }
    fn get_all_path_sets(&self, identities: &[Digest]) -> Answer<Vec<Option<PathSets>>> {
        self.inner.get_all_path_sets(identities)
    }
}

/// Keeps private results from a public store: nothing is written unless
/// `public` says that the unit's whole closure is public.
///
/// A blob does not tell whose it is, so only blobs of an admitted result pass.
pub struct Private<D, P> {
    inner: D,
    public: P,
    admitted: Mutex<HashSet<Digest>>,
}

impl<D: Driver, P: Fn(&Digest) -> bool + Send + Sync> Private<D, P> {
    /// Lets only units through whose identity `public` accepts. `|_| false`
    /// refuses every write.
    pub fn new(inner: D, public: P) -> Self {
        Self { inner, public, admitted: Mutex::default() }
    }

    fn check(&self, identity: &Digest) -> Answer<()> {
        if (self.public)(identity) {
            return Ok(());
        }
        refused(&self.inner, "the result is private")
    }
}

impl<D: Driver, P: Fn(&Digest) -> bool + Send + Sync> Driver for Private<D, P> {
    fn name(&self) -> String {
        self.inner.name()
    }
    fn admit(&self, record: &ResultRecord) -> Answer<()> {
        self.check(&record.identity)?;
        self.inner.admit(record)?;
        let mut admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        admitted.extend(record.outputs.iter().map(|output| output.digest));
        Ok(())
    }
    fn get_record(&self, key: &Digest) -> Answer<Option<ResultRecord>> {
        self.inner.get_record(key)
    }
    fn put_record(&self, record: &ResultRecord) -> Answer<()> {
        self.check(&record.identity)?;
        self.inner.put_record(record)
    }
    fn get_path_sets(&self, identity: &Digest) -> Answer<Option<PathSets>> {
        self.inner.get_path_sets(identity)
    }
    fn put_path_sets(&self, identity: &Digest, sets: &PathSets) -> Answer<()> {
        self.check(identity)?;
        self.inner.put_path_sets(identity, sets)
    }
    fn get_blob(&self, blob: &Blob) -> Answer<Option<Box<dyn Read + Send>>> {
        self.inner.get_blob(blob)
    }
    fn put_blob(&self, blob: &Blob, content: &mut dyn Read) -> Answer<()> {
        let admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        if !admitted.contains(&blob.digest) {
            return refused(&self.inner, "it belongs to no result known to be public");
        }
        drop(admitted);
        self.inner.put_blob(blob, content)
    }
    fn has_blobs(&self, blobs: &[Blob]) -> Answer<Vec<bool>> {
        self.inner.has_blobs(blobs)
    }
    fn get_records(&self, keys: &[Digest]) -> Answer<Vec<Option<ResultRecord>>> {
        self.inner.get_records(keys)
    }
    fn get_all_path_sets(&self, identities: &[Digest]) -> Answer<Vec<Option<PathSets>>> {
        self.inner.get_all_path_sets(identities)
    }
}
