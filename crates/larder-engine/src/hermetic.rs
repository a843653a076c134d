//! Hermetic runs: what foreign code may touch, how it is kept from the rest,
//! and what is said where it tries. Only runs of build scripts, and of rustc
//! where it loads proc-macros; a plain rustc call runs nobody's code.
//!
//! | place | may be |
//! |---|---|
//! | the result's own directory, its directory for temporary files, incremental state | changed |
//! | the package's own directory, without `.git`, the target directory and other members in it | read |
//! | toolchain, results and immutable sources that it is built from | read |
//! | what is declared (`rerun-if-changed`, dep-info), in the workspace | read |
//! | files that arguments name: linkers, target specifications | read |
//! | the installed system (`/usr`, `/bin`, `/lib`, …), what every process reads of its host | read |
//! | what the user allows | as allowed |
//!
//! Two things keep to this. Landlock prevents, with two places left open that
//! it cannot know enough of: the workspace, since declarations come with the
//! run, and links below `/usr`. The observation then says what was reached for,
//! prevented or not: [`Reach`], which is part of every path set, so that a
//! result of any run is known to be one that a hermetic run would have made,
//! or not. Nothing hermetic is in keys.
//!
//! Asking whether something exists is no reach: it is in the path set, and so
//! in the key. The clock and chance cannot be confined. `TMPDIR` is another one
//! than in other builds: a result that names it is used once
//! ([`crate::scratch`]).

use crate::boilerplate::{self, Meaning};
use crate::build::{Build, paths_in};
use crate::observed::{Known, Observed, is_read_device};
use crate::places::everything_below;
use crate::rules::{self, Allowed};
use crate::scratch::{self, Scratch};
use crate::trespass::{Trespass, way_out};
use crate::work::JobFailed;
use larder_sandbox::confine::{Confinement, Violation};
use larder_sandbox::inputs;
use larder_sandbox::observation::{Observation, Unobserved};
use larder_sandbox::process::Process;
use larder_sandbox::watch::Watch;
use larder_schema::pathset::{PathSet, PathUse, Reach, Unseen};
use larder_schema::plan::{Template, UnitIndex};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The installed system: compilers, interpreters, headers, libraries.
const SYSTEM: &[&str] = &["/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin", "/usr"];

/// Why a stored result is not good enough for this build.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Nobody saw its run.
    Unseen(Unseen),
    /// Its run reached for what a hermetic one may not.
    Reach(String),
}

/// A run that is confined.
#[derive(Debug)]
pub(crate) struct Confined {
    allowed: Allowed,
    confinement: Confinement,
    /// Its temporary files.
    pub scratch: Scratch,
}

