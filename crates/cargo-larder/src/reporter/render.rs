//! Renders events as cargo would have printed them.
//!
//! What cargo prints when, and what it leaves out: one `Compiling` per
//! package, at its first unit that runs; `Fresh` with `-v`, at the last unit
//! of a package of which nothing ran; a diagnostic once, however many units
//! have it; a count of warnings per unit when it is complete; messages of a
//! build script when its run is complete, again when a unit of its package
//! fails, and for other people's packages only then.

use super::diagnostic::{ForHuman, for_human, for_machine};
use super::future;
use super::message::{self, About};
use super::names::{self, TargetKind};
use super::summary::status_line;
use super::tally::Tally;
use crate::args::MessageFormat;
use crate::console::{Console, Verbosity};
use crate::quantity;
use crate::reason;
use larder_engine::event::{Event, Reporter};
use larder_engine::request::Outcome as BuildOutcome;
use larder_schema::plan::{Mode, Plan, Severity, Source, UnitIndex};
use larder_schema::report::{MissReason, Outcome};
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The reporter.
pub(crate) struct CargoReporter<'a> {
    console: &'a Console,
    format: MessageFormat,
    /// `CLIPPY_ARGS` when clippy runs: its suggestions have another command.
    clippy_args: Option<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    packages: Vec<PackageState>,
    units: Vec<UnitState>,
    /// Diagnostics that were shown.
    seen: HashSet<String>,
    active: BTreeSet<UnitIndex>,
    failures: usize,
    /// Packages with code that will be an error one day.
    rejected_later: BTreeSet<String>,
}

struct PackageState {
    /// `dep v0.1.0`
    shown: String,
    /// `[dep 0.1.0] `, before lines that its build script prints.
    prefix: String,
    /// `dep@0.1.0`
    at_version: String,
    /// Units that neither started nor came from the store.
    left: usize,
    /// Whether `Compiling`, `Checking` or `Fresh` was printed.
    announced: bool,
}

struct UnitState {
    package: usize,
    mode: Mode,
    name: String,
    in_progress: String,
    show_warnings: bool,
    /// Arguments of `cargo fix` for it.
    fix: Option<String>,
    /// Runs of its package's build script that it depends on.
    runs: Vec<UnitIndex>,
    /// For machine messages.
    about: Option<About>,
    began: bool,
    tally: Tally,
    script_messages: Vec<(Severity, String)>,
}

impl<'a> CargoReporter<'a> {
    /// A reporter for one build.
    pub(crate) fn new(
        console: &'a Console,
        format: MessageFormat,
        clippy_args: Option<String>,
    ) -> Self {
        Self { console, format, clippy_args, state: Mutex::default() }
    }

    /// The build is over: cargo's last lines, and larder's. `warns` says
    /// whether the user wants to hear of code that will be an error one day.
    pub(crate) fn finish(
        &self,
        outcome: &BuildOutcome,
        elapsed: Duration,
        warns: &dyn Fn() -> bool,
    ) {
        self.console.clear_progress();
        if self.format.is_json() {
            self.console.line(&message::build_finished(outcome.success));
        }
        if outcome.success {
            let plan = &outcome.plan;
            self.console.status(
                "Finished",
                &format!(
                    "`{}` profile [{}] target(s) in {}",
                    plan.profile,
                    plan.profile_description,
                    quantity::elapsed(elapsed)
                ),
            );
        }
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if outcome.success && !state.rejected_later.is_empty() && warns() {
            future::show(self.console, &state.rejected_later);
        }
        self.console.status("Larder", &status_line(&outcome.report.totals));
    }

    fn renders(&self) -> bool {
        !matches!(self.format, MessageFormat::Json { render: false, .. })
    }
}

