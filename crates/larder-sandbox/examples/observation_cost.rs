//! What observation costs: user+sys time of this process and its children, of
//! many opens of one file, and of a command, in each way of observing.
//!
//! `cargo run --release -p larder-sandbox --example observation_cost [ROUNDS [COMMAND…]]`
//! wants `habits` built beside it (`--examples`). It prints figures and asserts
//! nothing.

#![expect(clippy::print_stdout, reason = "figures are its result")]

use larder_sandbox::observation::Mechanism;
use larder_sandbox::process::Process;
use larder_sandbox::watch::{Observe, Watch};
use std::path::PathBuf;

const OPENS: u32 = 100_000;

fn main() {
    let mut args = std::env::args_os().skip(1);
    let rounds: usize =
        args.next().map_or(5, |rounds| rounds.to_string_lossy().parse().expect("a number"));
    let command: Vec<_> = args.collect();
    let habits = std::env::current_exe().expect("a path").with_file_name("habits");
    let mut process = Process {
        program: habits,
        args: vec!["opens".into(), "/dev/null".into(), OPENS.to_string().into()],
        env: [("PATH".into(), "/usr/bin:/bin".into())].into(),
        cwd: "/".into(),
    };
    let opens = command.is_empty();
    if let [program, args @ ..] = &command[..] {
        process.program = PathBuf::from(program);
        process.args = args.to_vec();
    }
    let ways = [
        Observe::No,
        Observe::Only(Mechanism::Notify),
        Observe::Only(Mechanism::Trace),
        Observe::Only(Mechanism::TraceEvery),
    ];
    // Interleaved, so that what else the machine does meets all alike.
    let mut all = vec![Vec::new(); ways.len()];
    for _ in 0..rounds {
        for (way, times) in ways.iter().zip(&mut all) {
            times.push(cost(&process, *way));
        }
    }
    let medians = all.into_iter().map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    let medians: Vec<f64> = medians.collect();
    println!("| way | user+sys, ms | ratio | per open, µs |\n|---|---|---|---|");
    for (way, median) in ways.iter().zip(&medians) {
        let per = if opens { format!("{:.2}", median * 1e6 / f64::from(OPENS)) } else { "".into() };
        println!("| {way:?} | {:.1} | {:.2} | {per} |", median * 1e3, median / medians[0]);
    }
}

/// Seconds of processor time, ours and that of the children that are gone.
fn spent() -> f64 {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN]
        .into_iter()
        .map(|who| getrusage(who).expect("it is known"))
        .map(|usage| (usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e6)
        .sum()
}

fn cost(process: &Process, observe: Observe) -> f64 {
    let watch = Watch { observe, ..Watch::default() };
    let before = spent();
    let watched = process.run_watched(&watch, &mut |_, _| {}).expect("it runs");
    assert!(watched.ended.status.success());
    spent() - before
}
