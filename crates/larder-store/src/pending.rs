//! A result in the making.
//!
//! rustc writes into the directory that the result will be served from, since
//! dependents start on its metadata while it still runs: the directory never
//! moves. What makes it a result is its record, which is renamed into place
//! when everything else is done.

use crate::disk::{DiskStore, parse_record};
use crate::error::StoreError;
use crate::hold::Hold;
use crate::layout::{shard, stem};
use crate::lock::KeyLock;
use crate::read_write::{permissions, read_quietly};
use crate::unfinished;
use larder_schema::Digest;
use larder_schema::Framed;
use larder_schema::record::{OutputFile, RECORD_VERSION, ResultRecord};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Beside the outputs of a fixed place: the key that they were published
/// under, so that the record can be removed with them.
const KEY_AT: &str = ".larder-key";

/// Beside the outputs: files that the action wrote elsewhere, by digest.
pub(crate) const KEPT: &str = ".larder-kept";

/// A fresh directory for the outputs of one action.
///
/// Dropping it removes the directory, unless it was published; so does
/// [`crate::abandon`]. A process that is killed leaves the directory behind,
/// without a record, so nobody finds it; garbage collection removes it.
#[derive(Debug)]
#[must_use = "dropping a pending result removes its directory"]
pub struct Pending {
    store: DiskStore,
    key: Digest,
    /// What is removed: `dir` or a directory above it.
    root: PathBuf,
    dir: PathBuf,
    /// `dir` relative to `out`.
    directory: String,
    published: bool,
    _hold: Hold,
    /// Of a fixed place. Last, so that it outlives the directory's removal.
    lock: Option<KeyLock>,
}

