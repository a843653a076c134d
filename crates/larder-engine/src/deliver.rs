//! Delivery: what the user asked for, in the target directory under cargo's
//! names. By reflink or copy, never by link: `strip` rewrites a stored file
//! through either kind of link.

use crate::build::Build;
use crate::event::Event;
use crate::execute::Execution;
use larder_schema::pathset::PathUse;
use larder_schema::plan::{Mode, UnitIndex};
use larder_schema::record::OutputFile;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

impl Build<'_> {
    /// Whether this fills the store and delivers nothing, although every unit
    /// is a root.
    #[must_use]
    pub(crate) fn is_cooking(&self) -> bool {
        self.plan.roots.target.is_empty()
    }

    /// Whether a unit's files go to the user.
    #[must_use]
    pub(crate) fn is_asked_for(&self, unit: UnitIndex) -> bool {
        let u = &self.plan.units[unit];
        let uplifted = u.outputs.iter().any(|output| output.uplift.is_some());
        u.root || uplifted && !u.target.is("custom-build") || self.plan.roots_units.contains(&unit)
    }
}

impl Execution<'_, '_> {
    /// Delivers the files of a unit and returns them all as machine messages
    /// name them: delivered ones first, then those that stay in the store.
    pub(crate) fn deliver(&mut self, unit: UnitIndex) -> Vec<PathBuf> {
        let build = self.build;
        let u = &build.plan.units[unit];
        let Some(chosen) = self.chosen.get(&unit) else { return Vec::new() };
        if u.is_run() {
            return Vec::new();
        }
        let mut delivered = Vec::new();
        let mut stored = Vec::new();
        let mut failed = false;
        for (index, planned) in u.outputs.iter().enumerate() {
            let name = build.places.output_name(unit, index);
            let Some(output) = chosen.record.output(&name) else { continue };
            let from = chosen.dir.join(&name);
            let wanted = planned.uplift.is_some() || u.mode == Mode::Test;
            let to = build.places.delivered(unit, index).filter(|_| wanted);
            match to.filter(|_| !u.target.is("custom-build")) {
                Some(to) => match self.deliver_file(output, &from, &to) {
                    Ok(()) => delivered.push(to),
                    Err(error) => {
                        failed = true;
                        let text = format!("could not deliver `{}`: {error}", to.display());
                        build.emit(&Event::Failed { unit, text });
                        stored.push(from);
                    }
                },
                None => stored.push(from),
            }
        }
        // Split debug information lies in files with names of rustc's own.
        if u.mode == Mode::Test || u.outputs.iter().any(|o| o.uplift.is_some()) {
            self.deliver_split_debuginfo(unit);
        }
        delivered.extend(stored);
        self.undelivered |= failed;
        delivered
    }

