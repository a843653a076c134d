//! The flow: plan here, plan there, run there what is in the sample, compare.

use super::difference::{Side, first};
use super::place::{Place, copy_result};
use super::reads::{name_here, only_second};
use super::request::{Said, Step, VerifyError, VerifyRequest};
use crate::build::{Build, Chosen, ChosenMap};
use crate::event::{Event, Reporter};
use crate::execute::{Execution, Options};
use crate::places::{directory_of_profile, everything_below};
use crate::plan_cache;
use crate::request::BuildRequest;
use crate::rules::Hermetic;
use crate::session::Session;
use crate::symbols::Symbols;
use crate::work::{JobFailed, Progress, Task};
use larder_cargo::host::Host;
use larder_sandbox::jobs::Pool;
use larder_sandbox::watch::Observe;
use larder_schema::pathset::PathUse;
use larder_schema::plan::UnitIndex;
use larder_schema::verification::{
    Difference, Repeated, VERIFICATION_VERSION, Verification, VerifiedTotals, VerifiedUnit,
};
use larder_schema::{Digest, Framed};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Runs units a second time in another place, and compares.
///
/// # Errors
/// See [`VerifyError`]; a difference is not an error but a result.
pub fn verify(
    host: &Host,
    request: &VerifyRequest,
    reporter: &dyn Reporter,
    watch: &(dyn Fn(Step<'_>) + Sync),
) -> Result<Verification, VerifyError> {
    let started = Instant::now();
    let session = Session::open(host, reporter)?;
    let _hold = session.store.hold()?;
    let planned = plan_cache::plan(&session, &request.build)?;
    let free = Hermetic::default();
    let result = session.with_build(&planned, true, Observe::No, &free, |here| {
        let (candidates, chosen) = candidates(here);
        let wanted = sample(here, &candidates, request);
        if wanted.is_empty() {
            let what = match request.packages.as_slice() {
                [] => "this command".to_owned(),
                names => format!("`{}`", names.join("`, `")),
            };
            let command = request.build.command.clone();
            return Err(VerifyError::NothingStored { what, command });
        }
        let files = files_read(here, &chosen);
        let place = Place::make(here.plan, &host.cwd, session.store.root(), &files);
        let place = place.map_err(VerifyError::Place)?;
        let of = candidates.len();
        watch(Step::Ready { units: wanted.len(), of, place: &place.store() });
        let other = elsewhere(host, &planned.env, &place);
        let asked = asked_elsewhere(&request.build, here, &place);
        let quiet = Quiet::default();
        let session_there = Session::open(&other, &quiet)?;
        let _hold = session_there.store.hold()?;
        let planned_there = plan_cache::plan(&session_there, &asked).map_err(|error| {
            let lines = quiet.0.lock().unwrap_or_else(PoisonError::into_inner).join("\n");
            VerifyError::Elsewhere { said: Said(format!("{error}\n{lines}")) }
        })?;
        let pool = session.pool(&request.build, planned.jobs.clone())?;
        // Observed as builds here are: a filter is a part of what a process
        // finds around itself.
        let observe = request.build.observe;
        let units = session_there.with_build(&planned_there, true, observe, &free, |there| {
            let (chosen, wanted, pool) = (&chosen, &*wanted, &pool);
            let run = Rerun { here, there, place: &place, chosen, pool, wanted };
            run.all(watch)
        });
        Ok((units.map_err(VerifyError::Place)?, of))
    });
    let _ = session.store.stat_cache().save();
    let (units, stored) = result?;
    let count = |wanted: &dyn Fn(&VerifiedUnit) -> bool| units.iter().filter(|u| wanted(u)).count();
    let totals = VerifiedTotals {
        stored,
        checked: units.len(),
        equal: count(&|u| u.outcome == Repeated::Equal),
        different: count(&|u| u.outcome == Repeated::Different && u.promised),
        varying: count(&|u| u.outcome == Repeated::Different && !u.promised),
        failed: count(&|u| u.outcome == Repeated::Failed),
        reading_more: count(&|u| !u.read_only_again.is_empty()),
    };
    Ok(Verification {
        version: VERIFICATION_VERSION,
        larder: env!("CARGO_PKG_VERSION").to_owned(),
        command: request.build.command.clone(),
        workspace: planned.plan.roots.workspace.clone(),
        seconds: started.elapsed().as_secs_f64(),
        totals,
        units,
    })
}

/// Units that can be run again: their results are in the store, and those of
/// everything that they are built from. Incremental results are of one
/// checkout and promise nothing.
fn candidates(build: &Build<'_>) -> (Vec<UnitIndex>, ChosenMap) {
    let durations = build.store.durations();
    let options = Options { keep_going: true, diagnostic_width: None, verbose: 0 };
    let chosen = Execution::prepare(build, &durations, options).chosen;
    let is_there = |unit: &UnitIndex| {
        let u = &build.plan.units[*unit];
        u.action.is_none() || chosen.get(unit).is_some_and(|c| build.check_files(c).is_ok())
    };
    let candidates = (0..build.plan.units.len())
        .filter(|unit| {
            let u = &build.plan.units[*unit];
            u.action.is_some()
                && u.doctest.is_none()
                && chosen.get(unit).is_some_and(|chosen| !chosen.private)
                && is_there(unit)
                && everything_below(build.plan, *unit).iter().all(is_there)
        })
        .collect();
    (candidates, chosen)
}

/// Files outside the toolchain that results were made from, wherever they lie.
fn files_read(build: &Build<'_>, chosen: &ChosenMap) -> BTreeSet<PathBuf> {
    let sysroot = Path::new(&build.plan.roots.sysroot);
    let inputs = chosen.iter().flat_map(|(&unit, chosen)| {
        let contents = chosen.path_set.paths.iter().filter(|i| i.uses == PathUse::Content);
        contents.map(move |input| build.path(unit, input))
    });
    inputs.filter(|path| path.is_absolute() && !path.starts_with(sysroot)).collect()
}

fn sample(build: &Build<'_>, candidates: &[UnitIndex], request: &VerifyRequest) -> Vec<UnitIndex> {
    let is_asked = |unit: &&UnitIndex| {
        let package = &build.plan.packages[build.plan.units[**unit].package];
        request.packages.is_empty()
            || request.packages.iter().any(|spec| match spec.split_once('@') {
                Some((name, version)) => package.name == name && package.version == version,
                None => package.name == *spec,
            })
    };
    let mut units: Vec<UnitIndex> = candidates.iter().filter(is_asked).copied().collect();
    if let Some(count) = request.sample {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let drawn = |unit: &UnitIndex| -> Digest {
            let mut f = Framed::new("larder sample 1");
            f.text("time", &now.as_nanos().to_string());
            f.digest("unit", build.identities.of_unit(*unit));
            f.finish()
        };
        units.sort_by_cached_key(drawn);
        units.truncate(count);
        units.sort_unstable();
    }
    units
}

/// The machine as processes in the other place see it.
fn elsewhere(
    host: &Host,
    env: &BTreeMap<std::ffi::OsString, std::ffi::OsString>,
    place: &Place,
) -> Host {
    let mut env = env.clone();
    for name in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "CARGO_BUILD_BUILD_DIR"] {
        env.remove(std::ffi::OsStr::new(name));
    }
    env.insert("CARGO_HOME".into(), place.cargo_home().into());
    env.insert("CARGO_NET_OFFLINE".into(), "true".into());
    let (cwd, larder_dir) = (place.mirror(&host.cwd), place.store());
    Host { env, cwd, larder_dir, layers: None, ..host.clone() }
}

fn asked_elsewhere(request: &BuildRequest, here: &Build<'_>, place: &Place) -> BuildRequest {
    let workspace = &here.plan.roots.workspace;
    let mirrored = place.mirror(Path::new(workspace)).to_string_lossy().into_owned();
    let here = Symbols::new([("workspace".to_owned(), workspace.clone())]);
    let there = Symbols::new([("workspace".to_owned(), mirrored)]);
    let moved = |args: &[String]| -> Vec<String> {
        args.iter().map(|arg| there.real(&here.symbolic(arg))).collect()
    };
    BuildRequest {
        args: moved(&request.args),
        trailing: moved(&request.trailing),
        target_dir: Some(place.target()),
        manifest_path: request.manifest_path.as_deref().map(|path| place.mirror(path)),
        diagnostic_width: None,
        ..request.clone()
    }
}

/// Keeps what is said, in case it matters.
#[derive(Default)]
struct Quiet(Mutex<Vec<String>>);

impl Reporter for Quiet {
    fn event(&self, event: &Event<'_>) {
        if let Event::CargoOutput { text } = event {
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push((*text).to_owned());
        }
    }
}

/// Nobody waits for metadata: everything below is there.
struct Unheard;

impl Progress for Unheard {
    fn metadata_ready(&self, _: UnitIndex) {}
}

struct Rerun<'r, 'h, 't> {
    here: &'r Build<'h>,
    there: &'r Build<'t>,
    place: &'r Place,
    chosen: &'r ChosenMap,
    pool: &'r Arc<Pool>,
    wanted: &'r [UnitIndex],
}

