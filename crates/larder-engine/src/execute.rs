//! Executing what is missing: one loop that owns all state, and a thread for
//! every job that runs.

use crate::build::{Build, ChosenMap, RunOutput};
use crate::event::Event;
use crate::lookup::Found;
use crate::publish::Publication;
use crate::schedule::{Schedule, State};
use crate::work::{Built, JobFailed, Progress, Task};
use larder_sandbox::jobs::{Pool, Token};
use larder_schema::plan::UnitIndex;
use larder_schema::report::{MissReason, Outcome};
use larder_schema::{Digest, Framed};
use larder_store::{Durations, KeyLock, Pending};
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// How a build is executed.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Go on with what does not depend on a failed unit.
    pub keep_going: bool,
    /// `--diagnostic-width`.
    pub diagnostic_width: Option<usize>,
    /// `-v` count.
    pub verbose: u8,
}

/// What became of a unit, for report and delivery.
#[derive(Clone, Debug)]
pub(crate) struct Fate {
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was not answered.
    pub miss: Option<MissReason>,
    /// Wall time in this build.
    pub spent: Duration,
    /// Why its result is not published.
    pub use_once: Option<String>,
}

impl Default for Fate {
    fn default() -> Self {
        Self { outcome: Outcome::NotRun, miss: None, spent: Duration::ZERO, use_once: None }
    }
}

pub(crate) enum Message {
    Metadata(UnitIndex),
    /// With the job's token: it goes back when the outcome has been dealt
    /// with, so that a failure stops what would have started next.
    Finished(UnitIndex, Box<Result<Built, JobFailed>>, Token),
    Token(std::io::Result<Option<Token>>),
    Unlocked(UnitIndex, Option<KeyLock>),
}

/// The state of one execution.
pub(crate) struct Execution<'b, 'a> {
    /// What does not change.
    pub build: &'b Build<'a>,
    pub(crate) options: Options,
    /// State by unit.
    pub state: Vec<State>,
    /// Keys that are known, real or predicted.
    pub keys: Vec<Option<Digest>>,
    /// Results that are there.
    pub chosen: ChosenMap,
    /// What became of every unit.
    pub fates: Vec<Fate>,
    pub(crate) schedule: Schedule,
    pub(crate) durations: &'b Durations,
    pub(crate) built: Vec<Option<Built>>,
    /// Results that are used in this build only: their directories go when
    /// it ends.
    pub(crate) kept: Vec<Pending>,
    pub(crate) salt: Option<Digest>,
    pub(crate) publishing: Publication,
    pub(crate) flights: Vec<Option<Digest>>,
    /// Values of the packages' files when the flights were made.
    pub(crate) packages: Vec<Option<String>>,
    pub(crate) locks: Vec<Option<KeyLock>>,
    /// Whether the build has to be done without this store, which is full.
    pub(crate) lacks_room: bool,
    /// Whether a file that was asked for could not be delivered.
    pub(crate) undelivered: bool,
    dependents: Vec<Vec<UnitIndex>>,
    pub(crate) running: Vec<UnitIndex>,
    pub(crate) ready: BinaryHeap<(Duration, std::cmp::Reverse<UnitIndex>)>,
    queued: Vec<bool>,
    tokens_asked: usize,
    /// Whether it was said that all job slots are taken: once is enough.
    pub(crate) said_blocked: bool,
    pub(crate) stopping: bool,
}

struct Signals(std::sync::Mutex<Sender<Message>>);

impl Progress for Signals {
    fn metadata_ready(&self, unit: UnitIndex) {
        let sender = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = sender.send(Message::Metadata(unit));
    }
}

