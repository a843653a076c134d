//! Emptying the trash, once nobody can be using it.

use crate::disk::DiskStore;
use crate::error::StoreError;
use crate::gc::GcReport;
use crate::hold;
use crate::read_write::{read_quietly, remove, replace};
use crate::stats::{Found, entries};
use larder_schema::Digest;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

const SEALED: &str = "sealed-";

impl DiskStore {
    /// Notes that only builds of epochs before `epoch` may use the trash.
    pub(crate) fn seal(&self, epoch: u64) -> Result<(), StoreError> {
        // An empty file whose name says it all: it can be made on a disk that
        // has no block left.
        let path = self.layout().trash().join(format!("{SEALED}{epoch}"));
        fs::write(&path, b"").map_err(StoreError::at(&path))
    }

    /// The seals, lowest epoch first.
    fn seals(&self) -> Result<Vec<u64>, StoreError> {
        let mut seals: Vec<u64> = entries(&self.layout().trash())?
            .iter()
            .filter_map(|(path, _)| path.file_name()?.to_str()?.strip_prefix(SEALED)?.parse().ok())
            .collect();
        seals.sort_unstable();
        Ok(seals)
    }

    /// Empties the trash of an earlier collection; `false` if it is still in
    /// use.
    pub(crate) fn sweep(&self, report: &mut GcReport) -> Result<bool, StoreError> {
        let path = self.layout().trash().join("leftovers");
        let leftovers = read_quietly(&path).map_err(StoreError::at(&path))?;
        let current = hold::current(self.layout())?;
        let epoch = match self.seals()?.last() {
            Some(&epoch) if epoch <= current => epoch,
            None if self.trashed()?.is_empty() => return Ok(true),
            // Killed before it could seal, so the epoch may not have begun;
            // or somebody removed `run`.
            _ => {
                let epoch = hold::begin_epoch(self.layout())?;
                self.seal(epoch)?;
                epoch
            }
        };
        // Names relative to the bucket, one per line, that were unreferenced
        // when the trash was sealed. Anything else in the list is ignored.
        let leftovers = String::from_utf8(leftovers.unwrap_or_default()).unwrap_or_default();
        let leftovers = leftovers
            .lines()
            .filter(|name| crate::transfer::is_safe_path(name))
            .filter(|name| ["out/", "tmp/", "memo/.tmp"].iter().any(|p| name.starts_with(p)))
            .map(|name| self.layout().area(name))
            .collect();
        self.sweep_now(epoch, leftovers, report)
    }

    /// Empties the trash if every build before `epoch` is over. Otherwise
    /// keeps the list of `leftovers` for the next time and returns `false`.
    pub(crate) fn sweep_now(
        &self,
        epoch: u64,
        leftovers: Vec<PathBuf>,
        report: &mut GcReport,
    ) -> Result<bool, StoreError> {
        let list = self.layout().trash().join("leftovers");
        if !hold::all_over_before(self.layout(), epoch)? {
            let bucket = self.layout().area("");
            let names: String = leftovers
                .iter()
                .filter_map(|path| path.strip_prefix(&bucket).ok()?.to_str())
                .flat_map(|name| [name, "\n"])
                .collect();
            // Without the list they are found again by a later collection.
            let _ = replace(&self.layout().tmp(), &list, names.as_bytes());
            return Ok(false);
        }
        for found in self.trashed()? {
            self.sweep_result(&found, report)?;
        }
        self.sweep_leftovers(leftovers, report)?;
        remove(&list)?;
        for seal in self.seals()? {
            remove(&self.layout().trash().join(format!("{SEALED}{seal}")))?;
        }
        Ok(true)
    }

    fn sweep_result(&self, found: &Found, report: &mut GcReport) -> Result<(), StoreError> {
        let key = found.record.key;
        let root = self.out_root(&found.record);
        // The lock keeps a build-script run from beginning at this place.
        let place = fixed_place(&root);
        let _lock = match &place {
            Some(place) => match self.try_lock_key(place)? {
                Some(lock) => Some(lock),
                None => return Ok(()),
            },
            None => None,
        };
        // Whoever moves the record decides: a lookup moves it back.
        if !remove(&found.path)? {
            return Ok(());
        }
        // The same place may have been published again, under any key.
        if self.leads_to(&self.layout().record(&key), &key, &root)?
            || place.is_some() && self.is_published_at(&root)?
        {
            return Ok(());
        }
        self.discard_tree(&root)?;
        remove(&self.layout().inputs(&key))?;
        report.removed += 1;
        report.bytes += found.record.size();
        Ok(())
    }

    /// Removes what was unreferenced when the trash was sealed and still is:
    /// its maker, if it lived, held an epoch that is over.
    fn sweep_leftovers(
        &self,
        leftovers: Vec<PathBuf>,
        report: &mut GcReport,
    ) -> Result<(), StoreError> {
        if leftovers.is_empty() {
            return Ok(());
        }
        let mut records = self.published()?;
        records.append(&mut self.trashed()?);
        let referenced: HashSet<PathBuf> =
            records.iter().map(|found| self.out_root(&found.record)).collect();
        for path in leftovers {
            if referenced.contains(&path) || fs::symlink_metadata(&path).is_err() {
                continue;
            }
            // Published and dropped as damaged since: builds that began after
            // the seal may have seen it.
            if fs::symlink_metadata(self.layout().dropped(&path)).is_ok() {
                continue;
            }
            // A place that its key alone determines may have been begun
            // again since. Its lock is held from then until its record is
            // there, and the records were read before the lock was ours.
            let _lock = match fixed_place(&path) {
                Some(key) => match self.try_lock_key(&key)? {
                    Some(lock) if !self.is_published_at(&path)? => Some(lock),
                    _ => continue,
                },
                None => None,
            };
            let removed = if path.is_dir() { self.discard_tree(&path)? } else { remove(&path)? };
            report.orphans += u64::from(removed);
        }
        Ok(())
    }

    /// Whether a record leads to the fixed place at `root`, looked up now.
    fn is_published_at(&self, root: &Path) -> Result<bool, StoreError> {
        let Some(key) = self.key_at(root) else { return Ok(false) };
        Ok(self.leads_to(&self.layout().record(&key), &key, root)?
            || self.leads_to(&self.layout().trashed(&key), &key, root)?)
    }
}

/// A digest with the lock name of a fixed place, `None` for other directories
/// and for files. Locks are named by the first 32 digits, so the rest is free.
fn fixed_place(path: &Path) -> Option<Digest> {
    let name = path.file_name()?.to_str()?;
    format!("{name}{name}").parse().ok()
}
