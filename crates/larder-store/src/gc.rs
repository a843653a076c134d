//! Garbage collection: what goes, and in which order.
//!
//! Results and plans go by age and, beyond the size allowed, least recently
//! used first. Path sets, inputs and lists of latest keys are small; they go
//! by age only, inputs also with their result. Why nothing that a build uses
//! can go is told in `hold.rs`; this file fills the trash, `sweep.rs` empties
//! it.
//!
//! A result leaves in this order: record out of sight, epoch, record removed,
//! directory removed. Killed anywhere in between, a collection leaves a store
//! in which every record that can be found has its files.

use crate::disk::DiskStore;
use crate::error::StoreError;
use crate::hold;
use crate::layout::DROPPED;
use crate::lock::try_exclusive;
use crate::read_write::{is_absent, remove};
use crate::stats::{Found, entries, sharded};
use larder_schema::Digest;
use std::collections::HashSet;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What may stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcPolicy {
    /// Bytes of results and plans; `None` for no limit.
    pub max_bytes: Option<u64>,
    /// Time since the last use, exact to an hour; `None` for no limit.
    pub max_age: Option<Duration>,
}

/// What a collection did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcReport {
    /// Results whose files were removed.
    pub removed: u64,
    /// Bytes of their outputs.
    pub bytes: u64,
    /// Results that stay.
    pub kept: u64,
    /// Bytes of their outputs.
    pub kept_bytes: u64,
    /// Results out of sight whose files an earlier build may still use; a
    /// later collection removes them.
    pub deferred: u64,
    /// Directories and temporary files of killed processes, removed.
    pub orphans: u64,
    /// Plans, path sets, inputs and lock files, removed.
    pub small_files: u64,
    /// Another collection is running: this one did nothing.
    pub busy: bool,
}

/// What a collection would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GcPreview {
    /// Results that would go, in that order.
    pub results: Vec<Doomed>,
    /// Plans, path sets and inputs that would go.
    pub small_files: u64,
    /// Results that would stay.
    pub kept: u64,
    /// Bytes of their outputs.
    pub kept_bytes: u64,
}

/// A result that would go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doomed {
    /// Its key.
    pub key: Digest,
    /// Its unit, for people.
    pub unit: String,
    /// Bytes of its outputs.
    pub bytes: u64,
    /// When it was used last, exact to an hour.
    pub used: SystemTime,
}

impl From<Found> for Doomed {
    fn from(found: Found) -> Self {
        let bytes = found.record.size();
        Self { key: found.record.key, unit: found.record.unit, bytes, used: found.used }
    }
}

/// Plans and results compete for the same bytes.
struct Candidate {
    used: SystemTime,
    bytes: u64,
    path: PathBuf,
    result: Option<Found>,
}

impl DiskStore {
    /// Removes what `policy` does not allow, and what killed processes left.
    ///
    /// Never waits, and may run while builds do: what an earlier build may
    /// still use is taken out of sight now and removed by a later call. A
    /// [`crate::Hold`] of the caller's own counts as such a build, so drop it
    /// first.
    ///
    /// # Errors
    /// Those of reading and removing. What is removed until then stays so.
    pub fn gc(&self, policy: GcPolicy) -> Result<GcReport, StoreError> {
        let mut report = GcReport::default();
        let lock_path = self.layout().gc_lock();
        let Some(_lock) = try_exclusive(&lock_path)? else {
            report.busy = true;
            return Ok(report);
        };
        let trash = self.layout().trash();
        fs::create_dir_all(&trash).map_err(StoreError::at(&trash))?;
        // First what an earlier collection had to leave. While that is still
        // in use nothing is added to it, so that it does get its turn.
        if self.sweep(&mut report)? {
            // What is dropped from here on waits for the next collection.
            self.forget_dropped()?;
            // Directories before records: one whose record is published while
            // we look is then seen with its record.
            let directories = self.out_directories()?;
            let strays = self.temporary_files()?;
            let found = self.published()?;
            let referenced: HashSet<PathBuf> =
                found.iter().map(|f| self.out_root(&f.record)).collect();
            let mut leftovers = strays;
            leftovers.extend(directories.into_iter().filter(|d| !referenced.contains(d)));
            self.fill_trash(policy, found, &mut report)?;
            let epoch = hold::begin_epoch(self.layout())?;
            self.seal(epoch)?;
            self.sweep_now(epoch, leftovers, &mut report)?;
        }
        self.remove_small_files(policy, &mut report)?;
        self.remove_stale_locks(&mut report)?;
        for found in self.published()? {
            report.kept += 1;
            report.kept_bytes += found.record.size();
        }
        report.deferred = self.trashed()?.len() as u64;
        Ok(report)
    }

    /// What [`Self::gc`] would remove now, were no build running. Results that
    /// an earlier collection took out of sight are among them.
    ///
    /// # Errors
    /// Those of reading.
    pub fn gc_preview(&self, policy: GcPolicy) -> Result<GcPreview, StoreError> {
        let mut preview = GcPreview::default();
        preview.results.extend(self.trashed()?.into_iter().map(Doomed::from));
        let found = self.published()?;
        preview.kept = found.len() as u64;
        preview.kept_bytes = found.iter().map(|found| found.record.size()).sum();
        for candidate in self.condemned(policy, found)? {
            match candidate.result {
                Some(found) => {
                    preview.kept -= 1;
                    preview.kept_bytes -= candidate.bytes;
                    preview.results.push(found.into());
                }
                None => preview.small_files += 1,
            }
        }
        preview.small_files += self.old_small_files(policy)?.len() as u64;
        Ok(preview)
    }