impl Reporter for CargoReporter<'_> {
    fn event(&self, event: &Event<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        match event {
            Event::Warning { text, hint } => {
                self.console.warning(text);
                if let Some(hint) = hint {
                    self.console.help(hint);
                }
            }
            Event::CargoOutput { text } => {
                let end = if text.ends_with('\n') { "" } else { "\n" };
                self.console.raw_err(&format!("{text}{end}"));
            }
            Event::Planned { plan, .. } => state.plan(plan, self.format.is_json()),
            Event::LookedUp { .. } => {}
            Event::Blocking { what } => {
                self.console.status("Blocking", &format!("waiting for {what}"));
            }
            Event::Started { unit, miss, command } => {
                if self.console.is_verbose() {
                    self.dirty(state, *unit, *miss);
                }
                self.started(state, *unit);
                if self.console.is_verbose() {
                    let with_env = self.console.verbosity() == Verbosity::VeryVerbose;
                    self.console.status("Running", &format!("`{}`", command(with_env)));
                }
            }
            Event::Diagnostic { unit, json, replayed } => {
                self.diagnostic(state, *unit, json, *replayed);
            }
            Event::Line { unit, text, stderr } => self.output(state, *unit, text, *stderr),
            Event::ScriptMessage { unit, severity, text } => {
                state.units[*unit].script_messages.push((*severity, (*text).to_owned()));
            }
            Event::ScriptRan { unit, directives, out_dir } => {
                if let Some(about) = &state.units[*unit].about {
                    self.console.line(&about.build_script(directives, out_dir));
                }
            }
            Event::Finished { unit, outcome, files, executable, .. } => {
                self.finished(state, *unit, *outcome, files, executable.as_deref());
            }
            Event::Failed { unit, text } => self.failed(state, *unit, text),
            Event::Progress { done, units, running } => {
                let names: Vec<&str> = running
                    .iter()
                    .filter_map(|unit| state.units.get(*unit))
                    .map(|unit| unit.in_progress.as_str())
                    .collect();
                self.console.progress(*done, *units, &names.join(", "));
            }
            Event::Running { executable, description, .. } => {
                self.console
                    .status("Running", &format!("{description} ({})", executable.display()));
            }
        }
    }
}

impl State {
    fn plan(&mut self, plan: &Plan, json: bool) {
        self.packages = plan
            .packages
            .iter()
            .map(|package| PackageState {
                shown: names::package(plan, package),
                prefix: format!("[{} {}] ", package.name, package.version),
                at_version: format!("{}@{}", package.name, package.version),
                left: 0,
                announced: false,
            })
            .collect();
        self.units = plan
            .units
            .iter()
            .map(|unit| {
                let package = &plan.packages[unit.package];
                if unit.mode != Mode::Doctest {
                    self.packages[unit.package].left += 1;
                }
                let is_local = matches!(package.source, Source::Path { .. });
                let is_script = TargetKind::of(&unit.target) == TargetKind::BuildScript;
                let fix = (is_local && !is_script).then(|| {
                    let tests = if names::is_unit_test(unit) { " --tests" } else { "" };
                    format!("{} -p {}{tests}", names::target(&unit.target), package.name)
                });
                let runs = unit
                    .deps
                    .iter()
                    .map(|dep| dep.unit)
                    .filter(|dep| {
                        plan.units[*dep].is_run() && plan.units[*dep].package == unit.package
                    })
                    .collect();
                UnitState {
                    package: unit.package,
                    mode: unit.mode,
                    name: names::unit(package, unit),
                    in_progress: names::in_progress(package, unit),
                    show_warnings: unit.show_warnings,
                    fix,
                    runs,
                    about: json.then(|| About::new(plan, unit)),
                    began: false,
                    tally: Tally::default(),
                    script_messages: Vec::new(),
                }
            })
            .collect();
    }

    /// Notes that a unit starts or came from the store; gives its package the
    /// first time.
    fn begin(&mut self, unit: UnitIndex) -> Option<&mut PackageState> {
        let unit = &mut self.units[unit];
        if std::mem::replace(&mut unit.began, true) || unit.mode == Mode::Doctest {
            return None;
        }
        let package = &mut self.packages[unit.package];
        package.left = package.left.saturating_sub(1);
        Some(package)
    }
}

