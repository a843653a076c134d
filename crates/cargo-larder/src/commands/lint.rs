//! `cargo larder lint`.

use crate::building::Context;
use crate::exit::Exit;
use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use larder_docker::document::Document;
use larder_docker::lint::{self, Finding, Level, Subject};
use std::path::{Path, PathBuf};

/// Find what is wrong in a Dockerfile of a Rust project
///
/// Each finding comes with its line, the reason and the fix. The exit code is 101 if there is an
/// error or a warning; notes do not count. A comment in the line before allows a finding:
/// `# larder-lint: allow(RULE)`.
#[derive(Args, Debug)]
pub(crate) struct Lint {
    /// The Dockerfiles
    #[arg(value_name = "FILE", default_value = "Dockerfile")]
    files: Vec<PathBuf>,
    /// How findings are printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `--format`.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// Text
    #[default]
    Human,
    /// A JSON list
    Json,
    /// SARIF 2.1.0, for code hosts
    Sarif,
}

/// A file and what is wrong in it.
struct Linted {
    shown: String,
    findings: Vec<Finding>,
}

impl Lint {
    /// Runs it.
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<Exit> {
        let mut all = Vec::new();
        for file in &self.files {
            all.push(read(&context.host.absolute(file), file)?);
        }
        let text = match self.format {
            Format::Human => human(&all),
            Format::Json => serde_json::to_string_pretty(&json(&all))? + "\n",
            Format::Sarif => serde_json::to_string_pretty(&sarif(&all))? + "\n",
        };
        context.console.raw_out(&text);
        let counts = |finding: &Finding| finding.level > Level::Note;
        let is_bad = all.iter().flat_map(|linted| &linted.findings).any(counts);
        Ok(if is_bad { Exit::Failure } else { Exit::Success })
    }
}

fn read(path: &Path, given: &Path) -> anyhow::Result<Linted> {
    let shown = given.display().to_string();
    let text = match fs_err::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!("there is no `{shown}`; `cargo larder dockerfile -o {shown}` writes one");
        }
        Err(error) => return Err(error).context("could not read the Dockerfile"),
    };
    let document = Document::parse(&text).with_context(|| format!("`{shown}` is no Dockerfile"))?;
    // The file's own, or that of the build context: usually where the file is,
    // or above it.
    let own = path.with_file_name(format!(
        "{}.dockerignore",
        path.file_name().unwrap_or_default().to_string_lossy()
    ));
    let above = path.ancestors().skip(1).map(|dir| dir.join(".dockerignore"));
    let ignore = std::iter::once(own).chain(above.take(levels_in_repository(path)));
    let dockerignore =
        ignore.filter(|file| file.is_file()).find_map(|f| fs_err::read_to_string(f).ok());
    let subject = Subject { document: &document, dockerignore: dockerignore.as_deref() };
    Ok(Linted { shown, findings: lint::lint(&subject) })
}

/// How many directories above the file may be the build context: up to the
/// repository's root, and without one the file's own.
fn levels_in_repository(path: &Path) -> usize {
    let root = path.ancestors().skip(1).position(|dir| dir.join(".git").exists());
    root.map_or(1, |levels| levels + 1)
}

fn human(all: &[Linted]) -> String {
    let mut text = String::new();
    for Linted { shown, findings } in all {
        for finding in findings {
            text.push_str(&format!(
                "{shown}:{}: {}: {} [{}]\n    {}\n    fix: {}\n",
                finding.line,
                finding.level.as_str(),
                finding.message,
                finding.rule,
                finding.reason,
                finding.fix
            ));
        }
        text.push_str(&format!("{shown}: {}\n", count(findings)));
    }
    text
}

fn count(findings: &[Finding]) -> String {
    let of = |level: Level| findings.iter().filter(|finding| finding.level == level).count();
    let counts = [(Level::Error, "errors"), (Level::Warning, "warnings"), (Level::Note, "notes")];
    let parts: Vec<_> = counts
        .into_iter()
        .filter(|(level, _)| of(*level) > 0)
        .map(|(level, name)| match of(level) {
            1 => format!("1 {}", level.as_str()),
            n => format!("{n} {name}"),
        })
        .collect();
    if parts.is_empty() { "nothing found".into() } else { parts.join(", ") }
}

fn json(all: &[Linted]) -> serde_json::Value {
    let findings = all.iter().flat_map(|linted| {
        linted.findings.iter().map(|finding| {
            serde_json::json!({
                "file": linted.shown,
                "line": finding.line,
                "rule": finding.rule,
                "level": finding.level,
                "message": finding.message,
                "reason": finding.reason,
                "fix": finding.fix,
            })
        })
    });
    findings.collect()
}

/// One log with a run per file.
fn sarif(all: &[Linted]) -> serde_json::Value {
    let version = env!("CARGO_PKG_VERSION");
    let mut logs = all.iter().map(|linted| lint::sarif(&linted.shown, &linted.findings, version));
    let mut log = logs.next().unwrap_or_default();
    for mut other in logs {
        let run = other["runs"][0].take();
        if let Some(runs) = log["runs"].as_array_mut() {
            runs.push(run);
        }
    }
    log
}
