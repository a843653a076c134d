//! What has to run, and in which order: longest remaining path first, started
//! as soon as the metadata of dependencies is there.
//!
//! A unit is in one of these states:
//!
//! ```text
//! Unneeded                 nothing that runs needs its files
//! Recheck ──▶ Done         its record fits; something below it runs, and it
//!    │                     stands if that turns out as before
//!    ▼
//! Run ──▶ Running ──▶ Metadata ──▶ Built ──▶ Done
//!                 ╲                         ╲
//!                  ╰─────────▶ Failed        what it was built against is
//!                                            known, the result is published
//! ```

use crate::build::Build;
use crate::places::libraries_below;
use larder_schema::plan::{Plan, UnitIndex};
use larder_store::Durations;
use std::time::Duration;

/// State of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing needs its files.
    Unneeded,
    /// A hit that stands if what is below turns out as before.
    Recheck,
    /// It has to run.
    Run,
    /// It waits for another process that builds the same.
    Waiting,
    /// It runs.
    Running,
    /// It runs, and its metadata is there.
    Metadata,
    /// It ran; its key is not known yet.
    Built,
    /// Its result is there.
    Done,
    /// It failed, or something below it did.
    Failed,
}

impl State {
    /// Whether its metadata can be read.
    #[must_use]
    pub(crate) fn has_metadata(self) -> bool {
        matches!(self, Self::Metadata | Self::Built | Self::Done)
    }

    /// Whether all its files can be read.
    #[must_use]
    pub(crate) fn has_files(self) -> bool {
        matches!(self, Self::Built | Self::Done)
    }
}

/// Edges of the needed part of the graph, and priorities.
#[derive(Debug)]
pub(crate) struct Schedule {
    /// Units whose files a unit needs before it runs.
    pub files: Vec<Vec<UnitIndex>>,
    /// Units whose metadata a unit needs before it runs.
    pub metadata: Vec<Vec<UnitIndex>>,
    /// Longest remaining path, with what the unit itself takes.
    pub priority: Vec<Duration>,
}

impl Schedule {
    /// Of a plan, with remembered durations.
    #[must_use]
    pub(crate) fn new(build: &Build<'_>, durations: &Durations) -> Self {
        let plan = build.plan;
        let count = plan.units.len();
        let mut schedule = Self {
            files: vec![Vec::new(); count],
            metadata: vec![Vec::new(); count],
            priority: vec![Duration::ZERO; count],
        };
        for unit in 0..count {
            let (files, metadata) = needs(plan, unit);
            schedule.files[unit] = files;
            schedule.metadata[unit] = metadata;
        }
        let own = |unit: UnitIndex| {
            let known = durations.get(build.identities.of_unit(unit));
            known.unwrap_or_else(|| guess(plan, unit))
        };
        // Dependents come after their dependencies in this order, so walking
        // it backwards sees every path above a unit before the unit.
        for unit in larder_key::identity::dependency_order(plan).into_iter().rev() {
            let total = schedule.priority[unit] + own(unit);
            schedule.priority[unit] = total;
            for dep in build.counted_dependencies(unit) {
                schedule.priority[dep] = schedule.priority[dep].max(total);
            }
        }
        schedule
    }
}

/// What must be there before a unit runs: whole results, and metadata only.
fn needs(plan: &Plan, unit: UnitIndex) -> (Vec<UnitIndex>, Vec<UnitIndex>) {
    let u = &plan.units[unit];
    let mut files: Vec<UnitIndex> = Vec::new();
    let mut metadata = Vec::new();
    let mut objects = false;
    for dep in &u.deps {
        if dep.only_metadata {
            metadata.push(dep.unit);
        } else {
            objects |= dep.linked;
            files.push(dep.unit);
        }
    }
    files.extend(&u.native_runs);
    files.extend(&u.plugin_runs);
    // Whoever links needs the objects of everything below it.
    if objects && u.action.as_ref().is_some_and(|action| action.links) {
        files.extend(libraries_below(plan, unit));
    }
    // Rustc loads the proc-macros of the libraries below, which metadata
    // does not stand for.
    let macros = libraries_below(plan, unit)
        .into_iter()
        .filter(|&lib| plan.units[lib].target.is("proc-macro"));
    files.extend(macros);
    files.sort_unstable();
    files.dedup();
    metadata.retain(|dep| !files.contains(dep));
    (files, metadata)
}

/// How long a unit may take that never ran here: enough to order them.
fn guess(plan: &Plan, unit: UnitIndex) -> Duration {
    let u = &plan.units[unit];
    let ms = if u.is_run() {
        200
    } else if u.target.is("proc-macro") || u.is_final() {
        1_000
    } else {
        500
    };
    Duration::from_millis(ms)
}
