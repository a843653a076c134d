//! The seccomp filter: a short BPF program that reports what [`super::calls`]
//! lists, refuses what could hide from it, and lets everything else run.
//!
//! It is written out by hand since no library emits the notify action. The
//! kernel remembers which numbers it always allows, so most calls never run it.

use super::calls::{CALLS, Gate, OLDER_CALLS, RECORDED, REFUSED};
use libc::sock_filter;

/// Whom the filter tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tells {
    /// The listener that is made with it.
    Listener,
    /// The tracer.
    Tracer,
}

/// `AUDIT_ARCH_…` of the running architecture.
#[cfg(target_arch = "x86_64")]
pub(super) const ARCHITECTURE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
pub(super) const ARCHITECTURE: u32 = 0xC000_00B7;

/// Numbers with this bit are of x32, a second set of calls on x86-64.
pub(super) const OTHER_SET: u32 = 0x4000_0000;

const ARCH_AT: u32 = 4;
const NUMBER_AT: u32 = 0;
const POINTER_AT: u32 = 8;

/// The program. With `recorder`, calls that only look are allowed where the
/// instruction pointer stands there: they were recorded before they are made.
pub(super) fn program(tells: Tells, recorder: Option<u64>) -> Vec<sock_filter> {
    let report = match tells {
        Tells::Listener => libc::SECCOMP_RET_USER_NOTIF,
        Tells::Tracer => libc::SECCOMP_RET_TRACE,
    };
    let allow = libc::SECCOMP_RET_ALLOW;
    let mut code = vec![
        load(ARCH_AT),
        jump(libc::BPF_JEQ, ARCHITECTURE, 1, 0),
        give(report),
        load(NUMBER_AT),
        // A call that a tracer has cancelled has the number -1.
        jump(libc::BPF_JEQ, u32::MAX, 0, 1),
        give(allow),
        jump(libc::BPF_JGE, OTHER_SET, 0, 1),
        give(report),
    ];
    for (number, _, gate) in CALLS.iter().chain(OLDER_CALLS) {
        let body = match *gate {
            Gate::Always => vec![give(report)],
            Gate::UnlessBit { arg, bit } => vec![
                load(argument_at(arg)),
                jump(libc::BPF_JSET, bit, 0, 1),
                give(allow),
                give(report),
            ],
            Gate::IfZero { arg } => vec![
                load(argument_at(arg)),
                jump(libc::BPF_JEQ, 0, 1, 0),
                give(allow),
                give(report),
            ],
        };
        let recorder = recorder.filter(|_| RECORDED.contains(number));
        let passes = recorder.map(passes).unwrap_or_default();
        code.push(jump(libc::BPF_JEQ, *number as u32, 0, (passes.len() + body.len()) as u8));
        code.extend(passes);
        code.extend(body);
    }
    if tells == Tells::Tracer {
        // A listener further in would outrank the tracer. It is refused as it
        // would be below another listener.
        code.push(jump(libc::BPF_JEQ, libc::SYS_seccomp as u32, 0, 4));
        code.push(load(argument_at(1)));
        code.push(jump(libc::BPF_JSET, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER as u32, 0, 1));
        code.push(give(libc::SECCOMP_RET_ERRNO | libc::EBUSY as u32));
        code.push(give(allow));
    }
    for number in REFUSED {
        code.push(jump(libc::BPF_JEQ, *number as u32, 0, 1));
        code.push(give(libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32));
    }
    code.push(give(allow));
    code
}

/// Allows what is called from one place; what is called from elsewhere goes on
/// behind.
fn passes(pointer: u64) -> Vec<sock_filter> {
    vec![
        load(POINTER_AT),
        jump(libc::BPF_JEQ, pointer as u32, 0, 3),
        load(POINTER_AT + 4),
        jump(libc::BPF_JEQ, (pointer >> 32) as u32, 0, 1),
        give(libc::SECCOMP_RET_ALLOW),
    ]
}

/// Offset of the lower half of an argument in `struct seccomp_data`; both
/// architectures are little endian.
fn argument_at(arg: usize) -> u32 {
    16 + 8 * arg as u32
}

fn load(offset: u32) -> sock_filter {
    sock_filter {
        code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16,
        jt: 0,
        jf: 0,
        k: offset,
    }
}

fn jump(test: u32, value: u32, yes: u8, no: u8) -> sock_filter {
    sock_filter { code: (libc::BPF_JMP | test | libc::BPF_K) as u16, jt: yes, jf: no, k: value }
}

