//! What an observed run adds to what it declared: inputs for its path set,
//! files that it left elsewhere, and facts for its verdict.
//!
//! | what was touched | becomes |
//! |---|---|
//! | toolchain, immutable sources of the unit and of what it is built from, results that its key names, its own directories | nothing: in the key, or its own |
//! | what is below a declared directory, or in a package that counts as a whole | nothing: in the path set already |
//! | directories above those and above the workspace, asked about only | nothing: the way to them |
//! | files that it made and removed again | nothing |
//! | libraries of libc, limits, … | see [`crate::boilerplate`] |
//! | a name looked for in the directories of `PATH` | what `PATH` leads to |
//! | a file that it changed or made and left | a side output, and no input: it has to be as it was left |
//! | everything else | an input; where it was read and nobody declared it, it is in the report |
//! | `uname` | the kernel's release; names of the host are looked for in outputs |
//! | number of processors | nothing, as `NUM_JOBS` |
//! | a socket that may reach beyond the machine, other results of the store, kernel files that change at every look | cannot be keyed |
//! | something left where nothing is restored, or removed | cannot be keyed |
//!
//! Why plain rustc calls are not observed: dep-info names every file that they
//! read, and libraries come from arguments, which are in the key. What they
//! ask in vain (`foo/mod.rs` beside `foo.rs`) could only be an error.

use crate::boilerplate::{self, Meaning};
use crate::build::Build;
use crate::clock::Began;
use crate::compact::compact;
use crate::explained::Explained;
use crate::observing::Observing;
use larder_sandbox::inputs::{self, Inputs};
use larder_sandbox::observation::{
    Domain, Found, Gap, Observation, Query, Touched, Unobserved, Uses,
};
use larder_schema::pathset::{PathInput, PathSet, PathUse, Reach, Unseen};
use larder_schema::plan::{UnitIndex, escape};
use larder_schema::record::Undeclared;
use larder_schema::report::MissReason;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// What an observation added.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    /// Inputs.
    pub inputs: BTreeSet<PathInput>,
    /// Templates of what was read without having been declared.
    pub undeclared: Vec<String>,
    /// Files of the host among the inputs, and programs that `PATH` leads to.
    pub of_host: Vec<String>,
    /// Files that it left outside its own directories.
    pub written: Vec<PathBuf>,
    /// Uses of the network.
    pub network: Vec<String>,
    /// What no key can hold.
    pub unkeyed: Vec<String>,
    /// Why something may have been missed, if so, with a sentence.
    pub unseen: Option<(Unseen, String)>,
    /// What no hermetic run would have been given.
    pub reach: Reach,
    /// An input that changed while it was being used.
    pub changed: Option<String>,
}

/// What is known of a run without observation.
pub(crate) struct Known<'a> {
    /// What it declared.
    pub declared: &'a PathSet,
    /// Its working directory.
    pub cwd: &'a Path,
    /// Files that it made known, absolute.
    pub files: &'a HashSet<PathBuf>,
    /// When it began.
    pub began: Began,
    /// Whether it can never be observed as a whole: it runs behind a wrapper.
    pub hides: bool,
    /// Why it ran.
    pub miss: Option<&'a MissReason>,
}

