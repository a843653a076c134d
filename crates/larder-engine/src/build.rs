//! One build as its parts see it: the plan, where things are, what counts,
//! and what has become of every unit so far.

use crate::environment::Environments;
use crate::event::{Event, Reporter};
use crate::mention_memo::MentionMemo;
use crate::observing::Observing;
use crate::places::{Places, libraries_below};
use crate::rules::Hermetic;
use crate::side_outputs::Promised;
use crate::symbols::Symbols;
use larder_key::inputs::{self, Inputs};
use larder_key::mention::{self, Mentions};
use larder_key::{Identities, inputs as key_inputs};
use larder_schema::Digest;
use larder_schema::pathset::{PathInput, PathSet, PathUse};
use larder_schema::plan::{Directives, Plan, Template, UnitIndex};
use larder_schema::record::ResultRecord;
use larder_store::DiskStore;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// What does not change during a build.
pub(crate) struct Build<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Identities of its units.
    pub identities: &'a Identities,
    /// Where things are.
    pub places: Places<'a>,
    /// Environments of actions.
    pub environments: Environments<'a>,
    /// The store.
    pub store: &'a DiskStore,
    /// What programs mention.
    pub mentions: &'a MentionMemo,
    /// Linker and libc of the host, by the linker that is configured.
    pub linkers: BTreeMap<Option<String>, String>,
    /// Tools that build scripts find in `PATH`, computed when asked for.
    pub tools: OnceLock<String>,
    /// What `target-cpu=native` stands for.
    pub cpu: String,
    /// Which runs are confined.
    pub hermetic: &'a Hermetic,
    /// How processes are observed.
    pub observing: Observing,
    /// Who hears of what happens.
    pub reporter: &'a dyn Reporter,
    /// Remembers which unpacked sources were checked.
    pub memo: &'a larder_cargo::Memo,
    /// Directives of build-script runs that are there.
    pub runs: RwLock<Vec<Option<Arc<RunOutput>>>>,
    /// Libraries that rustc may load, by unit, computed when asked for.
    pub libraries: Vec<OnceLock<Vec<UnitIndex>>>,
    /// Whether nothing is to be written.
    pub dry_run: bool,
    /// Whether the build can be done once more without this store.
    pub has_other_store: bool,
    /// Whether something that ran said that a disk has no room.
    pub no_room: AtomicBool,
    /// Files that would be there if it were not a dry run.
    pub promised: Promised,
    /// Names kept from build scripts.
    pub removed: std::sync::Mutex<std::collections::BTreeSet<String>>,
}

/// What a build-script run left, with real paths.
#[derive(Debug)]
pub(crate) struct RunOutput {
    /// What it said.
    pub directives: Directives,
    /// The same with symbolic paths.
    pub symbolic: Directives,
    /// Its `OUT_DIR`.
    pub out_dir: PathBuf,
}

/// A result that this build uses.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    /// Its key.
    pub key: Digest,
    /// Its record.
    pub record: Arc<ResultRecord>,
    /// Directory of its files.
    pub dir: PathBuf,
    /// Files and variables that it was seen to use.
    pub path_set: Arc<PathSet>,
    /// Whether it is of this checkout only: incremental, or built against
    /// something that is.
    pub private: bool,
}

impl<'a> Build<'a> {
    /// Emits an event.
    pub(crate) fn emit(&self, event: &Event<'_>) {
        self.reporter.event(event);
    }

    /// Notes what a process said, if it is that its files found no room.
    pub(crate) fn note_room(&self, text: &str) {
        let words = ["No space left on device", "Disk quota exceeded"];
        if words.iter().any(|words| text.contains(words)) {
            self.no_room.store(true, Ordering::Relaxed);
        }
    }

    /// Name of a unit for people: `serde v1.0.210 (lib)`.
    #[must_use]
    pub(crate) fn unit_name(&self, unit: UnitIndex) -> String {
        let u = &self.plan.units[unit];
        let package = &self.plan.packages[u.package];
        let what = if u.is_run() {
            "build script run".to_owned()
        } else {
            let kind = u.target.kind.first().map_or("", String::as_str);
            match kind {
                "lib" | "proc-macro" | "custom-build" => {
                    kind.replace("custom-build", "build script")
                }
                _ => format!("{kind} \"{}\"", u.target.name),
            }
        };
        format!("{} v{} ({what})", package.name, package.version)
    }