impl CargoReporter<'_> {
    fn started(&self, state: &mut State, unit: UnitIndex) {
        state.active.insert(unit);
        let mode = state.units[unit].mode;
        if let Some(package) = state.begin(unit)
            && !std::mem::replace(&mut package.announced, true)
        {
            let label = match mode {
                Mode::Check | Mode::CheckTest => "Checking",
                _ => "Compiling",
            };
            self.console.status(label, &package.shown);
        }
    }

    fn fresh(&self, state: &mut State, unit: UnitIndex) {
        if let Some(package) = state.begin(unit)
            && package.left == 0
            && !std::mem::replace(&mut package.announced, true)
        {
            self.console.verbose_status("Fresh", &package.shown);
        }
    }

    fn diagnostic(&self, state: &mut State, unit: UnitIndex, json: &str, replayed: bool) {
        if future::is_report(json) {
            let package = &state.packages[state.units[unit].package].shown;
            state.rejected_later.insert(package.clone());
            return;
        }
        if replayed {
            self.fresh(state, unit);
            if !state.units[unit].show_warnings {
                return;
            }
        }
        let one = &mut state.units[unit];
        let level = if self.renders() {
            match for_human(json) {
                ForHuman::Skip => return,
                ForHuman::Strange => {
                    self.console.raw_err(&format!("{json}\n"));
                    return;
                }
                ForHuman::Show(shown) => {
                    let is_new = !state.seen.contains(&shown.text);
                    if is_new {
                        self.console.raw_err(&shown.text);
                        state.seen.insert(shown.text);
                    }
                    if shown.level == "warning" {
                        one.tally.warnings += 1;
                        if !is_new {
                            one.tally.duplicates += 1;
                        } else if shown.fixable {
                            one.tally.fixable += 1;
                        }
                    }
                    shown.level
                }
            }
        } else {
            let ansi = matches!(self.format, MessageFormat::Json { ansi: true, .. });
            let Some((level, message)) = for_machine(json, ansi) else { return };
            if let Some(about) = &one.about {
                self.console.line(&about.compiler_message(&message));
            }
            level
        };
        match level.as_str() {
            "warning" => one.tally.warnings_seen += 1,
            "error" => one.tally.errors_seen += 1,
            _ => {}
        }
    }

    fn output(&self, state: &State, unit: UnitIndex, text: &str, stderr: bool) {
        let one = &state.units[unit];
        let prefix = if one.mode == Mode::RunCustomBuild {
            // Cargo shows what build scripts print only with -vv.
            if self.console.verbosity() < Verbosity::VeryVerbose {
                return;
            }
            state.packages[one.package].prefix.as_str()
        } else {
            ""
        };
        let line = format!("{prefix}{text}\n");
        if stderr {
            self.console.raw_err(&line);
        } else {
            self.console.raw_out(&line);
        }
    }

    /// Why a unit runs that was built before.
    fn dirty(&self, state: &State, unit: UnitIndex, miss: Option<&MissReason>) {
        if let Some(miss) = miss
            && *miss != MissReason::NeverBuilt
        {
            let package = &state.packages[state.units[unit].package].shown;
            self.console.status("Dirty", &format!("{package}: {}", reason::line(miss)));
        }
    }

    fn finished(
        &self,
        state: &mut State,
        unit: UnitIndex,
        outcome: Outcome,
        files: &[PathBuf],
        executable: Option<&Path>,
    ) {
        state.active.remove(&unit);
        match outcome {
            Outcome::NotRun | Outcome::Failed => return,
            Outcome::Hit => self.fresh(state, unit),
            Outcome::Executed | Outcome::Incremental => {}
        }
        let one = &state.units[unit];
        if let Some(about) = &one.about
            && !matches!(one.mode, Mode::RunCustomBuild | Mode::Doctest)
        {
            self.console.line(&about.artifact(files, executable, outcome == Outcome::Hit));
        }
        self.warning_count(one);
        self.script_messages(state, unit, one.show_warnings);
    }

    fn failed(&self, state: &mut State, unit: UnitIndex, text: &str) {
        state.active.remove(&unit);
        let one = &state.units[unit];
        self.warning_count(one);
        if one.mode == Mode::RunCustomBuild {
            self.script_messages(state, unit, true);
        }
        for run in &one.runs {
            self.script_messages(state, *run, true);
        }
        if text.is_empty() {
            self.console.error(&format!("could not compile {}{}", one.name, one.tally.failure()));
        } else {
            self.console.error(text);
        }
        if state.failures == 0 && !state.active.is_empty() {
            self.console.warning("build failed, waiting for other jobs to finish...");
        }
        state.failures += 1;
    }

    fn warning_count(&self, unit: &UnitState) {
        let command = unit.fix.as_ref().map(|target| match &self.clippy_args {
            None => format!("cargo fix --{target}"),
            Some(args) if args.is_empty() => format!("cargo clippy --fix --{target}"),
            Some(args) => format!("cargo clippy --fix --{target} -- {args}"),
        });
        if let Some(summary) = unit.tally.summary(command.as_deref()) {
            self.console.warning(&format!("{}{summary}", unit.name));
        }
    }

    fn script_messages(&self, state: &State, run: UnitIndex, show_warnings: bool) {
        let one = &state.units[run];
        let has_error = one.script_messages.iter().any(|(s, _)| *s == Severity::Error);
        if !show_warnings && !has_error {
            return;
        }
        let package = &state.packages[one.package].at_version;
        for (severity, text) in &one.script_messages {
            let text = format!("{package}: {text}");
            match severity {
                Severity::Warning => self.console.warning(&text),
                Severity::Error => self.console.error(&text),
            }
        }
    }
}
