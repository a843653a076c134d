//! Stores beneath a store: what each step of a container build left, mounted
//! beside each other, for a step that needs their results.
//!
//! ```text
//! <layers>/serde-1.0.219-…/   a store; its results stay where they were made
//! <layers>/json-1.0.140-…/    another one
//! <layers>/own/               the store that is written to
//! ```
//!
//! They are read and never written to, not even to mark what was used, and
//! nothing collects what is in them. What they hold is listed once, when the
//! store is opened: with hundreds of them, asking each one for every key would
//! be slower than the build. A directory that is no store of this format is
//! passed over.

use crate::disk::parse_record;
use crate::error::StoreError;
use crate::layout::{FORMAT, Layout};
use crate::read_write::read_quietly;
use larder_schema::Digest;
use larder_schema::pathset::{PATH_SETS_VERSION, PathSets};
use larder_schema::record::ResultRecord;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The stores beneath a store, in the order of their names.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    layers: Vec<Layout>,
    /// Which ones have a record or path sets of this name.
    records: HashMap<Digest, Vec<usize>>,
    path_sets: HashMap<Digest, Vec<usize>>,
    /// Directories of results that were found to be damaged.
    hidden: Mutex<BTreeSet<String>>,
}

impl Layers {
    /// All stores in `directory` but the one at `own`.
    pub(crate) fn read(directory: &Path, own: &Path) -> Result<Self, StoreError> {
        let mut roots = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(StoreError::at(directory))? {
            let root = entry.map_err(StoreError::at(directory))?.path();
            if root != own {
                roots.push(root);
            }
        }
        roots.sort();
        let mut all = Self::default();
        for root in roots {
            let layout = Layout::new(&root);
            let format = std::fs::read(layout.format());
            if !format.is_ok_and(|format| format == FORMAT.as_bytes()) {
                continue;
            }
            let layer = all.layers.len();
            for (area, index) in [("records", &mut all.records), ("pathsets", &mut all.path_sets)] {
                for name in names(&layout.area(area))? {
                    index.entry(name).or_default().push(layer);
                }
            }
            all.layers.push(layout);
        }
        Ok(all)
    }

