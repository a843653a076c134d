//! Looking results up, bottom up: the keys of all units, and which of them
//! the store answers.
//!
//! A key needs the keys of the dependencies, not their files. Where a unit's
//! record is gone but its path set is known, its key is *predicted* from the
//! newest path set: only if that key was once real can a dependent's record
//! be found under it, so a hit above is as good as if the record were there.

use crate::build::{Build, Chosen, ChosenMap, RunOutput};
use crate::hermetic::Refusal;
use larder_key::explain;
use larder_key::inputs::{self, Inputs};
use larder_schema::pathset::{KeyInputs, PathSet};
use larder_schema::plan::UnitIndex;
use larder_schema::record::ResultRecord;
use larder_schema::report::MissReason;
use larder_schema::{Digest, Framed};
use larder_store::Check;
use std::sync::Arc;

/// What looking up one unit found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The key: of the hit, or predicted.
    pub key: Option<Digest>,
    /// The result.
    pub hit: Option<Chosen>,
    /// Whether records exist that were built against other outputs.
    pub differs: Vec<UnitIndex>,
    /// The result was there and is damaged.
    pub damaged: Option<String>,
    /// A side output is not as it was left.
    pub side_output: Option<String>,
    /// The run of the result is not good enough for this build.
    pub refused: Option<Refusal>,
}

