//! A whole building command: plan, look up, execute, deliver, report.

use crate::build::Build;
use crate::environment::Environments;
use crate::event::{Event, Reporter};
use crate::execute::{Execution, Options};
use crate::launch::Surroundings;
use crate::mention_memo::{self, MentionMemo};
use crate::observing::Observing;
use crate::places::Places;
use crate::plan_cache::{self, Planned};
use crate::report::Heading;
use crate::request::{BuildRequest, Outcome};
use crate::rules::Hermetic;
use crate::side_outputs::Promised;
use larder_cargo::config::Jobs;
use larder_cargo::fetch::FetchError;
use larder_cargo::host::Host;
use larder_cargo::inputs::GatherError;
use larder_cargo::single::SingleError;
use larder_cargo::stand_in::StandInError;
use larder_key::{Identities, mention};
use larder_sandbox::jobs::{Pool, machine_directory};
use larder_sandbox::watch::Observe;
use larder_schema::plan::Plan;
use larder_schema::report::Phases;
use larder_store::{DiskStore, StoreError};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::time::Instant;

/// What keeps a command from being built by larder.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Cargo refused the command while planning; its words were shown.
    #[error("cargo refused the command (exit code {0})")]
    Cargo(i32),
    /// Larder does not model something: the command goes to cargo.
    #[error("{0}")]
    Unsupported(String),
    /// Planning failed otherwise.
    #[error(transparent)]
    Gather(GatherError),
    /// Sources could not be fetched.
    #[error(transparent)]
    Fetch(FetchError),
    /// There is no copy of the project to plan with.
    #[error(transparent)]
    StandIn(#[from] StandInError),
    /// One dependency cannot be taken out of a lock file.
    #[error(transparent)]
    Single(#[from] SingleError),
    /// A cook plan was made for another compiler.
    #[error(
        "the cook plan is for {wanted}, and here is {here}: nothing that it builds would be used; \
         install that toolchain, or run `cargo larder plan` with this one"
    )]
    OtherToolchain {
        /// The plan's.
        wanted: String,
        /// The one that is here.
        here: String,
    },
    /// Cargo has the sources, but not where the plan has them.
    #[error(
        "the sources of {package} are not in {}: this cargo gets them from another registry than \
         the one that made the cook plan, or they are vendored and this is not their directory",
        root.display()
    )]
    SourcesElsewhere {
        /// Name and version.
        package: String,
        /// Where they should be.
        root: PathBuf,
    },
    /// The store cannot be used, and no other place can either.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What runs found no room for its files.
    #[error("the store's disk has no room left")]
    NoRoom,
    /// Runs cannot be confined here.
    #[error("this build cannot be hermetic: {0}; `cargo larder doctor` checks this machine")]
    NotHermetic(String),
    /// The system refused something that every build needs.
    #[error("{what}")]
    System {
        /// What was tried.
        what: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl From<GatherError> for EngineError {
    fn from(error: GatherError) -> Self {
        match error {
            GatherError::Cargo { code, .. } => Self::Cargo(code),
            GatherError::Unsupported(what) => Self::Unsupported(what),
            other => Self::Gather(other),
        }
    }
}

/// Runs a building command up to the delivered files.
///
/// # Errors
/// See [`EngineError`]; a build that fails is not an error but an outcome.
pub fn build(
    host: &Host,
    request: &BuildRequest,
    reporter: &dyn Reporter,
) -> Result<Outcome, EngineError> {
    let why = match Session::open(host, reporter).and_then(|session| session.build(request)) {
        Err(EngineError::Store(error)) if error.means_no_store() => error.to_string(),
        Err(EngineError::NoRoom) => EngineError::NoRoom.to_string(),
        other => return other,
    };
    Session::without_store(host, reporter, &why)?.build(request)
}

/// What a command works with: the machine, the store, the reporter.
pub struct Session<'a> {
    /// With the store's directory as larder's own.
    pub(crate) host: Host,
    pub(crate) reporter: &'a dyn Reporter,
    /// The store.
    pub store: DiskStore,
    /// Where it went if the real one cannot be used.
    temporary: Option<tempfile::TempDir>,
}

impl<'a> Session<'a> {
    /// Opens the store; if that fails, a temporary one, with one warning: a
    /// broken store never breaks a build.
    ///
    /// # Errors
    /// If there is no place for a temporary one either.
    pub fn open(host: &Host, reporter: &'a dyn Reporter) -> Result<Self, EngineError> {
        match open_store(host) {
            Ok(store) => Ok(Self { host: host.clone(), reporter, store, temporary: None }),
            Err(error) => Self::without_store(host, reporter, &error.to_string()),
        }
    }