impl Build<'_> {
    /// What a unit's run may touch beside its own; `None`: it is not confined.
    pub(crate) fn allowed(&self, unit: UnitIndex) -> Option<Allowed> {
        let programs = self.programs(unit);
        if programs.is_empty() {
            return None;
        }
        let units = programs.into_iter().chain([unit]);
        let packages: BTreeSet<&str> = units
            .map(|unit| self.plan.packages[self.plan.units[unit].package].name.as_str())
            .collect();
        let packages: Vec<&str> = packages.into_iter().collect();
        self.hermetic.allowed(&packages, &self.package_root(unit))
    }

    /// Whether any run of this build would be confined.
    pub(crate) fn confines(&self) -> bool {
        (0..self.plan.units.len()).any(|unit| self.allowed(unit).is_some())
    }

    /// Prepares a run to be confined, if it is to be.
    ///
    /// # Errors
    /// If there is no place for its temporary files.
    pub(crate) fn confine(
        &self,
        unit: UnitIndex,
        process: &mut Process,
    ) -> std::io::Result<Option<Confined>> {
        let Some(allowed) = self.allowed(unit) else { return Ok(None) };
        let own = self.places.dir(unit).map(|dir| self.own_place(unit, &dir)).unwrap_or_default();
        let scratch = Scratch::make(&own)?;
        process.env.insert(scratch::VARIABLE.into(), scratch.dir().into());
        let mut writable = vec![own];
        writable.extend(self.incremental_dir_of(unit));
        writable.extend(allowed.write.iter().cloned());
        let mut readable = self.grounds(unit);
        readable.extend([PathBuf::from(&self.plan.roots.workspace), self.package_root(unit)]);
        readable.extend(boilerplate::NOTHING.iter().map(PathBuf::from));
        readable.extend([boilerplate::CPU_INFO.into(), "/etc/alternatives".into()]);
        readable.extend(allowed.read.iter().cloned());
        let confinement = Confinement { readable, writable, network: allowed.network };
        Ok(Some(Confined { allowed, confinement, scratch }))
    }

    /// How a run of foreign code is started.
    pub(crate) fn watch(&self, confined: Option<&Confined>) -> Watch {
        let confinement = confined.map(|confined| confined.confinement.clone());
        Watch { confinement, library: self.observing.library(self.store), ..self.observing.watch() }
    }

    /// Why this build cannot be what it is to be.
    ///
    /// # Errors
    /// If runs are to be confined and cannot be.
    pub(crate) fn can_confine(&self) -> Result<(), String> {
        if !self.confines() {
            return Ok(());
        }
        rules::can_confine(self.observing.observe).map(drop)
    }

    /// A run that failed: what it did that it must not comes first.
    pub(crate) fn failed_confined(
        &self,
        unit: UnitIndex,
        confined: Option<&Confined>,
        seen: Result<&Observation, &Unobserved>,
        known: &Known<'_>,
        failed: JobFailed,
    ) -> JobFailed {
        let Some(confined) = confined else { return failed };
        let observed = self.observed(unit, seen, known);
        match self.violation(unit, confined, &observed, seen) {
            Some(text) => JobFailed { text: format!("{text}\n\n{}", failed.text), ..failed },
            None => failed,
        }
    }

    /// What a run reached for. `left`: files that it left elsewhere.
    pub(crate) fn reach(
        &self,
        unit: UnitIndex,
        seen: &Observation,
        known: &Known<'_>,
        left: &BTreeSet<PathBuf>,
    ) -> Reach {
        let own = self.places.dir(unit).map(|dir| self.own_place(unit, &dir));
        let incremental = self.incremental_dir_of(unit);
        let is_own = |path: &Path| {
            [&own, &incremental].into_iter().flatten().any(|dir| path.starts_with(dir))
        };
        let grounds = self.grounds(unit);
        let package = self.package_root(unit);
        let declared = Declared::of(self, unit, known);
        let within = |path: &Path| {
            grounds.iter().any(|ground| path.starts_with(ground))
                || declared.contains(path)
                || path.starts_with(&package) && self.is_of_package(unit, &package, path)
        };
        let is_given = |path: &Path| {
            if SYSTEM.iter().any(|dir| path.starts_with(dir)) || is_own(path) {
                return true;
            }
            // A link in the package may lead out of it.
            let real = || std::fs::canonicalize(path);
            within(path)
                && real().map_or(true, |real| {
                    real == path
                        || is_own(&real)
                        || within(&real)
                        || SYSTEM.iter().any(|dir| real.starts_with(dir))
                })
        };
        let found = inputs::inputs(seen, &|path| left.contains(path) || is_own(path));
        let reads = found.iter().filter(|(path, uses)| {
            let meaning = boilerplate::meaning(path);
            let device =
                || meaning == Meaning::Unkeyed && seen.paths.get(*path).is_some_and(is_read_device);
            let read = uses.contains(&PathUse::Content) || uses.contains(&PathUse::Listing);
            (read || device()) && meaning != Meaning::Nothing && !is_given(path)
        });
        let name = |path: &PathBuf| self.observing.names.of(path).swap_remove(0);
        let reads: BTreeSet<String> = reads.map(|(path, _)| name(path)).collect();
        Reach {
            reads: reads.into_iter().collect(),
            writes: Vec::new(),
            network: seen.uses_network(),
        }
    }

    /// Why a result with this path set is not for this build.
    pub(crate) fn refused(&self, unit: UnitIndex, set: &PathSet) -> Option<Refusal> {
        if let Some(unseen) = self.observing.refuses(set) {
            return Some(Refusal::Unseen(unseen));
        }
        if set.unseen.is_none() && set.reach.is_empty() {
            return None;
        }
        let allowed = self.allowed(unit)?;
        match set.unseen {
            Some(unseen) => Some(Refusal::Unseen(unseen)),
            None => {
                let first = self.trespasses(unit, &set.reach, &allowed).pop_first();
                first.map(|trespass| Refusal::Reach(trespass.to_string()))
            }
        }
    }

    /// What a confined run that is over did that it must not, as the text of
    /// an error.
    pub(crate) fn violation(
        &self,
        unit: UnitIndex,
        confined: &Confined,
        observed: &Observed,
        seen: Result<&Observation, &Unobserved>,
    ) -> Option<String> {
        let Confined { allowed, confinement, .. } = confined;
        let mut all = self.trespasses(unit, &observed.reach, allowed);
        let prevented = seen.map(|seen| confinement.violations(seen)).unwrap_or_default();
        for violation in prevented {
            match violation {
                Violation::Read(path)
                    if boilerplate::meaning(&path) != Meaning::Nothing
                        && !inputs::is_of_kernel(&path) =>
                {
                    all.insert(Trespass::Read(path));
                }
                Violation::Write(path) if !is_idle(&path) => {
                    all.insert(Trespass::Write(path));
                }
                Violation::Network(_) => {
                    all.insert(Trespass::Network);
                }
                Violation::Read(_) | Violation::Write(_) => {}
            }
        }
        if let Some((_, why)) = &observed.unseen {
            all.insert(Trespass::Unseen(why.clone()));
        }
        if all.is_empty() {
            return None;
        }
        let u = &self.plan.units[unit];
        let package = &self.plan.packages[u.package];
        let described = larder_plan::describe(package, &self.package_root(unit).to_string_lossy());
        let (who, blamed) = if u.is_run() {
            (format!("the build script of `{described}`"), package.name.clone())
        } else {
            let programs = self.programs(unit).into_iter();
            let names: BTreeSet<&str> = programs
                .map(|program| &*self.plan.packages[self.plan.units[program].package].name)
                .collect();
            let names: Vec<&str> = names.into_iter().collect();
            let who = format!("a proc-macro (of `{}`) in `{described}`", names.join("`, `"));
            (who, names.first().copied().unwrap_or_default().to_owned())
        };
        let causes: Vec<String> = all.iter().map(|cause| format!("  {cause}\n")).collect();
        let file = self.hermetic.file.as_ref();
        let file = file.map_or("larder's configuration".into(), |file| file.to_string_lossy());
        let rules: Vec<String> = way_out(&all).iter().map(|rule| format!("\n  {rule}")).collect();
        Some(format!(
            "{who} is not hermetic\n\nCaused by:\n{}\nhelp: declare files of the workspace \
             (`cargo::rerun-if-changed`), or allow it in `{file}`:\n  [packages.{blamed}]{}",
            causes.concat(),
            rules.concat()
        ))
    }

    fn trespasses(&self, unit: UnitIndex, reach: &Reach, allowed: &Allowed) -> BTreeSet<Trespass> {
        let real = |name: &String| PathBuf::from(self.places.expand(unit, &Template(name.clone())));
        let read = reach.reads.iter().map(real).filter(|path| !allowed.may_read(path));
        let written = reach.writes.iter().map(real).filter(|path| !allowed.may_write(path));
        let network = (reach.network && !allowed.network).then_some(Trespass::Network);
        read.map(Trespass::Read).chain(written.map(Trespass::Write)).chain(network).collect()
    }

    /// Places that everybody may read, and those that stand behind the unit.
    fn grounds(&self, unit: UnitIndex) -> Vec<PathBuf> {
        let roots = &self.plan.roots;
        let sysroot = PathBuf::from(&roots.sysroot);
        let mut grounds: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
        // The proxies of rustup, and what tells them which toolchain it is.
        if let Some(toolchains) = sysroot.parent().filter(|dir| dir.ends_with("toolchains")) {
            grounds.extend(toolchains.parent().map(|dir| dir.join("settings.toml")));
        }
        grounds.push(Path::new(&roots.cargo_home).join("bin"));
        grounds.push(sysroot);
        grounds.push(self.places.profile_dir(None).join("deps"));
        let below = everything_below(self.plan, unit);
        grounds.extend(below.iter().filter_map(|&unit| self.places.dir(unit)));
        for unit in below.into_iter().chain([unit]) {
            if self.plan.packages[self.plan.units[unit].package].source.is_immutable() {
                grounds.push(self.package_root(unit));
            }
        }
        // Linkers, target specifications and the like, which are in the key.
        if let Some(action) = &self.plan.units[unit].action {
            let named = action.args.iter().flat_map(|arg| paths_in(&arg.0));
            grounds.extend(named.map(PathBuf::from));
        }
        grounds.sort();
        grounds.dedup();
        grounds
    }

    fn package_root(&self, unit: UnitIndex) -> PathBuf {
        let package = &self.plan.packages[self.plan.units[unit].package];
        PathBuf::from(self.places.expand(unit, &package.root))
    }

    /// Whether something in a package's directory is the package's: other
    /// packages, what is built and what git keeps lie there too.
    fn is_of_package(&self, unit: UnitIndex, root: &Path, path: &Path) -> bool {
        let roots = [&self.plan.roots.target, &self.plan.roots.build];
        let is_built =
            roots.iter().any(|target| !target.is_empty() && path.starts_with(target.as_str()));
        let in_other = || {
            self.plan.packages.iter().any(|package| {
                let other = PathBuf::from(self.places.expand(unit, &package.root));
                other != root && other.starts_with(root) && path.starts_with(&other)
            })
        };
        !is_built && !boilerplate::is_in_git(path) && !in_other()
    }
}

