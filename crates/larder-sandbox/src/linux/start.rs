//! Starts a process so that it is observed and confined from its first call on.
//!
//! The child, between fork and exec, tries to install the filter and sends the
//! listener to the observer, or the reason why it has none. In the second case
//! the observer attaches by ptrace before it lets the child go on:
//!
//! ```text
//! child                              observer
//! no new privileges; Landlock
//! filter with listener ── hello ───▶ answers calls
//!        or: no listener ─ hello ───▶ attaches; cannot: 'g'
//! filter for the tracer ◀─── 'f' ─── stops at filtered calls
//!                       ─── 'y' ───▶ ('n': stops at all calls)
//! exec                  ◀─── 'g' ───
//! ```

use super::filter::{Tells, program};
use super::kernel::{self, Hello};
use super::recorder::Recorder;
use super::shared::Shared;
use super::{notify, preload, trace};
use crate::observation::{Gap, Mechanism, Observation, Refusal, Unobserved};
use crate::watch::{Observe, Watch};
use libc::sock_filter;
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::Pid;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long processes may take to be gone after they have closed their
/// streams, before they count as going on.
const GRACE: Duration = Duration::from_millis(50);

const INSTALL_FILTER: u8 = b'f';
const GO: u8 = b'g';
const DONE: u8 = b'y';
const NOT_DONE: u8 = b'n';

/// The observer of one process tree, seen from the thread that runs it.
#[derive(Debug)]
pub(crate) struct Observer {
    said: Receiver<Said>,
    recorder: Arc<Mutex<Recorder>>,
    stop: PipeWriter,
    thread: JoinHandle<()>,
    begun: Option<Result<Mechanism, Unobserved>>,
}

/// What the observer says, in this order.
#[derive(Debug)]
enum Said {
    Begun(Result<Mechanism, Unobserved>),
    /// A traced process is waited for by its tracer.
    Ended(ExitStatus),
}

/// Starts `command` as `watch` says, confined by `ruleset`.
///
/// # Errors
/// If it cannot be started or confined. That it cannot be observed is none.
pub(crate) fn start(
    mut command: Command,
    watch: &Watch,
    ruleset: Option<OwnedFd>,
) -> io::Result<(Child, Result<Observer, Unobserved>)> {
    let observer = arm(&mut command, watch, ruleset);
    let child = command.spawn()?;
    // Our copy of the child's end is in the hook: the observer sees the end of
    // the socket only when that is gone.
    drop(command);
    Ok((child, observer))
}

/// Whether a mechanism works here: observes a process that fails to execute a
/// program.
pub(crate) fn probe(mechanism: Mechanism) -> Result<(), Unobserved> {
    const PROGRAM: &str = "/proc/self/no-such-program";
    let mut command = Command::new(PROGRAM);
    let watch = Watch { observe: Observe::Only(mechanism), ..Watch::default() };
    let observer = arm(&mut command, &watch, None)?;
    let _ = command.spawn();
    drop(command);
    let observation = observer.finish()?;
    if observation.paths.keys().any(|path| path.as_os_str() == PROGRAM) {
        Ok(())
    } else {
        Err(Unobserved::Setup("it saw nothing".into()))
    }
}

/// Gives a command the hook that confines it and presents it to an observer.
fn arm(
    command: &mut Command,
    watch: &Watch,
    ruleset: Option<OwnedFd>,
) -> Result<Observer, Unobserved> {
    let notifies = matches!(watch.observe, Observe::Best | Observe::Only(Mechanism::Notify));
    let shared = if notifies { share(command, watch) } else { None };
    let pointer = shared.as_ref().map(Shared::pointer);
    let (observer, socket) = match observer(watch, shared) {
        Ok((observer, socket)) => (Ok(observer), Some(socket)),
        Err(reason) => (Err(reason), None),
    };
    if ruleset.is_some() || socket.is_some() {
        let codes = Codes {
            listener: notifies.then(|| program(Tells::Listener, pointer)),
            tracer: program(Tells::Tracer, None),
        };
        kernel::before_exec(command, move || {
            kernel::no_new_privileges()?;
            if let Some(ruleset) = &ruleset {
                kernel::restrict(ruleset.as_fd())?;
            }
            if let Some(socket) = &socket {
                meet_observer(socket, &codes)?;
            }
            Ok(())
        });
    }
    observer
}

