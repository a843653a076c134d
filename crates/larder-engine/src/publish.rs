//! From what a job left to a result: its key, its record, its verdict; and
//! what the user hears of it.

use crate::build::{Chosen, RunOutput};
use crate::event::Event;
use crate::execute::Execution;
use crate::lookup::private_key;
use crate::work::Built;
use larder_key::inputs;
use larder_key::verdict::{self, Judgement};
use larder_schema::pathset::{KeyInputs, PATH_SETS_VERSION, PathSets};
use larder_schema::plan::{Directives, Mode, UnitIndex};
use larder_schema::record::{BuiltAgainst, RECORD_VERSION, ResultRecord};
use larder_schema::report::Outcome;
use larder_schema::{Digest, Framed};
use larder_store::interface_of;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Whether publishing works.
#[derive(Debug, Default)]
pub(crate) struct Publication {
    /// The store refused once: said once, not for every unit.
    broken: bool,
}

impl Execution<'_, '_> {
    /// Gives a built unit its key and publishes it.
    pub(crate) fn publish(&mut self, unit: UnitIndex) {
        let Some(built) = self.built[unit].take() else { return };
        let build = self.build;
        self.fates[unit].spent = built.duration;
        self.durations.set(build.identities.of_unit(unit), built.duration);
        let incremental = self.is_warm(unit, &built);
        self.fates[unit].outcome =
            if incremental { Outcome::Incremental } else { Outcome::Executed };
        let private = incremental
            || build
                .counted_dependencies(unit)
                .iter()
                .any(|dep| self.chosen.get(dep).is_some_and(|chosen| chosen.private));
        let base = build.base(unit, &self.keys, &self.chosen);
        let key = base.as_ref().map(|(base, _)| inputs::key_from_base(base, &built.values));
        let use_once = match &built.use_once {
            Some(why) => Some(why.clone()),
            None if key.is_none() => Some("what it was built from is used only once".to_owned()),
            None => None,
        };
        let stored = match (&use_once, key) {
            (None, Some(key)) => Some(match (&self.salt, private) {
                (Some(salt), true) => private_key(&key, salt),
                _ => key,
            }),
            _ => None,
        };
        self.keys[unit] = if use_once.is_some() { None } else { key };
        self.fates[unit].use_once = use_once;
        let mut chosen = self.unpublished(unit, &built);
        chosen.private = private;
        chosen.key = key.unwrap_or_else(|| *build.identities.of_unit(unit));
        let Built { pending, lock, path_set, values, directives, .. } = built;
        chosen.path_set = Arc::new(path_set);
        let record = ResultRecord::clone(&chosen.record);
        match stored {
            Some(stored) => match pending.publish_as(stored, record) {
                Ok(record) => {
                    chosen.record = Arc::new(record);
                    self.remember(unit, key, &chosen, &values);
                }
                Err((error, pending)) => {
                    self.keep_for_now(Some(pending), &error.to_string());
                }
            },
            None => self.kept.push(pending),
        }
        drop(lock);
        if let Some((directives, symbolic)) = directives {
            let out_dir = chosen.dir.clone();
            build.set_run(unit, RunOutput { directives, symbolic, out_dir });
        }
        self.chosen.insert(unit, chosen);
        let files = self.deliver(unit);
        self.announce_script(unit);
        self.announce(unit, files);
    }

    fn is_warm(&self, unit: UnitIndex, built: &Built) -> bool {
        built.warm_session && self.build.incremental_dir_of(unit).is_some()
    }

    fn keep_for_now(&mut self, pending: Option<larder_store::Pending>, why: &str) {
        self.kept.extend(pending);
        if !self.publishing.broken {
            self.publishing.broken = true;
            self.build.emit(&Event::Warning {
                text: format!("results cannot be kept: {why}"),
                hint: Some(
                    "the build goes on; free space or set LARDER_DIR to another place".into(),
                ),
            });
        }
    }

    /// A result that is there but has no key yet.
    pub(crate) fn unpublished(&self, unit: UnitIndex, built: &Built) -> Chosen {
        let build = self.build;
        let Judgement { verdict, evidence } = verdict::judge(&built.facts);
        let record = ResultRecord {
            version: RECORD_VERSION,
            key: *build.identities.of_unit(unit),
            identity: *build.identities.of_unit(unit),
            unit: build.unit_name(unit),
            directory: String::new(),
            outputs: built.outputs.clone(),
            interface: interface(built),
            built_against: self.built_against(unit),
            stdout: built.stdout.clone(),
            stderr: built.stderr.clone(),
            duration_ms: millis(built.duration),
            metadata_ms: built.metadata_after.map(millis),
            verdict,
            evidence,
            side_outputs: built.side_outputs.clone(),
            undeclared: built.undeclared.clone(),
        };
        Chosen {
            key: *build.identities.of_unit(unit),
            record: Arc::new(record),
            dir: built.pending.dir().to_owned(),
            path_set: Arc::new(built.path_set.clone()),
            private: false,
        }
    }

    /// The outputs of dependencies that a result is good for: a library that
    /// was compiled against other metadata is refused by rustc (E0460).
    fn built_against(&self, unit: UnitIndex) -> Vec<BuiltAgainst> {
        let u = &self.build.plan.units[unit];
        if u.is_final() || u.is_run() || u.target.is("proc-macro") {
            return Vec::new();
        }
        let mut list: Vec<BuiltAgainst> = u
            .deps
            .iter()
            .filter_map(|dep| {
                let chosen = self.chosen.get(&dep.unit)?;
                Some(BuiltAgainst {
                    identity: *self.build.identities.of_unit(dep.unit),
                    interface: chosen.record.interface,
                })
            })
            .collect();
        list.sort_by_key(|built| built.identity);
        list.dedup();
        list
    }