impl<'b, 'a> Execution<'b, 'a> {
    /// Looks everything up and decides what has to run.
    #[must_use]
    pub(crate) fn prepare(
        build: &'b Build<'a>,
        durations: &'b Durations,
        options: Options,
    ) -> Self {
        let count = build.plan.units.len();
        let schedule = Schedule::new(build, durations);
        let mut dependents = vec![Vec::new(); count];
        for unit in 0..count {
            let mut below = build.counted_dependencies(unit);
            below.extend(&schedule.files[unit]);
            below.extend(&schedule.metadata[unit]);
            below.sort_unstable();
            below.dedup();
            for dep in below {
                dependents[dep].push(unit);
            }
        }
        let incremental = build.plan.units.iter().any(|u| u.profile.incremental);
        let salt = incremental.then(|| {
            let mut f = Framed::new("larder checkout 1");
            f.text("target", &build.plan.roots.build);
            f.finish()
        });
        let mut this = Self {
            build,
            options,
            state: vec![State::Unneeded; count],
            keys: vec![None; count],
            chosen: ChosenMap::new(),
            fates: vec![Fate::default(); count],
            schedule,
            durations,
            built: (0..count).map(|_| None).collect(),
            kept: Vec::new(),
            salt,
            publishing: Publication::default(),
            flights: vec![None; count],
            packages: vec![None; count],
            locks: (0..count).map(|_| None).collect(),
            lacks_room: false,
            undelivered: false,
            dependents,
            running: Vec::new(),
            ready: BinaryHeap::new(),
            queued: vec![false; count],
            tokens_asked: 0,
            said_blocked: false,
            stopping: false,
        };
        this.look_all_up();
        this
    }

    fn look_all_up(&mut self) {
        let order = larder_key::identity::dependency_order(self.build.plan);
        let mut found: Vec<Option<Found>> = (0..self.state.len()).map(|_| None).collect();
        for &unit in &order {
            let mut result = self.build.look_up(unit, &self.keys, &self.chosen, self.salt.as_ref());
            self.keys[unit] = result.key;
            if let Some(hit) = result.hit.take() {
                match self.build.take(unit, &hit) {
                    Ok(()) => {
                        self.chosen.insert(unit, hit);
                    }
                    Err(detail) => result.damaged = Some(detail),
                }
            }
            found[unit] = Some(result);
        }
        self.unpack_ahead();
        for unit in 0..self.state.len() {
            if self.build.is_asked_for(unit) {
                self.need(unit, &mut found);
            }
        }
        // What a run left elsewhere has to be as it was left, whether or not
        // somebody needs the run itself.
        for unit in 0..self.state.len() {
            if found[unit].as_ref().is_some_and(|found| found.side_output.is_some()) {
                self.need(unit, &mut found);
            }
        }
        for &unit in &order {
            if self.state[unit] == State::Recheck
                && self.needed_below(unit).iter().all(|&dep| self.state[dep] == State::Done)
            {
                self.state[unit] = State::Done;
            }
            // Reasons are worth their cost only for what runs.
            if self.state[unit] == State::Run {
                let nothing = Found::default();
                let seen = found[unit].as_ref().unwrap_or(&nothing);
                let reason = self.build.miss_reason(unit, seen, &self.keys, &self.chosen);
                self.fates[unit].miss = Some(reason);
            } else if self.state[unit] == State::Done || self.chosen.contains_key(&unit) {
                self.fates[unit].outcome = Outcome::Hit;
            }
        }
    }

    /// Whether a unit's files are enough for whoever uses them: what is below
    /// it is not read again.
    fn is_self_contained(&self, unit: UnitIndex) -> bool {
        let u = &self.build.plan.units[unit];
        u.is_final() || u.is_run() || u.target.is("proc-macro")
    }

    /// Units whose files are read together with those of a hit.
    pub(crate) fn needed_below(&self, unit: UnitIndex) -> Vec<UnitIndex> {
        let u = &self.build.plan.units[unit];
        if self.is_self_contained(unit) {
            return Vec::new();
        }
        u.deps.iter().filter(|dep| dep.linked).map(|dep| dep.unit).collect()
    }