impl Build<'_> {
    /// What a run was seen to do, as far as nothing else explains it.
    pub(crate) fn observed(
        &self,
        unit: UnitIndex,
        seen: Result<&Observation, &Unobserved>,
        known: &Known<'_>,
    ) -> Observed {
        let unseen = match self.observing.unseen(seen) {
            Some(_) if known.hides => Some(Unseen::Hides),
            // An observer that fails twice would fail for ever.
            Some(Unseen::Failed) if matches!(known.miss, Some(MissReason::Unobserved { .. })) => {
                Some(Unseen::Hides)
            }
            unseen => unseen,
        };
        let seen = match seen {
            Ok(seen) => seen,
            Err(why) => {
                let why = match known.hides {
                    true => "it runs behind a wrapper of the compiler".to_owned(),
                    false => why.to_string(),
                };
                let unseen = unseen.map(|unseen| (unseen, why));
                return Observed { unseen, ..Observed::default() };
            }
        };
        let mut observed = Observed { unseen: unseen.zip(gaps(seen)), ..Observed::default() };
        let explained = Explained::of(self, unit, known);
        let left = inputs::writes(seen, &|path| explained.is_own(path));
        let mut found = inputs::inputs(seen, &|path| {
            let touched = seen.paths.get(path).copied();
            left.contains(path) || touched.is_some_and(|t| explained.explains(path, t))
        });
        self.drop_what_says_nothing(&mut found, seen, &mut observed);
        observed.reach = self.reach(unit, seen, known, &left);
        self.take_writes(unit, &left, seen, known.began, &mut observed);
        observed.changed = changed(&found, &left, seen, known.began);
        take_programs(&self.observing, &mut found, seen, &mut observed);
        let target = Path::new(&self.plan.roots.target);
        // While cooking there is none, and every path begins with an empty one.
        let has_target = !target.as_os_str().is_empty();
        let passing = |dir: &Path| {
            has_target && dir.starts_with(target)
                || self.observing.temporary.iter().any(|tmp| tmp == dir)
        };
        let found = compact(inputs::compact(seen, &found), &passing);
        self.name_inputs(&found, known.declared, &mut observed);
        if seen.queries.contains(&Query::Uname) {
            let path = "/proc/sys/kernel/osrelease".to_owned();
            observed.inputs.insert(PathInput { path, uses: PathUse::Content });
        }
        observed.network = network(seen);
        observed
    }

    /// What a run read without declaring it, for people.
    pub(crate) fn undeclared(&self, unit: UnitIndex, observed: &Observed) -> Option<Undeclared> {
        if observed.undeclared.is_empty() {
            return None;
        }
        let packages = self
            .programs(unit)
            .into_iter()
            .map(|program| self.plan.packages[self.plan.units[program].package].name.clone());
        Some(Undeclared {
            by: packages.collect::<BTreeSet<_>>().into_iter().collect(),
            paths: observed.undeclared.iter().take(Undeclared::MOST).cloned().collect(),
            more: observed.undeclared.len().saturating_sub(Undeclared::MOST),
        })
    }

    /// The directory that is a unit's own: a run's `OUT_DIR` lies in a tree
    /// like cargo's, for scripts that walk up.
    pub(crate) fn own_place(&self, unit: UnitIndex, dir: &Path) -> PathBuf {
        let above = if self.plan.units[unit].is_run() { crate::start::ABOVE_OUT_DIR } else { 0 };
        dir.ancestors().nth(above).unwrap_or(dir).to_owned()
    }

    /// Leaves what can be an input, and names what would have to be one.
    fn drop_what_says_nothing(
        &self,
        found: &mut Inputs,
        seen: &Observation,
        observed: &mut Observed,
    ) {
        found.retain(|path, uses| {
            let meaning = match boilerplate::meaning(path) {
                Meaning::Input if path.starts_with(&self.observing.store) => Meaning::Unkeyed,
                meaning => meaning,
            };
            if meaning == Meaning::Unkeyed {
                let special = seen.paths.get(path).is_some_and(is_read_device);
                let content = [PathUse::Content, PathUse::Listing];
                if special || content.iter().any(|read| uses.contains(read)) {
                    observed
                        .unkeyed
                        .push(format!("it reads `{}`, which no key can hold", path.display()));
                }
            }
            meaning == Meaning::Input
        });
    }

    /// What the run left outside its own directories.
    fn take_writes(
        &self,
        unit: UnitIndex,
        left: &BTreeSet<PathBuf>,
        seen: &Observation,
        began: Began,
        observed: &mut Observed,
    ) {
        for path in left {
            let Some(touched) = seen.paths.get(path) else { continue };
            // Git's notes about the checkout, which it makes again.
            if boilerplate::is_in_git(path) || boilerplate::meaning(path) == Meaning::Nothing {
                continue;
            }
            let Ok(meta) = std::fs::symlink_metadata(path) else {
                if touched.found != Found::Absent {
                    observed.reach.writes.push(self.observing.names.of(path).swap_remove(0));
                    observed.unkeyed.push(format!("it removes `{}`", path.display()));
                }
                continue;
            };
            // Opened for writing, and nothing was written.
            let idle = touched.uses.intersection(Uses::WRITES) == Uses::CHANGED;
            if meta.is_dir() || idle && !began.precedes(&meta) {
                continue;
            }
            let temporary = self.observing.temporary.iter().any(|tmp| path.starts_with(tmp));
            let restorable = self.is_restorable(unit, path);
            if !temporary {
                observed.reach.writes.push(self.observing.names.of(path).swap_remove(0));
            }
            if !temporary || restorable {
                observed.written.push(path.clone());
            }
            if !restorable {
                observed
                    .unkeyed
                    .push(format!("it writes `{}`, where larder restores nothing", path.display()));
            }
        }
    }

    /// Templates of the inputs, and which of them nobody declared.
    fn name_inputs(&self, found: &Inputs, declared: &PathSet, observed: &mut Observed) {
        for (path, uses) in found {
            let names = self.observing.names.of(path);
            let read = [PathUse::Content, PathUse::Listing, PathUse::Tree];
            let is_declared = || declared.paths.iter().any(|input| names.contains(&input.path));
            if read.iter().any(|read| uses.contains(read)) && path.exists() && !is_declared() {
                if !names[0].starts_with('{') {
                    observed.of_host.push(names[0].clone());
                }
                observed.undeclared.push(names[0].clone());
            }
            for name in names {
                let inputs = uses.iter().map(|&uses| PathInput { path: name.clone(), uses });
                observed.inputs.extend(inputs);
            }
        }
    }
}

