//! Asks cargo for the units of a command.
//!
//! `cargo <command> <arguments> --unit-graph -Z unstable-options` prints them
//! on standard output. What that must not do, and what keeps it from it:
//!
//! | hazard | guard |
//! |---|---|
//! | `RUSTC_BOOTSTRAP` reaching rustc | [`crate::shim`] as `RUSTC_WRAPPER` |
//! | `.rustc_info.json` in the user's target directory | a private `--target-dir` and `build.build-dir`, one per user, toolchain and wrapper |
//! | `CARGO_UNSTABLE_*` obeyed by a cargo that thinks it is nightly | removed |
//! | `cargo run` panics after printing its graph | the graph is complete by then: taken, and the panic's text dropped |
//! | resolving twice | none: cargo writes `Cargo.lock` here exactly as it would when building |

use crate::args::{Parsed, Request};
use crate::host::Host;
use crate::shim;
use larder_plan::input::UnitGraph;
use larder_schema::digest::Framed;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why there is no graph.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// Cargo refused; its words were streamed.
    #[error("cargo refused the command (exit code {code})")]
    Cargo {
        /// Its exit code.
        code: i32,
        /// What it printed on standard error.
        stderr: String,
    },
    /// It cannot be started.
    #[error("could not start {}", path.display())]
    Start {
        /// Cargo.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The planning directory cannot be made.
    #[error("could not create the planning directory {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The graph is of another version.
    #[error("cargo's unit graph is not understood")]
    Malformed(#[from] serde_json::Error),
}

/// A graph and what cargo said while it made it.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The units.
    pub graph: UnitGraph,
    /// Standard error, whole.
    pub stderr: String,
    /// The warnings in it, each with its continuation lines: to repeat when
    /// the plan comes from the cache.
    pub warnings: Vec<String>,
}

/// How to ask.
#[derive(Debug)]
pub struct Asker<'a> {
    /// The machine, with the toolchain's environment.
    pub host: &'a Host,
    /// Cargo.
    pub cargo: &'a Path,
    /// The user's `RUSTC_BOOTSTRAP`, from the environment or `[env]`.
    pub bootstrap: Option<&'a str>,
    /// The user's `RUSTC_WRAPPER`, from the environment or configuration.
    pub wrapper: Option<&'a PathBuf>,
    /// `RUSTC_WORKSPACE_WRAPPER` to set: clippy's driver.
    pub workspace_wrapper: Option<&'a Path>,
    /// `CLIPPY_ARGS` to set.
    pub clippy_args: Option<&'a str>,
}

