//! How the executables of `run`, `test` and `bench` are started, and how
//! documentation tests are.

use crate::build::{Build, RunOutput};
use crate::execute::Execution;
use crate::places::Places;
use larder_plan::apply::RunResult;
use larder_plan::doctest::Settings;
use larder_plan::execute::execution;
use larder_schema::plan::{Mode, Plan, UnitIndex};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// A process to start for the user.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The unit that built the executable.
    pub unit: UnitIndex,
    /// The executable itself.
    pub executable: PathBuf,
    /// Program: the executable, or the configured runner.
    pub program: OsString,
    /// Arguments before the user's: those of the runner and the executable.
    pub args: Vec<OsString>,
    /// The whole environment.
    pub env: BTreeMap<OsString, OsString>,
    /// Directory of the package: working directory of tests and benches.
    pub package_root: PathBuf,
}

/// What starting documentation tests needs after the build is over.
#[derive(Debug, Default)]
pub struct Surroundings {
    identities: larder_key::Identities,
    dirs: Vec<Option<PathBuf>>,
    runs: Vec<Option<(String, Arc<RunOutput>)>>,
    env: BTreeMap<OsString, OsString>,
}

impl Surroundings {
    pub(crate) fn of(build: &Build<'_>, env: &BTreeMap<OsString, OsString>) -> Self {
        let count = build.plan.units.len();
        Self {
            identities: build.identities.clone(),
            dirs: (0..count).map(|unit| build.places.dir(unit)).collect(),
            runs: runs_of(build),
            env: env.clone(),
        }
    }

    /// How `rustdoc --test` is started for a unit; `None` for units that are
    /// no documentation tests.
    #[must_use]
    pub fn doctest(&self, plan: &Plan, unit: UnitIndex, settings: &Settings<'_>) -> Option<Launch> {
        let places = Places::new(plan, &self.identities);
        for (unit, dir) in self.dirs.iter().enumerate() {
            if let Some(dir) = dir {
                places.set_dir(unit, dir);
            }
        }
        let find = |unit: UnitIndex| answer(&self.runs, unit);
        let call = larder_plan::doctest::call(plan, unit, &find, settings)?;
        let planned = plan.units[unit].doctest.as_ref()?;
        let mut env = self.env.clone();
        let joined = call.env.iter().map(|(name, value)| (name, Some(value)));
        let all = planned.env.iter().map(|var| (&var.name, var.value.as_ref())).chain(joined);
        for (name, value) in all {
            match value {
                Some(value) => {
                    env.insert(name.into(), places.expand(unit, value).into());
                }
                None => {
                    env.remove(std::ffi::OsStr::new(name));
                }
            }
        }
        prepend_library_path(&mut env, call.dylib_dirs.iter().map(PathBuf::from));
        Some(Launch {
            unit,
            executable: plan.rustdoc.clone().into(),
            program: plan.rustdoc.clone().into(),
            args: places.args(unit, &call.args).into_iter().map(OsString::from).collect(),
            env,
            package_root: places.expand(unit, &planned.cwd).into(),
        })
    }
}

type KnownRuns = Vec<Option<(String, Arc<RunOutput>)>>;

fn runs_of(build: &Build<'_>) -> KnownRuns {
    let of_unit = |unit| {
        build.run(unit).map(|output| (output.out_dir.to_string_lossy().into_owned(), output))
    };
    (0..build.plan.units.len()).map(of_unit).collect()
}

fn answer(runs: &KnownRuns, unit: UnitIndex) -> Option<RunResult<'_>> {
    let (out_dir, output) = runs[unit].as_ref()?;
    Some(RunResult { directives: &output.directives, out_dir })
}

/// Puts directories in front of the library path.
fn prepend_library_path(
    env: &mut BTreeMap<OsString, OsString>,
    dirs: impl Iterator<Item = PathBuf>,
) {
    let name = OsString::from("LD_LIBRARY_PATH");
    let mut all: Vec<PathBuf> = dirs.collect();
    if let Some(old) = env.get(&name) {
        all.extend(std::env::split_paths(old));
    }
    if let Ok(joined) = std::env::join_paths(all) {
        env.insert(name, joined);
    }
}

/// Calls `use_runs` with a function that answers for build-script runs.
pub(crate) fn with_runs<T>(
    build: &Build<'_>,
    use_runs: impl FnOnce(larder_plan::apply::Runs<'_, '_>) -> T,
) -> T {
    let runs = runs_of(build);
    let find = |unit: UnitIndex| answer(&runs, unit);
    use_runs(&find)
}

impl Execution<'_, '_> {
    /// The delivered executables of units that were asked for.
    #[must_use]
    pub(crate) fn executables(&self) -> Vec<(UnitIndex, PathBuf)> {
        let plan = self.build.plan;
        let roots = plan.roots_units.iter().copied();
        roots
            .filter(|&unit| {
                let u = &plan.units[unit];
                matches!(u.mode, Mode::Test) || u.mode == Mode::Build && !u.target.is_library()
            })
            .filter(|unit| self.chosen.contains_key(unit))
            .filter_map(|unit| Some((unit, self.build.places.delivered(unit, 0)?)))
            .collect()
    }

    /// How each of [`Self::executables`] is started.
    #[must_use]
    pub(crate) fn launches(&self, inherited: &BTreeMap<OsString, OsString>) -> Vec<Launch> {
        let build = self.build;
        with_runs(build, |runs| {
            self.executables()
                .into_iter()
                .map(|(unit, executable)| {
                    let how = execution(build.plan, unit, runs);
                    let mut env = inherited.clone();
                    for var in &how.env {
                        match &var.value {
                            Some(value) => {
                                let value = build.places.expand(unit, value);
                                env.insert(var.name.clone().into(), value.into());
                            }
                            None => {
                                env.remove(std::ffi::OsStr::new(&var.name));
                            }
                        }
                    }
                    let dirs = how.dylib_dirs.iter();
                    let dirs = dirs.map(|dir| PathBuf::from(build.places.expand(unit, dir)));
                    prepend_library_path(&mut env, dirs);
                    let mut command: Vec<OsString> =
                        how.runner.iter().map(OsString::from).collect();
                    command.push(executable.clone().into());
                    let program = command.remove(0);
                    let package_root = build.places.expand(unit, &how.package_root).into();
                    Launch { unit, executable, program, args: command, env, package_root }
                })
                .collect()
        })
    }
}
