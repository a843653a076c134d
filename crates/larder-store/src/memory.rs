//! A driver that keeps everything in memory: for tests, and as the model of
//! what a driver does.

use crate::driver::{Answer, Blob, Driver, DriverError};
use larder_schema::Digest;
use larder_schema::pathset::PathSets;
use larder_schema::record::ResultRecord;
use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
struct Content {
    records: HashMap<Digest, ResultRecord>,
    path_sets: HashMap<Digest, PathSets>,
    blobs: HashMap<Blob, Arc<[u8]>>,
}

/// A store that is gone with the process.
#[derive(Default)]
pub struct MemoryDriver(Mutex<Content>);

impl MemoryDriver {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driver for MemoryDriver {
    fn name(&self) -> String {
        "memory".into()
    }

    fn get_record(&self, key: &Digest) -> Answer<Option<ResultRecord>> {
        Ok(self.content().records.get(key).cloned())
    }

    fn put_record(&self, record: &ResultRecord) -> Answer<()> {
        self.content().records.insert(record.key, record.clone());
        Ok(())
    }

    fn get_path_sets(&self, identity: &Digest) -> Answer<Option<PathSets>> {
        Ok(self.content().path_sets.get(identity).cloned())
    }

    fn put_path_sets(&self, identity: &Digest, sets: &PathSets) -> Answer<()> {
        self.content().path_sets.insert(*identity, sets.clone());
        Ok(())
    }

    fn get_blob(&self, blob: &Blob) -> Answer<Option<Box<dyn Read + Send>>> {
        let bytes = self.content().blobs.get(blob).cloned();
        Ok(bytes.map(|bytes| Box::new(Cursor::new(bytes)) as Box<dyn Read + Send>))
    }

    fn put_blob(&self, blob: &Blob, content: &mut dyn Read) -> Answer<()> {
        let mut bytes = Vec::new();
        content
            .read_to_end(&mut bytes)
            .map_err(|error| DriverError::io("memory", &blob.digest, &error))?;
        if bytes.len() as u64 != blob.size {
            let why = format!("{} bytes instead of {}", bytes.len(), blob.size);
            return Err(DriverError::Corrupt {
                driver: self.name(),
                what: blob.digest.to_string(),
                why,
            });
        }
        self.content().blobs.insert(*blob, bytes.into());
        Ok(())
    }

    fn has_blobs(&self, blobs: &[Blob]) -> Answer<Vec<bool>> {
        let content = self.content();
        Ok(blobs.iter().map(|blob| content.blobs.contains_key(blob)).collect())
    }
}