    /// A session whose store goes with it, memos and planning directories too.
    fn without_store(
        host: &Host,
        reporter: &'a dyn Reporter,
        why: &str,
    ) -> Result<Self, EngineError> {
        reporter.event(&Event::Warning {
            text: format!("the store cannot be used: {why}"),
            hint: Some(
                "this build works without it; make room, or set LARDER_DIR to another place".into(),
            ),
        });
        let temporary = tempfile::tempdir().map_err(|source| EngineError::System {
            what: "no temporary directory can be made".into(),
            source,
        })?;
        // Layers that cannot be read are a reason to be here.
        let host = Host { larder_dir: temporary.path().to_owned(), layers: None, ..host.clone() };
        let store = open_store(&host)?;
        Ok(Self { host, reporter, store, temporary: Some(temporary) })
    }

    fn build(&self, request: &BuildRequest) -> Result<Outcome, EngineError> {
        let started = Instant::now();
        let _hold = self.store.hold()?;
        let planned = plan_cache::plan(self, request)?;
        self.reporter.event(&Event::Planned { plan: &planned.plan, cached: planned.cached });
        let plan_seconds = started.elapsed().as_secs_f64();
        let outcome = self.execute(request, planned, started, plan_seconds);
        let _ = self.store.stat_cache().save();
        outcome
    }

    /// The directory that all results lie in: with layers, the one that holds
    /// them, since a result that shows its place shows this in every step.
    fn stores(&self) -> &Path {
        let root = self.store.root();
        self.host.layers.as_deref().filter(|layers| root.starts_with(layers)).unwrap_or(root)
    }

    /// Looks up, executes and delivers what was planned.
    pub(crate) fn execute(
        &self,
        request: &BuildRequest,
        planned: Planned,
        started: Instant,
        plan_seconds: f64,
    ) -> Result<Outcome, EngineError> {
        let lookup_started = Instant::now();
        let plan = &planned.plan;
        let mut seconds = Phases { plan: plan_seconds, ..Phases::default() };
        let done = self.with_build(
            &planned,
            request.dry_run,
            request.observe,
            &request.hermetic,
            |build| {
                build.can_confine().map_err(EngineError::NotHermetic)?;
                let durations = self.store.durations();
                let options = Options {
                    keep_going: request.keep_going,
                    diagnostic_width: request.diagnostic_width,
                    verbose: request.verbose,
                };
                let mut execution = Execution::prepare(build, &durations, options);
                let missing = execution.missing();
                self.reporter.event(&Event::LookedUp { missing, units: plan.units.len() });
                seconds.lookup = lookup_started.elapsed().as_secs_f64();
                let mut success = true;
                if !request.dry_run {
                    let execute_started = Instant::now();
                    execution.announce_hits();
                    if missing > 0 {
                        self.fetch_sources(build, &execution, &*planned.fetch)?;
                        let pool = self.pool(request, planned.jobs.clone())?;
                        success = execution.run(&pool);
                        if execution.lacks_room {
                            return Err(EngineError::NoRoom);
                        }
                    }
                    seconds.execute = execute_started.elapsed().as_secs_f64();
                    let deliver_started = Instant::now();
                    if !plan.roots.target.is_empty() {
                        execution.deliver_companions();
                    }
                    success &= !execution.undelivered;
                    seconds.deliver = deliver_started.elapsed().as_secs_f64();
                    let _ = durations.save();
                }
                seconds.total = started.elapsed().as_secs_f64();
                let report = execution.report(Heading {
                    larder: env!("CARGO_PKG_VERSION").to_owned(),
                    command: request.command.clone(),
                    plan_cached: planned.cached,
                    seconds,
                });
                let launches = execution.launches(&planned.env);
                let surroundings = Surroundings::of(build, &planned.env);
                Ok((report, success, execution.executables(), launches, surroundings))
            },
        );
        let (report, success, executables, launches, surroundings) = done?;
        Ok(Outcome { plan: planned.plan, report, success, executables, launches, surroundings })
    }

