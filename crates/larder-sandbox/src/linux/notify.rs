//! The observer by notification: answers every call that the filter reports,
//! and records it first.

use super::kernel::{self, Answer};
use super::recorder::{Made, Recorder};
use super::start::lock;
use super::target::Target;
use crate::observation::Gap;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::PipeReader;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Mutex;

/// Serves until nobody is left who could call, or until `stop` is closed. In
/// the second case a keeper takes over, so that those who are left go on.
pub(super) fn observe(listener: OwnedFd, stop: &PipeReader, recorder: &Mutex<Recorder>) {
    let listener = listener.as_fd();
    kernel::wake_in_turn(listener);
    loop {
        let mut fds = [
            PollFd::new(listener, PollFlags::POLLIN),
            PollFd::new(stop.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(error) => return failed(recorder, error),
        }
        let of = |at: usize| fds[at].revents().unwrap_or(PollFlags::empty());
        if of(0).contains(PollFlags::POLLIN) {
            match kernel::receive(listener) {
                Ok(call) => {
                    let made = Made {
                        target: Target(call.thread),
                        architecture: call.architecture,
                        number: call.number,
                        args: call.args,
                    };
                    let valid = || kernel::still_waits(listener, call.id);
                    let answer = lock(recorder).record(&made, &valid);
                    kernel::answer(listener, call.id, answer);
                }
                // Its caller was killed before we came to it.
                Err(Errno::ENOENT | Errno::EINTR) => {}
                Err(error) => return failed(recorder, error),
            }
        } else if !of(0).is_empty() {
            return;
        } else if !of(1).is_empty() {
            lock(recorder).gap(Gap::Outlived);
            if let Err(error) = kernel::leave_keeper(listener) {
                failed(recorder, error);
                serve_unrecorded(listener);
            }
            return;
        }
    }
}

/// No process could be started that would do this: as long as we live, then.
fn serve_unrecorded(listener: std::os::fd::BorrowedFd<'_>) {
    loop {
        let mut fds = [PollFd::new(listener, PollFlags::POLLIN)];
        let ready = poll(&mut fds, PollTimeout::NONE).is_ok()
            && fds[0].revents().is_some_and(|events| events.contains(PollFlags::POLLIN));
        if !ready {
            return;
        }
        if let Ok(call) = kernel::receive(listener) {
            kernel::answer(listener, call.id, Answer::Continue);
        }
    }
}

fn failed(recorder: &Mutex<Recorder>, error: Errno) {
    lock(recorder).gap(Gap::Failed(error.desc().to_owned()));
}