impl DiskStore {
    /// Begins a result in a directory of its own: two processes that build
    /// the same key at once do not meet.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn begin(&self, key: &Digest) -> Result<Pending, StoreError> {
        let hold = self.hold()?;
        let name = key.to_string();
        let aa = shard(&name);
        let parent = self.layout().out().join(aa);
        fs::create_dir_all(&parent).map_err(StoreError::at(&parent))?;
        let mut list = unfinished::list();
        let dir = tempfile::Builder::new()
            .prefix(&format!("{}-", key.short()))
            .rand_bytes(8)
            .permissions(permissions(0o777))
            .tempdir_in(&parent)
            .map_err(StoreError::at(&parent))?
            .keep();
        list.add_place(self, &dir);
        drop(list);
        let last = dir.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Pending {
            store: self.clone(),
            key: *key,
            root: dir.clone(),
            dir,
            directory: format!("{aa}/{last}"),
            published: false,
            _hold: hold,
            lock: None,
        })
    }

    /// Begins a result at a place that the digest `place` determines, `inner`
    /// below it (`target/debug/build/foo-1234/out`), for build-script runs. The
    /// digest is the result's key, or one over what is known before the run;
    /// then the result is published with [`Pending::publish_as`].
    ///
    /// A place that was ever published is never used again while its files are
    /// there, whatever became of the record: another build may be compiling
    /// what it found there. Nor is one waited for that another process is
    /// writing to. The next place of the digest is taken instead; garbage
    /// collection makes the earlier ones free. What a killed process left
    /// unpublished is removed, and its place used.
    ///
    /// # Errors
    /// The place cannot be cleared or made; `inner` is not a plain relative
    /// path.
    pub fn begin_at(&self, place: &Digest, inner: &str) -> Result<Pending, StoreError> {
        let hold = self.hold()?;
        if !crate::transfer::is_safe_path(inner) {
            return Err(StoreError::Unpublishable {
                path: self.layout().out().join(inner),
                why: "its path is not a plain relative one",
            });
        }
        let (root, lock) = self.free_place(place)?;
        self.discard_tree(&root)?;
        let dir = root.join(inner);
        unfinished::list().add_place(self, &root);
        if let Err(error) = fs::create_dir_all(&dir) {
            unfinished::list().remove_place(&root);
            return Err(StoreError::at(&dir)(error));
        }
        let stem = stem(lock.key());
        Ok(Pending {
            store: self.clone(),
            key: *place,
            root,
            dir,
            directory: format!("{}/{stem}/{inner}", shard(&stem)),
            published: false,
            _hold: hold,
            lock: Some(lock),
        })
    }

    /// The first place of a digest that nobody writes to and that was never
    /// published, locked.
    fn free_place(&self, place: &Digest) -> Result<(PathBuf, KeyLock), StoreError> {
        let (mut next, mut number) = (*place, 0);
        loop {
            let stem = stem(&next);
            let root = self.layout().out().join(shard(&stem)).join(&stem);
            // Published or not is asked again under the lock.
            let is_used = || root.join(KEY_AT).exists();
            if !is_used()
                && let Some(lock) = self.try_lock_key(&next)?
                && !is_used()
            {
                return Ok((root, lock));
            }
            number += 1;
            let mut framed = Framed::new("larder-place-1");
            framed.digest("place", place).number("number", number);
            next = framed.finish();
        }
    }

    /// Where the content of a side output of `record` is kept, if it still has
    /// the digest.
    #[must_use]
    pub fn kept(&self, record: &ResultRecord, digest: &Digest) -> Option<PathBuf> {
        let path = self.out_root(record).join(KEPT).join(digest.to_string());
        let found = self.stat_cache().digest(&path).ok()??;
        (found == *digest).then_some(path)
    }

    /// The key that a fixed place was published under.
    pub(crate) fn key_at(&self, root: &Path) -> Option<Digest> {
        fs::read_to_string(root.join(KEY_AT)).ok()?.parse().ok()
    }

    /// Whether the file at `path` is the record of `key`, with files below
    /// `root`.
    pub(crate) fn leads_to(
        &self,
        path: &Path,
        key: &Digest,
        root: &Path,
    ) -> Result<bool, StoreError> {
        let bytes = read_quietly(path).map_err(StoreError::at(path))?;
        let record = bytes.and_then(|bytes| parse_record(&bytes, key));
        Ok(record.is_some_and(|record| self.out_root(&record) == root))
    }

    /// Removes a directory in two steps: out of the way at once, then its
    /// content. `true` if there was one.
    pub(crate) fn discard_tree(&self, dir: &Path) -> Result<bool, StoreError> {
        let tmp = self.layout().tmp();
        fs::create_dir_all(&tmp).map_err(StoreError::at(&tmp))?;
        // `make_in` finds a free name; what is made there is the directory.
        let renamed = tempfile::Builder::new()
            .prefix("gone-")
            .make_in(&tmp, |aside| fs::rename(dir, aside).map(|()| aside.to_owned()));
        let (aside, name) = match renamed {
            Ok(renamed) => renamed.into_parts(),
            Err(error) if crate::read_write::is_absent(&error) => return Ok(false),
            Err(error) => return Err(StoreError::at(dir)(error)),
        };
        // What cannot be removed now stays in `tmp`, for a later collection.
        let _ = fs::remove_dir_all(&aside);
        // The handle would remove a file; there is none.
        let _ = name.keep();
        Ok(true)
    }
}

impl Pending {
    /// Where the action writes.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The key that the result will answer.
    #[must_use]
    pub fn key(&self) -> &Digest {
        &self.key
    }

    /// Keeps the content of a file that the action wrote elsewhere, beside its
    /// own files: see [`DiskStore::kept`]. The output is named by its digest,
    /// below [`Pending::kept_dir`].
    ///
    /// # Errors
    /// The file cannot be read, or not be copied.
    pub fn keep(&self, path: &Path) -> Result<OutputFile, StoreError> {
        let dir = self.kept_dir();
        fs::create_dir_all(&dir).map_err(StoreError::at(&dir))?;
        let copy = dir.join("new");
        fs::copy(path, &copy).map_err(StoreError::at(path))?;
        // What was copied counts, not what is there now.
        let (digest, meta) = self.store.stat_cache().read(&copy).map_err(StoreError::at(&copy))?;
        let name = digest.to_string();
        fs::rename(&copy, dir.join(&name)).map_err(StoreError::at(&dir))?;
        let mode = meta.mode() & 0o777;
        Ok(OutputFile { name, digest, size: meta.size(), mode, symlink: None })
    }