fn give(action: u32) -> sock_filter {
    sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: action }
}

#[cfg(test)]
mod tests {
    use super::super::calls;
    use super::*;

    /// Runs the program as the kernel would.
    fn run(code: &[sock_filter], architecture: u32, number: u32, args: &[u64; 6]) -> u32 {
        run_at(code, architecture, number, args, 0)
    }

    fn run_at(
        code: &[sock_filter],
        architecture: u32,
        number: u32,
        args: &[u64; 6],
        pointer: u64,
    ) -> u32 {
        let word = |offset: u32| match offset {
            NUMBER_AT => number,
            ARCH_AT => architecture,
            POINTER_AT => pointer as u32,
            12 => (pointer >> 32) as u32,
            other => {
                let arg = args[(other as usize - 16) / 8];
                (arg >> (8 * (other % 8))) as u32
            }
        };
        let (mut at, mut accumulator) = (0, 0);
        loop {
            let step = code[at];
            at += 1;
            let test = u32::from(step.code) & 0xf0;
            match u32::from(step.code) & 0x07 {
                libc::BPF_LD => accumulator = word(step.k),
                libc::BPF_RET => return step.k,
                libc::BPF_JMP => {
                    let yes = match test {
                        libc::BPF_JEQ => accumulator == step.k,
                        libc::BPF_JGE => accumulator >= step.k,
                        libc::BPF_JSET => accumulator & step.k != 0,
                        other => panic!("unknown test {other}"),
                    };
                    at += usize::from(if yes { step.jt } else { step.jf });
                }
                other => panic!("unknown class {other}"),
            }
        }
    }

    #[test]
    fn the_filter_reports_exactly_what_the_table_lists() {
        let code = program(Tells::Listener, None);
        let empty_path = libc::AT_EMPTY_PATH as u64;
        for args in [[0; 6], [7, 0, empty_path, empty_path, 0, 0]] {
            for number in 0..600_u32 {
                let expected = if REFUSED.contains(&i64::from(number)) {
                    libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32
                } else if calls::find(i64::from(number), &args).is_some() {
                    libc::SECCOMP_RET_USER_NOTIF
                } else {
                    libc::SECCOMP_RET_ALLOW
                };
                assert_eq!(run(&code, ARCHITECTURE, number, &args), expected, "call {number}");
            }
        }
    }

    #[test]
    fn only_looking_passes_from_the_recorder_and_from_nowhere_else() {
        let pointer = 0x1234_5678_9014;
        let code = program(Tells::Listener, Some(pointer));
        let args = [0; 6];
        for number in 0..600_u32 {
            let seen = run(&program(Tells::Listener, None), ARCHITECTURE, number, &args);
            let recorded = RECORDED.contains(&i64::from(number));
            let expected = if recorded { libc::SECCOMP_RET_ALLOW } else { seen };
            let from = |pointer| run_at(&code, ARCHITECTURE, number, &args, pointer);
            assert_eq!(from(pointer), expected, "call {number}");
            for elsewhere in [0, pointer + 1, pointer ^ (1 << 40), pointer & 0xffff_ffff] {
                assert_eq!(from(elsewhere), seen, "call {number} from {elsewhere:x}");
            }
        }
    }

    #[test]
    fn a_tracer_allows_no_listener_below_it() {
        let seccomp = libc::SYS_seccomp as u32;
        let with_listener = [1, 8 | 32, 0, 0, 0, 0];
        let run = |tells, args| run(&program(tells, None), ARCHITECTURE, seccomp, args);
        let busy = libc::SECCOMP_RET_ERRNO | libc::EBUSY as u32;
        assert_eq!(run(Tells::Tracer, &with_listener), busy);
        assert_eq!(run(Tells::Tracer, &[1, 0, 0, 0, 0, 0]), libc::SECCOMP_RET_ALLOW);
        assert_eq!(run(Tells::Listener, &with_listener), libc::SECCOMP_RET_ALLOW);
    }

    #[test]
    fn calls_of_other_architectures_are_reported_and_cancelled_ones_are_not() {
        let code = program(Tells::Tracer, None);
        let none = [0; 6];
        assert_eq!(run(&code, 0x4000_0003, 39, &none), libc::SECCOMP_RET_TRACE);
        assert_eq!(run(&code, ARCHITECTURE, OTHER_SET | 39, &none), libc::SECCOMP_RET_TRACE);
        assert_eq!(run(&code, ARCHITECTURE, u32::MAX, &none), libc::SECCOMP_RET_ALLOW);
    }
}