/// Has the process record in memory that it shares with us, if it can. A
/// confined one cannot reach that.
fn share(command: &mut Command, watch: &Watch) -> Option<Shared> {
    let library = watch.library.as_ref().filter(|_| watch.confinement.is_none())?;
    let shared = Shared::new().ok()?;
    preload::load(command, library, &shared).then_some(shared)
}

struct Codes {
    listener: Option<Vec<sock_filter>>,
    tracer: Vec<sock_filter>,
}

/// The child's half of the handshake: see [`kernel::before_exec`] for what it
/// must not do.
fn meet_observer(socket: &OwnedFd, codes: &Codes) -> Result<(), Errno> {
    let socket = socket.as_fd();
    let pid = kernel::own_pid();
    let installed = match &codes.listener {
        Some(code) => kernel::install_listener(code),
        None => Err(Errno::UnknownErrno),
    };
    let error = match installed {
        Ok(listener) => {
            return kernel::send_hello(socket, Hello { errno: 0, pid }, Some(listener.as_fd()));
        }
        Err(error) => error,
    };
    let errno = if error == Errno::UnknownErrno { NOT_TRIED } else { error as i32 };
    kernel::send_hello(socket, Hello { errno, pid }, None)?;
    while kernel::receive_byte(socket) == INSTALL_FILTER {
        let installed = kernel::install_traced(&codes.tracer).is_ok();
        kernel::send_byte(socket, if installed { DONE } else { NOT_DONE });
    }
    Ok(())
}

const NOT_TRIED: i32 = -1;

fn observer(watch: &Watch, shared: Option<Shared>) -> Result<(Observer, OwnedFd), Unobserved> {
    let observe = watch.observe;
    if observe == Observe::No {
        return Err(Unobserved::NotAsked);
    }
    let setup = |error: io::Error| Unobserved::Setup(error.to_string());
    let (ours, childs) =
        socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)
            .map_err(|error| setup(error.into()))?;
    let (stopped, stop) = io::pipe().map_err(setup)?;
    let (say, said) = channel();
    let refuse_network = watch.confinement.as_ref().is_some_and(|within| !within.network);
    let mut recorder = Recorder::new(Mechanism::Notify, refuse_network);
    if let (Some(shared), Some(library)) = (shared, &watch.library) {
        recorder.share(shared, library);
    }
    let recorder = Arc::new(Mutex::new(recorder));
    let shared = Arc::clone(&recorder);
    let thread = std::thread::Builder::new()
        .name("observer".into())
        .spawn(move || serve(&ours, observe, &stopped, &shared, &say))
        .map_err(setup)?;
    Ok((Observer { said, recorder, stop, thread, begun: None }, childs))
}

/// The observer's thread.
fn serve(
    socket: &OwnedFd,
    observe: Observe,
    stop: &PipeReader,
    recorder: &Mutex<Recorder>,
    say: &Sender<Said>,
) {
    let begun = |what| {
        let _ = say.send(Said::Begun(what));
    };
    match kernel::receive_hello(socket.as_fd()) {
        Ok(Some((_, Some(listener)))) => {
            begun(Ok(Mechanism::Notify));
            notify::observe(listener, stop, recorder);
        }
        Ok(Some((hello, None))) => {
            let main = Pid::from_raw(hello.pid);
            let attached = if observe == Observe::Only(Mechanism::Notify) {
                Err(Refusal::NotTried)
            } else {
                begin_trace(socket, observe, main, hello.errno).map_err(refusal)
            };
            match attached {
                Ok(mechanism) => {
                    lock(recorder).set_mechanism(mechanism);
                    begun(Ok(mechanism));
                    kernel::send_byte(socket.as_fd(), GO);
                    trace::observe(main, mechanism, recorder, &mut |status| {
                        let _ = say.send(Said::Ended(status));
                    });
                }
                Err(trace) => {
                    let notify = refusal(Errno::from_raw(hello.errno));
                    let notify = if hello.errno == NOT_TRIED { Refusal::NotTried } else { notify };
                    begun(Err(Unobserved::Refused { notify, trace }));
                    kernel::send_byte(socket.as_fd(), GO);
                }
            }
        }
        Ok(None) => begun(Err(Unobserved::Setup("the process did not start".into()))),
        Err(error) => begun(Err(Unobserved::Setup(error.desc().into()))),
    }
}