    /// Results and plans that the policy does not allow.
    fn condemned(&self, policy: GcPolicy, found: Vec<Found>) -> Result<Vec<Candidate>, StoreError> {
        let mut candidates: Vec<Candidate> = found
            .into_iter()
            .map(|f| Candidate {
                used: f.used,
                bytes: f.record.size(),
                path: f.path.clone(),
                result: Some(f),
            })
            .collect();
        for (path, meta) in sharded(&self.layout().area("plans"))? {
            let used = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            candidates.push(Candidate { used, bytes: meta.len(), path, result: None });
        }
        candidates.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
        let mut total: u64 = candidates.iter().map(|c| c.bytes).sum();
        let oldest = oldest_allowed(policy);
        let stays = |candidate: &Candidate| {
            let too_old = oldest.is_some_and(|oldest| candidate.used < oldest);
            let too_much = policy.max_bytes.is_some_and(|max| total > max);
            total -= candidate.bytes;
            !too_old && !too_much
        };
        // The rest was used later, and fits.
        let end = candidates.iter().position(stays).unwrap_or(candidates.len());
        candidates.truncate(end);
        Ok(candidates)
    }

    /// Takes results and plans out of sight that the policy does not allow.
    fn fill_trash(
        &self,
        policy: GcPolicy,
        found: Vec<Found>,
        report: &mut GcReport,
    ) -> Result<(), StoreError> {
        for candidate in self.condemned(policy, found)? {
            match candidate.result {
                Some(found) => {
                    let trashed = self.layout().trashed(&found.record.key);
                    match fs::rename(&found.path, &trashed) {
                        Ok(()) => {}
                        // Dropped as damaged in the meantime.
                        Err(error) if is_absent(&error) => {}
                        Err(error) => return Err(StoreError::at(&found.path)(error)),
                    }
                }
                // A plan is read whole, so nobody needs it after opening it.
                None => report.small_files += u64::from(remove(&candidate.path)?),
            }
        }
        Ok(())
    }

    fn remove_small_files(
        &self,
        policy: GcPolicy,
        report: &mut GcReport,
    ) -> Result<(), StoreError> {
        for path in self.old_small_files(policy)? {
            report.small_files += u64::from(remove(&path)?);
        }
        Ok(())
    }

    /// Path sets and inputs that go by their age.
    fn old_small_files(&self, policy: GcPolicy) -> Result<Vec<PathBuf>, StoreError> {
        let Some(oldest) = oldest_allowed(policy) else { return Ok(Vec::new()) };
        let mut old = Vec::new();
        for area in ["pathsets", "inputs"] {
            let files = sharded(&self.layout().area(area))?.into_iter();
            let is_old = |meta: &fs::Metadata| meta.modified().is_ok_and(|used| used < oldest);
            old.extend(files.filter(|(_, meta)| is_old(meta)).map(|(path, _)| path));
        }
        Ok(old)
    }

    /// Lock files of killed processes.
    fn remove_stale_locks(&self, report: &mut GcReport) -> Result<(), StoreError> {
        for (path, _) in entries(&self.layout().keys())? {
            if let Some(_lock) = try_exclusive(&path)? {
                report.small_files += u64::from(remove(&path)?);
            }
        }
        Ok(())
    }

    /// All result directories: `out/<aa>/<name>`.
    pub(crate) fn out_directories(&self) -> Result<Vec<PathBuf>, StoreError> {
        Ok(sharded(&self.layout().out())?.into_iter().map(|(path, _)| path).collect())
    }

    /// The directory below `out/<aa>` that a result's files are in.
    pub(crate) fn out_root(&self, record: &larder_schema::record::ResultRecord) -> PathBuf {
        let directory = Path::new(&record.directory);
        let (out, below) = match self.layers().out_of(directory) {
            Some(split) => split,
            None => (self.layout().out(), directory),
        };
        // Never a path of its own: what this returns is removed as a whole.
        let names = below.components().filter(|part| matches!(part, Component::Normal(_)));
        let first_two: PathBuf = names.take(2).collect();
        out.join(first_two)
    }

    /// Removes the records of damaged results that were dropped until now:
    /// whoever saw one began before the epoch that comes next.
    fn forget_dropped(&self) -> Result<(), StoreError> {
        for (path, _) in entries(&self.layout().trash())? {
            let name = path.file_name().unwrap_or_default();
            if name.as_encoded_bytes().starts_with(DROPPED.as_bytes()) {
                remove(&path)?;
            }
        }
        Ok(())
    }

    fn temporary_files(&self) -> Result<Vec<PathBuf>, StoreError> {
        let mut files = entries(&self.layout().tmp())?;
        let mut memo = entries(&self.layout().area("memo"))?;
        memo.retain(|(path, _)| {
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".tmp"))
        });
        files.append(&mut memo);
        Ok(files.into_iter().map(|(path, _)| path).collect())
    }
}

/// What was used before this moment may go. A use is noted at most once an
/// hour, so an hour is added.
fn oldest_allowed(policy: GcPolicy) -> Option<SystemTime> {
    let age = policy.max_age?;
    let noted = if age.is_zero() { age } else { age + Duration::from_secs(3600) };
    Some(SystemTime::now().checked_sub(noted).unwrap_or(SystemTime::UNIX_EPOCH))
}