/// What a run declares, as far as it lies in the workspace.
struct Declared<'a> {
    trees: Vec<PathBuf>,
    files: BTreeSet<PathBuf>,
    known: &'a std::collections::HashSet<PathBuf>,
    workspace: PathBuf,
}

impl<'a> Declared<'a> {
    fn of(build: &Build<'_>, unit: UnitIndex, known: &Known<'a>) -> Self {
        let mut trees = Vec::new();
        let mut files = BTreeSet::new();
        for input in &known.declared.paths {
            match input.uses {
                PathUse::Tree => trees.push(build.path(unit, input)),
                PathUse::Content => {
                    files.insert(build.path(unit, input));
                }
                _ => {}
            }
        }
        let workspace = PathBuf::from(&build.plan.roots.workspace);
        Self { trees, files, known: known.files, workspace }
    }

    fn contains(&self, path: &Path) -> bool {
        path.starts_with(&self.workspace)
            && (self.trees.iter().any(|tree| path.starts_with(tree))
                || self.files.contains(path)
                || self.known.contains(path))
    }
}

/// A write that changes nothing, or nothing that counts: making a directory
/// that is there, git's notes about the checkout.
fn is_idle(path: &Path) -> bool {
    path.is_dir()
        || boilerplate::is_in_git(path)
        || boilerplate::meaning(path) == Meaning::Nothing
        || inputs::is_of_kernel(path)
}
