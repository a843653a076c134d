//! How the executables of `run`, `test` and `bench` are started, and how
//! documentation tests are.

use crate::build::Build;
use crate::execute::Execution;
use larder_plan::apply::RunResult;
use larder_plan::execute::execution;
use larder_schema::plan::{Mode, UnitIndex};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

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

/// Calls `use_runs` with a function that answers for build-script runs.
pub(crate) fn with_runs<T>(
    build: &Build<'_>,
    use_runs: impl FnOnce(larder_plan::apply::Runs<'_, '_>) -> T,
) -> T {
    let outputs: Vec<_> = (0..build.plan.units.len())
        .map(|unit| {
            build.run(unit).map(|output| (output.out_dir.to_string_lossy().into_owned(), output))
        })
        .collect();
    let find = |unit: UnitIndex| {
        let (out_dir, output) = outputs[unit].as_ref()?;
        Some(RunResult { directives: &output.directives, out_dir })
    };
    use_runs(&find)
}

impl Execution<'_, '_> {
    /// The delivered executables of units that were asked for.
    #[must_use]
    pub fn executables(&self) -> Vec<(UnitIndex, PathBuf)> {
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
    pub fn launches(&self, inherited: &BTreeMap<OsString, OsString>) -> Vec<Launch> {
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
                    let mut dirs: Vec<PathBuf> = how
                        .dylib_dirs
                        .iter()
                        .map(|dir| PathBuf::from(build.places.expand(unit, dir)))
                        .collect();
                    let name = OsString::from("LD_LIBRARY_PATH");
                    if let Some(old) = inherited.get(&name) {
                        dirs.extend(std::env::split_paths(old));
                    }
                    if let Ok(joined) = std::env::join_paths(dirs) {
                        env.insert(name, joined);
                    }
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