    /// Lets `work` see a planned build as a whole.
    pub(crate) fn with_build<R>(
        &self,
        planned: &Planned,
        dry_run: bool,
        observe: Observe,
        hermetic: &Hermetic,
        work: impl FnOnce(&Build<'_>) -> R,
    ) -> R {
        let Planned { plan, env, .. } = planned;
        let identities = Identities::of(plan);
        let environments = Environments::new(plan, env);
        let memo_file = mention_memo::file(self.store.root());
        let triples: Vec<&str> = plan
            .units
            .iter()
            .filter_map(|u| u.platform.as_deref())
            .chain(planned.platforms.iter().map(String::as_str))
            .chain([plan.host.as_str()])
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        let mentions =
            MentionMemo::load(&memo_file, &environments.mentionable(), mention::words(&triples));
        let native = plan.units.iter().any(|u| {
            u.action.as_ref().is_some_and(|a| a.args.iter().any(|arg| arg.0.contains("native")))
        });
        let machine = {
            // Templates of other places begin with a token.
            let roots = plan.packages.iter().map(|package| package.root.0.as_str());
            let elsewhere = roots.filter(|root| root.starts_with('/'));
            crate::telling::Machine::new(&plan.roots, elsewhere, self.stores(), env)
        };
        let build = Build {
            places: Places::new(plan, &identities).on(machine),
            environments,
            store: &self.store,
            mentions: &mentions,
            linkers: planned.linkers.clone(),
            tools: OnceLock::new(),
            cpu: if native { crate::tools::cpu() } else { String::new() },
            hermetic,
            observing: Observing::new(observe, plan, env, self.stores()),
            reporter: self.reporter,
            memo: &planned.memo,
            runs: RwLock::new((0..plan.units.len()).map(|_| None).collect()),
            libraries: (0..plan.units.len()).map(|_| OnceLock::new()).collect(),
            dry_run,
            has_other_store: self.temporary.is_none(),
            no_room: AtomicBool::new(false),
            promised: Promised::default(),
            removed: Mutex::default(),
            plan,
            identities: &identities,
        };
        let result = work(&build);
        let _ = mentions.save();
        planned.memo.save();
        result
    }

    /// The jobserver: an outer one, one of `-j` or `build.jobs`, or the
    /// machine's.
    pub(crate) fn pool(
        &self,
        request: &BuildRequest,
        configured: Option<Jobs>,
    ) -> Result<Arc<Pool>, EngineError> {
        let inherited = ["CARGO_MAKEFLAGS", "MAKEFLAGS"]
            .iter()
            .filter_map(|name| self.host.var(name))
            .find_map(Pool::inherited);
        if let Some(pool) = inherited {
            return Ok(Arc::new(pool));
        }
        let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let temporary = std::env::temp_dir();
        let runtime = self.host.var("XDG_RUNTIME_DIR").map(Path::new);
        // Containers that build at once share no other directory.
        let between_steps = self.host.layers.as_ref().map(|layers| layers.join(JOBS));
        let run = between_steps
            .filter(|jobs| jobs.is_dir())
            .or_else(|| machine_directory(runtime, &temporary))
            .unwrap_or_else(|| self.store.root().join("jobs"));
        let jobs = request.jobs.as_deref().map(Jobs::parse).or(configured);
        let pool = match jobs {
            Some(number @ Jobs::Number(_)) => Pool::private(&run, number.resolve(cpus)),
            Some(Jobs::Text(_)) | None => Pool::shared(&run, cpus),
        };
        let pool = pool.or_else(|_| Pool::private(&temporary.join("larder"), cpus));
        pool.map(Arc::new).map_err(|source| EngineError::System {
            what: "no jobserver can be made".into(),
            source,
        })
    }

    /// Packages whose sources are not there although the plan is: cargo
    /// fetches them.
    fn fetch_sources(
        &self,
        build: &Build<'_>,
        execution: &Execution<'_, '_>,
        fetch: &dyn Fn() -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let gone = (0..build.plan.units.len()).any(|unit| {
            let runs = execution.state[unit] == crate::schedule::State::Run;
            let package = &build.plan.packages[build.plan.units[unit].package];
            runs && package.source.is_immutable()
                && !PathBuf::from(build.places.expand(unit, &package.root))
                    .join("Cargo.toml")
                    .is_file()
        });
        if gone { fetch() } else { Ok(()) }
    }
}

/// Beside layers: a directory that steps share while they run.
const JOBS: &str = "jobs";

fn open_store(host: &Host) -> Result<DiskStore, StoreError> {
    match &host.layers {
        Some(layers) => DiskStore::open_over(&host.larder_dir, layers),
        None => DiskStore::open(&host.larder_dir),
    }
}

/// The plan's size in units that are counted: without documentation tests.
#[must_use]
pub fn counted_units(plan: &Plan) -> usize {
    plan.units.iter().filter(|u| u.doctest.is_none()).count()
}
