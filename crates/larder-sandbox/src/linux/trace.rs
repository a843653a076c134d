//! The observer by ptrace, where notification is not to be had.
//!
//! One thread does everything: the kernel ties a traced process to the thread
//! that attached to it. That thread also learns how the main process ends, and
//! passes it on, since only one wait can.

use super::kernel::{self, Resume};
use super::recorder::{Made, Recorder};
use super::start::lock;
use super::target::Target;
use crate::observation::{Gap, Mechanism};
use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Mutex;

/// Attaches to a process that waits for our word, and to all its children.
pub(super) fn attach(main: Pid) -> Result<(), Errno> {
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACESECCOMP
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACECLONE;
    ptrace::seize(main, options)?;
    // What an older kernel cannot tell is found out now, not at the first call.
    ptrace::interrupt(main)?;
    waitpid(main, Some(WaitPidFlag::__WALL))?;
    match kernel::traced_call(main.as_raw()) {
        Ok(_) => Ok(()),
        Err(error) => {
            let _ = ptrace::detach(main, None);
            Err(error)
        }
    }
}

/// Lets the process that [`attach`] has stopped go on.
pub(super) fn go_on(main: Pid, mechanism: Mechanism) -> Result<(), Errno> {
    kernel::resume(main.as_raw(), how(mechanism), 0)
}

/// Stops it once more, to go on in another way.
pub(super) fn stop_again(main: Pid) -> Result<(), Errno> {
    ptrace::interrupt(main)?;
    waitpid(main, Some(WaitPidFlag::__WALL))?;
    Ok(())
}

fn how(mechanism: Mechanism) -> Resume {
    match mechanism {
        Mechanism::TraceEvery => Resume::ToNextCall,
        Mechanism::Trace | Mechanism::Notify => Resume::Continue,
    }
}

/// Observes until no traced process is left. `ended` gets the main process's
/// status as soon as it has one.
pub(super) fn observe(
    main: Pid,
    mechanism: Mechanism,
    recorder: &Mutex<Recorder>,
    ended: &mut dyn FnMut(ExitStatus),
) {
    let mut executed = false;
    loop {
        // Until it has executed the program, the main process is still std's
        // own, who waits for it itself if the program cannot be executed.
        if !executed && over_before_exec(main) {
            return;
        }
        let (pid, status) = match kernel::wait_for_traced() {
            Ok(changed) => changed,
            Err(Errno::EINTR) => continue,
            Err(Errno::ECHILD) => return,
            Err(error) => return lock(recorder).gap(Gap::Failed(error.desc().to_owned())),
        };
        if !libc::WIFSTOPPED(status) {
            if pid == main.as_raw() {
                ended(ExitStatus::from_raw(status));
            }
            continue;
        }
        let signal = libc::WSTOPSIG(status);
        let (how, delivered) = match status >> 16 {
            libc::PTRACE_EVENT_SECCOMP => {
                record(pid, recorder);
                (how(mechanism), 0)
            }
            // Stopped by a stop signal, and to stay so until continued.
            libc::PTRACE_EVENT_STOP if signal != libc::SIGTRAP => (Resume::Listen, 0),
            0 if signal == SYSCALL_STOP => {
                let failed = record(pid, recorder);
                // The program could not be executed. What follows is for std,
                // whose wait would take our stops.
                let given_up = failed && !executed;
                (if given_up { Resume::Continue } else { how(mechanism) }, 0)
            }
            0 => (how(mechanism), signal),
            event => {
                executed |= event == libc::PTRACE_EVENT_EXEC && pid == main.as_raw();
                (how(mechanism), 0)
            }
        };
        // One that was killed while it stood still is gone: nothing to resume.
        let _ = kernel::resume(pid, how, delivered);
    }
}

/// What `PTRACE_O_TRACESYSGOOD` makes of a stop at a system call.
const SYSCALL_STOP: i32 = libc::SIGTRAP | 0x80;

/// Whether the main process is over. Waits for its next event without taking
/// it.
fn over_before_exec(main: Pid) -> bool {
    let flags = WaitPidFlag::WEXITED
        | WaitPidFlag::WSTOPPED
        | WaitPidFlag::WNOWAIT
        | WaitPidFlag::__WALL
        | WaitPidFlag::__WNOTHREAD;
    loop {
        match waitid(Id::Pid(main), flags) {
            Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) | Err(Errno::ECHILD) => {
                return true;
            }
            Err(Errno::EINTR) => {}
            Ok(_) | Err(_) => return false,
        }
    }
}

/// Records the call at which a thread stands. `true`: it is over, and failed.
fn record(thread: i32, recorder: &Mutex<Recorder>) -> bool {
    const ENTRY: u8 = 1;
    const FILTER: u8 = 3;
    let Ok(call) = kernel::traced_call(thread) else { return false };
    if call.stage != ENTRY && call.stage != FILTER {
        return call.failed;
    }
    let made = Made {
        target: Target(thread),
        architecture: call.architecture,
        number: call.number,
        args: call.args,
    };
    // It stands still until we let it go: what is read is its own.
    lock(recorder).record(&made, &|| true);
    false
}