    /// Libraries that rustc may load for a unit.
    pub(crate) fn libraries(&self, unit: UnitIndex) -> &[UnitIndex] {
        self.libraries[unit].get_or_init(|| libraries_below(self.plan, unit))
    }

    /// The tokens for what a unit's output may hold.
    #[must_use]
    pub(crate) fn symbols(&self, unit: UnitIndex) -> Symbols {
        let roots = &self.plan.roots;
        let mut list = vec![
            ("workspace".to_owned(), roots.workspace.clone()),
            ("cargo_home".to_owned(), roots.cargo_home.clone()),
            ("sysroot".to_owned(), roots.sysroot.clone()),
            ("target".to_owned(), roots.target.clone()),
        ];
        if let Some(dir) = self.places.dir(unit) {
            list.push(("out".to_owned(), dir.to_string_lossy().into_owned()));
        }
        Symbols::new(list)
    }

    /// Symbols of places that are the same for every unit.
    #[must_use]
    pub(crate) fn root_symbols(&self) -> Symbols {
        root_symbols(self.plan)
    }

    /// The inputs of a unit that are known before anything ran.
    #[must_use]
    pub(crate) fn action_inputs(&self, unit: UnitIndex) -> Inputs {
        let u = &self.plan.units[unit];
        let mut inputs = inputs::of_action(self.plan, self.identities, unit);
        let Some(action) = &u.action else { return inputs };
        if u.is_run() {
            inputs.push(("linker and libc".to_owned(), self.linker(unit)));
        } else {
            // A wrapper may be another program tomorrow, under the same name.
            let is_wrapper = |word: &&Template| word.0 != "{rustc}";
            let words = std::iter::once(&action.program).chain(&action.args);
            for wrapper in words.take_while(is_wrapper) {
                let path = self.environments.value(&self.places, unit, "PATH");
                let name = self.places.expand(unit, wrapper);
                let file = program_file(&name, path.as_deref().map(OsStr::new));
                let digest = self.store.stat_cache().digest(&file).ok().flatten();
                let digest = digest.map_or_else(|| UNSET.to_owned(), |digest| digest.to_string());
                inputs.push((format!("file {}", wrapper.0), digest));
            }
            let mut variable = |name: &str| {
                let value = self.environments.value(&self.places, unit, name);
                inputs.push((format!("env {name}"), value.unwrap_or_else(|| UNSET.to_owned())));
            };
            key_inputs::RUSTC_VARIABLES.iter().for_each(|name| variable(name));
            if action.links {
                key_inputs::LINKER_VARIABLES.iter().for_each(|name| variable(name));
                inputs.push(("linker and libc".to_owned(), self.linker(unit)));
            }
        }
        if u.rustflags.iter().any(|flag| flag.contains("target-cpu=native"))
            || action.args.iter().any(|arg| arg.0.contains("target-cpu=native"))
        {
            inputs.push(("cpu".to_owned(), self.cpu.clone()));
        }
        // Target specifications, linker scripts and the like: files that the
        // user's flags name. The linker is above, for those that use it.
        for arg in action.args.iter().filter(|arg| !arg.0.starts_with("linker=")) {
            for path in paths_in(&arg.0) {
                if let Ok(Some(digest)) = self.store.stat_cache().digest(Path::new(path)) {
                    inputs.push((format!("file {path}"), digest.to_string()));
                }
            }
        }
        inputs
    }

    /// What links for a unit: a result must not depend on the linkers of
    /// other units, which another plan does not have.
    fn linker(&self, unit: UnitIndex) -> String {
        let own = crate::plan_cache::configured_linker(&self.plan.units[unit]);
        let digest = |linker: Option<&str>| {
            self.linkers.get(&linker.map(str::to_owned)).cloned().unwrap_or_default()
        };
        match own {
            // What else it starts is the host's.
            Some(own) => format!("{} {}", digest(Some(own)), digest(None)),
            None => digest(None),
        }
    }

    /// The values of a path set here, as named inputs.
    #[must_use]
    pub(crate) fn values(&self, unit: UnitIndex, set: &PathSet) -> Inputs {
        let mut values = Vec::with_capacity(set.paths.len() + set.env.len());
        for input in &set.paths {
            let path = self.path(unit, input);
            let promised = (input.uses == PathUse::Content).then(|| self.promised.value(&path));
            let value = promised
                .flatten()
                .unwrap_or_else(|| crate::evaluate::value(self.store.stat_cache(), input, &path));
            values.push((format!("{} {}", input_kind(input), input.path), value));
        }
        for name in &set.env {
            let value = match name.strip_prefix(FROM_SCRIPT) {
                Some(name) => self.script_variable(unit, name),
                None => self.environments.value(&self.places, unit, name),
            };
            values.push((format!("env {name}"), value.unwrap_or_else(|| UNSET.to_owned())));
        }
        // Tools that an observed run uses are among its paths.
        if set.unseen.is_some() && self.plan.units[unit].is_run() {
            let search = &self.observing.search;
            let digest = || crate::tools::digest(self.store.stat_cache(), search);
            values.push(("tools".to_owned(), self.tools.get_or_init(digest).clone()));
        }
        values
    }

