//! What the store holds, by going through all of it: for people and for
//! garbage collection, never for a build.

use crate::disk::{DiskStore, parse_record};
use crate::error::StoreError;
use crate::read_write::is_absent;
use larder_schema::Digest;
use larder_schema::record::ResultRecord;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Count and bytes of one kind of thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many.
    pub count: u64,
    /// Bytes of content.
    pub bytes: u64,
}

impl Usage {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }
}

/// What a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Results, with the bytes of their outputs.
    pub results: Usage,
    /// Path sets by identity.
    pub path_sets: Usage,
    /// Values behind keys, and lists of latest keys.
    pub inputs: Usage,
    /// Cached plans.
    pub plans: Usage,
    /// Stat cache and durations.
    pub memo: Usage,
    /// Results out of sight that an earlier build may still use.
    pub trash: Usage,
}

impl StoreStats {
    /// Bytes of everything.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        [self.results, self.path_sets, self.inputs, self.plans, self.memo, self.trash]
            .iter()
            .map(|usage| usage.bytes)
            .sum()
    }
}

/// A published result as found in the store.
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) record: ResultRecord,
    pub(crate) used: SystemTime,
}

/// The entries of a directory, none if it is absent. What disappears while
/// looking is left out.
pub(crate) fn entries(dir: &Path) -> Result<Vec<(PathBuf, Metadata)>, StoreError> {
    let list = match fs::read_dir(dir) {
        Ok(list) => list,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::at(dir)(error)),
    };
    let mut found = Vec::new();
    for entry in list {
        let entry = entry.map_err(StoreError::at(dir))?;
        if let Ok(meta) = entry.metadata() {
            found.push((entry.path(), meta));
        }
    }
    Ok(found)
}

/// The same two levels down: `<area>/<aa>/*`.
pub(crate) fn sharded(area: &Path) -> Result<Vec<(PathBuf, Metadata)>, StoreError> {
    let mut found = Vec::new();
    for (shard, meta) in entries(area)? {
        if meta.is_dir() {
            found.append(&mut entries(&shard)?);
        }
    }
    Ok(found)
}

/// The digest that names a file, before its extension.
pub(crate) fn named(path: &Path) -> Option<Digest> {
    path.file_stem()?.to_str()?.parse().ok()
}

impl DiskStore {
    /// Counts what is there.
    ///
    /// # Errors
    /// Those of reading.
    pub fn stats(&self) -> Result<StoreStats, StoreError> {
        let mut stats = StoreStats::default();
        for found in self.published()? {
            stats.results.add(found.record.size());
        }
        for found in self.trashed()? {
            stats.trash.add(found.record.size());
        }
        for (area, usage) in [
            ("pathsets", &mut stats.path_sets),
            ("inputs", &mut stats.inputs),
            ("plans", &mut stats.plans),
        ] {
            for (_, meta) in sharded(&self.layout().area(area))? {
                usage.add(meta.len());
            }
        }
        for (_, meta) in entries(&self.layout().area("memo"))? {
            stats.memo.add(meta.len());
        }
        Ok(stats)
    }

    /// All published results. Removes records that nobody can read.
    pub(crate) fn published(&self) -> Result<Vec<Found>, StoreError> {
        read_records(sharded(&self.layout().area("records"))?)
    }

    /// All results in the trash.
    pub(crate) fn trashed(&self) -> Result<Vec<Found>, StoreError> {
        let mut files = entries(&self.layout().trash())?;
        files.retain(|(path, _)| path.extension().is_some_and(|e| e == "json"));
        read_records(files)
    }
}

fn read_records(files: Vec<(PathBuf, Metadata)>) -> Result<Vec<Found>, StoreError> {
    let mut all = Vec::with_capacity(files.len());
    for (path, meta) in files {
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if is_absent(&error) => continue,
            Err(error) => return Err(StoreError::at(&path)(error)),
        };
        match named(&path).and_then(|key| parse_record(&bytes, &key)) {
            Some(record) => {
                let used = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                all.push(Found { path, record, used });
            }
            None => {
                crate::read_write::remove(&path)?;
            }
        }
    }
    Ok(all)
}