impl Asker<'_> {
    /// Runs cargo. Every line of its standard error goes to `line` as it
    /// comes: `Blocking waiting for file lock`, downloads, warnings.
    ///
    /// # Errors
    /// Where cargo refuses the command or prints what is not a graph.
    pub fn ask(
        &self,
        request: &Request,
        parsed: &Parsed,
        line: &mut dyn FnMut(&str),
    ) -> Result<Planned, GraphError> {
        let directory = self.private_directory()?;
        let mut command = self.command(request, parsed, &directory);
        let mut child = command
            .spawn()
            .map_err(|source| GraphError::Start { path: self.cargo.to_owned(), source })?;
        let start = |source| GraphError::Start { path: self.cargo.to_owned(), source };
        let mut stdout = child.stdout.take();
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(stdout) = &mut stdout {
                let _ = stdout.read_to_end(&mut bytes);
            }
            bytes
        });
        let mut stderr = String::new();
        let mut panicked = false;
        if let Some(pipe) = child.stderr.take() {
            let mut pipe = BufReader::new(pipe);
            let mut bytes = Vec::new();
            while pipe.read_until(b'\n', &mut bytes).is_ok_and(|n| n > 0) {
                let text = String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned();
                bytes.clear();
                panicked |= request.command == "run"
                    && text.starts_with("thread 'main'")
                    && text.contains("panicked at");
                if !panicked {
                    let text = shim::hidden(&text, &self.host.exe, self.wrapper);
                    line(&text);
                    stderr.push_str(&text);
                    stderr.push('\n');
                }
            }
        }
        let status = child.wait().map_err(start)?;
        let stdout = reader.join().unwrap_or_default();
        let panicked_with_graph = panicked && stdout.starts_with(b"{\"version\"");
        if !status.success() && !panicked_with_graph {
            return Err(GraphError::Cargo { code: status.code().unwrap_or(101), stderr });
        }
        let graph: UnitGraph = serde_json::from_slice(&stdout)?;
        let warnings = warnings(&stderr);
        Ok(Planned { graph, stderr, warnings })
    }

    fn command(&self, request: &Request, parsed: &Parsed, directory: &Path) -> Command {
        let name = if request.command == "clippy" { "check" } else { &request.command };
        let mut command = self.host.command(self.cargo);
        command.arg(name).args(&parsed.planning);
        command.args(["--unit-graph", "-Zunstable-options", "--target-dir"]).arg(directory);
        let quoted = toml::Value::String(directory.to_string_lossy().into_owned());
        command.arg("--config").arg(format!("build.build-dir={quoted}"));
        if request.command == "rustc" && !request.trailing.is_empty() {
            // Not in the graph, but cargo checks that they are for one target.
            command.arg("--").args(&request.trailing);
        }
        for name in self.host.env.keys().filter(|n| is_removed(n)) {
            command.env_remove(name);
        }
        for (name, value) in shim::environment(self.host, self.bootstrap, self.wrapper) {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(wrapper) = self.workspace_wrapper {
            command.env("RUSTC_WORKSPACE_WRAPPER", wrapper);
        }
        if let Some(args) = self.clippy_args {
            command.env("CLIPPY_ARGS", args);
        }
        if request.color {
            command.env("CARGO_TERM_COLOR", "always");
        }
        // The panic of `cargo run` would spend its time on symbols.
        command.env("RUST_BACKTRACE", "0");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Where `.rustc_info.json` lives while planning. It has to exist: cargo
    /// does not create it for a graph, and would ask rustc every time.
    fn private_directory(&self) -> Result<PathBuf, GraphError> {
        let mut key = Framed::new("larder.planning-directory.1");
        key.text("cargo", &self.cargo.to_string_lossy());
        key.text("user", self.host.var("HOME").unwrap_or_default());
        key.optional("toolchain", self.host.var("RUSTUP_TOOLCHAIN"));
        key.optional("bootstrap", self.bootstrap);
        key.optional("wrapper", self.wrapper.map(|w| w.to_string_lossy()).as_deref());
        let workspace = self.workspace_wrapper.map(|w| w.to_string_lossy());
        key.optional("workspace-wrapper", workspace.as_deref());
        let path = self.host.larder_dir.join("planning").join(key.finish().short());
        fs_err::create_dir_all(&path)
            .map_err(|source| GraphError::Directory { path: path.clone(), source })?;
        Ok(path)
    }
}

/// A stable cargo does not read these; the planning one would.
fn is_removed(name: &OsString) -> bool {
    name.to_str().is_some_and(|n| {
        n.starts_with("CARGO_UNSTABLE_") || n == "CARGO_TARGET_DIR" || n == "CARGO_BUILD_BUILD_DIR"
    })
}

/// Lines from one that starts with `warning` up to the next status line or
/// other message.
fn warnings(stderr: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut inside = false;
    for line in stderr.lines() {
        let plain = strip_colors(line);
        let starts = plain.starts_with("warning:") || plain.starts_with("warning(");
        let status = plain
            .trim_start()
            .split(' ')
            .next()
            .is_some_and(|verb| plain.starts_with(' ') && is_status(verb, &plain));
        if starts {
            inside = true;
            found.push(line.to_owned());
        } else if status || plain.starts_with("error") || plain.starts_with("note:") && !inside {
            inside = false;
        } else if inside && let Some(last) = found.last_mut() {
            last.push('\n');
            last.push_str(line);
        }
    }
    for warning in &mut found {
        warning.truncate(warning.trim_end().len());
    }
    found
}

/// Cargo right-aligns a capitalised verb in twelve columns.
fn is_status(verb: &str, line: &str) -> bool {
    verb.starts_with(|c: char| c.is_ascii_uppercase())
        && verb.chars().all(|c| c.is_ascii_alphabetic())
        && line.len() - line.trim_start().len() + verb.len() == 12
}

fn strip_colors(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        if c == '\x1b' {
            characters.by_ref().find(|c| c.is_ascii_alphabetic());
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_kept_whole_and_status_lines_are_not() {
        let text = "    Updating crates.io index\nwarning: unused manifest key: x\n\n\
                    warning: virtual workspace\nnote: to keep\n    Blocking waiting for lock\n";
        assert_eq!(
            warnings(text),
            ["warning: unused manifest key: x", "warning: virtual workspace\nnote: to keep"]
        );
    }
}
