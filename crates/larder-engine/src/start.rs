//! Before a job runs: where it writes, what it runs, and what processes that
//! are about to build the same agree on.

use crate::build::Chosen;
use crate::execute::Execution;
use crate::work::{JobFailed, Task};
use larder_sandbox::jobs::Pool;
use larder_schema::plan::UnitIndex;
use larder_schema::{Digest, Framed};
use larder_store::Pending;
use std::sync::Arc;

/// Directories between a run's place in the store and its `OUT_DIR`:
/// `target/<profile>/build/<package>/out`.
pub(crate) const ABOVE_OUT_DIR: usize = 5;

impl Execution<'_, '_> {
    pub(crate) fn task(&mut self, unit: UnitIndex, pool: &Arc<Pool>) -> Result<Task, JobFailed> {
        let build = self.build;
        let flight = self.flight(unit);
        let pending = if build.plan.units[unit].is_run() {
            self.begin_run(unit)
        } else {
            build.store.begin(&flight)
        };
        let pending = pending.map_err(|error| crate::work::internal(&error))?;
        let programs: Vec<Chosen> =
            build.programs(unit).into_iter().filter_map(|program| self.program(program)).collect();
        let warm_session = build
            .incremental_dir_of(unit)
            .is_some_and(|dir| std::fs::read_dir(dir).is_ok_and(|mut d| d.next().is_some()));
        Ok(Task {
            unit,
            pending,
            lock: self.locks[unit].take(),
            pool: Arc::clone(pool),
            programs,
            warm_session,
            diagnostic_width: self.options.diagnostic_width,
            miss: self.fates[unit].miss.clone(),
            verbose: self.options.verbose,
            package_before: self.packages[unit].clone(),
            is_second: false,
        })
    }

    /// The result of a program, published or just built.
    fn program(&self, unit: UnitIndex) -> Option<Chosen> {
        if let Some(chosen) = self.chosen.get(&unit) {
            return Some(chosen.clone());
        }
        let built = self.built[unit].as_ref()?;
        Some(self.unpublished(unit, built))
    }

    /// `OUT_DIR` is a function of what is known before the run, so that its
    /// text is the same in every checkout: see [`Self::flight`]. With the
    /// values of the newest path set in it, and of the variables that the
    /// script mentions, two states of the inputs seldom want the same place;
    /// where they do, the store has another one.
    fn begin_run(&mut self, unit: UnitIndex) -> Result<Pending, larder_store::StoreError> {
        let build = self.build;
        let mut f = Framed::new("larder out dir 2");
        f.digest("flight", &self.flight(unit));
        let sets = build.store.path_sets(build.identities.of_unit(unit)).ok().flatten();
        if let Some(set) = sets.and_then(|sets| sets.sets.into_iter().next()) {
            for (name, value) in build.values(unit, &set) {
                f.text("name", &name).text("value", &value);
            }
        }
        if let Some(mentions) = build.mentioned(unit, &|program| self.program(program)) {
            for (name, value) in build.mentioned_values(unit, &mentions) {
                f.text("name", &name).text("value", &value);
            }
        }
        let u = &build.plan.units[unit];
        let package = &build.plan.packages[u.package];
        let profile = crate::places::directory_of_profile(&build.plan.profile);
        let name = format!("{}-{}", package.name, build.identities.metadata(unit));
        build.store.begin_at(&f.finish(), &format!("target/{profile}/build/{name}/out"))
    }

    /// What processes agree on that are about to build the same: everything
    /// that is known of a unit before it ran.
    pub(crate) fn flight(&mut self, unit: UnitIndex) -> Digest {
        if let Some(flight) = self.flights[unit] {
            return flight;
        }
        let build = self.build;
        let mut f = Framed::new("larder flight 1");
        for (name, value) in build.action_inputs(unit) {
            f.text("name", &name).text("value", &value);
        }
        let package = &build.plan.packages[build.plan.units[unit].package];
        if !package.source.is_immutable() {
            let input = larder_schema::pathset::PathInput {
                path: package.root.0.clone(),
                uses: larder_schema::pathset::PathUse::Package,
            };
            let root = build.path(unit, &input);
            let files = crate::evaluate::value(build.store.stat_cache(), &input, &root);
            f.text("files", &files);
            self.packages[unit] = Some(files);
        }
        for dep in build.counted_dependencies(unit) {
            let flight = self.flight(dep);
            f.digest("dependency", &flight);
        }
        let flight = f.finish();
        self.flights[unit] = Some(flight);
        flight
    }
}