    fn with<'a>(
        &'a self,
        index: &'a HashMap<Digest, Vec<usize>>,
        name: &Digest,
    ) -> impl Iterator<Item = &'a Layout> {
        index.get(name).into_iter().flatten().filter_map(|&layer| self.layers.get(layer))
    }

    /// The result of `key`. Its directory is absolute: so it is told from one
    /// of the store's own.
    pub(crate) fn record(&self, key: &Digest) -> Result<Option<ResultRecord>, StoreError> {
        for layout in self.with(&self.records, key) {
            let path = layout.record(key);
            let bytes = read_quietly(&path).map_err(StoreError::at(&path))?;
            let Some(mut record) = bytes.and_then(|bytes| parse_record(&bytes, key)) else {
                continue;
            };
            let directory = layout.out().join(&record.directory);
            let Some(directory) = directory.to_str() else { continue };
            if self.hidden().contains(directory) {
                continue;
            }
            directory.clone_into(&mut record.directory);
            return Ok(Some(record));
        }
        Ok(None)
    }

    /// The path sets of a unit: those of the store itself first.
    pub(crate) fn path_sets(&self, identity: &Digest, own: Option<PathSets>) -> Option<PathSets> {
        let mut all = own;
        for layout in self.with(&self.path_sets, identity) {
            let bytes = read_quietly(&layout.path_sets(identity)).ok().flatten();
            let found = bytes.and_then(|bytes| serde_json::from_slice::<PathSets>(&bytes).ok());
            let Some(found) = found.filter(|sets| sets.version == PATH_SETS_VERSION) else {
                continue;
            };
            match &mut all {
                None => all = Some(found),
                Some(all) => {
                    let new = found.sets.into_iter().filter(|set| !all.sets.contains(set));
                    let new: Vec<_> = new.collect();
                    all.sets.extend(new);
                }
            }
        }
        all
    }

    /// Does not find a damaged result again, if it is one of a layer.
    pub(crate) fn hide(&self, record: &ResultRecord) -> bool {
        let is_here = self.out_of(Path::new(&record.directory)).is_some();
        if is_here {
            self.hidden().insert(record.directory.clone());
        }
        is_here
    }

    /// The `out` of the layer that a directory is in, and the rest.
    pub(crate) fn out_of<'a>(&self, directory: &'a Path) -> Option<(PathBuf, &'a Path)> {
        if !directory.is_absolute() {
            return None;
        }
        self.layers.iter().map(Layout::out).find_map(|out| {
            let below = directory.strip_prefix(&out).ok()?;
            Some((out.clone(), below))
        })
    }

    fn hidden(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.hidden.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The digests that files of an area are named by.
fn names(area: &Path) -> Result<Vec<Digest>, StoreError> {
    let files = crate::stats::sharded(area)?.into_iter();
    Ok(files.filter_map(|(path, _)| crate::stats::named(&path)).collect())
}

#[cfg(test)]
mod tests {
    use crate::{Check, DiskStore};
    use larder_schema::Digest;
    use larder_schema::pathset::{PATH_SETS_VERSION, PathSet, PathSets};
    use larder_schema::record::ResultRecord;
    use std::path::Path;

    fn publish(store: &DiskStore, key: &Digest, text: &str) -> ResultRecord {
        let pending = store.begin(key).unwrap();
        std::fs::write(pending.dir().join("libx.rlib"), text).unwrap();
        pending.publish(crate::conformance::sample_record(key, &[])).unwrap()
    }

    fn sets() -> PathSets {
        PathSets { version: PATH_SETS_VERSION, sets: vec![PathSet::default()] }
    }

    /// Two layers, and beside them what is none.
    fn layers(root: &Path) -> (Digest, Digest) {
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        let first = DiskStore::open(&root.join("one")).unwrap();
        publish(&first, &one, "one");
        first.put_path_sets(&one, &sets()).unwrap();
        publish(&DiskStore::open(&root.join("two")).unwrap(), &two, "two");
        std::fs::create_dir(root.join("jobs")).unwrap();
        std::fs::write(root.join("file"), "").unwrap();
        (one, two)
    }

    #[test]
    fn what_is_in_a_layer_is_found_where_it_lies() {
        let root = tempfile::tempdir().unwrap();
        let (one, two) = layers(root.path());
        let store = DiskStore::open_over(&root.path().join("own"), root.path()).unwrap();
        for (key, name) in [(one, "one"), (two, "two")] {
            let record = store.record(&key).unwrap().unwrap();
            let dir = store.dir_of(&record);
            assert!(dir.starts_with(root.path().join(name)), "{}", dir.display());
            assert_eq!(std::fs::read_to_string(dir.join("libx.rlib")).unwrap(), name);
            store.verify(&record, Check::Full).unwrap();
        }
        assert_eq!(store.path_sets(&one).unwrap(), Some(sets()));
        assert_eq!(store.path_sets(&two).unwrap(), None);
        // Its own come first, and the same one counts once.
        store.put_path_sets(&one, &sets()).unwrap();
        assert_eq!(store.path_sets(&one).unwrap(), Some(sets()));
        let own = publish(&store, &one, "own");
        let found = store.record(&one).unwrap().unwrap();
        assert_eq!(found.directory, own.directory);
        assert!(store.dir_of(&found).starts_with(root.path().join("own")));
        // A collection concerns the store alone.
        store.gc(crate::GcPolicy { max_bytes: Some(0), max_age: None }).unwrap();
        assert!(store.record(&two).unwrap().is_some());
    }

    #[test]
    fn a_damaged_result_of_a_layer_is_not_found_again_and_stays() {
        let root = tempfile::tempdir().unwrap();
        let (one, _) = layers(root.path());
        let store = DiskStore::open_over(&root.path().join("own"), root.path()).unwrap();
        let record = store.record(&one).unwrap().unwrap();
        let file = store.dir_of(&record).join("libx.rlib");
        std::fs::write(&file, "two").unwrap();
        store.verify(&record, Check::Full).unwrap_err();
        assert!(store.record(&one).unwrap().is_none(), "it is found again");
        assert!(file.exists());
        let fresh = DiskStore::open_over(&root.path().join("own"), root.path()).unwrap();
        assert!(fresh.record(&one).unwrap().is_some(), "its record is gone");
    }

    #[test]
    fn results_of_a_layer_are_not_packed_into_another_one() {
        let root = tempfile::tempdir().unwrap();
        let (one, two) = layers(root.path());
        let store = DiskStore::open_over(&root.path().join("own"), root.path()).unwrap();
        let own = publish(&store, &Digest::of(b"3"), "own");
        let packed = tempfile::tempdir().unwrap();
        let into = DiskStore::open(packed.path()).unwrap();
        let done = store.pack_into(&into, Some(&[one, two, own.key].into()), 1).unwrap();
        assert_eq!(done.results, 1);
        assert!(into.record(&own.key).unwrap().is_some());
        assert!(store.dir_of(&store.record(&one).unwrap().unwrap()).join("libx.rlib").exists());
    }

    #[test]
    fn layers_that_are_not_there_are_an_error() {
        let root = tempfile::tempdir().unwrap();
        let error = DiskStore::open_over(&root.path().join("own"), &root.path().join("none"));
        assert!(error.unwrap_err().to_string().contains("none"));
    }
}
