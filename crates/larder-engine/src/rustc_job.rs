//! Running rustc (or clippy-driver) for one unit.

use crate::build::{Build, FROM_SCRIPT, program_file};
use crate::clock::Began;
use crate::event::Event;
use crate::macro_files::MacroFiles;
use crate::native_files::native_files;
use crate::observed::Known;
use crate::steady::SteadyDir;
use crate::work::{Built, JobFailed, Progress, Task, internal};
use larder_cargo::depinfo::DepInfo;
use larder_plan::apply::{RunResult, own_runs, rustc_additions};
use larder_sandbox::process::{Process, Stream};
use larder_sandbox::watch::Watch;
use larder_schema::pathset::{PathInput, PathSet, PathUse};
use larder_schema::plan::{Mode, UnitIndex};
use std::collections::{BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

#[derive(Default)]
struct Seen {
    stdout: String,
    stderr: Vec<String>,
    errors: usize,
    warnings: usize,
    metadata_after: Option<Duration>,
}

impl Build<'_> {
    pub(crate) fn run_rustc(
        &self,
        task: Task,
        progress: &dyn Progress,
    ) -> Result<Built, JobFailed> {
        let unit = task.unit;
        self.places.set_dir(unit, task.pending.dir());
        let steady = self.steady_dir(&task);
        let mut process = self.rustc_process(&task, steady.as_ref())?;
        let confined = self.confine(unit, &mut process).map_err(|error| internal(&error))?;
        // What a wrapper reads and writes is the wrapper's business.
        let wrapped = !process.program.starts_with(&self.plan.roots.sysroot)
            && process.program != Path::new(&self.plan.rustc);
        let observes = !task.programs.is_empty() && !wrapped && self.observing.works();
        let macro_files = if observes { None } else { self.macro_files(&task) };
        let shown = self.shown_environment(unit);
        let command = |env: bool| process.display(if env { &shown } else { &[] });
        self.emit(&Event::Started { unit, miss: task.miss.as_ref(), command: &command });
        let started = Instant::now();
        let began = Began::now(task.pending.dir()).map_err(|error| internal(&error))?;
        let seen = Mutex::new(Seen::default());
        let watch = if observes { self.watch(confined.as_ref()) } else { Watch::default() };
        let watched = process
            .run_watched(&watch, &mut |stream, line| {
                self.rustc_line(unit, stream, line, started, &seen, progress);
            })
            .map_err(|error| internal(&error))?;
        drop(steady);
        let ended = watched.ended;
        let seen = seen.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !ended.status.success() {
            let failed = self.rustc_failed(unit, &process, ended.status, &seen);
            let known = Known {
                declared: &PathSet::default(),
                cwd: &process.cwd,
                files: &HashSet::new(),
                began,
                hides: wrapped,
                miss: task.miss.as_ref(),
            };
            let seen = watched.observation.as_ref();
            return Err(self.failed_confined(unit, confined.as_ref(), seen, &known, failed));
        }
        let dep_info = self.take_dep_info(&task, &process.cwd)?;
        let files: HashSet<PathBuf> = dep_info
            .files
            .iter()
            .map(|file| larder_cargo::host::normalize(&process.cwd.join(file)))
            .collect();
        // An observer that fails although it works here leaves what can be
        // guessed, without its state from before.
        let macro_files = match &watched.observation {
            Err(_) if observes => self.macro_files(&task).map(MacroFiles::too_late),
            _ => macro_files,
        };
        let mut path_set = self.rustc_path_set(unit, &dep_info, &process, macro_files.as_ref());
        let known = Known {
            declared: &path_set,
            cwd: &process.cwd,
            files: &files,
            began,
            hides: wrapped,
            miss: task.miss.as_ref(),
        };
        let mut observed = self.observed(unit, watched.observation.as_ref(), &known);
        if let Some(confined) = &confined {
            let seen = watched.observation.as_ref();
            let violation = self.violation(unit, confined, &observed, seen);
            let scratch = dep_info.env.contains_key("TMPDIR").then(|| {
                "it reads `TMPDIR`, which is another directory in a hermetic build".to_owned()
            });
            if let Some(text) = violation.or(scratch) {
                return Err(JobFailed { text, internal: false });
            }
        }
        let scratch = confined.as_ref().map(|confined| confined.scratch.name());
        // Its temporary files are in its directory.
        drop(confined);
        path_set.paths.extend(std::mem::take(&mut observed.inputs));
        let (side_outputs, kept) = self.side_outputs(unit, &task.pending, &observed.written);
        let undeclared = self.undeclared(unit, &observed);
        let changed = observed.changed.take();
        let outputs = self.outputs(&task.pending)?;
        let symbols = self.symbols(unit);
        let stderr: Vec<String> = seen.stderr.iter().map(|line| symbols.symbolic(line)).collect();
        let (stdout, stderr) = (symbols.symbolic(&seen.stdout), stderr.join("\n"));
        let machine = self.places.machine();
        let (dir, kept_dir) = (task.pending.dir().to_owned(), task.pending.kept_dir());
        let found_kept = crate::scan::in_files(machine, &kept_dir, &kept);
        let found = outputs.found.into_iter().chain(found_kept).collect();
        let said = [("its messages", &*stdout), ("its diagnostics", &*stderr)];
        let scratch = scratch.and_then(|name| {
            // As it came: in what is stored, its directory is a token.
            let raw = seen.stderr.join("\n");
            let said = [("its messages", &*seen.stdout), ("its diagnostics", &*raw)];
            name.shown(&[(&dir, &outputs.files), (&kept_dir, &kept)], &said)
        });
        let facts = self.facts(unit, &mut path_set, &dir, found, &said, observed);
        let values = self.values(unit, &path_set);
        let before = macro_files.as_ref().and_then(|files| files.before.as_deref());
        let use_once = self
            .changed_since(unit, &path_set, began, before)
            .or(changed)
            .or(outputs.undescribed)
            .or(scratch);
        Ok(Built {
            pending: task.pending,
            lock: task.lock,
            warm_session: task.warm_session,
            outputs: outputs.files,
            stdout,
            stderr,
            path_set,
            values,
            use_once,
            directives: None,
            side_outputs,
            undeclared,
            facts,
            duration: ended.duration,
            metadata_after: seen.metadata_after,
        })
    }

    /// The whole call: planned arguments, what build scripts add, and what
    /// larder adds.
    fn rustc_process(&self, task: &Task, steady: Option<&SteadyDir>) -> Result<Process, JobFailed> {
        let unit = task.unit;
        let u = &self.plan.units[unit];
        let Some(action) = &u.action else {
            return Err(JobFailed {
                text: "a unit without an action cannot run".into(),
                internal: true,
            });
        };
        let runs = u.native_runs.iter().chain(&u.plugin_runs).copied();
        let outputs: Vec<_> = runs
            .chain(own_runs(self.plan, unit))
            .filter_map(|run| self.run(run).map(|output| (run, output)))
            .map(|(run, output)| (run, output.out_dir.to_string_lossy().into_owned(), output))
            .collect();
        let find = |run: UnitIndex| {
            let (_, out_dir, output) = outputs.iter().find(|(index, ..)| *index == run)?;
            Some(RunResult { directives: &output.directives, out_dir })
        };
        let additions = rustc_additions(self.plan, unit, &find);
        let mut args = self.places.args(unit, &action.args);
        if let Some(steady) = steady {
            steady.replace(task.pending.dir(), &mut args);
        }
        if let Some(width) = task.diagnostic_width {
            args.push(format!("--diagnostic-width={width}"));
        }
        args.extend(additions.args);
        args.extend(self.places.args(unit, &action.extra_args));
        let mut env = self.environments.of_rustc(&self.places, unit);
        for (name, value) in additions.env {
            env.insert(name.into(), value.into());
        }
        extend_library_path(&mut env, &additions.dylib_dirs);
        env.insert("CARGO_MAKEFLAGS".into(), task.pool.makeflags().into());
        let program = self.places.expand(unit, &action.program);
        let cwd = self.places.expand(unit, &action.cwd);
        let scratch = action.env.iter().find(|var| var.name == "CARGO_TARGET_TMPDIR");
        if let Some(scratch) = scratch.and_then(|var| var.value.as_ref()) {
            let _ = std::fs::create_dir_all(self.places.expand(unit, scratch));
        }
        Ok(Process {
            program: program_file(&program, env.get(OsStr::new("PATH")).map(OsString::as_os_str)),
            args: args.into_iter().map(Into::into).collect(),
            env,
            cwd: cwd.into(),
        })
    }

    /// The directory of incremental compilation, where the unit uses it.
    #[must_use]
    pub(crate) fn incremental_dir_of(&self, unit: UnitIndex) -> Option<PathBuf> {
        let action = self.plan.units[unit].action.as_ref()?;
        let uses = action.args.iter().any(|arg| arg.0.contains("{incremental}"));
        uses.then(|| self.places.incremental_dir(unit))
    }

    fn rustc_line(
        &self,
        unit: UnitIndex,
        stream: Stream,
        line: &str,
        started: Instant,
        seen: &Mutex<Seen>,
        progress: &dyn Progress,
    ) {
        let mut seen = seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if stream == Stream::Stdout {
            seen.stdout.push_str(line);
            seen.stdout.push('\n');
            self.emit(&Event::Line { unit, text: line, stderr: false });
            return;
        }
        if !line.starts_with('{') {
            self.emit(&Event::Line { unit, text: line, stderr: true });
            seen.stderr.push(line.to_owned());
            return;
        }
        match message_of(line) {
            Message::Artifact { metadata } => {
                if metadata {
                    seen.metadata_after = Some(started.elapsed());
                    progress.metadata_ready(unit);
                }
            }
            Message::Diagnostic { error, warning } => {
                seen.errors += usize::from(error);
                seen.warnings += usize::from(warning);
                self.emit(&Event::Diagnostic { unit, json: line, replayed: false });
                seen.stderr.push(line.to_owned());
            }
            Message::FutureReport => {
                self.emit(&Event::Diagnostic { unit, json: line, replayed: false });
                seen.stderr.push(line.to_owned());
            }
            Message::Other => seen.stderr.push(line.to_owned()),
        }
    }

    fn rustc_failed(
        &self,
        unit: UnitIndex,
        process: &Process,
        status: std::process::ExitStatus,
        seen: &Seen,
    ) -> JobFailed {
        let u = &self.plan.units[unit];
        let package = &self.plan.packages[u.package];
        let plural = |n: usize, one: &str| {
            if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
        };
        let mut text =
            format!("could not compile `{}`{}", package.name, described(u.mode, &u.target));
        seen.stderr.iter().for_each(|line| self.note_room(line));
        if seen.errors > 0 {
            text.push_str(&format!(" due to {}", plural(seen.errors, "previous error")));
        }
        if seen.warnings > 0 {
            text.push_str(&format!("; {} emitted", plural(seen.warnings, "warning")));
        }
        // A compiler that ends without an error of its own was killed or
        // broke: then the command line matters.
        if seen.errors == 0 {
            let command = process.display(&[]);
            text.push_str(&format!(
                "\n\nCaused by:\n  process didn't exit successfully: `{command}` ({status})"
            ));
        }
        JobFailed { text, internal: false }
    }

    /// Reads and removes the dep-info file: what it says is in the path set,
    /// and its paths must not become part of the result.
    fn take_dep_info(&self, task: &Task, cwd: &Path) -> Result<DepInfo, JobFailed> {
        let entries = std::fs::read_dir(task.pending.dir()).map_err(|error| internal(&error))?;
        let mut all = DepInfo::default();
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|extension| extension == "d") {
                let info = DepInfo::read(&path, cwd).map_err(|error| internal(&error))?;
                all.files.extend(info.files);
                all.env.extend(info.env);
                std::fs::remove_file(&path).map_err(|error| internal(&error))?;
            }
        }
        Ok(all)
    }

    /// What the call was seen to use, as far as the plan does not explain it.
    fn rustc_path_set(
        &self,
        unit: UnitIndex,
        dep_info: &DepInfo,
        process: &Process,
        macro_files: Option<&MacroFiles>,
    ) -> PathSet {
        let mut paths = BTreeSet::new();
        let explained = self.explained_roots(unit);
        for file in &dep_info.files {
            let file = larder_cargo::host::normalize(&process.cwd.join(file));
            if explained.iter().any(|root| file.starts_with(root)) {
                continue;
            }
            let names = self.observing.names.of(&file);
            paths.extend(names.into_iter().map(|path| PathInput { path, uses: PathUse::Content }));
        }
        // Native libraries and files named by link arguments: rustc bundles
        // static archives into its output without saying so.
        let sources: Vec<PathBuf> =
            dep_info.files.iter().map(|file| process.cwd.join(file)).collect();
        for file in native_files(&process.args, &sources) {
            if !explained.iter().any(|root| file.starts_with(root)) {
                let names = self.observing.names.of(&file).into_iter();
                paths.extend(names.map(|path| PathInput { path, uses: PathUse::Content }));
            }
        }
        if let Some(found) = macro_files {
            paths.extend(self.macro_inputs(unit, found, &sources));
        }
        let scripts: Vec<_> = own_runs(self.plan, unit).filter_map(|run| self.run(run)).collect();
        let mut env = BTreeSet::new();
        for name in dep_info.env.keys() {
            let from_script = scripts.iter().find_map(|run| {
                run.symbolic.env.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value)
            });
            match from_script {
                // The run's key stands for the value, unless it is a place.
                Some(value) if !value.contains('{') => {}
                Some(_) => {
                    env.insert(format!("{FROM_SCRIPT}{name}"));
                }
                None => {
                    env.insert(name.clone());
                }
            }
        }
        PathSet {
            paths: paths.into_iter().collect(),
            env: env.into_iter().collect(),
            ..PathSet::default()
        }
    }

    /// Directories whose files the key knows already.
    fn explained_roots(&self, unit: UnitIndex) -> Vec<PathBuf> {
        let u = &self.plan.units[unit];
        let mut roots = vec![PathBuf::from(&self.plan.roots.sysroot)];
        roots.extend(self.places.dir(unit));
        for below in
            self.counted_dependencies(unit).into_iter().chain(self.libraries(unit).iter().copied())
        {
            roots.extend(self.places.dir(below));
        }
        let mut packages: BTreeSet<usize> = BTreeSet::from([u.package]);
        packages.extend(self.libraries(unit).iter().map(|&lib| self.plan.units[lib].package));
        for package in packages {
            let package = &self.plan.packages[package];
            if package.source.is_immutable() {
                roots.push(PathBuf::from(self.places.expand(unit, &package.root)));
            }
        }
        roots
    }

    /// Why the result must not be published: an input changed while it was
    /// made, or so shortly before that nobody can tell.
    ///
    /// To be asked after the values of the path set were taken: what changes
    /// later changes nothing in the key. `before` is the value that the files
    /// of the package had.
    pub(crate) fn changed_since(
        &self,
        unit: UnitIndex,
        set: &PathSet,
        began: Began,
        before: Option<&str>,
    ) -> Option<String> {
        let changed = |path: &Path| std::fs::metadata(path).is_ok_and(|meta| began.precedes(&meta));
        let place = set.paths.iter().find_map(|input| {
            let path = self.path(unit, input);
            match input.uses {
                PathUse::Content if changed(&path) => Some(path),
                PathUse::Tree => {
                    crate::evaluate::paths_below(&path).into_iter().find(|p| changed(p))
                }
                // By value: a script that writes the same into its package
                // each time is worth publishing.
                PathUse::Package | PathUse::Whole => {
                    let now = crate::evaluate::value(self.store.stat_cache(), input, &path);
                    (before != Some(now.as_str())).then_some(path)
                }
                _ => None,
            }
        })?;
        Some(format!("`{}` changed during the build", place.display()))
    }

    /// Cargo's variables for `-vv`.
    pub(crate) fn shown_environment(&self, unit: UnitIndex) -> Vec<(String, String)> {
        let Some(action) = &self.plan.units[unit].action else { return Vec::new() };
        action
            .env
            .iter()
            .filter_map(|var| {
                let value = var.value.as_ref()?;
                Some((var.name.clone(), self.places.expand(unit, value)))
            })
            .collect()
    }
}