/// Names that were looked for in the directories of `PATH` count as what that
/// leads to: another `PATH` may lead elsewhere without any file having changed.
fn take_programs(
    observing: &Observing,
    found: &mut Inputs,
    seen: &Observation,
    observed: &mut Observed,
) {
    let search: HashSet<&Path> = observing.search.iter().map(PathBuf::as_path).collect();
    found.retain(|path, _| {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return true };
        if !path.parent().is_some_and(|dir| search.contains(dir)) {
            return true;
        }
        let touched = seen.paths.get(path);
        let absent = touched.is_some_and(|touched| touched.found == Found::Absent);
        let leads_there = observing.program(name).as_deref() == Some(path.as_path());
        if absent || leads_there {
            if leads_there {
                observed.of_host.push(name.to_owned());
            }
            let path = escape(name).into_owned();
            observed.inputs.insert(PathInput { path, uses: PathUse::Program });
        }
        !absent && !leads_there
    });
}

/// An input that is not what it was when it was first touched. Contents are
/// compared elsewhere, by the clock.
fn changed(
    found: &Inputs,
    left: &BTreeSet<PathBuf>,
    seen: &Observation,
    began: Began,
) -> Option<String> {
    let wrote_in = |dir: &Path| {
        let own = |(path, touched): (&PathBuf, &Touched)| {
            touched.uses.intersects(Uses::WRITES) && path.parent() == Some(dir)
        };
        left.iter().any(|path| path.parent() == Some(dir)) || seen.paths.iter().any(own)
    };
    let path = found.iter().find_map(|(path, uses)| {
        let before = seen.paths.get(path)?.found;
        let now = std::fs::symlink_metadata(path);
        let came_or_went = match before {
            Found::Absent => now.is_ok(),
            Found::Denied => false,
            _ => now.is_err(),
        };
        let listed = uses.contains(&PathUse::Listing)
            && now.is_ok_and(|meta| began.precedes(&meta))
            && !wrote_in(path);
        (came_or_went || listed).then_some(path)
    })?;
    Some(format!("`{}` changed during the build", path.display()))
}

pub(crate) fn is_read_device(touched: &Touched) -> bool {
    touched.found == Found::Special && touched.uses.intersects(Uses::READ | Uses::EXECUTED)
}

fn network(seen: &Observation) -> Vec<String> {
    if !seen.uses_network() {
        return Vec::new();
    }
    let peers: Vec<&str> = seen
        .sockets
        .iter()
        .filter(|socket| matches!(socket.domain, Domain::Internet | Domain::Other(_)))
        .filter_map(|socket| socket.peer.as_deref())
        .collect();
    vec![match peers.as_slice() {
        [] => "it makes sockets that reach beyond this machine".to_owned(),
        peers => format!("it uses the network: {}", peers.join(", ")),
    }]
}

fn gaps(seen: &Observation) -> Option<String> {
    let words: Vec<String> = seen
        .gaps
        .iter()
        .map(|gap| match gap {
            Gap::ForeignCalls => "programs of another architecture ran".to_owned(),
            Gap::Unreadable => "a process could not be looked at".to_owned(),
            Gap::OtherRoot => "a process changed its root directory".to_owned(),
            Gap::TooMuch => "it touched more paths than are kept".to_owned(),
            Gap::Outlived => "processes that it started went on after it".to_owned(),
            Gap::Failed(why) => format!("the observer failed: {why}"),
        })
        .collect();
    (!words.is_empty()).then(|| words.join("; "))
}