    /// Where a path input lies here.
    #[must_use]
    pub(crate) fn path(&self, unit: UnitIndex, input: &PathInput) -> PathBuf {
        let template = larder_schema::plan::Template(input.path.clone());
        let path = self.places.expand(unit, &template);
        match input.uses {
            // One that is not found has no path that is absolute.
            PathUse::Program => self.observing.program(&path).unwrap_or_default(),
            _ => PathBuf::from(path),
        }
    }

    /// Value of a variable that the package's build script sets.
    fn script_variable(&self, unit: UnitIndex, name: &str) -> Option<String> {
        larder_plan::apply::own_runs(self.plan, unit).filter_map(|run| self.run(run)).find_map(
            |run| run.directives.env.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.clone()),
        )
    }

    /// What a build-script run left, if it is there.
    #[must_use]
    pub(crate) fn run(&self, unit: UnitIndex) -> Option<Arc<RunOutput>> {
        let runs = self.runs.read().unwrap_or_else(PoisonError::into_inner);
        runs[unit].clone()
    }

    /// Says what a build-script run left.
    pub(crate) fn set_run(&self, unit: UnitIndex, output: RunOutput) {
        let mut runs = self.runs.write().unwrap_or_else(PoisonError::into_inner);
        runs[unit] = Some(Arc::new(output));
    }

    /// The programs whose code decides which variables count for a unit: its
    /// build script, or the proc-macros that its rustc loads.
    #[must_use]
    pub(crate) fn programs(&self, unit: UnitIndex) -> Vec<UnitIndex> {
        let u = &self.plan.units[unit];
        if u.is_run() {
            let is_script = |dep: &UnitIndex| {
                let d = &self.plan.units[*dep];
                !d.is_run() && d.target.is("custom-build")
            };
            return u.deps.iter().map(|dep| dep.unit).filter(is_script).take(1).collect();
        }
        let is_macro = |lib: &&UnitIndex| self.plan.units[**lib].target.is("proc-macro");
        self.libraries(unit).iter().filter(is_macro).copied().collect()
    }

    /// What the programs of a unit mention; `None` if one is not there yet.
    #[must_use]
    pub(crate) fn mentioned(
        &self,
        unit: UnitIndex,
        chosen: &dyn Fn(UnitIndex) -> Option<Chosen>,
    ) -> Option<Mentions> {
        let mut all = Mentions::default();
        for program in self.programs(unit) {
            let chosen = chosen(program)?;
            let file = executable_of(&chosen.record.outputs)?;
            let code = || {
                self.store.unpack(&chosen.dir)?;
                std::fs::read(chosen.dir.join(&file.name))
            };
            let built_from = || self.reads_whole_environment(program);
            let found = self.mentions.mentions(&file.digest, code, built_from).ok()?;
            all.names.extend(found.names);
            all.iterates |= found.iterates;
            all.clock |= found.clock;
        }
        Some(all)
    }

    /// Whether what a program was built from may read the whole environment:
    /// its own sources, and the object code of its libraries.
    pub(crate) fn reads_whole_environment(&self, program: UnitIndex) -> bool {
        let u = &self.plan.units[program];
        let main = PathBuf::from(self.places.expand(program, &u.target.src_path));
        let Some(dir) = main.parent() else { return true };
        let root = self.places.expand(program, &self.plan.packages[u.package].root);
        // A script in the package's directory has its modules beside it or
        // below `build`; everything else lies below the main file.
        let places = if dir == Path::new(&root) {
            vec![main.clone(), dir.join("build")]
        } else {
            vec![dir.to_owned()]
        };
        let reads = |path: &PathBuf| {
            let is_source = path.extension().is_some_and(|extension| extension == "rs");
            let text = || std::fs::read_to_string(path);
            is_source && text().map_or(true, |text| mention::source_iterates(&text))
        };
        let beside = || {
            let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).filter(|path| path.is_file()).any(|path| reads(&path))
        };
        places.iter().any(|place| match place.is_dir() {
            true => crate::evaluate::paths_below(place).iter().any(reads),
            false => place.exists() && beside(),
        }) || self.libraries(program).iter().any(|&library| {
            let Some(dir) = self.places.dir(library) else { return true };
            if self.store.unpack(&dir).is_err() {
                return true;
            }
            crate::evaluate::paths_below(&dir).iter().any(|path| {
                path.extension().is_some_and(|extension| extension == "rlib")
                    && std::fs::read(path).map_or(true, |code| mention::library_iterates(&code))
            })
        })
    }

    /// The values of the variables that a unit's programs mention.
    #[must_use]
    pub(crate) fn mentioned_values(&self, unit: UnitIndex, mentions: &Mentions) -> Inputs {
        let u = &self.plan.units[unit];
        let names: Vec<String> = if u.is_run() {
            self.environments.keyed_for_script(unit, mentions)
        } else {
            let of_action = |name: &&String| {
                !larder_key::inputs::IGNORED_VARIABLES.contains(&name.as_str())
                    && !UNKEYED_FOR_MACROS.contains(&name.as_str())
            };
            let mut names = mentions.names.clone();
            if mentions.iterates {
                names.extend(self.environments.keyed_for_script(unit, mentions));
            }
            names.iter().filter(of_action).cloned().collect()
        };
        names
            .into_iter()
            .map(|name| {
                let value = self.environments.symbolic_value(unit, &name);
                (format!("env {name} (mentioned)"), value.unwrap_or_else(|| UNSET.to_owned()))
            })
            .collect()
    }
}