impl Rerun<'_, '_, '_> {
    /// Runs everything, top down: where a unit's outputs lie is told to what
    /// is built on it, so that it may move only when nothing above it is left.
    fn all(&self, watch: &(dyn Fn(Step<'_>) + Sync)) -> std::io::Result<Vec<VerifiedUnit>> {
        let (here, there) = (self.here, self.there);
        let by_identity: BTreeMap<&Digest, UnitIndex> =
            (0..there.plan.units.len()).map(|u| (there.identities.of_unit(u), u)).collect();
        let other = |unit: UnitIndex| by_identity.get(here.identities.of_unit(unit)).copied();
        let mut below: BTreeSet<UnitIndex> = BTreeSet::new();
        for &unit in self.wanted {
            below.extend(everything_below(here.plan, unit));
        }
        let mut copies = ChosenMap::new();
        // Runs are taken after what their scripts depend on.
        for unit in larder_key::identity::dependency_order(here.plan) {
            let Some(chosen) = self.chosen.get(&unit).filter(|_| below.contains(&unit)) else {
                continue;
            };
            let Some(unit_there) = other(unit) else { continue };
            let dir = there.store.dir_of(&chosen.record);
            copy_result(&chosen.dir, &dir)?;
            let copy = Chosen { dir, ..chosen.clone() };
            // A run that cannot be taken shows where it is needed.
            let _ = there.take(unit_there, &copy);
            copies.insert(unit_there, copy);
        }
        let done = Mutex::new((0, Vec::new()));
        for level in self.levels() {
            let queue = Mutex::new(level);
            std::thread::scope(|scope| {
                for _ in 0..self.pool.tokens().max(1) {
                    scope.spawn(|| {
                        loop {
                            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
                            let Some(unit) = next else { return };
                            let token = self.pool.acquire(&|| false);
                            let verified = self.one(unit, other(unit), &copies);
                            drop(token);
                            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                            done.0 += 1;
                            let units = self.wanted.len();
                            watch(Step::Checked { unit: &verified, done: done.0, units });
                            done.1.push((unit, verified));
                        }
                    });
                }
            });
        }
        let mut units = done.into_inner().unwrap_or_else(PoisonError::into_inner).1;
        units.sort_by_key(|(unit, _)| *unit);
        Ok(units.into_iter().map(|(_, verified)| verified).collect())
    }

    /// The wanted units by their greatest distance from what is above them.
    fn levels(&self) -> Vec<Vec<UnitIndex>> {
        let plan = self.here.plan;
        let mut level = vec![0usize; plan.units.len()];
        let mut order = larder_key::identity::dependency_order(plan);
        order.reverse();
        for unit in order {
            for dep in self.here.counted_dependencies(unit) {
                level[dep] = level[dep].max(level[unit] + 1);
            }
        }
        let depth = level.iter().max().map_or(0, |deepest| deepest + 1);
        let mut levels = vec![Vec::new(); depth];
        for &unit in self.wanted {
            levels[level[unit]].push(unit);
        }
        levels
    }

    fn one(&self, unit: UnitIndex, there: Option<UnitIndex>, copies: &ChosenMap) -> VerifiedUnit {
        let here = self.here;
        let u = &here.plan.units[unit];
        let package = &here.plan.packages[u.package];
        let chosen = &self.chosen[&unit];
        let record = &chosen.record;
        let started = Instant::now();
        let mut verified = VerifiedUnit {
            unit: record.unit.clone(),
            package: package.name.clone(),
            version: package.version.clone(),
            target: u.target.name.clone(),
            identity: record.identity,
            key: record.key,
            verdict: record.verdict,
            evidence: record.evidence.clone(),
            promised: record.verdict.is_reproducible(),
            outcome: Repeated::Failed,
            difference: None,
            read_only_again: Vec::new(),
            detail: None,
            seconds: 0.0,
        };
        let result = match there {
            Some(there) => self.compare(there, chosen, copies),
            None => Err("the plan of another place does not have this unit".to_owned()),
        };
        match result {
            Ok(Compared { difference, read_only_again }) => {
                verified.outcome = match difference {
                    None => Repeated::Equal,
                    Some(_) => Repeated::Different,
                };
                verified.difference = difference;
                verified.read_only_again = read_only_again;
            }
            Err(detail) => verified.detail = Some(detail),
        }
        verified.seconds = started.elapsed().as_secs_f64();
        verified
    }

    /// Runs a unit of the other place and compares with what is stored here.
    fn compare(
        &self,
        unit: UnitIndex,
        stored: &Chosen,
        copies: &ChosenMap,
    ) -> Result<Compared, String> {
        let build = self.there;
        let is_run = build.plan.units[unit].is_run();
        let pending = if is_run {
            let package = &build.plan.packages[build.plan.units[unit].package];
            let profile = directory_of_profile(&build.plan.profile);
            let name = format!("{}-{}", package.name, build.identities.metadata(unit));
            let inner = format!("target/{profile}/build/{name}/out");
            let mut place = Framed::new("larder second run 1");
            place.digest("identity", build.identities.of_unit(unit));
            build.store.begin_at(&place.finish(), &inner)
        } else {
            build.store.begin(build.identities.of_unit(unit))
        };
        let programs = build.programs(unit).iter().filter_map(|p| copies.get(p).cloned()).collect();
        let task = Task {
            unit,
            pending: pending.map_err(|error| error.to_string())?,
            lock: None,
            pool: Arc::clone(self.pool),
            programs,
            warm_session: false,
            diagnostic_width: None,
            miss: None,
            verbose: 0,
            package_before: None,
            is_second: true,
        };
        let again = build.work(task, &Unheard).map_err(|JobFailed { text, .. }| text)?;
        let dir: PathBuf = again.pending.dir().to_owned();
        let rebuilt = Side {
            outputs: &again.outputs,
            dir: &dir,
            said: is_run.then_some(&*again.stdout),
            machine: build.places.machine(),
        };
        let before = Side {
            outputs: &stored.record.outputs,
            dir: &stored.dir,
            said: is_run.then_some(&*stored.record.stdout),
            machine: self.here.places.machine(),
        };
        let name = |input: &_| name_here(self.here, build, unit, self.place, input);
        let read_only_again = only_second(&stored.path_set, &again.path_set, &name);
        Ok(Compared { difference: first(&before, &rebuilt), read_only_again })
    }
}

/// What a second run gave beside the first one.
struct Compared {
    difference: Option<Difference>,
    read_only_again: Vec<String>,
}