    fn need(&mut self, start: UnitIndex, found: &mut [Option<Found>]) {
        let mut stack = vec![start];
        while let Some(unit) = stack.pop() {
            if self.state[unit] != State::Unneeded {
                continue;
            }
            let u = &self.build.plan.units[unit];
            if u.doctest.is_some() || u.action.is_none() {
                self.state[unit] = State::Done;
                self.take_override(unit);
                stack.extend(u.deps.iter().map(|dep| dep.unit));
                continue;
            }
            let damage = self.chosen.get(&unit).map(|hit| self.build.check_files(hit));
            match damage {
                Some(Ok(())) => {
                    self.state[unit] = State::Recheck;
                    stack.extend(self.needed_below(unit));
                    continue;
                }
                Some(Err(detail)) => {
                    self.chosen.remove(&unit);
                    self.build.emit(&Event::Warning { text: detail.clone(), hint: None });
                    if let Some(found) = &mut found[unit] {
                        found.damaged = Some(detail);
                    }
                }
                None => {}
            }
            self.state[unit] = State::Run;
            stack.extend(self.build.counted_dependencies(unit));
            stack.extend(&self.schedule.files[unit]);
            stack.extend(&self.schedule.metadata[unit]);
        }
    }

    /// A build script that the configuration answers is there at once.
    fn take_override(&self, unit: UnitIndex) {
        let Some(directives) = &self.build.plan.units[unit].overridden else { return };
        let symbols = self.build.root_symbols();
        let mut symbolic = directives.clone();
        for (_, value) in &mut symbolic.env {
            *value = symbols.symbolic(value);
        }
        let output =
            RunOutput { directives: directives.clone(), symbolic, out_dir: Default::default() };
        self.build.set_run(unit, output);
    }

    /// How many units run, as far as is known before anything ran.
    #[must_use]
    pub(crate) fn missing(&self) -> usize {
        self.state.iter().filter(|state| **state == State::Run).count()
    }

    /// Runs what has to run. `true` if everything that was asked for is there.
    pub(crate) fn run(&mut self, pool: &Arc<Pool>) -> bool {
        let (sender, messages) = channel();
        let (ask, asked) = channel::<()>();
        let pending = self.missing() + self.count(State::Recheck);
        if pending == 0 {
            return true;
        }
        let build = self.build;
        let cancelled = std::sync::atomic::AtomicBool::new(false);
        let signals = Signals(std::sync::Mutex::new(sender.clone()));
        let signals = &signals;
        std::thread::scope(|scope| {
            let token_sender = sender.clone();
            let token_pool = Arc::clone(pool);
            let cancelled = &cancelled;
            scope.spawn(move || {
                let is_cancelled = || cancelled.load(std::sync::atomic::Ordering::Relaxed);
                while asked.recv().is_ok() {
                    let token = token_pool.acquire(&is_cancelled);
                    if token_sender.send(Message::Token(token)).is_err() {
                        return;
                    }
                }
            });
            let spawn = |task: Task, token: Token| {
                let sender = sender.clone();
                scope.spawn(move || {
                    let unit = task.unit;
                    let result = build.work(task, signals);
                    let _ = sender.send(Message::Finished(unit, Box::new(result), token));
                });
            };
            let wait = |unit: UnitIndex, flight: Digest| {
                let sender = sender.clone();
                scope.spawn(move || {
                    let lock = build.store.lock_key(&flight).ok();
                    let _ = sender.send(Message::Unlocked(unit, lock));
                });
            };
            self.drive(pool, &messages, &ask, &spawn, &wait);
            cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
            drop(ask);
        });
        for unit in 0..self.state.len() {
            if self.state[unit] == State::Built {
                self.fates[unit].outcome = Outcome::Executed;
            }
        }
        self.state.iter().all(|state| matches!(state, State::Done | State::Unneeded))
    }

    fn count(&self, state: State) -> usize {
        self.state.iter().filter(|s| **s == state).count()
    }

