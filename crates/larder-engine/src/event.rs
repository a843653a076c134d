//! What happens during a build, as values. The engine emits events and never
//! prints; a [`Reporter`] renders them (terminal, CI log, JSON messages).
//!
//! Order for one unit: `Started`, any number of `Diagnostic`, `ScriptMessage`
//! and `Line`, then `Finished`. A unit that the store answers gets no
//! `Started`: its replayed diagnostics come first, then `Finished`.

use larder_schema::Digest;
use larder_schema::plan::{Directives, Plan, Severity, UnitIndex};
use larder_schema::report::{MissReason, Outcome};
use std::path::PathBuf;
use std::time::Duration;

/// Something that happened.
pub enum Event<'a> {
    /// A line for the user that is not about a unit: a warning with an
    /// optional hint (a store that cannot be written, a handed-over command).
    Warning {
        /// What.
        text: String,
        /// The way out.
        hint: Option<String>,
    },
    /// Cargo's own output while planning, verbatim, styled by cargo.
    CargoOutput {
        /// Bytes of its standard error.
        text: &'a str,
    },
    /// The plan is known.
    Planned {
        /// The plan.
        plan: &'a Plan,
        /// Whether it came from the plan cache.
        cached: bool,
    },
    /// Lookups are done: how many units will (probably) run.
    LookedUp {
        /// Units that will run, unless a dependency turns out unchanged.
        missing: usize,
        /// All units.
        units: usize,
    },
    /// Waits for a lock or for job slots that another process holds.
    Blocking {
        /// On what.
        what: String,
    },
    /// A unit starts to run.
    Started {
        /// The unit.
        unit: UnitIndex,
        /// Why it runs.
        miss: Option<&'a MissReason>,
        /// The command line, for `-v`; with cargo's variables for `-vv`.
        command: &'a dyn Fn(bool) -> String,
    },
    /// A diagnostic of rustc: one JSON object as rustc printed it (paths real
    /// again), fresh or replayed.
    Diagnostic {
        /// The unit.
        unit: UnitIndex,
        /// The JSON object: `$message_type` is `diagnostic` or `future_incompat`.
        json: &'a str,
        /// Whether it comes from the store.
        replayed: bool,
    },
    /// A line that the compiler or, with `-vv`, a build script printed.
    Line {
        /// The unit.
        unit: UnitIndex,
        /// The line.
        text: &'a str,
        /// Whether it went to standard error.
        stderr: bool,
    },
    /// `cargo::warning` or `cargo::error` of a build script.
    ScriptMessage {
        /// The unit that runs the script.
        unit: UnitIndex,
        /// Which.
        severity: Severity,
        /// The text.
        text: &'a str,
    },
    /// A build-script run is complete (for JSON messages).
    ScriptRan {
        /// The unit.
        unit: UnitIndex,
        /// What it said, paths real.
        directives: &'a Directives,
        /// Its `OUT_DIR`.
        out_dir: PathBuf,
    },
    /// A unit is complete.
    Finished {
        /// The unit.
        unit: UnitIndex,
        /// What became of it.
        outcome: Outcome,
        /// Why it ran.
        miss: Option<&'a MissReason>,
        /// Its key, where known.
        key: Option<Digest>,
        /// Wall time of the execution in this build.
        spent: Duration,
        /// Files as JSON messages name them: delivered ones first.
        files: Vec<PathBuf>,
        /// The executable among them.
        executable: Option<PathBuf>,
    },
    /// A unit failed. `Finished` with `Failed` follows.
    Failed {
        /// The unit.
        unit: UnitIndex,
        /// What cargo would say, without the `error: ` prefix; causes follow
        /// on lines of their own.
        text: String,
    },
    /// How far the build is, whenever it changes.
    Progress {
        /// Units complete.
        done: usize,
        /// Units in all.
        units: usize,
        /// Units that run now, oldest first.
        running: &'a [UnitIndex],
    },
    /// A test, bench or run executable starts.
    Running {
        /// The unit that built it.
        unit: UnitIndex,
        /// The executable.
        executable: PathBuf,
        /// Description for the `Running` line.
        description: String,
    },
}

/// Renders events. Called from one thread at a time.
pub trait Reporter: Sync {
    /// Renders one event.
    fn event(&self, event: &Event<'_>);
}
