//! The local store: opening it, and the small files by key and identity.
//!
//! A lookup opens one file, reads it and parses it; nothing on that way lists
//! a directory or takes a lock. What is not there may be in the layers beneath
//! it: see [`crate::layers`].

use crate::error::StoreError;
use crate::hold::{Epoch, Hold};
use crate::layers::Layers;
use crate::layout::{FORMAT, Layout};
use crate::lock::KeyLock;
use crate::read_write::{put_new, read_quietly, read_used, remove, replace};
use crate::{Durations, StatCache};
use larder_schema::Digest;
use larder_schema::pathset::{KeyInputs, PATH_SETS_VERSION, PathSets};
use larder_schema::record::{RECORD_VERSION, ResultRecord};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// How many of its latest keys are remembered per identity.
const LATEST: usize = 8;

/// A store on this machine. Clones share one stat cache and one hold.
///
/// Reading without a [`Hold`] is allowed, but then what was found may be
/// removed by a garbage collection at any time.
#[derive(Clone, Debug)]
pub struct DiskStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    layout: Layout,
    layers: Layers,
    stat: StatCache,
    epoch: Mutex<Weak<Epoch>>,
}

impl DiskStore {
    /// Opens the store at `root`, and makes it if there is none.
    ///
    /// # Errors
    /// Typed, so that the engine can go on without the store: it cannot be
    /// written, the disk is full, another format is there, or something that
    /// is no directory.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        Self::over(root, Layers::default())
    }

    /// The same, over all stores in the directory `layers`: what they have is
    /// found, where it lies, and nothing is written to them.
    ///
    /// # Errors
    /// Those of [`DiskStore::open`]; or the layers cannot be listed.
    pub fn open_over(root: &Path, layers: &Path) -> Result<Self, StoreError> {
        // The first store of all makes the directory that it lies in.
        std::fs::create_dir_all(root).map_err(StoreError::at(root))?;
        Self::over(root, Layers::read(layers, root)?)
    }

    fn over(root: &Path, layers: Layers) -> Result<Self, StoreError> {
        let layout = Layout::new(root);
        let format = layout.format();
        let found = match std::fs::read(&format) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                create(&layout)?;
                FORMAT.into()
            }
            Err(error) => return Err(StoreError::at(&format)(error)),
        };
        if found != FORMAT.as_bytes() {
            let mut found = String::from_utf8_lossy(&found).trim().to_owned();
            found.truncate(found.floor_char_boundary(40));
            return Err(StoreError::ForeignVersion { path: format, found });
        }
        // A store that cannot be written is better known now than after the
        // first compilation.
        let tmp = layout.tmp();
        let probe = || tempfile::Builder::new().prefix("probe-").tempfile_in(&tmp);
        match probe() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                std::fs::create_dir_all(&tmp).map_err(StoreError::at(&tmp))?;
                probe().map_err(StoreError::at(&tmp))?;
            }
            other => drop(other.map_err(StoreError::at(&tmp))?),
        }
        let stat = StatCache::open(&layout.stat_memo());
        Ok(Self { inner: Arc::new(Inner { layout, layers, stat, epoch: Mutex::default() }) })
    }

    /// Whether there is a store at `root`, of whatever format.
    #[must_use]
    pub fn is_at(root: &Path) -> bool {
        Layout::new(root).format().is_file()
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.inner.layout
    }

    pub(crate) fn layers(&self) -> &Layers {
        &self.inner.layers
    }

    /// The directory that was opened.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.layout().root()
    }

    /// Where files of running builds lie; nothing is published there.
    #[must_use]
    pub fn run_directory(&self) -> PathBuf {
        self.layout().run()
    }

    /// Digests of files by their stat, for the store's files and any others.
    /// Whoever opened the store saves it at the end.
    #[must_use]
    pub fn stat_cache(&self) -> &StatCache {
        &self.inner.stat
    }

    /// How long units took. Whoever loads it saves it.
    #[must_use]
    pub fn durations(&self) -> Durations {
        Durations::open(&self.layout().durations())
    }

    /// Keeps everything that is found or published from now on from being
    /// removed. A build takes one before its first lookup.
    ///
    /// # Errors
    /// The hold cannot be written or locked.
    pub fn hold(&self) -> Result<Hold, StoreError> {
        let mut epoch = self.inner.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(epoch) = epoch.upgrade() {
            return Ok(Hold { epoch });
        }
        let hold = crate::hold::hold(self.layout())?;
        *epoch = Arc::downgrade(&hold.epoch);
        Ok(hold)
    }

    /// Waits for the right to build `key`. Whoever gets it looks the key up
    /// again before building.
    ///
    /// # Errors
    /// The lock file cannot be made or locked.
    pub fn lock_key(&self, key: &Digest) -> Result<KeyLock, StoreError> {
        KeyLock::acquire(self.layout(), key)
    }

    /// The right to build `key`, or `None` if another has it.
    ///
    /// # Errors
    /// The lock file cannot be made or locked.
    pub fn try_lock_key(&self, key: &Digest) -> Result<Option<KeyLock>, StoreError> {
        KeyLock::try_acquire(self.layout(), key)
    }

    /// The result of `key`, marked as used. A record of another version or a
    /// damaged one counts as absent and is removed.
    ///
    /// # Errors
    /// Those of reading.
    pub fn record(&self, key: &Digest) -> Result<Option<ResultRecord>, StoreError> {
        let path = self.layout().record(key);
        if let Some(bytes) = read_used(&path)? {
            return match parse_record(&bytes, key) {
                Some(record) => Ok(Some(record)),
                None => remove(&path).map(|_| None),
            };
        }
        // A collection took it out of sight and has not removed it yet. The
        // rename decides between us and the sweep.
        let trashed = self.layout().trashed(key);
        match std::fs::rename(&trashed, &path) {
            Ok(()) => Ok(read_used(&path)?.and_then(|bytes| parse_record(&bytes, key))),
            Err(_) => self.layers().record(key),
        }
    }

    /// The directory of a result's files.
    #[must_use]
    pub fn dir_of(&self, record: &ResultRecord) -> PathBuf {
        // That of a layer's is absolute, and takes the place of what it is
        // joined to.
        self.layout().out().join(&record.directory)
    }

    /// Publishes `record`. One that it takes the place of is dropped, since
    /// others may use its files.
    pub(crate) fn put_record(&self, record: &ResultRecord) -> Result<(), StoreError> {
        let path = self.layout().record(&record.key);
        let bytes = to_json(&path, record)?;
        // As in `replace`: for the temporary file.
        let _hold = self.hold()?;
        put_new(&self.layout().tmp(), &path, &bytes, || {
            let published = read_quietly(&path).ok().flatten();
            match published.and_then(|bytes| parse_record(&bytes, &record.key)) {
                Some(published) => self.drop_record(&published),
                None => drop(remove(&path)),
            }
        })
    }

    /// Removes `record` if it is still the one that is published. Its files
    /// go with a later garbage collection.
    ///
    /// Other builds may have seen it, also such that began after its
    /// directory was listed as unreferenced; so the record is not removed but
    /// moved to where collections see that its files are on their way out.
    pub fn drop_record(&self, record: &ResultRecord) {
        if self.layers().hide(record) {
            return;
        }
        let path = self.layout().record(&record.key);
        let published = read_quietly(&path).ok().flatten();
        let published = published.and_then(|bytes| parse_record(&bytes, &record.key));
        if published.is_none_or(|p| p.directory == record.directory) {
            let moved = std::fs::rename(&path, self.layout().dropped(&self.out_root(record)));
            // Rather files gone early than a damaged result that stays.
            if moved.is_err() {
                let _ = remove(&path);
            }
        }
    }

    /// The recent path sets of a unit.
    ///
    /// # Errors
    /// Those of reading; a damaged file counts as absent and is removed.
    pub fn path_sets(&self, identity: &Digest) -> Result<Option<PathSets>, StoreError> {
        let sets: Option<PathSets> = self.json(&self.layout().path_sets(identity))?;
        let own = sets.filter(|s| s.version == PATH_SETS_VERSION);
        Ok(self.layers().path_sets(identity, own))
    }

    /// Replaces the path sets of a unit.
    ///
    /// # Errors
    /// Those of writing.
    pub fn put_path_sets(&self, identity: &Digest, sets: &PathSets) -> Result<(), StoreError> {
        self.put_json(&self.layout().path_sets(identity), sets)
    }

    /// The values that were behind `key`.
    ///
    /// # Errors
    /// Those of reading; a damaged file counts as absent and is removed.
    pub fn inputs(&self, key: &Digest) -> Result<Option<KeyInputs>, StoreError> {
        self.json(&self.layout().inputs(key))
    }

    /// Stores the values behind `key`, and that `identity` had it last.
    ///
    /// # Errors
    /// Those of writing.
    pub fn put_inputs(
        &self,
        identity: &Digest,
        key: &Digest,
        inputs: &KeyInputs,
    ) -> Result<(), StoreError> {
        self.put_json(&self.layout().inputs(key), inputs)?;
        let mut latest = self.latest(identity)?;
        if latest.first() == Some(key) {
            return Ok(());
        }
        latest.retain(|k| k != key);
        latest.insert(0, *key);
        latest.truncate(LATEST);
        let text: String = latest.iter().flat_map(|k| [k.to_string(), "\n".into()]).collect();
        self.replace(&self.layout().latest(identity), text.as_bytes())
    }

    /// The keys that a unit had most recently, newest first.
    ///
    /// # Errors
    /// Those of reading.
    pub fn latest(&self, identity: &Digest) -> Result<Vec<Digest>, StoreError> {
        let bytes = read_used(&self.layout().latest(identity))?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// The plan stored under `digest`, as it was given.
    ///
    /// # Errors
    /// Those of reading.
    pub fn plan(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        read_used(&self.layout().plan(digest))
    }

    /// Stores a plan under `digest`, which need not be that of its content.
    ///
    /// # Errors
    /// Those of writing.
    pub fn put_plan(&self, digest: &Digest, plan: &[u8]) -> Result<(), StoreError> {
        self.replace(&self.layout().plan(digest), plan)
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        // Without a hold, a collection could take the temporary file for one
        // that a killed process left.
        let _hold = self.hold()?;
        replace(&self.layout().tmp(), path, bytes)
    }

    fn json<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<T>, StoreError> {
        let Some(bytes) = read_used(path)? else { return Ok(None) };
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Some(value)),
            Err(_) => remove(path).map(|_| None),
        }
    }

    fn put_json(&self, path: &Path, value: &impl serde::Serialize) -> Result<(), StoreError> {
        self.replace(path, &to_json(path, value)?)
    }
}

fn to_json(path: &Path, value: &impl serde::Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value)
        .map_err(|error| StoreError::Io { path: path.to_owned(), source: error.into() })
}

/// The record in `bytes`, if it is one of this version and answers `key`.
pub(crate) fn parse_record(bytes: &[u8], key: &Digest) -> Option<ResultRecord> {
    let record: ResultRecord = serde_json::from_slice(bytes).ok()?;
    let inside = crate::transfer::is_safe_path(&record.directory);
    (record.version == RECORD_VERSION && record.key == *key && inside).then_some(record)
}

/// Makes the directories of a store. `FORMAT` comes last: it says that the
/// rest is there.
fn create(layout: &Layout) -> Result<(), StoreError> {
    for area in layout.areas() {
        std::fs::create_dir_all(&area).map_err(StoreError::at(&area))?;
    }
    let tag = "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of larder (https://bford.info/cachedir/).\n";
    replace(&layout.tmp(), &layout.cachedir_tag(), tag.as_bytes())?;
    replace(&layout.tmp(), &layout.format(), FORMAT.as_bytes())
}