/// Proc-macros mention these through the standard library, or they hold only
/// places.
const UNKEYED_FOR_MACROS: &[&str] = &["PATH", "LD_LIBRARY_PATH", "TMPDIR", "TERM"];

/// Value of a variable that is not set.
pub(crate) const UNSET: &str = "<unset>";

/// Prefix of a path set's variable that the package's build script sets.
pub(crate) const FROM_SCRIPT: &str = "build-script:";

/// The executable or dynamic library among outputs.
#[must_use]
pub(crate) fn executable_of(
    outputs: &[larder_schema::record::OutputFile],
) -> Option<&larder_schema::record::OutputFile> {
    let is_library =
        |name: &str| [".so", ".dylib", ".dll"].iter().any(|suffix| name.ends_with(suffix));
    outputs
        .iter()
        .find(|o| is_library(&o.name))
        .or_else(|| outputs.iter().find(|o| o.mode & 0o111 != 0 && o.symlink.is_none()))
}

/// Word for a path input in explanations.
fn input_kind(input: &PathInput) -> &'static str {
    use larder_schema::pathset::PathUse;
    match input.uses {
        PathUse::Content => "file",
        PathUse::Tree => "tree",
        PathUse::Presence => "presence",
        PathUse::Link => "link",
        PathUse::Listing => "listing",
        PathUse::Package | PathUse::Whole => "package",
        PathUse::Location => "location",
        PathUse::Program => "program",
    }
}

/// Absolute paths that an argument names: `--target=/x.json`,
/// `link-arg=-T/x.ld`, `-L/dir`.
pub(crate) fn paths_in(arg: &str) -> impl Iterator<Item = &str> {
    let start = arg.find('/').filter(|_| !arg.contains('{'));
    start
        .map(|at| &arg[at..])
        .into_iter()
        .flat_map(|rest| rest.split(',').filter(|part| part.starts_with('/')))
}

/// Symbols of the places that a plan names.
#[must_use]
pub(crate) fn root_symbols(plan: &Plan) -> Symbols {
    let roots = &plan.roots;
    Symbols::new([
        ("workspace".to_owned(), roots.workspace.clone()),
        ("cargo_home".to_owned(), roots.cargo_home.clone()),
        ("sysroot".to_owned(), roots.sysroot.clone()),
        ("target".to_owned(), roots.target.clone()),
    ])
}

/// Everything about results that are there, by unit.
pub(crate) type ChosenMap = BTreeMap<UnitIndex, Chosen>;

/// A program without a directory is looked for in `PATH`, as the system does
/// for cargo.
pub(crate) fn program_file(program: &str, path: Option<&OsStr>) -> PathBuf {
    if program.contains('/') {
        return program.into();
    }
    path.into_iter()
        .flat_map(std::env::split_paths)
        .map(|dir| dir.join(program))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| program.into())
}
