//! Files that an action writes outside its own directories: generated sources,
//! headers, completions. They are a condition of its result: there as it left
//! them, or the action runs.
//!
//! Where they come from is not this file's concern, but for
//! [`Build::written_in_package`], which is what can be seen without observing
//! the process. Their bytes are kept beside the result. Where one is absent
//! and belongs to a path package or its workspace, it is written again; one
//! that differs is never overwritten, but makes the action run, as it would
//! have under cargo.

use crate::build::Build;
use crate::clock::Began;
use larder_schema::pathset::{PathInput, PathUse};
use larder_schema::plan::{Source, UnitIndex};
use larder_schema::record::{OutputFile, ResultRecord, SideOutput};
use larder_store::Pending;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

/// What a dry run would have written: such files have their value although
/// they are not there.
#[derive(Debug, Default)]
pub(crate) struct Promised(RwLock<BTreeMap<PathBuf, String>>);

impl Promised {
    /// The digest that a file would have.
    pub(crate) fn value(&self, path: &Path) -> Option<String> {
        let promised = self.0.read().unwrap_or_else(PoisonError::into_inner);
        promised.get(path).cloned()
    }

    fn add(&self, path: PathBuf, digest: String) {
        let mut promised = self.0.write().unwrap_or_else(PoisonError::into_inner);
        promised.insert(path, digest);
    }
}

/// How a side output is here.
enum Here {
    AsLeft,
    Absent,
    Different,
}

impl Build<'_> {
    /// Files of a mutable package that changed since an action began.
    pub(crate) fn written_in_package(&self, unit: UnitIndex, began: Began) -> Vec<PathBuf> {
        let package = &self.plan.packages[self.plan.units[unit].package];
        if package.source.is_immutable() {
            return Vec::new();
        }
        let root = PathBuf::from(self.places.expand(unit, &package.root));
        let Ok(files) = crate::evaluate::package_files(&root) else { return Vec::new() };
        let changed = |path: &PathBuf| {
            std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && began.precedes(&meta))
        };
        files.into_iter().map(|file| root.join(file)).filter(changed).collect()
    }

    /// The side outputs that `written` files are, and the bytes that were kept
    /// of them. Without its bytes a file is only a condition.
    pub(crate) fn side_outputs(
        &self,
        unit: UnitIndex,
        pending: &Pending,
        written: &[PathBuf],
    ) -> (Vec<SideOutput>, Vec<OutputFile>) {
        let symbols = self.root_symbols();
        let mut kept = Vec::new();
        let sides = written.iter().filter_map(|path| {
            let template = symbols.path(&path.to_string_lossy());
            if self.is_restorable(unit, path)
                && let Ok(copy) = pending.keep(path)
            {
                let side =
                    SideOutput { path: template, digest: copy.digest, mode: Some(copy.mode) };
                kept.push(copy);
                return Some(side);
            }
            let digest = self.store.stat_cache().digest(path).ok()??;
            Some(SideOutput { path: template, digest, mode: None })
        });
        (sides.collect(), kept)
    }

    /// Whether larder may write a file: of a path package, its workspace or
    /// the target directory, and no link.
    pub(crate) fn is_restorable(&self, unit: UnitIndex, path: &Path) -> bool {
        let package = &self.plan.packages[self.plan.units[unit].package];
        let roots = &self.plan.roots;
        let own = self.places.expand(unit, &package.root);
        matches!(package.source, Source::Path { .. })
            && [&own, &roots.workspace, &roots.target, &roots.build]
                .iter()
                .any(|root| path.starts_with(root))
            && std::fs::symlink_metadata(path).map_or(true, |meta| meta.is_file())
    }

    /// The first side output of a result that is neither as it was left nor
    /// can be made so.
    pub(crate) fn spoilt_side_output(
        &self,
        unit: UnitIndex,
        record: &ResultRecord,
    ) -> Option<PathBuf> {
        record.side_outputs.iter().find_map(|side| {
            let path = self.side_path(unit, side);
            let good = match self.side_here(&path, side) {
                Here::AsLeft => true,
                Here::Different => false,
                Here::Absent => {
                    side.mode.is_some()
                        && self.is_restorable(unit, &path)
                        && self.store.kept(record, &side.digest).is_some()
                }
            };
            (!good).then_some(path)
        })
    }

    /// Writes the side outputs of a result that are absent; in a dry run says
    /// only what they would be.
    ///
    /// # Errors
    /// What is wrong, naming the file.
    pub(crate) fn restore_side_outputs(
        &self,
        unit: UnitIndex,
        record: &ResultRecord,
    ) -> Result<(), String> {
        for side in &record.side_outputs {
            let path = self.side_path(unit, side);
            let (Here::Absent, Some(mode)) = (self.side_here(&path, side), side.mode) else {
                continue;
            };
            if self.dry_run {
                self.promised.add(path, side.digest.to_string());
                continue;
            }
            let written = || {
                let from = self.store.kept(record, &side.digest).ok_or_else(|| {
                    std::io::Error::other("its content is no longer in the store")
                })?;
                if let Some(parent) = path.parent() {
                    std::fs::create_dir_all(parent)?;
                }
                larder_store::deliver(&from, &path, mode)
            };
            written().map_err(|error| {
                format!("`{}`, which it writes, cannot be restored: {error}", path.display())
            })?;
        }
        Ok(())
    }

    fn side_path(&self, unit: UnitIndex, side: &SideOutput) -> PathBuf {
        self.path(unit, &PathInput { path: side.path.clone(), uses: PathUse::Content })
    }

    fn side_here(&self, path: &Path, side: &SideOutput) -> Here {
        let input = PathInput { path: String::new(), uses: PathUse::Content };
        let now = crate::evaluate::value(self.store.stat_cache(), &input, path);
        if now == side.digest.to_string() {
            Here::AsLeft
        } else if now == crate::evaluate::ABSENT {
            Here::Absent
        } else {
            Here::Different
        }
    }
}
