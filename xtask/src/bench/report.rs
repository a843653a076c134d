//! A run as a value, and as text for people.

use super::scenario::Scenario;
use super::tools::Tool;
use crate::corpus::App;
use crate::measure::Cost;
use crate::setting::{self, median};
use anyhow::{Context, Result};
use clap::ValueEnum;
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::path::Path;

/// One build.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Sample {
    pub(super) tool: String,
    pub(super) scenario: Scenario,
    pub(super) round: usize,
    #[serde(flatten)]
    pub(super) cost: Cost,
    /// What the tool says of its hits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) said: String,
}

/// Disk space without the sources, in bytes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Disk {
    pub(super) tool: String,
    pub(super) worktrees: usize,
    /// With one worktree.
    pub(super) one: u64,
    /// With all.
    pub(super) all: u64,
}

/// A run, as it is committed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Report {
    date: String,
    app: String,
    version: String,
    units: usize,
    profile: String,
    machine: String,
    /// Of the machine, per processor, when the run began.
    load: f64,
    rustc: String,
    /// Name, and what it says of its version.
    tools: Vec<(String, String)>,
    pub(super) samples: Vec<Sample>,
    pub(super) disk: Vec<Disk>,
}

impl Report {
    pub(super) fn new(app: &App, tools: &[Tool], dev: bool) -> Result<Report> {
        Ok(Report {
            date: setting::today(),
            app: app.name.clone(),
            version: app.version.clone(),
            units: app.units,
            profile: if dev { "dev" } else { "release" }.to_owned(),
            machine: setting::machine(),
            load: setting::load(),
            rustc: setting::rustc()?,
            tools: tools.iter().map(|tool| (tool.name.to_owned(), tool.version.clone())).collect(),
            samples: Vec::new(),
            disk: Vec::new(),
        })
    }

    /// Name of the run's files, without date and extension.
    pub(super) fn name(&self) -> String {
        let profile = if self.profile == "release" { "" } else { "-dev" };
        format!("{}{profile}", self.app)
    }

    /// What an earlier run wrote, if there is one.
    pub(super) fn read(file: &Path) -> Result<Option<Report>> {
        let path = file.with_extension("json");
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path)?;
        serde_json::from_str(&text).with_context(|| format!("{} is no run", path.display()))
    }

    /// Writes what there is.
    pub(super) fn write(&self, file: &Path) -> Result<()> {
        setting::write_run(file, self, &self.markdown())
    }

    /// Whether samples of both may stand in one table.
    pub(super) fn is_like(&self, other: &Report) -> bool {
        let what = |report: &Report| {
            (
                report.version.clone(),
                report.machine.clone(),
                report.rustc.clone(),
                report.tools.clone(),
            )
        };
        what(self) == what(other)
    }

    /// Whether a tool has done a round.
    pub(super) fn has(&self, tool: &str, round: usize) -> bool {
        self.samples.iter().any(|sample| sample.tool == tool && sample.round == round)
    }

    /// Whether a tool's disk space is known.
    pub(super) fn has_disk(&self, tool: &str) -> bool {
        self.disk.iter().any(|disk| disk.tool == tool)
    }

    /// The run for people: medians, and ratios to cargo.
    pub(super) fn markdown(&self) -> String {
        let mut text = String::new();
        let rounds = self.samples.iter().map(|sample| sample.round + 1).max().unwrap_or_default();
        let _ = writeln!(
            text,
            "# {} {}, {} units, {}: {}\n",
            self.app, self.version, self.units, self.profile, self.date
        );
        let _ = writeln!(
            text,
            "{}; {}; {rounds} interleaved rounds; load {:.1} per core at the start. Medians in seconds; in",
            self.machine, self.rustc, self.load
        );
        let _ = writeln!(text, "parentheses the median of the ratios to cargo within a round.\n");
        for (name, version) in &self.tools {
            let _ = writeln!(text, "- {name}: {version}");
        }
        for (what, cost) in [("Wall time", wall as fn(&Cost) -> f64), ("User and system time", cpu)]
        {
            let _ = writeln!(text, "\n## {what}\n");
            self.table(&mut text, cost);
        }
        self.said(&mut text);
        if !self.disk.is_empty() {
            let _ = writeln!(
                text,
                "\n## Disk, sources aside\n\n| tool | one worktree | worktrees | all | all / one |\n|---|--:|--:|--:|--:|"
            );
        }
        for disk in &self.disk {
            let megabytes = |bytes: u64| bytes as f64 / 1e6;
            let ratio = disk.all as f64 / disk.one.max(1) as f64;
            let _ = writeln!(
                text,
                "| {} | {:.0} MB | {} | {:.0} MB | {ratio:.2} |",
                disk.tool,
                megabytes(disk.one),
                disk.worktrees,
                megabytes(disk.all)
            );
        }
        text
    }

    fn table(&self, text: &mut String, cost: fn(&Cost) -> f64) {
        let names: Vec<&str> = self.tools.iter().map(|(name, _)| name.as_str()).collect();
        let _ = writeln!(
            text,
            "| scenario | {} |\n|---|{}",
            names.join(" | "),
            "--:|".repeat(names.len())
        );
        for scenario in self.scenarios() {
            let cargo = self.costs("cargo", scenario, cost);
            let cells: Vec<String> = names
                .iter()
                .map(|name| {
                    let own = self.costs(name, scenario, cost);
                    let ratios = own.iter().filter_map(|(round, value)| {
                        let (_, base) = cargo.iter().find(|(other, _)| other == round)?;
                        Some(value / base.max(1e-6))
                    });
                    let ratio = median(ratios.collect());
                    match (median(own.iter().map(|(_, value)| *value).collect()), ratio) {
                        (Some(value), Some(ratio)) => format!("{value:.2} ({ratio:.2})"),
                        (Some(value), None) => format!("{value:.2}"),
                        (None, _) => "–".to_owned(),
                    }
                })
                .collect();
            let _ = writeln!(text, "| {} | {} |", scenario.title(), cells.join(" | "));
        }
    }

    /// What the tools said of their hits in the last round.
    fn said(&self, text: &mut String) {
        let _ = writeln!(text, "\n## What the tools say of the last round\n");
        for scenario in self.scenarios() {
            for (name, _) in &self.tools {
                let mut own =
                    self.samples.iter().filter(|s| s.tool == *name && s.scenario == scenario);
                if let Some(last) = own.next_back().filter(|sample| !sample.said.is_empty()) {
                    let _ = writeln!(text, "- {}, {name}: {}", scenario.title(), last.said);
                }
            }
        }
    }

    /// Those of which there are samples.
    fn scenarios(&self) -> impl Iterator<Item = Scenario> {
        let all = Scenario::value_variants().iter().copied();
        all.filter(|scenario| self.samples.iter().any(|sample| sample.scenario == *scenario))
    }

    /// Round and value of every sample of a tool in a scenario.
    fn costs(&self, tool: &str, scenario: Scenario, cost: fn(&Cost) -> f64) -> Vec<(usize, f64)> {
        let samples =
            self.samples.iter().filter(|sample| sample.tool == tool && sample.scenario == scenario);
        samples.map(|sample| (sample.round, cost(&sample.cost))).collect()
    }
}

fn wall(cost: &Cost) -> f64 {
    cost.wall
}

fn cpu(cost: &Cost) -> f64 {
    cost.cpu()
}