    fn drive(
        &mut self,
        pool: &Arc<Pool>,
        messages: &Receiver<Message>,
        ask: &Sender<()>,
        spawn: &dyn Fn(Task, Token),
        wait: &dyn Fn(UnitIndex, Digest),
    ) {
        for unit in 0..self.state.len() {
            self.consider(unit);
        }
        loop {
            while self.tokens_asked < self.ready.len() && !self.stopping {
                self.tokens_asked += 1;
                let _ = ask.send(());
            }
            let waiting = self.count(State::Waiting);
            if self.running.is_empty() && waiting == 0 && (self.ready.is_empty() || self.stopping) {
                return;
            }
            let Some(message) = self.next(messages) else { return };
            match message {
                Message::Token(Ok(Some(token))) => {
                    self.tokens_asked -= 1;
                    self.start_one(pool, token, spawn, wait);
                }
                Message::Token(Ok(None)) => self.tokens_asked -= 1,
                Message::Token(Err(error)) => {
                    self.tokens_asked -= 1;
                    self.stopping = true;
                    let text = format!("the jobserver broke: {error}");
                    self.build.emit(&Event::Warning { text, hint: None });
                }
                Message::Metadata(unit) => {
                    if self.state[unit] == State::Running {
                        self.state[unit] = State::Metadata;
                        self.wake_dependents(unit);
                    }
                }
                Message::Unlocked(unit, lock) => {
                    self.locks[unit] = lock;
                    self.state[unit] = State::Run;
                    self.queued[unit] = false;
                    if !self.answer_again(unit) {
                        self.consider(unit);
                    }
                }
                Message::Finished(unit, result, token) => {
                    self.running.retain(|&u| u != unit);
                    match *result {
                        Ok(built) => {
                            self.state[unit] = State::Built;
                            self.built[unit] = Some(built);
                            self.settle(unit);
                        }
                        Err(failed) => self.fail(unit, &failed),
                    }
                    drop(token);
                    self.progress();
                }
            }
        }
    }

    fn progress(&self) {
        let done = self
            .state
            .iter()
            .filter(|s| matches!(s, State::Done | State::Built | State::Unneeded))
            .count();
        self.build.emit(&Event::Progress { done, units: self.state.len(), running: &self.running });
    }

    /// Puts a unit into the queue if it can run, or decides a recheck.
    fn consider(&mut self, unit: UnitIndex) {
        match self.state[unit] {
            State::Run if !self.queued[unit] => {
                let files = self.schedule.files[unit].iter().all(|&d| self.state[d].has_files());
                let metadata =
                    self.schedule.metadata[unit].iter().all(|&d| self.state[d].has_metadata());
                if files && metadata {
                    self.queued[unit] = true;
                    self.ready.push((self.schedule.priority[unit], std::cmp::Reverse(unit)));
                }
            }
            State::Recheck => {
                let below = self.build.counted_dependencies(unit);
                let settled =
                    below.iter().all(|&d| matches!(self.state[d], State::Done | State::Unneeded));
                if settled && !self.answer_again(unit) {
                    self.chosen.remove(&unit);
                    self.state[unit] = State::Run;
                    // What it needs may not be needed by anybody else yet.
                    let mut none: Vec<Option<Found>> =
                        (0..self.state.len()).map(|_| None).collect();
                    let mut below = self.build.counted_dependencies(unit);
                    below.extend(&self.schedule.files[unit]);
                    below.extend(&self.schedule.metadata[unit]);
                    for dep in below {
                        self.need(dep, &mut none);
                        self.consider(dep);
                    }
                    self.consider(unit);
                }
            }
            _ => {}
        }
    }

