//! A fast store before a slow one.

use crate::driver::{Answer, Blob, Driver, DriverError};
use larder_schema::Digest;
use larder_schema::pathset::PathSets;
use larder_schema::record::ResultRecord;
use std::io::Read;

/// Asks `fast`, then `slow`, and fills `fast` with what `slow` had.
///
/// Writes go to both. `fast` is a convenience: its failures are passed over.
/// A write that `slow` refuses by policy is still a success if `fast` took it.
#[derive(Debug)]
pub struct Tiered<F, S> {
    fast: F,
    slow: S,
}

impl<F: Driver, S: Driver> Tiered<F, S> {
    /// Puts `fast` before `slow`.
    pub fn new(fast: F, slow: S) -> Self {
        Self { fast, slow }
    }

    fn read<T>(
        &self,
        ask: impl Fn(&dyn Driver) -> Answer<Option<T>>,
        fill: impl Fn(&T) -> Answer<()>,
    ) -> Answer<Option<T>> {
        if let Ok(Some(found)) = ask(&self.fast) {
            return Ok(Some(found));
        }
        let found = ask(&self.slow)?;
        if let Some(found) = &found {
            let _ = fill(found);
        }
        Ok(found)
    }

    /// Completes what `fast` answered by asking `slow` for the rest, at once.
    fn read_many<T: Clone>(
        &self,
        names: &[Digest],
        ask: impl Fn(&dyn Driver, &[Digest]) -> Answer<Vec<Option<T>>>,
        fill: impl Fn(&Digest, &T) -> Answer<()>,
    ) -> Answer<Vec<Option<T>>> {
        let mut found = ask(&self.fast, names).unwrap_or_default();
        found.resize(names.len(), None);
        let missing: Vec<usize> = (0..names.len()).filter(|&i| found[i].is_none()).collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let rest: Vec<Digest> = missing.iter().map(|&i| names[i]).collect();
        for (at, answer) in missing.into_iter().zip(ask(&self.slow, &rest)?) {
            if let Some(answer) = &answer {
                let _ = fill(&names[at], answer);
            }
            found[at] = answer;
        }
        Ok(found)
    }
}

/// What a write to both comes to.
fn both(fast: Answer<()>, slow: Answer<()>) -> Answer<()> {
    match slow {
        Err(DriverError::Refused { .. }) if fast.is_ok() => Ok(()),
        other => other,
    }
}

impl<F: Driver, S: Driver> Driver for Tiered<F, S> {
    fn name(&self) -> String {
        self.slow.name()
    }

    fn admit(&self, record: &ResultRecord) -> Answer<()> {
        both(self.fast.admit(record), self.slow.admit(record))
    }

    fn get_record(&self, key: &Digest) -> Answer<Option<ResultRecord>> {
        self.read(|d| d.get_record(key), |record| self.fast.put_record(record))
    }

    fn put_record(&self, record: &ResultRecord) -> Answer<()> {
        both(self.fast.put_record(record), self.slow.put_record(record))
    }

    fn get_path_sets(&self, identity: &Digest) -> Answer<Option<PathSets>> {
        self.read(|d| d.get_path_sets(identity), |sets| self.fast.put_path_sets(identity, sets))
    }

    fn put_path_sets(&self, identity: &Digest, sets: &PathSets) -> Answer<()> {
        both(self.fast.put_path_sets(identity, sets), self.slow.put_path_sets(identity, sets))
    }

    fn get_blob(&self, blob: &Blob) -> Answer<Option<Box<dyn Read + Send>>> {
        if let Ok(Some(reader)) = self.fast.get_blob(blob) {
            return Ok(Some(reader));
        }
        let Some(mut reader) = self.slow.get_blob(blob)? else { return Ok(None) };
        // Through the fast store, so that no third place must hold it. If it
        // does not take the blob, the slow one is asked again.
        if self.fast.put_blob(blob, &mut reader).is_ok()
            && let Ok(Some(reader)) = self.fast.get_blob(blob)
        {
            return Ok(Some(reader));
        }
        self.slow.get_blob(blob)
    }

    fn put_blob(&self, blob: &Blob, content: &mut dyn Read) -> Answer<()> {
        // The content can be read once: it goes to the fast store, and from
        // there to the slow one. If the fast one refuses before reading, the
        // content is still whole; if it failed half way, the slow one finds
        // that too little is left.
        let fast = self.fast.put_blob(blob, content);
        let slow = match (&fast, self.fast.get_blob(blob)) {
            (Ok(()), Ok(Some(mut stored))) => self.slow.put_blob(blob, &mut stored),
            _ => self.slow.put_blob(blob, content),
        };
        both(fast, slow)
    }

    /// A blob need not be sent if the slow store has it: what only the fast
    /// one has would never reach the other machines.
    fn has_blobs(&self, blobs: &[Blob]) -> Answer<Vec<bool>> {
        self.slow.has_blobs(blobs)
    }

    fn get_records(&self, keys: &[Digest]) -> Answer<Vec<Option<ResultRecord>>> {
        self.read_many(keys, |d, k| d.get_records(k), |_, record| self.fast.put_record(record))
    }

    fn get_all_path_sets(&self, identities: &[Digest]) -> Answer<Vec<Option<PathSets>>> {
        self.read_many(
            identities,
            |d, i| d.get_all_path_sets(i),
            |identity, sets| self.fast.put_path_sets(identity, sets),
        )
    }
}
