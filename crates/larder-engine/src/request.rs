//! What the engine is asked to do, and what comes of it.

use crate::launch::{Launch, Surroundings};
use crate::rules::Hermetic;
use larder_sandbox::watch::Observe;
use larder_schema::plan::{Plan, UnitIndex};
use larder_schema::report::Report;
use std::path::PathBuf;

/// A building command.
#[derive(Clone, Debug, Default)]
pub struct BuildRequest {
    /// `build`, `check`, `clippy`, `test`, `bench`, `run`, `rustc`.
    pub command: String,
    /// Cargo's arguments as the user gave them, without larder's own flags
    /// and without what follows `--` for the program that is run.
    pub args: Vec<String>,
    /// What follows `--`: for `rustc` and `clippy` flags of the compiler.
    pub trailing: Vec<String>,
    /// `+toolchain`.
    pub toolchain: Option<String>,
    /// `--target-dir`.
    pub target_dir: Option<PathBuf>,
    /// `--manifest-path`.
    pub manifest_path: Option<PathBuf>,
    /// `-j`.
    pub jobs: Option<String>,
    /// `--keep-going`, or `--no-fail-fast` of test.
    pub keep_going: bool,
    /// How often `-v` was given.
    pub verbose: u8,
    /// `short` or `json-diagnostic-short` was asked for.
    pub short_diagnostics: bool,
    /// Width for diagnostics, where standard error is a terminal.
    pub diagnostic_width: Option<usize>,
    /// Whether cargo's messages while planning may be coloured.
    pub color: bool,
    /// Whether and how build scripts and proc-macros are observed.
    pub observe: Observe,
    /// Which build scripts and proc-macros are confined.
    pub hermetic: Hermetic,
    /// Say what would be done, do nothing.
    pub dry_run: bool,
    /// `--offline`, `--locked`, `--frozen` as given (they are in `args` too).
    pub frozen: bool,
}

/// What came of a build.
#[derive(Debug)]
pub struct Outcome {
    /// The plan.
    pub plan: Plan,
    /// The report.
    pub report: Report,
    /// Whether every unit that was asked for is there.
    pub success: bool,
    /// Executables by unit: what `run`, `test` and `bench` start.
    pub executables: Vec<(UnitIndex, PathBuf)>,
    /// How they are started, in the same order.
    pub launches: Vec<Launch>,
    /// For documentation tests.
    pub surroundings: Surroundings,
}