    /// Looks a unit up with what is known now. `true` if it is answered.
    fn answer_again(&mut self, unit: UnitIndex) -> bool {
        let known = self
            .build
            .counted_dependencies(unit)
            .iter()
            .all(|&d| matches!(self.state[d], State::Done | State::Unneeded));
        if !known {
            return false;
        }
        let mut found = self.build.look_up(unit, &self.keys, &self.chosen, self.salt.as_ref());
        let Some(hit) = found.hit.take() else {
            if self.state[unit] == State::Recheck {
                let reason = self.build.miss_reason(unit, &found, &self.keys, &self.chosen);
                self.fates[unit].miss = Some(reason);
            }
            return false;
        };
        if self.build.check_files(&hit).is_err() || self.build.take(unit, &hit).is_err() {
            return false;
        }
        self.keys[unit] = Some(hit.key);
        self.chosen.insert(unit, hit);
        self.locks[unit] = None;
        self.fates[unit].outcome = Outcome::Hit;
        self.fates[unit].miss = None;
        self.state[unit] = State::Done;
        self.announce_hit(unit);
        self.wake_dependents(unit);
        true
    }

    fn start_one(
        &mut self,
        pool: &Arc<Pool>,
        token: Token,
        spawn: &dyn Fn(Task, Token),
        wait: &dyn Fn(UnitIndex, Digest),
    ) {
        while let Some((_, std::cmp::Reverse(unit))) = self.ready.pop() {
            if self.stopping || self.state[unit] != State::Run {
                continue;
            }
            if self.locks[unit].is_none() {
                let flight = self.flight(unit);
                match self.build.store.try_lock_key(&flight) {
                    Ok(Some(lock)) => self.locks[unit] = Some(lock),
                    Ok(None) => {
                        self.state[unit] = State::Waiting;
                        let what =
                            format!("another process that builds {}", self.build.unit_name(unit));
                        self.build.emit(&Event::Blocking { what });
                        wait(unit, flight);
                        continue;
                    }
                    // Without locks a unit may be built twice, which is only
                    // slow.
                    Err(_) => {}
                }
                if self.answer_again(unit) {
                    continue;
                }
            }
            match self.task(unit, pool) {
                Ok(task) => {
                    self.state[unit] = State::Running;
                    self.running.push(unit);
                    spawn(task, token);
                    self.progress();
                    return;
                }
                Err(failed) => {
                    self.fail(unit, &failed);
                    return;
                }
            }
        }
    }

    /// Publishes what can be published now: a unit whose dependencies all
    /// have their keys, and then its dependents.
    fn settle(&mut self, unit: UnitIndex) {
        self.wake_dependents(unit);
        let mut stack = vec![unit];
        while let Some(unit) = stack.pop() {
            if self.state[unit] != State::Built {
                continue;
            }
            let settled = self
                .build
                .counted_dependencies(unit)
                .iter()
                .all(|&d| matches!(self.state[d], State::Done | State::Unneeded));
            if !settled {
                continue;
            }
            self.publish(unit);
            self.state[unit] = State::Done;
            self.wake_dependents(unit);
            stack.extend(self.dependents[unit].iter().copied());
        }
    }

    fn wake_dependents(&mut self, unit: UnitIndex) {
        for dependent in self.dependents[unit].clone() {
            self.consider(dependent);
        }
    }

    fn fail(&mut self, unit: UnitIndex, failed: &JobFailed) {
        self.state[unit] = State::Failed;
        self.locks[unit] = None;
        self.fates[unit].outcome = Outcome::Failed;
        self.build.note_room(&failed.text);
        let no_room = self.build.no_room.load(std::sync::atomic::Ordering::Relaxed);
        if no_room && self.build.has_other_store {
            self.lacks_room = true;
            self.stopping = true;
            return;
        }
        self.build.emit(&Event::Failed { unit, text: failed.text.clone() });
        self.announce(unit, Vec::new());
        if !self.options.keep_going || failed.internal {
            self.stopping = true;
        }
        let mut stack = vec![unit];
        while let Some(unit) = stack.pop() {
            for dependent in self.dependents[unit].clone() {
                if matches!(self.state[dependent], State::Run | State::Recheck) {
                    self.state[dependent] = State::Failed;
                    self.fates[dependent].outcome = Outcome::NotRun;
                    stack.push(dependent);
                }
            }
        }
    }
}
