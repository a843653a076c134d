//! Running a build script.
//!
//! What it says on standard output is stored with symbolic paths. Its inputs
//! are what it declares (`rerun-if-*`), or every file of its package; and of
//! the environment what its code mentions.

use crate::build::Build;
use crate::clock::Began;
use crate::event::Event;
use crate::observed::Known;
use crate::rustc_job::extend_library_path;
use crate::scan;
use crate::scratch::{self, ScratchName};
use crate::work::{Built, JobFailed, Task, internal};
use larder_key::mention::Mentions;
use larder_plan::apply::{RunResult, run_additions};
use larder_plan::directives::{self, Script};
use larder_sandbox::process::{Process, Stream};
use larder_schema::pathset::{PathInput, PathSet, PathUse};
use larder_schema::plan::{Directives, Severity, Source, UnitIndex};
use larder_schema::record::OutputFile;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

impl Build<'_> {
    pub(crate) fn run_script(&self, task: Task) -> Result<Built, JobFailed> {
        let unit = task.unit;
        let out_dir = task.pending.dir().to_owned();
        self.places.set_dir(unit, &out_dir);
        let mut process = self.script_process(&task)?;
        let mut confined = self.confine(unit, &mut process).map_err(|error| internal(&error))?;
        let watch = self.watch(confined.as_ref());
        let shown = self.shown_environment(unit);
        let command = |env: bool| process.display(if env { &shown } else { &[] });
        self.emit(&Event::Started { unit, miss: task.miss.as_ref(), command: &command });
        let began = Began::now(task.pending.dir()).map_err(|error| internal(&error))?;
        let streams = Mutex::new((String::new(), String::new()));
        let watched = process
            .run_watched(&watch, &mut |stream, line| {
                let mut streams = streams.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let to = match stream {
                    Stream::Stdout => &mut streams.0,
                    Stream::Stderr => &mut streams.1,
                };
                to.push_str(line);
                to.push('\n');
                if task.verbose >= 2 {
                    let stderr = stream == Stream::Stderr;
                    self.emit(&Event::Line { unit, text: line, stderr });
                }
            })
            .map_err(|error| internal(&error))?;
        let ended = watched.ended;
        let (stdout, stderr) =
            streams.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !ended.status.success() {
            for (severity, text) in directives::messages(stdout.as_bytes()) {
                self.emit(&Event::ScriptMessage { unit, severity, text: &text });
            }
            let failed = self.script_failed(unit, &process, ended.status, &stdout, &stderr);
            let said = self.parse_directives(unit, stdout.as_bytes()).unwrap_or_default();
            let declared = self.script_path_set(unit, &said);
            let known = Known {
                declared: &declared,
                cwd: &process.cwd,
                files: &HashSet::new(),
                began,
                hides: false,
                miss: task.miss.as_ref(),
            };
            let seen = watched.observation.as_ref();
            return Err(self.failed_confined(unit, confined.as_ref(), seen, &known, failed));
        }
        let symbols = self.symbols(unit);
        let symbolic_out = symbols.symbolic(&stdout);
        let fail = |text| JobFailed { text, internal: false };
        let real = self.parse_directives(unit, stdout.as_bytes()).map_err(fail)?;
        let symbolic = self.parse_directives(unit, symbolic_out.as_bytes()).map_err(fail)?;
        if real.messages.iter().any(|(severity, _)| *severity == Severity::Error) {
            for (severity, text) in &real.messages {
                self.emit(&Event::ScriptMessage { unit, severity: *severity, text });
            }
            return Err(fail("build script logged errors".to_owned()));
        }
        let mut path_set = self.script_path_set(unit, &real);
        let known = Known {
            declared: &path_set,
            cwd: &process.cwd,
            files: &HashSet::new(),
            began,
            hides: false,
            miss: task.miss.as_ref(),
        };
        let mut observed = self.observed(unit, watched.observation.as_ref(), &known);
        if let Some(confined) = &confined {
            let seen = watched.observation.as_ref();
            if let Some(text) = self.violation(unit, confined, &observed, seen) {
                return Err(fail(text));
            }
        }
        if observed.unseen.is_some() {
            observed.written.extend(self.written_in_package(unit, began));
            observed.written.sort();
            observed.written.dedup();
        }
        let (side_outputs, kept) = self.side_outputs(unit, &task.pending, &observed.written);
        path_set.paths.extend(std::mem::take(&mut observed.inputs));
        let undeclared = self.undeclared(unit, &observed);
        let changed = observed.changed.take();
        let outputs = self.outputs(&task.pending)?;
        let machine = self.places.machine();
        let kept_dir = task.pending.kept_dir();
        let found_kept = scan::in_files(machine, &kept_dir, &kept);
        let scratch = confined.as_mut().and_then(|confined| {
            let files = [(&*out_dir, &*outputs.files), (&*kept_dir, &*kept)];
            let why = scratch_shown(&confined.scratch.name(), &real, &files, &stdout)?;
            confined.scratch.stay();
            Some(why)
        });
        let found = outputs.found.into_iter().chain(found_kept).collect();
        let said = [("its directives", &*symbolic_out)];
        let mut facts = self.facts(unit, &mut path_set, &out_dir, found, &said, observed);
        self.of_probes(&mut facts, &mut path_set, &out_dir, &outputs.files, &process.cwd);
        let values = self.values(unit, &path_set);
        let before = task.package_before.as_deref();
        let use_once = self
            .changed_since(unit, &path_set, began, before)
            .or(changed)
            .or(outputs.undescribed)
            .or(scratch)
            .or_else(|| self.always_runs(unit, &real));
        if use_once.is_none() && !task.is_second {
            facts.clock =
                self.clock_evidence(&task, &process, &watch, &outputs.files, &symbolic_out);
        }
        Ok(Built {
            pending: task.pending,
            lock: task.lock,
            warm_session: false,
            outputs: outputs.files,
            stdout: symbolic_out,
            stderr: symbols.symbolic(&stderr),
            path_set,
            values,
            use_once,
            directives: Some((real, symbolic)),
            side_outputs,
            undeclared,
            facts,
            duration: ended.duration,
            metadata_after: None,
        })
    }

    /// What the script that a task runs mentions; `None` if it cannot be read.
    pub(crate) fn mentioned_by_script(&self, task: &Task) -> Option<Mentions> {
        let programs = self.programs(task.unit);
        let program = |unit: UnitIndex| {
            let at = programs.iter().position(|&program| program == unit)?;
            task.programs.get(at).cloned()
        };
        self.mentioned(task.unit, &program)
    }

    fn script_process(&self, task: &Task) -> Result<Process, JobFailed> {
        let unit = task.unit;
        let Some(action) = &self.plan.units[unit].action else {
            return Err(JobFailed {
                text: "an overridden build script cannot run".into(),
                internal: true,
            });
        };
        let mentions = self.mentioned_by_script(task).ok_or_else(|| JobFailed {
            text: "the build script's executable cannot be read".into(),
            internal: true,
        })?;
        let (mut env, removed) = self.environments.of_script(&self.places, unit, &mentions);
        self.removed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(removed);
        let outputs: Vec<_> = self
            .counted_dependencies(unit)
            .into_iter()
            .filter_map(|run| self.run(run).map(|output| (run, output)))
            .map(|(run, output)| (run, output.out_dir.to_string_lossy().into_owned(), output))
            .collect();
        let find = |run: UnitIndex| {
            let (_, out_dir, output) = outputs.iter().find(|(index, ..)| *index == run)?;
            Some(RunResult { directives: &output.directives, out_dir })
        };
        let additions = run_additions(self.plan, unit, &find);
        for (name, value) in additions.env {
            env.insert(name.into(), value.into());
        }
        extend_library_path(&mut env, &additions.dylib_dirs);
        env.insert("CARGO_MAKEFLAGS".into(), task.pool.makeflags().into());
        let args = self.places.args(unit, &action.args);
        if !self.plan.roots.target.is_empty() {
            // There under cargo, for scripts that write into it.
            let _ = std::fs::create_dir_all(self.places.profile_dir(None).join("deps"));
        }
        Ok(Process {
            program: self.places.expand(unit, &action.program).into(),
            args: args.into_iter().chain(additions.args).map(Into::into).collect(),
            env,
            cwd: self.places.expand(unit, &action.cwd).into(),
        })
    }

    /// Reads what a script said.
    pub(crate) fn parse_directives(
        &self,
        unit: UnitIndex,
        stdout: &[u8],
    ) -> Result<Directives, String> {
        let package = &self.plan.packages[self.plan.units[unit].package];
        let root = self.places.expand(unit, &package.root);
        let description = larder_plan::describe(package, &root);
        let bootstrap = self.environments.value(&self.places, unit, "RUSTC_BOOTSTRAP");
        let script = Script {
            package,
            description: &description,
            nightly: self.plan.cargo_version.contains("nightly"),
            rustc_bootstrap: bootstrap.as_deref(),
        };
        directives::parse(stdout, &script).map_err(|error| error.to_string())
    }

    /// What the script depends on by its own word: `rerun-if-*`, or without
    /// any of them every file of the package.
    fn script_path_set(&self, unit: UnitIndex, said: &Directives) -> PathSet {
        let package = &self.plan.packages[self.plan.units[unit].package];
        let root = PathBuf::from(self.places.expand(unit, &package.root));
        let immutable = package.source.is_immutable();
        let mut paths = BTreeSet::new();
        for declared in &said.rerun_if_changed {
            let path = larder_cargo::host::normalize(&root.join(declared));
            let own = self.places.dir(unit).is_some_and(|dir| path.starts_with(dir));
            if own || immutable && path.starts_with(&root) {
                continue;
            }
            let names = self.observing.names.of(&path);
            paths.extend(names.into_iter().map(|path| PathInput { path, uses: PathUse::Tree }));
        }
        let declares = !said.rerun_if_changed.is_empty() || !said.rerun_if_env_changed.is_empty();
        if !declares && !immutable {
            paths.insert(PathInput { path: package.root.0.clone(), uses: PathUse::Package });
        }
        // Cargo looks at the variables that it inherited itself; those that it
        // sets for scripts are in the key anyway.
        let own = self.plan.units[unit].action.as_ref().map_or(&[][..], |action| &action.env);
        let is_own = |name: &&String| own.iter().any(|var| var.name == **name && !var.configured);
        let env: BTreeSet<String> =
            said.rerun_if_env_changed.iter().filter(|name| !is_own(name)).cloned().collect();
        PathSet {
            paths: paths.into_iter().collect(),
            env: env.into_iter().collect(),
            ..PathSet::default()
        }
    }

    /// A path package whose script declares a file that is not there runs its
    /// script in every build under cargo, and scripts rely on it: for the time,
    /// or the state of a repository.
    fn always_runs(&self, unit: UnitIndex, said: &Directives) -> Option<String> {
        let package = &self.plan.packages[self.plan.units[unit].package];
        if !matches!(package.source, Source::Path { .. }) {
            return None;
        }
        let root = PathBuf::from(self.places.expand(unit, &package.root));
        let absent = said.rerun_if_changed.iter().find(|path| !root.join(path).exists())?;
        Some(format!("its script runs in every build: it declares `{absent}`, which is not there"))
    }

    fn script_failed(
        &self,
        unit: UnitIndex,
        process: &Process,
        status: std::process::ExitStatus,
        stdout: &str,
        stderr: &str,
    ) -> JobFailed {
        let package = &self.plan.packages[self.plan.units[unit].package];
        let root = self.places.expand(unit, &package.root);
        let description = larder_plan::describe(package, &root);
        let mut text = format!(
            "failed to run custom build command for `{description}`\n\nCaused by:\n  \
             process didn't exit successfully: `{}` ({status})",
            process.program.display()
        );
        for (name, output) in [("stdout", stdout), ("stderr", stderr)] {
            if !output.is_empty() {
                text.push_str(&format!("\n  --- {name}\n"));
                for line in output.lines() {
                    text.push_str(&format!("  {line}\n"));
                }
                text.truncate(text.trim_end_matches('\n').len());
            }
        }
        JobFailed { text, internal: false }
    }
}

/// Why what a confined script left is used once: it names its own directory
/// for temporary files, or depends on it by its own word.
fn scratch_shown(
    name: &ScratchName,
    said: &Directives,
    files: &[(&Path, &[OutputFile])],
    stdout: &str,
) -> Option<String> {
    if said.rerun_if_env_changed.iter().any(|name| name == scratch::VARIABLE) {
        let variable = scratch::VARIABLE;
        return Some(format!(
            "it declares `{variable}`, which is another directory in a hermetic build"
        ));
    }
    name.shown(files, &[("its directives", stdout)])
}