/// Puts directories of plugins at the end of the library path, as cargo does.
pub(crate) fn extend_library_path(env: &mut crate::environment::Env, dirs: &[String]) {
    if dirs.is_empty() {
        return;
    }
    let name = std::ffi::OsString::from("LD_LIBRARY_PATH");
    let mut all: Vec<PathBuf> =
        env.get(&name).map(|value| std::env::split_paths(value).collect()).unwrap_or_default();
    all.extend(dirs.iter().map(PathBuf::from));
    if let Ok(joined) = std::env::join_paths(all) {
        env.insert(name, joined);
    }
}

/// ` (lib)`, ` (bin "x")`, ` (lib test)` as cargo describes a target.
#[must_use]
pub fn described(mode: Mode, target: &larder_schema::plan::Target) -> String {
    let kind = if target.is_library() {
        "lib".to_owned()
    } else if target.is("custom-build") {
        "build script".to_owned()
    } else {
        let kind = target.kind.first().map_or("", String::as_str);
        format!("{kind} \"{}\"", target.name)
    };
    let test = if matches!(mode, Mode::Test | Mode::CheckTest)
        && !target.is("test")
        && !target.is("bench")
    {
        " test"
    } else {
        ""
    };
    format!(" ({kind}{test})")
}

enum Message {
    Artifact { metadata: bool },
    Diagnostic { error: bool, warning: bool },
    FutureReport,
    Other,
}