    fn deliver_file(&self, output: &OutputFile, from: &Path, to: &Path) -> std::io::Result<()> {
        let stats = self.build.store.stat_cache();
        if let Ok(meta) = std::fs::symlink_metadata(to) {
            use std::os::unix::fs::MetadataExt;
            let same = meta.is_file()
                && meta.len() == output.size
                && (meta.mode() ^ output.mode) & 0o111 == 0
                && stats.digest(to).is_ok_and(|digest| digest == Some(output.digest));
            if same {
                return Ok(());
            }
            if meta.is_dir() {
                return Err(std::io::Error::other("there is a directory of that name"));
            }
        }
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent)?;
        }
        larder_store::deliver(from, to, output.mode)?;
        Ok(())
    }

    /// `.dwo` files go beside the object files' place under cargo: `deps`.
    fn deliver_split_debuginfo(&self, unit: UnitIndex) {
        let build = self.build;
        let deps = build.places.build_dir(build.plan.units[unit].platform.as_deref()).join("deps");
        let mut units = build.libraries(unit).to_vec();
        units.push(unit);
        for unit in units {
            let Some(chosen) = self.chosen.get(&unit) else { continue };
            let is_debuginfo = |o: &&OutputFile| o.name.ends_with(".dwo");
            if chosen.record.outputs.iter().any(|o| is_debuginfo(&o)) {
                // Nobody below a final binary that came from the store was checked.
                let _ = build.store.unpack(&chosen.dir);
            }
            for output in chosen.record.outputs.iter().filter(is_debuginfo) {
                let from = chosen.dir.join(&output.name);
                let _ = self.deliver_file(output, &from, &deps.join(&output.name));
            }
        }
    }

    /// What packaging tools look for beside the delivered files: `.d` files.
    pub(crate) fn deliver_companions(&self) {
        let build = self.build;
        for unit in 0..build.plan.units.len() {
            let u = &build.plan.units[unit];
            if !build.is_asked_for(unit) || u.is_run() || !self.chosen.contains_key(&unit) {
                continue;
            }
            for (index, output) in u.outputs.iter().enumerate() {
                if output.uplift.is_none() {
                    continue;
                }
                let to = build.places.delivered(unit, index).filter(|to| to.is_file());
                if let Some(to) = to {
                    self.write_dep_info(unit, &to);
                }
            }
        }
    }

    /// Writes `target/<profile>/name.d`: the file, and every source of path
    /// packages below it.
    fn write_dep_info(&self, unit: UnitIndex, delivered: &Path) {
        let build = self.build;
        let mut sources = BTreeSet::new();
        let mut units = crate::places::everything_below(build.plan, unit);
        units.push(unit);
        for unit in units {
            let package = &build.plan.packages[build.plan.units[unit].package];
            if package.source.is_immutable() {
                continue;
            }
            let Some(chosen) = self.chosen.get(&unit) else { continue };
            for input in &chosen.path_set.paths {
                if matches!(input.uses, PathUse::Content | PathUse::Tree) {
                    sources.insert(build.path(unit, input));
                }
            }
        }
        let escape = |path: &Path| path.to_string_lossy().replace(' ', "\\ ");
        let mut text = format!("{}:", escape(delivered));
        for source in &sources {
            text.push(' ');
            text.push_str(&escape(source));
        }
        text.push('\n');
        let to = delivered.with_extension("d");
        if std::fs::read_to_string(&to).is_ok_and(|old| old == text) {
            return;
        }
        let _ = std::fs::write(to, text);
    }

    /// Delivers the `OUT_DIR` of a run that is looked for in the target
    /// directory, and says where: that of a package of which something was
    /// asked for (packagers and nextest's archives take files from there), and
    /// one with shared libraries, which nextest adds to the library path only
    /// if it lies there.
    pub(crate) fn deliver_out_dir(&self, unit: UnitIndex) -> Option<PathBuf> {
        let build = self.build;
        if build.is_cooking() {
            return None;
        }
        let chosen = self.chosen.get(&unit)?;
        let u = &build.plan.units[unit];
        let of_package = |other: &UnitIndex| {
            let other = &build.plan.units[*other];
            other.package == u.package && !other.is_run()
        };
        let mut units = 0..build.plan.units.len();
        let is_asked_for = units.any(|other| of_package(&other) && build.is_asked_for(other));
        if !is_asked_for && !chosen.record.outputs.iter().any(is_shared_library) {
            return None;
        }
        let package = &build.plan.packages[u.package];
        let to = build
            .places
            .build_dir(u.platform.as_deref())
            .join("build")
            .join(format!("{}-{}", package.name, build.identities.metadata(unit)))
            .join("out");
        std::fs::create_dir_all(&to).ok()?;
        build.store.unpack(&chosen.dir).ok()?;
        for output in &chosen.record.outputs {
            let (from, to) = (chosen.dir.join(&output.name), to.join(&output.name));
            match &output.symlink {
                None => self.deliver_file(output, &from, &to).ok()?,
                Some(target) => deliver_link(Path::new(target), &to).ok()?,
            }
        }
        Some(to)
    }
}

/// `libx.so`, `libx.so.1`, `libx.dylib`.
fn is_shared_library(output: &OutputFile) -> bool {
    let name = output.name.rsplit('/').next().unwrap_or(&output.name);
    name.ends_with(".so") || name.contains(".so.") || name.ends_with(".dylib")
}

fn deliver_link(target: &Path, to: &Path) -> std::io::Result<()> {
    if std::fs::read_link(to).is_ok_and(|there| there == target) {
        return Ok(());
    }
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent)?;
    }
    match std::fs::remove_file(to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::os::unix::fs::symlink(target, to)
}
