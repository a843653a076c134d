//! Unpacking what a build will read, with all processors, before its files are
//! checked one by one. For stores that were packed: layers of images.

use crate::execute::Execution;
use std::path::PathBuf;

impl Execution<'_, '_> {
    /// Unpacks the results that are needed as far as is known: what is damaged
    /// and needs something else instead is found out afterwards.
    pub(crate) fn unpack_ahead(&self) {
        if !self.build.store.is_packed() {
            return;
        }
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        self.build.store.unpack_all(&self.directories_needed(), jobs);
    }

    fn directories_needed(&self) -> Vec<PathBuf> {
        let units = &self.build.plan.units;
        let mut seen = vec![false; units.len()];
        let mut stack: Vec<_> = (0..units.len()).filter(|&u| self.build.is_asked_for(u)).collect();
        let mut dirs = Vec::new();
        while let Some(unit) = stack.pop() {
            if std::mem::replace(&mut seen[unit], true) {
                continue;
            }
            if let Some(hit) = self.chosen.get(&unit) {
                dirs.push(hit.dir.clone());
                stack.extend(self.needed_below(unit));
            } else {
                stack.extend(self.build.counted_dependencies(unit));
                stack.extend(&self.schedule.files[unit]);
                stack.extend(&self.schedule.metadata[unit]);
            }
        }
        dirs
    }
}