    /// The directory below `out/<aa>` that is the result's alone.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where [`Pending::keep`] puts files.
    #[must_use]
    pub fn kept_dir(&self) -> PathBuf {
        self.root.join(KEPT)
    }

    /// Reads everything that the action left, sorted by name. Empty
    /// directories are not outputs.
    ///
    /// # Errors
    /// A file cannot be read, or is something that a record cannot describe.
    pub fn hash_outputs(&self) -> Result<Vec<OutputFile>, StoreError> {
        self.hash_outputs_with(&mut |_, _| {})
    }

    /// The same. `see` gets the name of every output with its content in
    /// order, a chunk at a time, after `None` for its begin; of a symbolic
    /// link, the target. The order of outputs is not that of their names.
    ///
    /// # Errors
    /// As [`Pending::hash_outputs`].
    pub fn hash_outputs_with(
        &self,
        see: &mut dyn FnMut(&str, Option<&[u8]>),
    ) -> Result<Vec<OutputFile>, StoreError> {
        let mut outputs = Vec::new();
        self.hash_dir(&self.dir, "", &mut outputs, see)?;
        outputs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(outputs)
    }

    fn hash_dir(
        &self,
        dir: &Path,
        prefix: &str,
        outputs: &mut Vec<OutputFile>,
        see: &mut dyn FnMut(&str, Option<&[u8]>),
    ) -> Result<(), StoreError> {
        for entry in fs::read_dir(dir).map_err(StoreError::at(dir))? {
            let entry = entry.map_err(StoreError::at(dir))?;
            let path = entry.path();
            let unpublishable = |why| StoreError::Unpublishable { path: path.clone(), why };
            let name = entry.file_name();
            let name = name.to_str().ok_or_else(|| unpublishable("its name is not UTF-8"))?;
            let name = format!("{prefix}{name}");
            let kind = entry.file_type().map_err(StoreError::at(&path))?;
            if path == self.kept_dir() {
                continue;
            }
            if kind.is_dir() {
                self.hash_dir(&path, &format!("{name}/"), outputs, see)?;
            } else if kind.is_symlink() {
                let target = fs::read_link(&path).map_err(StoreError::at(&path))?;
                let target = target
                    .to_str()
                    .ok_or_else(|| unpublishable("it leads to a name that is not UTF-8"))?;
                see(&name, None);
                see(&name, Some(target.as_bytes()));
                outputs.push(OutputFile {
                    name,
                    digest: Digest::of(target.as_bytes()),
                    size: target.len() as u64,
                    mode: 0o777,
                    symlink: Some(target.to_owned()),
                });
            } else if kind.is_file() {
                let mut see = |bytes: Option<&[u8]>| see(&name, bytes);
                let read = self.store.stat_cache().read_with(&path, &mut see);
                let (digest, meta) = read.map_err(StoreError::at(&path))?;
                outputs.push(OutputFile {
                    name,
                    digest,
                    size: meta.size(),
                    mode: meta.mode() & 0o777,
                    symlink: None,
                });
            } else {
                return Err(unpublishable("it is neither a file, a directory nor a link"));
            }
        }
        Ok(())
    }

    /// Makes the result visible. Version, key and directory of `record` are
    /// filled in; if it has no outputs, they are read, and its interface is
    /// set by [`interface_of`].
    ///
    /// # Errors
    /// As [`Pending::hash_outputs`], or the record cannot be written. The
    /// directory is then removed.
    pub fn publish(mut self, record: ResultRecord) -> Result<ResultRecord, StoreError> {
        let mut record = record;
        if record.outputs.is_empty() {
            record.outputs = self.hash_outputs()?;
            record.interface = interface_of(&record.outputs);
        }
        self.make_visible(&mut record)?;
        Ok(record)
    }

