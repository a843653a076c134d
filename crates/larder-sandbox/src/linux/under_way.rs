//! Calls that change where a spelling leads, from when they are seen until they
//! have surely happened.
//!
//! A call is seen before it has its effect, and nobody says when it has. What
//! is spelled in between leads where it led before or where it will lead: none
//! of it may be taken for known afterwards.

use super::target::Target;

/// What a call changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// A way that led nowhere may lead somewhere: a directory is made.
    Opens,
    /// A way may lead elsewhere: a link is made or removed, or something renamed.
    Moves,
}

/// The calls that may not have happened yet.
#[derive(Debug, Default)]
pub(super) struct UnderWay(Vec<(Target, i64, Effect)>);

impl UnderWay {
    pub(super) fn begin(&mut self, target: Target, number: i64, effect: Effect) {
        self.0.push((target, number, effect));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn moves(&self) -> bool {
        self.0.iter().any(|(.., effect)| *effect == Effect::Moves)
    }

    /// Leaves out what has happened: `caller` makes its next call, and the
    /// others are asked for.
    pub(super) fn settle(&mut self, caller: Target) {
        self.0.retain(|(target, number, _)| *target != caller && target.may_be_in(*number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::channel;
    use std::time::Duration;

    const CALLER: Target = Target(1);

    fn own() -> Target {
        Target(nix::unistd::gettid().as_raw())
    }

    fn under_way(target: Target) -> bool {
        let mut calls = UnderWay::default();
        calls.begin(target, libc::SYS_mkdir, Effect::Opens);
        calls.settle(CALLER);
        !calls.is_empty()
    }

    #[test]
    fn a_thread_that_makes_its_next_call_has_made_the_one_before() {
        let mut calls = UnderWay::default();
        calls.begin(own(), libc::SYS_symlink, Effect::Moves);
        calls.begin(own(), libc::SYS_mkdir, Effect::Opens);
        assert!(calls.moves());
        calls.settle(own());
        assert!(calls.is_empty());
    }

    #[test]
    fn a_thread_that_runs_may_still_be_in_it_and_one_that_waits_or_is_gone_is_not() {
        let runs = AtomicBool::new(true);
        let (tell, told) = channel();
        let (wake, waits) = channel::<()>();
        std::thread::scope(|scope| {
            let runs = &runs;
            let thread = scope.spawn(move || {
                tell.send(own()).unwrap();
                while runs.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
                let _ = waits.recv();
            });
            let target = told.recv().unwrap();
            assert!((0..100).all(|_| under_way(target)));
            runs.store(false, Ordering::Relaxed);
            while under_way(target) {
                std::thread::sleep(Duration::from_millis(1));
            }
            drop(wake);
            thread.join().unwrap();
            while under_way(target) {
                std::thread::sleep(Duration::from_millis(1));
            }
        });
    }
}
