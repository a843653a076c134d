//! Wall time, and user and system time, of a command and of whatever it leaves
//! behind.
//!
//! Compiler caches work in servers that outlive the build: their time would be
//! in nobody's account. So this process adopts orphans (Linux), stops those
//! that are left after a sample, and waits for them: then the kernel adds their
//! times to ours.

use crate::process;
use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::{Deserialize, Serialize};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one command cost, in seconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// Until it ended; stopping its servers is not in it.
    pub(crate) wall: f64,
    /// User time, its servers' included.
    pub(crate) user: f64,
    /// System time, its servers' included.
    pub(crate) sys: f64,
}

impl Cost {
    /// User and system time.
    pub(crate) fn cpu(&self) -> f64 {
        self.user + self.sys
    }
}

/// A command that succeeded.
pub(crate) struct Measured {
    pub(crate) cost: Cost,
    /// What it wrote to standard error.
    pub(crate) stderr: String,
    /// What `asked` answered, on either stream.
    pub(crate) answer: String,
}

/// Makes orphans of our children our own.
pub(crate) fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_child_subreaper(true) {
        eprintln!("warning: the time of cache servers will not be counted: {error}");
    }
}

/// Runs a command that must succeed, then `asked`, which may tell how many
/// hits there were and whose time does not count, then `stop`, which ends its
/// server.
pub(crate) fn measure(
    command: &mut Command,
    asked: Option<Command>,
    stop: Option<Command>,
) -> Result<Measured> {
    let before = used()?;
    let started = Instant::now();
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.with_context(|| format!("cannot start {}", process::shown(command)))?;
    // A server inherits the pipe, so its end must not be waited for.
    let stderr = child.stderr.take();
    let reader = std::thread::spawn(move || stderr.map(|mut from| read_all(&mut from)));
    let status = child.wait()?;
    let wall = started.elapsed().as_secs_f64();
    let asking = used()?;
    let answer = asked.map(|mut asked| answer(&mut asked)).unwrap_or_default();
    let asked = used()?;
    if let Some(mut stop) = stop {
        let _ = stop.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
    reap_orphans();
    let stderr = reader.join().ok().flatten().unwrap_or_default();
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    if !status.success() {
        bail!("{} ended with {status}:\n{stderr}", process::shown(command));
    }
    let after = used()?;
    let spent = |part: fn(&(f64, f64)) -> f64| {
        part(&after) - part(&before) - (part(&asked) - part(&asking))
    };
    let cost = Cost { wall, user: spent(|used| used.0), sys: spent(|used| used.1) };
    Ok(Measured { cost, stderr, answer })
}

fn answer(asked: &mut Command) -> String {
    let Ok(output) = asked.stdin(Stdio::null()).output() else { return String::new() };
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn read_all(from: &mut impl std::io::Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = from.read_to_end(&mut bytes);
    bytes
}

/// User and system time of the children that were waited for.
fn used() -> Result<(f64, f64)> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: nix::sys::time::TimeVal| time.num_microseconds() as f64 / 1e6;
    Ok((seconds(usage.user_time()), seconds(usage.system_time())))
}

/// Waits for adopted processes, and ends those that stay: they are children of
/// this process, so they are the measured command's and nobody else's.
fn reap_orphans() {
    use nix::sys::signal::{Signal, kill};
    use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
    let started = Instant::now();
    let mut asked = false;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => {}
            Ok(_) => continue,
            Err(_) => return,
        }
        if started.elapsed() > Duration::from_secs(2) && !asked {
            asked = true;
            for child in children() {
                let _ = kill(child, Signal::SIGTERM);
            }
        }
        if started.elapsed() > Duration::from_secs(5) {
            for child in children() {
                let _ = kill(child, Signal::SIGKILL);
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Processes whose parent is this one.
fn children() -> Vec<nix::unistd::Pid> {
    let mut found = Vec::new();
    for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let listed = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(
            listed
                .split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .map(nix::unistd::Pid::from_raw),
        );
    }
    found
}