fn message_of(line: &str) -> Message {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(line) else { return Message::Other };
    match value.get("$message_type").and_then(|t| t.as_str()) {
        Some("artifact") => {
            let emit = value.get("emit").and_then(|e| e.as_str());
            Message::Artifact { metadata: emit == Some("metadata") }
        }
        Some("future_incompat") => Message::FutureReport,
        Some("diagnostic") => {
            let level = value.get("level").and_then(|l| l.as_str()).unwrap_or("");
            // The summary line counts nothing itself.
            let text = value.get("message").and_then(|m| m.as_str()).unwrap_or("");
            let summary = text.starts_with("aborting due to")
                || text.ends_with("warning emitted")
                || text.ends_with("warnings emitted");
            Message::Diagnostic {
                error: !summary && (level == "error" || level.starts_with("error: internal")),
                warning: !summary && level == "warning",
            }
        }
        _ => Message::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_as_cargo_counts_them() {
        let diagnostic = |level: &str, text: &str| {
            format!(r#"{{"$message_type":"diagnostic","level":"{level}","message":"{text}"}}"#)
        };
        let count = |line: String| match message_of(&line) {
            Message::Diagnostic { error, warning } => (error, warning),
            _ => panic!(),
        };
        assert_eq!(count(diagnostic("error", "x")), (true, false));
        assert_eq!(count(diagnostic("warning", "unused")), (false, true));
        assert_eq!(count(diagnostic("warning", "2 warnings emitted")), (false, false));
        assert_eq!(count(diagnostic("error", "aborting due to 1 previous error")), (false, false));
    }
}