    /// Publishes under another key than the result was begun with: a key is
    /// known only when the inputs are. What is in `record` stays, its outputs
    /// and interface too.
    ///
    /// # Errors
    /// The record cannot be written; the directory is handed back with the
    /// error, so that the result can be used once all the same.
    #[expect(clippy::result_large_err, reason = "it is moved once, on a full disk")]
    pub fn publish_as(
        mut self,
        key: Digest,
        mut record: ResultRecord,
    ) -> Result<ResultRecord, (StoreError, Self)> {
        self.key = key;
        match self.make_visible(&mut record) {
            Ok(()) => Ok(record),
            Err(error) => Err((error, self)),
        }
    }

    fn make_visible(&mut self, record: &mut ResultRecord) -> Result<(), StoreError> {
        record.version = RECORD_VERSION;
        record.key = self.key;
        record.directory.clone_from(&self.directory);
        let mut list = unfinished::list();
        if self.lock.is_some() {
            let note = self.root.join(KEY_AT);
            fs::write(&note, self.key.to_string()).map_err(StoreError::at(&note))?;
        }
        self.store.put_record(record)?;
        self.published = true;
        list.remove_place(&self.root);
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.published {
            let mut list = unfinished::list();
            let _ = self.store.discard_tree(&self.root);
            list.remove_place(&self.root);
        }
    }
}

/// What dependents see of a result: a digest over the names and digests of
/// its metadata files (`.rmeta`), or of all files if there are none.
#[must_use]
pub fn interface_of(outputs: &[OutputFile]) -> Digest {
    let is_metadata =
        |o: &&OutputFile| Path::new(&o.name).extension().is_some_and(|e| e == "rmeta");
    let mut seen: Vec<_> = outputs.iter().filter(is_metadata).collect();
    if seen.is_empty() {
        seen = outputs.iter().collect();
    }
    seen.sort_by(|a, b| a.name.cmp(&b.name));
    let mut framed = Framed::new("larder-interface-1");
    framed.number("files", seen.len() as u64);
    for output in seen {
        framed.text("name", &output.name).digest("digest", &output.digest);
    }
    framed.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{sample_path_sets, sample_record};
    use crate::read_write::failpoint;
    use std::io;

    #[test]
    fn a_full_or_read_only_disk_gives_a_typed_error_and_no_result() {
        let root = tempfile::tempdir().unwrap();
        let store = DiskStore::open(root.path()).unwrap();
        let key = Digest::of(b"k");
        for (kind, full) in
            [(io::ErrorKind::StorageFull, true), (io::ErrorKind::ReadOnlyFilesystem, false)]
        {
            let pending = store.begin(&key).unwrap();
            let dir = pending.dir().to_owned();
            fs::write(dir.join("a"), b"x").unwrap();
            failpoint::arm("/records/", kind);
            let error = pending.publish(sample_record(&key, &[])).unwrap_err();
            failpoint::disarm();
            assert_eq!(matches!(error, StoreError::Full { .. }), full, "{error}");
            assert_eq!(matches!(error, StoreError::ReadOnly { .. }), !full, "{error}");
            assert!(error.means_no_store());
            assert_eq!(store.record(&key).unwrap(), None);
            assert!(!dir.exists());
        }
        // Nor does a failed write damage what was there.
        store.put_path_sets(&key, &sample_path_sets("a")).unwrap();
        failpoint::arm("/pathsets/", io::ErrorKind::StorageFull);
        store.put_path_sets(&key, &sample_path_sets("b")).unwrap_err();
        failpoint::disarm();
        assert_eq!(store.path_sets(&key).unwrap(), Some(sample_path_sets("a")));
    }
}
