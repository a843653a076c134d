//! What a run touched that needs no input, since something else stands for it.

use crate::build::Build;
use crate::observed::Known;
use crate::places::everything_below;
use larder_sandbox::observation::{Found, Touched, Uses};
use larder_schema::pathset::PathUse;
use larder_schema::plan::UnitIndex;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The rules of one run.
#[derive(Debug)]
pub(crate) struct Explained<'a> {
    /// Directories whose content is in the key.
    whole: HashSet<PathBuf>,
    /// Directories that the run writes for itself.
    own: HashSet<PathBuf>,
    /// Files that are in the path set as content.
    files: HashSet<PathBuf>,
    /// The same, as the run made them known.
    known: &'a HashSet<PathBuf>,
    /// Directories on the way to places that have names.
    ways: HashSet<PathBuf>,
    temporary: &'a [PathBuf],
}

impl<'a> Explained<'a> {
    /// Of a unit, whose run declared what is `known`.
    pub(crate) fn of(build: &'a Build<'_>, unit: UnitIndex, known: &Known<'a>) -> Self {
        let plan = build.plan;
        let place = |template| PathBuf::from(build.places.expand(unit, template));
        let mut own: HashSet<PathBuf> = HashSet::new();
        own.extend(build.places.dir(unit).map(|dir| build.own_place(unit, &dir)));
        own.extend(build.incremental_dir_of(unit));
        // The loader looks for libraries in `deps`, as under cargo.
        let deps = build.places.profile_dir(None).join("deps");
        let mut whole = HashSet::from([PathBuf::from(&plan.roots.sysroot), deps]);
        let below = everything_below(plan, unit);
        whole.extend(below.iter().filter_map(|&unit| build.places.dir(unit)));
        for unit in below.iter().copied().chain([unit]) {
            let package = &plan.packages[plan.units[unit].package];
            if package.source.is_immutable() {
                whole.insert(place(&package.root));
            }
        }
        let mut files = HashSet::new();
        for input in &known.declared.paths {
            let path = build.path(unit, input);
            match input.uses {
                PathUse::Tree | PathUse::Whole => {
                    whole.insert(path);
                }
                PathUse::Package => {
                    let listed = crate::evaluate::package_files(&path).unwrap_or_default();
                    files.extend(listed.into_iter().map(|file| path.join(file)));
                }
                PathUse::Content => {
                    files.insert(path);
                }
                _ => {}
            }
        }
        let observing = &build.observing;
        let package = &plan.packages[plan.units[unit].package];
        let named = [&plan.roots.workspace, &plan.roots.cargo_home, &plan.roots.target];
        let roots = whole
            .iter()
            .chain(&own)
            .chain(&observing.temporary)
            .cloned()
            .chain(named.map(PathBuf::from))
            .chain([observing.store.clone(), place(&package.root), known.cwd.to_owned()]);
        let ways = roots
            .flat_map(|root| root.ancestors().map(Path::to_owned).collect::<Vec<_>>())
            .collect();
        Self { whole, own, files, known: known.files, ways, temporary: &observing.temporary }
    }

    /// Whether a path is in a directory that the run writes for itself.
    pub(crate) fn is_own(&self, path: &Path) -> bool {
        path.ancestors().any(|dir| self.own.contains(dir))
    }

    /// Whether something else stands for what was touched.
    pub(crate) fn explains(&self, path: &Path, touched: Touched) -> bool {
        let Touched { found, uses } = touched;
        path.ancestors().any(|dir| self.whole.contains(dir) || self.own.contains(dir))
            || self.files.contains(path)
            || self.known.contains(path)
            || self.ways.contains(path) && !uses.contains(Uses::LISTED)
            || found == Found::Absent && (self.is_passing(path, uses) || self.is_module(path))
    }

    /// A file that the run made and removed, or a temporary one that it made:
    /// its name was only probed to be free.
    fn is_passing(&self, path: &Path, uses: Uses) -> bool {
        let temporary = || path.ancestors().any(|dir| self.temporary.iter().any(|tmp| tmp == dir));
        uses.contains(Uses::MADE) && (uses.contains(Uses::REMOVED) || temporary())
    }

    /// `a/mod.rs` beside `a.rs`, or the other way round: rustc asks for both.
    fn is_module(&self, path: &Path) -> bool {
        if path.extension().is_none_or(|extension| extension != "rs") {
            return false;
        }
        let other = match (path.parent(), path.file_name()) {
            (Some(dir), Some(name)) if name == "mod.rs" => dir.with_extension("rs"),
            _ => path.with_extension("").join("mod.rs"),
        };
        self.known.contains(&other)
    }
}