/// Attaches, and has the child install a filter where one can be relied on. An
/// outer listener's verdict outranks our filter's: then there is no filter.
fn begin_trace(
    socket: &OwnedFd,
    observe: Observe,
    main: Pid,
    why_no_listener: i32,
) -> Result<Mechanism, Errno> {
    trace::attach(main)?;
    let filtered = observe != Observe::Only(Mechanism::TraceEvery)
        && why_no_listener != Errno::EBUSY as i32
        && kernel::action_available(libc::SECCOMP_RET_TRACE).is_ok();
    if filtered {
        trace::go_on(main, Mechanism::Trace)?;
        kernel::send_byte(socket.as_fd(), INSTALL_FILTER);
        if kernel::receive_byte(socket.as_fd()) == DONE {
            return Ok(Mechanism::Trace);
        }
        trace::stop_again(main)?;
    }
    trace::go_on(main, Mechanism::TraceEvery)?;
    Ok(Mechanism::TraceEvery)
}

fn refusal(error: Errno) -> Refusal {
    match error {
        Errno::EBUSY => Refusal::Busy,
        Errno::ENOSYS | Errno::EINVAL | Errno::EIO | Errno::EOPNOTSUPP => Refusal::Missing,
        Errno::EPERM | Errno::EACCES => Refusal::Forbidden,
        other => Refusal::Failed(other as i32),
    }
}

impl Observer {
    /// How it is observed; waits until that is known.
    fn begun(&mut self) -> &Result<Mechanism, Unobserved> {
        let said = &self.said;
        self.begun.get_or_insert_with(|| match said.recv() {
            Ok(Said::Begun(begun)) => begun,
            Ok(Said::Ended(_)) | Err(_) => Err(Unobserved::Setup("its thread ended early".into())),
        })
    }

    /// Waits for the process.
    pub(crate) fn wait(&mut self, child: &mut Child) -> io::Result<ExitStatus> {
        if !matches!(self.begun(), Ok(Mechanism::Trace | Mechanism::TraceEvery)) {
            return child.wait();
        }
        match self.said.recv() {
            Ok(Said::Ended(status)) => Ok(status),
            Ok(Said::Begun(_)) | Err(_) => child.wait(),
        }
    }

    /// What was seen, once the process is over.
    pub(crate) fn finish(mut self) -> Result<Observation, Unobserved> {
        let begun = self.begun().clone();
        // The thread hangs up when no observed process is left.
        let until = Instant::now() + GRACE;
        let outlived = loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.said.recv_timeout(left) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break false,
                Err(RecvTimeoutError::Timeout) => break true,
            }
        };
        drop(self.stop);
        match begun? {
            Mechanism::Notify => {
                // Sees to it that whoever is left can go on without us.
                let _ = self.thread.join();
            }
            // The tracer lets them go on for as long as we live.
            Mechanism::Trace | Mechanism::TraceEvery if outlived => {
                lock(&self.recorder).gap(Gap::Outlived);
            }
            Mechanism::Trace | Mechanism::TraceEvery => {}
        }
        let observation = lock(&self.recorder).close();
        Ok(observation)
    }
}

pub(super) fn lock(recorder: &Mutex<Recorder>) -> MutexGuard<'_, Recorder> {
    recorder.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a process tree records itself is what it looks at: of a shell and
    /// a compiler nearly everything.
    #[test]
    fn shells_and_compilers_record_what_they_look_at() {
        let directory = tempfile::tempdir().unwrap();
        let Some(library) = preload::install(directory.path()).unwrap() else { return };
        std::fs::write(directory.path().join("x.c"), "#include <stdio.h>\n").unwrap();
        let watch = Watch { observe: Observe::Best, library: Some(library), confinement: None };
        for (script, least) in [("test -e /no/such/file", 1), ("exec cc -c x.c -o x.o", 200)] {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]).current_dir(directory.path());
            let (mut child, observer) = start(command, &watch, None).unwrap();
            let mut observer = observer.unwrap();
            observer.wait(&mut child).unwrap();
            let recorder = Arc::clone(&observer.recorder);
            let seen = observer.finish().unwrap();
            let recorded = lock(&recorder).shared();
            assert!(recorded >= least, "{script}: {recorded} of {}", seen.paths.len());
        }
    }
}
