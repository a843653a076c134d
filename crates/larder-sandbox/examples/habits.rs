//! What observed processes do, one habit per run: `habits HABIT ARGUMENT…`.
//! The tests of observation start it, and `observation_cost` measures with it.

#![expect(clippy::print_stdout, reason = "tests read what it prints")]

use larder_sandbox::observation::{Gap, Mechanism};
use larder_sandbox::process::Process;
use larder_sandbox::watch::{Observe, Watch};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let habit = args.next().unwrap_or_default();
    let rest: Vec<OsString> = args.collect();
    match habit.to_string_lossy().as_ref() {
        "threads" => threads(&rest),
        "spawn" => spawn(&rest),
        "connect" => connect(&rest),
        "nested" => nested(&rest),
        "daemon" => daemon(&rest),
        "opens" => opens(&rest),
        "walk" => walk(),
        other => panic!("unknown habit {other}"),
    }
    ExitCode::SUCCESS
}

/// Each path is read by a thread of its own.
fn threads(paths: &[OsString]) {
    std::thread::scope(|scope| {
        for path in paths {
            scope.spawn(move || std::fs::read(path).expect("the file is there"));
        }
    });
}

/// A child by `posix_spawn`, which is `vfork`.
fn spawn(command: &[OsString]) {
    let status = Command::new(&command[0]).args(&command[1..]).status();
    assert!(status.expect("the program is there").success());
}

/// Connects where nobody listens.
fn connect(address: &[OsString]) {
    let address = address[0].to_string_lossy();
    match std::net::TcpStream::connect(&*address) {
        Ok(_) => println!("connected"),
        Err(error) => println!("{:?}", error.kind()),
    }
}

/// Observes a process itself, and says how and whether it saw the file.
fn nested(path: &[OsString]) {
    let process = Process {
        program: "/bin/cat".into(),
        args: path.to_vec(),
        env: [].into(),
        cwd: "/".into(),
    };
    let watch = Watch { observe: Observe::Best, ..Watch::default() };
    let watched = process.run_watched(&watch, &mut |_, _| {}).expect("cat runs");
    let at = PathBuf::from(&path[0]);
    match watched.observation {
        Ok(seen) => println!("{:?} {}", seen.mechanism, seen.paths.contains_key(&at)),
        Err(reason) => println!("{reason}"),
    }
}

/// Observes a shell that leaves something behind, and ends.
fn daemon(script: &[OsString]) {
    let process = Process {
        program: "/bin/sh".into(),
        args: vec!["-c".into(), script[0].clone()],
        env: [("PATH".into(), "/usr/bin:/bin".into())].into(),
        cwd: ".".into(),
    };
    let watch = Watch { observe: Observe::Only(Mechanism::Notify), ..Watch::default() };
    let watched = process.run_watched(&watch, &mut |_, _| {}).expect("the shell runs");
    assert!(watched.observation.expect("it is observed").gaps.contains(&Gap::Outlived));
}

/// Opens a file again and again, a number of times.
fn opens(args: &[OsString]) {
    let count: usize = args[1].to_string_lossy().parse().expect("a number");
    for _ in 0..count {
        std::fs::File::open(&args[0]).expect("the file is there");
    }
}

/// Walks about between directories, by relative paths.
fn walk() {
    std::env::set_current_dir("sub").expect("sub is there");
    std::fs::read("../beside").expect("beside is there");
    std::fs::read("./in").expect("in is there");
}
