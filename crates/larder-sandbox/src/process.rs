//! One process: started with exactly the environment given, its output handed
//! on line by line while it runs, watched where that is asked for.

use crate::confine::Enforced;
use crate::observation::Unobserved;
use crate::platform::{self, Observer};
use crate::watch::{Watch, Watched};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What to run.
#[derive(Clone, Debug)]
pub struct Process {
    /// Program, absolute.
    pub program: PathBuf,
    /// Arguments.
    pub args: Vec<OsString>,
    /// The whole environment.
    pub env: BTreeMap<OsString, OsString>,
    /// Working directory.
    pub cwd: PathBuf,
}

/// Which stream a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code or signal.
    pub status: ExitStatus,
    /// Wall time.
    pub duration: Duration,
}

/// The process could not be run.
#[derive(Debug, thiserror::Error)]
#[error("could not execute process `{program}`")]
pub struct NotRun {
    /// The program.
    pub program: String,
    /// Why.
    #[source]
    pub source: io::Error,
}

impl Process {
    /// The command line as cargo shows it with `-v`: quoted where needed.
    #[must_use]
    pub fn display(&self, shown_env: &[(String, String)]) -> String {
        let mut text = String::new();
        for (name, value) in shown_env {
            text.push_str(name);
            text.push('=');
            text.push_str(&quote(value));
            text.push(' ');
        }
        text.push_str(&quote(&self.program.to_string_lossy()));
        for arg in &self.args {
            text.push(' ');
            text.push_str(&quote(&arg.to_string_lossy()));
        }
        text
    }

    /// Runs it to its end. `line` gets every line of both streams without the
    /// line break, in the order of each stream; lines of the two streams come
    /// from one thread at a time. Bytes that are not UTF-8 are replaced.
    ///
    /// As with cargo, a process is over when its streams are closed: children
    /// that it leaves behind with its streams are waited for.
    ///
    /// # Errors
    /// If it cannot be started or waited for.
    pub fn run(&self, line: &mut (dyn FnMut(Stream, &str) + Send)) -> Result<Ended, NotRun> {
        self.run_watched(&Watch::default(), line).map(|watched| watched.ended)
    }

    /// Runs it to its end like [`Process::run`], observed and confined as
    /// `watch` says. Where it cannot be observed it runs all the same, and the
    /// reason is in the result.
    ///
    /// # Errors
    /// If it cannot be started, confined or waited for.
    pub fn run_watched(
        &self,
        watch: &Watch,
        line: &mut (dyn FnMut(Stream, &str) + Send),
    ) -> Result<Watched, NotRun> {
        let not_run =
            |source| NotRun { program: self.program.to_string_lossy().into_owned(), source };
        let started = Instant::now();
        let Spawned { mut child, mut observer, enforced } = self.spawn(watch).map_err(not_run)?;
        let stdout = child.stdout.take();
        let stderr = child.stderr.take();
        let line = std::sync::Mutex::new(line);
        let each = |stream, text: &str| {
            let mut line = line.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            (*line)(stream, text);
        };
        let status = std::thread::scope(|scope| {
            let out = scope.spawn(|| {
                if let Some(stdout) = stdout {
                    read_lines(stdout, &mut |text| each(Stream::Stdout, text));
                }
            });
            if let Some(stderr) = stderr {
                read_lines(stderr, &mut |text| each(Stream::Stderr, text));
            }
            let _ = out.join();
            match &mut observer {
                Ok(observer) => observer.wait(&mut child),
                Err(_) => child.wait(),
            }
        })
        .map_err(not_run)?;
        let ended = Ended { status, duration: started.elapsed() };
        Ok(Watched { ended, observation: observer.and_then(Observer::finish), enforced })
    }

    fn spawn(&self, watch: &Watch) -> io::Result<Spawned> {
        let spawn = |args: &[OsString]| -> io::Result<Spawned> {
            let mut command = Command::new(&self.program);
            command
                .args(args)
                .env_clear()
                .envs(&self.env)
                .current_dir(&self.cwd)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            let confined = watch.confinement.as_ref().map(platform::prepare).transpose();
            let (rules, enforced) = confined.map_err(io::Error::other)?.unzip();
            let (child, observer) = platform::start(command, watch, rules.flatten())?;
            Ok(Spawned { child, observer, enforced })
        };
        match spawn(&self.args) {
            // The command line is longer than the kernel takes: rustc reads
            // its arguments from a file then, as with cargo.
            Err(error) if error.kind() == io::ErrorKind::ArgumentListTooLong => {
                let mut file = tempfile::NamedTempFile::new()?;
                for arg in &self.args {
                    let Some(text) = arg.to_str().filter(|t| !t.contains('\n')) else {
                        return Err(error);
                    };
                    io::Write::write_all(&mut file, format!("{text}\n").as_bytes())?;
                }
                let (_, path) = file.keep().map_err(|e| e.error)?;
                let mut at = OsString::from("@");
                at.push(path);
                spawn(&[at])
            }
            other => other,
        }
    }
}

/// A process that was started.
struct Spawned {
    child: Child,
    observer: Result<Observer, Unobserved>,
    enforced: Option<Enforced>,
}

fn read_lines(from: impl Read, line: &mut dyn FnMut(&str)) {
    let mut reader = BufReader::with_capacity(64 * 1024, from);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match reader.read_until(b'\n', &mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                if bytes.last() == Some(&b'\n') {
                    bytes.pop();
                    if bytes.last() == Some(&b'\r') {
                        bytes.pop();
                    }
                }
                line(&String::from_utf8_lossy(&bytes));
            }
        }
    }
}

fn quote(text: &str) -> std::borrow::Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=/,.+:@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into()
    } else {
        format!("'{}'", text.replace('\'', r"'\''")).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        Process {
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            env: BTreeMap::from([
                ("PATH".into(), "/usr/bin:/bin".into()),
                ("A".into(), "1".into()),
            ]),
            cwd: "/".into(),
        }
    }

    fn lines(script: &str) -> (Vec<(Stream, String)>, ExitStatus) {
        let mut lines = Vec::new();
        let ended = shell(script).run(&mut |s, l| lines.push((s, l.to_owned()))).unwrap();
        (lines, ended.status)
    }

    #[test]
    fn both_streams_arrive_whole() {
        let (lines, status) = lines(
            "i=0; while [ $i -lt 500 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done; printf tail; exit 3",
        );
        assert_eq!(status.code(), Some(3));
        let of = |stream| {
            lines.iter().filter(|l| l.0 == stream).map(|l| l.1.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(of(Stream::Stderr).len(), 500);
        assert_eq!(of(Stream::Stdout).last(), Some(&"tail"));
    }

    #[test]
    fn the_environment_is_exactly_what_was_given() {
        let mut process = shell("");
        process.program = "/usr/bin/env".into();
        process.args.clear();
        let mut seen = Vec::new();
        process.run(&mut |_, l| seen.push(l.to_owned())).unwrap();
        seen.sort();
        assert_eq!(seen, ["A=1", "PATH=/usr/bin:/bin"]);
    }

    #[test]
    fn a_missing_program_is_named() {
        let process = Process { program: "/no/such/program".into(), ..shell("") };
        let error = process.run(&mut |_, _| {}).unwrap_err();
        assert!(error.to_string().contains("/no/such/program"));
    }

    #[test]
    fn command_lines_are_quoted_as_a_shell_reads_them() {
        let text = shell("echo 'a b'").display(&[("X".into(), "1 2".into())]);
        assert_eq!(text, r"X='1 2' /bin/sh -c 'echo '\''a b'\'''");
    }
}