    /// Remembers path set and inputs, so that the result is found again.
    fn remember(
        &mut self,
        unit: UnitIndex,
        key: Option<Digest>,
        chosen: &Chosen,
        values: &[(String, String)],
    ) {
        let build = self.build;
        let identity = build.identities.of_unit(unit);
        let mut sets = build
            .store
            .path_sets(identity)
            .ok()
            .flatten()
            .unwrap_or(PathSets { version: PATH_SETS_VERSION, sets: Vec::new() });
        sets.sets.retain(|set| *set != *chosen.path_set);
        sets.sets.insert(0, (*chosen.path_set).clone());
        sets.sets.truncate(PathSets::KEPT);
        let stored = build.store.put_path_sets(identity, &sets);
        if let Err(error) = stored {
            self.keep_for_now(None, &error.to_string());
        }
        let mut inputs = build.explain_inputs(unit, &self.keys, &self.chosen, &Default::default());
        inputs.extend(values.iter().cloned());
        let inputs = KeyInputs { key, inputs };
        let slot = larder_key::identity::slot(build.plan, unit);
        if let Some(key) = key {
            let _ = build.store.put_inputs(&slot, &key, &inputs);
        }
    }

    /// Replays what all hits said that are known before anything runs.
    pub(crate) fn announce_hits(&mut self) {
        for unit in larder_key::identity::dependency_order(self.build.plan) {
            let recheck = self.state[unit] == crate::schedule::State::Recheck;
            let there =
                self.chosen.contains_key(&unit) || self.build.plan.units[unit].overridden.is_some();
            if there && !recheck {
                self.announce_hit(unit);
            }
        }
    }

    /// Replays what a hit said, and says that it is there.
    pub(crate) fn announce_hit(&mut self, unit: UnitIndex) {
        let files = self.deliver(unit);
        let build = self.build;
        let u = &build.plan.units[unit];
        let said = |chosen: &&Chosen| {
            let record = &chosen.record;
            !(u.is_run() || record.stdout.is_empty() && record.stderr.is_empty())
        };
        if let Some(chosen) = self.chosen.get(&unit).filter(said) {
            let symbols = build.symbols(unit);
            // Of other people's packages only what will be an error one day.
            let replays =
                |line: &&str| u.show_warnings || line.contains("\"future_incompat_report\"");
            for line in chosen.record.stdout.lines().filter(|_| u.show_warnings) {
                let text = symbols.real(line);
                build.emit(&Event::Line { unit, text: &text, stderr: false });
            }
            for line in chosen.record.stderr.lines().filter(replays) {
                let text = symbols.real(line);
                if text.starts_with('{') {
                    build.emit(&Event::Diagnostic { unit, json: &text, replayed: true });
                } else {
                    build.emit(&Event::Line { unit, text: &text, stderr: true });
                }
            }
        }
        self.announce_script(unit);
        self.announce(unit, files);
    }

    fn announce_script(&self, unit: UnitIndex) {
        let build = self.build;
        let Some(run) = build.run(unit) else { return };
        if build.plan.units[unit].show_warnings {
            for (severity, text) in &run.directives.messages {
                build.emit(&Event::ScriptMessage { unit, severity: *severity, text });
            }
        }
        match self.deliver_out_dir(unit) {
            None => build.emit(&Event::ScriptRan {
                unit,
                directives: &run.directives,
                out_dir: run.out_dir.clone(),
            }),
            Some(out_dir) => build.emit(&Event::ScriptRan {
                unit,
                directives: &as_delivered(&run.directives, &run.out_dir, &out_dir),
                out_dir,
            }),
        }
    }

    pub(crate) fn announce(&self, unit: UnitIndex, files: Vec<PathBuf>) {
        let fate = &self.fates[unit];
        let u = &self.build.plan.units[unit];
        // Checks leave metadata, which nobody executes.
        let links = matches!(u.mode, Mode::Test | Mode::Build);
        let executable = (links && (u.mode == Mode::Test || !u.target.is_library()))
            .then(|| files.first().cloned())
            .flatten()
            .filter(|_| !u.is_run() && !u.target.is("custom-build"));
        self.build.emit(&Event::Finished {
            unit,
            outcome: fate.outcome,
            miss: fate.miss.as_ref(),
            key: self.keys[unit],
            spent: fate.spent,
            files,
            executable,
        });
    }
}

/// What a script said, with its `OUT_DIR` where it was delivered. Drivers take
/// what lies in the target directory, and leave other paths alone.
fn as_delivered(said: &Directives, stored: &Path, delivered: &Path) -> Directives {
    let (stored, delivered) = (stored.to_string_lossy(), delivered.to_string_lossy());
    let there = |text: &String| text.replace(&*stored, &delivered);
    Directives {
        library_paths: said.library_paths.iter().map(there).collect(),
        env: said.env.iter().map(|(name, value)| (name.clone(), there(value))).collect(),
        ..said.clone()
    }
}

/// What dependents see: for a run its files and what it said.
fn interface(built: &Built) -> Digest {
    let files = interface_of(&built.outputs);
    if built.directives.is_none() {
        return files;
    }
    let mut f = Framed::new("larder run interface 1");
    f.digest("files", &files).text("stdout", &built.stdout);
    f.finish()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
