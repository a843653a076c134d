//! `cargo larder explain`.

use crate::building::Context;
use crate::exit::Exit;
use crate::history::History;
use crate::reason;
use crate::settings::Settings;
use anyhow::{Context as _, bail};
use clap::Args;
use larder_schema::report::{Outcome, Report, UnitReport};
use std::path::PathBuf;

/// Show why units of the last build hit or missed
///
/// For every miss: which input changed, with its old and its new value. Without UNIT: all units
/// that ran. UNIT is a package (`serde`), a package at a version (`serde@1.0.0`), or a target's
/// name.
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// Units to explain, hits included
    #[arg(value_name = "UNIT")]
    unit: Option<String>,
    /// The Cargo.toml of the build, if not that of the working directory
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    /// The report of a build with `--report`, instead of the last build
    #[arg(long, value_name = "FILE", conflicts_with = "manifest_path")]
    report: Option<PathBuf>,
    /// JSON instead of text: the units as reports have them
    #[arg(long)]
    json: bool,
}

impl Explain {
    /// Runs it.
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<Exit> {
        let report = self.report(context)?;
        let units: Vec<&UnitReport> = report
            .units
            .iter()
            .filter(|unit| match &self.unit {
                Some(name) => is_called(unit, name),
                None => unit.outcome != Outcome::Hit,
            })
            .collect();
        if let (true, Some(name)) = (units.is_empty(), &self.unit) {
            bail!("the last build (`{}`) has no unit `{name}`", report.command);
        }
        if self.json {
            context.console.line(&serde_json::to_string_pretty(&units)?);
        } else if units.is_empty() {
            context.console.line(&format!(
                "all {} units of the last build (`{}`) came from the store",
                report.totals.units, report.command
            ));
        } else {
            for unit in units {
                context.console.raw_out(&text(unit));
            }
        }
        Ok(Exit::Success)
    }

    fn report(&self, context: &Context<'_>) -> anyhow::Result<Report> {
        let host = context.host;
        if let Some(file) = &self.report {
            let bytes = fs_err::read(host.absolute(file))?;
            return serde_json::from_slice(&bytes)
                .with_context(|| format!("`{}` is not a report of larder", file.display()));
        }
        let settings = Settings::read(host)?;
        let dir = match &self.manifest_path {
            Some(manifest) => host.absolute(manifest).parent().map(PathBuf::from),
            None => host.cwd.clone(),
        };
        let dir = dir.context("could not find the working directory")?;
        History::at(&settings.dir).last(&dir)?.with_context(|| {
            format!(
                "no build of `{}` is known: run `cargo larder build` first, or name a file with \
                 `--report`",
                dir.display()
            )
        })
    }
}

fn is_called(unit: &UnitReport, name: &str) -> bool {
    match name.split_once('@') {
        Some((package, version)) => unit.package == package && unit.version == version,
        None => unit.package == name || unit.target == name,
    }
}

fn text(unit: &UnitReport) -> String {
    let outcome = match unit.outcome {
        Outcome::Hit => "from the store",
        Outcome::Executed => "executed",
        Outcome::Incremental => "executed incrementally",
        Outcome::Failed => "failed",
        Outcome::NotRun => "not run",
    };
    let mut text = format!(
        "{} v{} ({} \"{}\", {}): {outcome}\n",
        unit.package, unit.version, unit.kind, unit.target, unit.mode
    );
    for line in unit.miss.iter().flat_map(reason::details) {
        text.push_str(&format!("    {line}\n"));
    }
    if let Some(source) = &unit.source {
        text.push_str(&format!("    source: {source}\n"));
    }
    for line in &unit.evidence {
        text.push_str(&format!("    evidence: {line}\n"));
    }
    if let Some(undeclared) = &unit.undeclared {
        let by = undeclared.by.join("`, `");
        text.push_str(&format!("    read without being declared, by code of `{by}`:\n"));
        for path in &undeclared.paths {
            text.push_str(&format!("      {path}\n"));
        }
        if undeclared.more > 0 {
            text.push_str(&format!("      and {} more\n", undeclared.more));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_schema::Digest;
    use larder_schema::report::{Change, MissReason};

    #[test]
    fn shows_both_values_of_what_changed() {
        let unit = UnitReport {
            index: 0,
            package: "app".into(),
            version: "0.1.0".into(),
            target: "app".into(),
            kind: "bin".into(),
            mode: "build".into(),
            platform: None,
            external: false,
            identity: Digest::of(b"x"),
            key: None,
            outcome: Outcome::Executed,
            miss: Some(MissReason::InputsChanged {
                changes: vec![Change {
                    input: "env MODE".into(),
                    old: Some("a".into()),
                    new: Some("b".into()),
                }],
            }),
            source: None,
            seconds_spent: 0.0,
            seconds_saved: 0.0,
            verdict: None,
            evidence: Vec::new(),
            undeclared: None,
        };
        assert_eq!(
            text(&unit),
            "app v0.1.0 (bin \"app\", build): executed\n    \
             the environment variable MODE changed\n      was: a\n      now: b\n"
        );
        assert!(is_called(&unit, "app@0.1.0") && !is_called(&unit, "app@2.0.0"));
    }
}