impl Build<'_> {
    /// The part of a unit's key without its path set. `None` if the key of a
    /// dependency or what a program mentions is not known.
    pub(crate) fn base(
        &self,
        unit: UnitIndex,
        keys: &[Option<Digest>],
        chosen: &ChosenMap,
    ) -> Option<(Digest, Inputs)> {
        let mut dependencies = Vec::new();
        let mut named = Vec::new();
        for dep in self.counted_dependencies(unit) {
            let key = keys[dep]?;
            dependencies.push((*self.identities.of_unit(dep), key));
            named.push((format!("{}{}", explain::DEPENDENCY, self.unit_name(dep)), key));
        }
        let mut action = self.action_inputs(unit);
        if !self.programs(unit).is_empty() {
            let mentions = self.mentioned(unit, &|program| chosen.get(&program).cloned())?;
            action.extend(self.mentioned_values(unit, &mentions));
        }
        let base = inputs::base(&action, &mut dependencies);
        action.extend(named.into_iter().map(|(name, key)| (name, key.to_string())));
        Some((base, action))
    }

    /// Units whose keys count for a unit: its dependencies, and the runs whose
    /// native libraries it links.
    #[must_use]
    pub(crate) fn counted_dependencies(&self, unit: UnitIndex) -> Vec<UnitIndex> {
        let u = &self.plan.units[unit];
        let mut all: Vec<UnitIndex> = u.deps.iter().map(|dep| dep.unit).collect();
        all.extend(&u.native_runs);
        all.extend(&u.plugin_runs);
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Looks a unit up, given the keys of its dependencies and the results
    /// chosen for them (where they are there).
    pub(crate) fn look_up(
        &self,
        unit: UnitIndex,
        keys: &[Option<Digest>],
        chosen: &ChosenMap,
        private: Option<&Digest>,
    ) -> Found {
        let mut found = Found::default();
        let u = &self.plan.units[unit];
        let Some((base, _)) = self.base(unit, keys, chosen) else { return found };
        if u.overridden.is_some() || u.action.is_none() {
            found.key = Some(inputs::key_from_base(&base, []));
            return found;
        }
        let identity = self.identities.of_unit(unit);
        let Ok(Some(sets)) = self.store.path_sets(identity) else { return found };
        for set in sets.sets {
            let key = inputs::key_from_base(&base, &self.values(unit, &set));
            // Neither does a key from a path set that is refused predict any:
            // what is above was built from the same inputs.
            let mut refused = self.refused(unit, &set);
            if refused.is_none() {
                found.key.get_or_insert(key);
            }
            let set = Arc::new(set);
            let salted = private.map(|salt| private_key(&key, salt));
            for (stored, private) in [(Some(key), false), (salted, true)] {
                let Some(stored) = stored else { continue };
                let Ok(Some(record)) = self.store.record(&stored) else { continue };
                if record.identity != *identity {
                    continue;
                }
                if let Some(refused) = refused.take() {
                    found.refused.get_or_insert(refused);
                    break;
                }
                if let Some(problem) = self.unusable(unit, &record, chosen) {
                    match problem {
                        Unusable::Differs(units) => found.differs = units,
                        Unusable::SideOutput(path) => found.side_output = Some(path),
                    }
                    continue;
                }
                found.key = Some(key);
                let dir = self.store.dir_of(&record);
                found.hit = Some(Chosen {
                    key,
                    record: Arc::new(record),
                    dir,
                    path_set: Arc::clone(&set),
                    private,
                });
                return found;
            }
        }
        found
    }

    /// Why a record cannot be used although its key fits.
    fn unusable(
        &self,
        unit: UnitIndex,
        record: &ResultRecord,
        chosen: &ChosenMap,
    ) -> Option<Unusable> {
        let differs: Vec<UnitIndex> = self
            .counted_dependencies(unit)
            .into_iter()
            .filter(|dep| {
                let Some(now) = chosen.get(dep) else { return false };
                let identity = self.identities.of_unit(*dep);
                record
                    .built_against
                    .iter()
                    .any(|b| b.identity == *identity && b.interface != now.record.interface)
            })
            .collect();
        if !differs.is_empty() {
            return Some(Unusable::Differs(differs));
        }
        let spoilt = self.spoilt_side_output(unit, record)?;
        Some(Unusable::SideOutput(spoilt.to_string_lossy().into_owned()))
    }

    /// Takes a hit: its directory, and for runs its directives, are known
    /// from here on, and what it wrote elsewhere is there.
    ///
    /// # Errors
    /// The text of what is wrong with a stored run.
    pub(crate) fn take(&self, unit: UnitIndex, hit: &Chosen) -> Result<(), String> {
        self.restore_side_outputs(unit, &hit.record)?;
        self.places.set_dir(unit, &hit.dir);
        if !self.plan.units[unit].is_run() {
            return Ok(());
        }
        let real = self.symbols(unit).real(&hit.record.stdout);
        let directives = self.parse_directives(unit, real.as_bytes())?;
        let symbolic = self.parse_directives(unit, hit.record.stdout.as_bytes())?;
        self.set_run(unit, RunOutput { directives, symbolic, out_dir: hit.dir.clone() });
        Ok(())
    }

    /// Compares the files of a result with its record.
    ///
    /// # Errors
    /// What is wrong, naming the file.
    pub(crate) fn check_files(&self, hit: &Chosen) -> Result<(), String> {
        self.store.verify(&hit.record, Check::Quick).map_err(|damaged| damaged.to_string())
    }

    /// Why a unit was not answered, compared with the closest earlier build.
    #[must_use]
    pub(crate) fn miss_reason(
        &self,
        unit: UnitIndex,
        found: &Found,
        keys: &[Option<Digest>],
        chosen: &ChosenMap,
    ) -> MissReason {
        if let Some(detail) = &found.damaged {
            return MissReason::Damaged { detail: detail.clone() };
        }
        if !found.differs.is_empty() {
            let dependencies = found.differs.iter().map(|&d| self.unit_name(d)).collect();
            return MissReason::DepOutputDiffers { dependencies };
        }
        if let Some(path) = &found.side_output {
            return MissReason::SideOutputChanged { path: path.clone() };
        }
        match &found.refused {
            Some(Refusal::Unseen(unseen)) => {
                return MissReason::Unobserved { detail: unseen.words().to_owned() };
            }
            Some(Refusal::Reach(detail)) => {
                return MissReason::NotHermetic { detail: detail.clone() };
            }
            None => {}
        }
        let unknown: Vec<String> = self
            .counted_dependencies(unit)
            .into_iter()
            .filter(|&dep| keys[dep].is_none())
            .map(|dep| self.unit_name(dep))
            .collect();
        let slot = larder_key::identity::slot(self.plan, unit);
        let action = self.explain_inputs(unit, keys, chosen, &PathSet::default());
        // Values of path sets are compared as far as the old ones name them.
        let set = self
            .store
            .path_sets(self.identities.of_unit(unit))
            .ok()
            .flatten()
            .and_then(|sets| sets.sets.into_iter().next());
        let values = set.map(|set| self.values(unit, &set));
        // A program that has to be built first mentions what it did last time.
        let unread = self.mentioned(unit, &|program| chosen.get(&program).cloned()).is_none();
        let beside = |old: &KeyInputs| {
            let mut new = action.clone();
            if unread {
                let mentioned = old.inputs.iter().filter(|(name, _)| name.ends_with(MENTIONED));
                new.extend(mentioned.cloned());
            }
            match &values {
                Some(values) => new.extend(values.iter().cloned()),
                None => {
                    let known: Vec<&str> = action.iter().map(|(name, _)| name.as_str()).collect();
                    let is_rest = |name: &str| !known.contains(&name) && is_path_value(name);
                    new.extend(old.inputs.iter().filter(|(name, _)| is_rest(name)).cloned());
                }
            }
            new
        };
        let closest = self
            .latest_inputs(&slot)
            .map(|old| (beside(&old), old))
            .min_by_key(|(new, old)| explain::differences(&old.inputs, new));
        let Some((new, old)) = closest else { return MissReason::NeverBuilt };
        match explain::compare(&old.inputs, &new) {
            MissReason::Collected if !unknown.is_empty() => {
                MissReason::DependencyChanged { dependencies: unknown }
            }
            MissReason::DependencyChanged { dependencies: _ } if !unknown.is_empty() => {
                MissReason::DependencyChanged { dependencies: unknown }
            }
            reason => reason,
        }
    }

    /// The inputs of recent builds of a unit, newest first.
    fn latest_inputs(&self, slot: &Digest) -> impl Iterator<Item = KeyInputs> {
        let keys = self.store.latest(slot).unwrap_or_default();
        keys.into_iter().filter_map(|key| self.store.inputs(&key).ok().flatten())
    }

    /// Everything behind a key, by name: what misses are explained with.
    #[must_use]
    pub(crate) fn explain_inputs(
        &self,
        unit: UnitIndex,
        keys: &[Option<Digest>],
        chosen: &ChosenMap,
        set: &PathSet,
    ) -> Inputs {
        let mut all: Inputs = larder_key::identity::parts(self.plan, unit)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        all.push(("toolchain".to_owned(), self.plan.toolchain.to_string()));
        if let Some((_, inputs)) = self.base(unit, keys, chosen) {
            all.extend(inputs);
        } else {
            all.extend(self.action_inputs(unit));
            for dep in self.counted_dependencies(unit) {
                let key = keys[dep].map_or_else(|| "?".to_owned(), |key| key.to_string());
                all.push((format!("{}{}", explain::DEPENDENCY, self.unit_name(dep)), key));
            }
        }
        all.extend(self.values(unit, set));
        all
    }
}

enum Unusable {
    Differs(Vec<UnitIndex>),
    SideOutput(String),
}

/// How the inputs end that [`Build::mentioned_values`] names.
const MENTIONED: &str = " (mentioned)";

fn is_path_value(name: &str) -> bool {
    const KINDS: &[&str] = &[
        "file ",
        "tree ",
        "presence ",
        "link ",
        "listing ",
        "package ",
        "location ",
        "program ",
        "env ",
    ];
    name == "tools" || KINDS.iter().any(|prefix| name.starts_with(prefix))
}

/// The key of a result that is of one checkout only.
#[must_use]
pub(crate) fn private_key(key: &Digest, salt: &Digest) -> Digest {
    let mut f = Framed::new("larder private key 1");
    f.digest("key", key).digest("salt", salt);
    f.finish()
}
