//! A run as a value, and as text for people.

use super::measure::Cost;
use super::tools::Tool;
use crate::corpus::App;
use crate::process;
use anyhow::Result;
use serde::Serialize;
use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// One build.
#[derive(Debug, Serialize)]
pub(super) struct Sample {
    pub(super) tool: String,
    pub(super) scenario: String,
    pub(super) round: usize,
    #[serde(flatten)]
    pub(super) cost: Cost,
}

/// Disk space without the sources, in bytes.
#[derive(Debug, Serialize)]
pub(super) struct Disk {
    pub(super) tool: String,
    pub(super) worktrees: usize,
    /// With one worktree.
    pub(super) one: u64,
    /// With all.
    pub(super) all: u64,
}

/// A run, as it is committed.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    date: String,
    app: String,
    version: String,
    units: usize,
    profile: &'static str,
    machine: String,
    rustc: String,
    /// Name, and what it says of its version.
    tools: Vec<(String, String)>,
    pub(super) samples: Vec<Sample>,
    pub(super) disk: Vec<Disk>,
}

const SCENARIOS: &[(&str, &str)] = &[
    ("cold", "cold"),
    ("same", "nothing changed, same directory"),
    ("elsewhere", "nothing changed, fresh checkout elsewhere"),
    ("leaf", "leaf edit"),
    ("bump", "one dependency bumped"),
];

impl Report {
    pub(super) fn new(app: &App, tools: &[Tool], dev: bool) -> Result<Report> {
        let rustc = process::run_quietly(process::command("rustc").arg("--version"))?;
        Ok(Report {
            date: today(),
            app: app.name.clone(),
            version: app.version.clone(),
            units: app.units,
            profile: if dev { "dev" } else { "release" },
            machine: machine(),
            rustc: String::from_utf8_lossy(&rustc.stdout).trim().to_owned(),
            tools: tools.iter().map(|tool| (tool.name.to_owned(), tool.version.clone())).collect(),
            samples: Vec::new(),
            disk: Vec::new(),
        })
    }

    /// Name of the run's files, without extension.
    pub(super) fn stem(&self) -> String {
        let profile = if self.profile == "release" { "" } else { "-dev" };
        format!("{}-{}{profile}", self.date, self.app)
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
            "{}; {}; {rounds} interleaved rounds. Medians in seconds; in",
            self.machine, self.rustc
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
        for (scenario, title) in SCENARIOS {
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
            let _ = writeln!(text, "| {title} | {} |", cells.join(" | "));
        }
    }

    /// Round and value of every sample of a tool in a scenario.
    fn costs(&self, tool: &str, scenario: &str, cost: fn(&Cost) -> f64) -> Vec<(usize, f64)> {
        let samples =
            self.samples.iter().filter(|sample| sample.tool == tool && sample.scenario == scenario);
        samples.map(|sample| (sample.round, cost(&sample.cost))).collect()
    }
}

fn wall(cost: &Cost) -> f64 {
    cost.wall
}

fn cpu(cost: &Cost) -> f64 {
    cost.cpu
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some((lower + upper) / 2.0)
}

/// The processor and how many of it; never a host's name.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or(std::env::consts::ARCH, |(_, model)| model);
    format!("{cores} × {model}, {}", std::env::consts::OS)
}

/// Today in UTC, as `2026-11-20`.
fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    date(since.as_secs() / 86_400)
}

/// The date of a day since the epoch (Howard Hinnant's `civil_from_days`).
fn date(days: u64) -> String {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(19_782), "2024-02-29");
        assert_eq!(date(20_777), "2026-11-20");
    }

    #[test]
    fn medians_are_right() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
