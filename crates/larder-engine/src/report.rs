//! The report of a build: every unit with what became of it and why.

use crate::execute::Execution;
use crate::schedule::State;
use larder_schema::plan::Mode;
use larder_schema::report::{Outcome, Phases, REPORT_VERSION, Report, Share, Totals, UnitReport};

/// What the report says besides the units.
#[derive(Clone, Debug)]
pub(crate) struct Heading {
    /// Version of larder.
    pub larder: String,
    /// The command.
    pub command: String,
    /// Whether the plan came from the plan cache.
    pub plan_cached: bool,
    /// Seconds by phase.
    pub seconds: Phases,
}

impl Execution<'_, '_> {
    /// The whole document.
    #[must_use]
    pub(crate) fn report(&self, heading: Heading) -> Report {
        let plan = self.build.plan;
        let units: Vec<UnitReport> = (0..plan.units.len())
            .filter(|&unit| plan.units[unit].doctest.is_none())
            .map(|unit| self.unit_report(unit))
            .collect();
        let count = |outcome: Outcome| units.iter().filter(|u| u.outcome == outcome).count();
        let totals = Totals {
            units: units.len(),
            hits: count(Outcome::Hit),
            executed: count(Outcome::Executed) + count(Outcome::Incremental),
            incremental: count(Outcome::Incremental),
            failed: count(Outcome::Failed),
            seconds_spent: units.iter().map(|u| u.seconds_spent).sum(),
            seconds_saved: units.iter().map(|u| u.seconds_saved).sum(),
            external: Share::of(units.iter().filter(|u| u.external)),
            local: Share::of(units.iter().filter(|u| !u.external)),
        };
        let removed = self.build.removed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Report {
            version: REPORT_VERSION,
            larder: heading.larder,
            command: heading.command,
            workspace: plan.roots.workspace.clone(),
            plan_cached: heading.plan_cached,
            seconds: heading.seconds,
            totals,
            units,
            env_removed: removed.iter().cloned().collect(),
        }
    }

    fn unit_report(&self, unit: usize) -> UnitReport {
        let plan = self.build.plan;
        let u = &plan.units[unit];
        let package = &plan.packages[u.package];
        let fate = &self.fates[unit];
        let chosen = self.chosen.get(&unit);
        // A unit that nothing needs and that was never built here counts as
        // answered: what stands for it above is in the store.
        let outcome = match (fate.outcome, self.state[unit]) {
            (Outcome::NotRun, State::Unneeded | State::Done) => Outcome::Hit,
            (Outcome::NotRun, State::Recheck) => Outcome::Hit,
            (outcome, _) => outcome,
        };
        let hit = outcome == Outcome::Hit;
        let seconds = |ms: u64| std::time::Duration::from_millis(ms).as_secs_f64();
        let mut evidence = chosen.map_or_else(Vec::new, |c| c.record.evidence.clone());
        evidence.extend(fate.use_once.clone());
        UnitReport {
            index: unit,
            package: package.name.clone(),
            version: package.version.clone(),
            target: u.target.name.clone(),
            kind: u.target.kind.first().cloned().unwrap_or_default(),
            mode: mode(u.mode).to_owned(),
            platform: u.platform.clone(),
            external: !matches!(package.source, larder_schema::plan::Source::Path { .. }),
            identity: *self.build.identities.of_unit(unit),
            key: self.keys[unit],
            outcome,
            miss: fate.miss.clone(),
            source: hit.then(|| "local".to_owned()),
            seconds_spent: fate.spent.as_secs_f64(),
            seconds_saved: if hit {
                chosen.map_or(0.0, |c| seconds(c.record.duration_ms))
            } else {
                0.0
            },
            verdict: chosen.map(|c| c.record.verdict),
            evidence,
            undeclared: chosen.and_then(|c| c.record.undeclared.clone()),
        }
    }
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Build => "build",
        Mode::Check => "check",
        Mode::CheckTest => "check-test",
        Mode::Test => "test",
        Mode::RunCustomBuild => "run-custom-build",
        Mode::Doctest => "doctest",
    }
}
