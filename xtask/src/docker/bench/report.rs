//! A run as a value, as a table, and the figures that larder has to reach.

use super::approach::Approach;
use super::build::Built;
use super::project::{Project, Scenario};
use crate::{process, setting};
use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// One build.
#[derive(Debug, Serialize)]
pub(super) struct Sample {
    pub(super) approach: Approach,
    pub(super) scenario: Scenario,
    pub(super) round: usize,
    /// Of the same change in the same round.
    pub(super) turn: usize,
    #[serde(flatten)]
    pub(super) built: Built,
}

impl Sample {
    /// For whoever waits.
    pub(super) fn line(&self) -> String {
        let built = &self.built;
        let cooked = built.cooked.map(|n| format!(", {n} of them external")).unwrap_or_default();
        format!(
            "{:<12} {:>7.1} s wall {:>7.1} s user+sys  {} units{cooked}",
            self.approach.name(),
            built.wall,
            built.cpu,
            built.units
        )
    }
}

/// A run, as it is committed.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    date: String,
    app: String,
    version: String,
    profile: &'static str,
    bump: Option<(String, String)>,
    machine: String,
    /// Of the machine, per processor, when the run began.
    load: f64,
    rustc: String,
    larder: String,
    rounds: usize,
    pub(super) samples: Vec<Sample>,
}

/// A ratio that is to be reached.
struct Verdict {
    what: String,
    ratios: Vec<f64>,
    limit: f64,
}

impl Verdict {
    fn spread(&self) -> String {
        let bound = |pick: fn(f64, f64) -> f64| self.ratios.iter().copied().reduce(pick);
        match (bound(f64::min), bound(f64::max), self.ratios.len()) {
            (Some(least), Some(greatest), count @ 2..) => {
                format!("{count}: {least:.3} to {greatest:.3}")
            }
            (.., count) => count.to_string(),
        }
    }
}

impl Report {
    pub(super) fn new(project: &Project, larder: &Path, rounds: usize) -> Result<Report> {
        let said = process::run_quietly(process::command(larder).args(["larder", "--version"]))?;
        Ok(Report {
            date: setting::today(),
            app: project.app.name.clone(),
            version: project.app.version.clone(),
            profile: if project.dev { "dev" } else { "release" },
            bump: project.bump.clone(),
            machine: setting::machine(),
            load: setting::load(),
            rustc: setting::rustc()?,
            larder: String::from_utf8_lossy(&said.stdout).trim().to_owned(),
            rounds,
            samples: Vec::new(),
        })
    }

    /// Name of the run's files, without date and extension.
    pub(super) fn name(&self) -> String {
        let profile = if self.profile == "release" { "" } else { "-dev" };
        format!("docker-{}{profile}", self.app)
    }

    pub(super) fn write(&self, file: &Path) -> Result<()> {
        setting::write_run(file, self, &self.markdown())
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = format!(
            "# `docker build` of {} {}, {}: {}\n\n{}; {}; {}; {} round(s); load {:.1} per core at the start. \
             The application and two members that it depends on.\n",
            self.app,
            self.version,
            self.profile,
            self.date,
            self.machine,
            self.rustc,
            self.larder,
            self.rounds,
            self.load
        );
        if let Some((name, version)) = &self.bump {
            let _ = writeln!(text, "The bumped dependency is {name}, to {version}.");
        }
        let units = |built: &Built| Some(built.units as f64);
        self.table(&mut text, "Seconds of `docker build`", 1, &wall);
        self.table(&mut text, "User and system time in the containers, seconds", 1, &cpu);
        self.table(&mut text, "Compiler calls and build-script runs", 0, &units);
        let cooked = |built: &Built| built.cooked.map(|cooked| cooked as f64);
        self.table(&mut text, "Of these, before the sources are seen", 0, &cooked);
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let kept = |built: &Built| Some(megabytes(built.kept));
        self.table(&mut text, "Kept by the builder: layers and mounts, MB", 1, &kept);
        let layer = |built: &Built| built.cook_layer.map(megabytes);
        self.table(&mut text, "Layer of the dependencies, MB", 1, &layer);
        let image = |built: &Built| Some(megabytes(built.image));
        self.table(&mut text, "Image, MB", 1, &image);
        let _ = writeln!(
            text,
            "\n## To be reached\n\nMedians of pairs; where there are several, the least and the greatest.\n\n\
             | figure | measured | limit | | pairs |\n|---|--:|--:|---|---|"
        );
        for verdict in self.verdicts() {
            let spread = verdict.spread();
            let Some(value) = setting::median(verdict.ratios) else { continue };
            let said = if value <= verdict.limit { "reached" } else { "**missed**" };
            let Verdict { what, limit, .. } = verdict;
            let _ = writeln!(text, "| {what} | {value:.3} | {limit:.3} | {said} | {spread} |");
        }
        text
    }

    fn table(
        &self,
        text: &mut String,
        title: &str,
        decimals: usize,
        figure: &dyn Fn(&Built) -> Option<f64>,
    ) {
        let has = |approach: Approach| self.samples.iter().any(|s| s.approach == approach);
        let approaches: Vec<_> =
            Approach::value_variants().iter().copied().filter(|a| has(*a)).collect();
        let names: Vec<_> = approaches.iter().map(|approach| approach.name()).collect();
        let _ = writeln!(
            text,
            "\n## {title}\n\n| change | {} |\n|---|{}",
            names.join(" | "),
            "--:|".repeat(names.len())
        );
        for scenario in Scenario::value_variants() {
            let cells: Vec<Option<f64>> = approaches
                .iter()
                .map(|a| setting::median(self.figures(*a, *scenario, figure).collect()))
                .collect();
            if cells.iter().all(Option::is_none) {
                continue;
            }
            let cells = cells.iter().map(|cell| match cell {
                Some(value) => format!("{value:.decimals$}"),
                None => "–".to_owned(),
            });
            let _ = writeln!(
                text,
                "| {} | {} |",
                scenario.title(),
                cells.collect::<Vec<_>>().join(" | ")
            );
        }
    }

    fn figures<'a>(
        &'a self,
        approach: Approach,
        scenario: Scenario,
        figure: &'a dyn Fn(&Built) -> Option<f64>,
    ) -> impl Iterator<Item = f64> + 'a {
        let samples = self.samples.iter();
        let samples = samples.filter(move |s| s.approach == approach && s.scenario == scenario);
        samples.filter_map(move |sample| figure(&sample.built))
    }

    /// Ratios of larder's figure to chef's for the same change.
    fn ratios(
        &self,
        approach: Approach,
        scenario: Scenario,
        figure: &dyn Fn(&Built) -> Option<f64>,
    ) -> Vec<f64> {
        let of = |approach: Approach| {
            let samples = self.samples.iter();
            samples.filter(move |s| s.approach == approach && s.scenario == scenario)
        };
        let pairs = of(approach).filter_map(|ours| {
            let theirs = |s: &&Sample| (s.round, s.turn) == (ours.round, ours.turn);
            Some((ours, of(Approach::Chef).find(theirs)?))
        });
        let ratio = |(ours, theirs): (&Sample, &Sample)| {
            Some(figure(&ours.built)? / figure(&theirs.built)?.max(1e-6))
        };
        pairs.filter_map(ratio).collect()
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        let mut add = |what: String, ratios: Vec<f64>, limit: f64| {
            verdicts.push(Verdict { what, ratios, limit });
        };
        for (unit, figure) in [("seconds", wall as fn(&Built) -> Option<f64>), ("user+sys", cpu)] {
            for approach in [Approach::Layers, Approach::Mount] {
                let name = approach.name();
                let ratios = self.ratios(approach, Scenario::Bump, &figure);
                add(format!("one dependency bumped, {name} / chef, {unit}"), ratios, 0.20);
                let ratios = self.ratios(approach, Scenario::Source, &figure);
                add(format!("source edit, {name} / chef, {unit}"), ratios, 1.05);
            }
        }
        let layer = |built: &Built| built.cook_layer.map(|bytes| bytes as f64);
        let ratios = self.ratios(Approach::Layers, Scenario::First, &layer);
        add("layer of the dependencies, layers / chef, bytes".into(), ratios, 0.60);
        for scenario in [Scenario::Source, Scenario::Shared, Scenario::Member, Scenario::Version] {
            let cooked = |built: &Built| built.cooked.map(|cooked| cooked as f64);
            let figures = self.figures(Approach::Layers, scenario, &cooked).collect();
            add(format!("{}, layers, units cooked anew", scenario.title()), figures, 0.0);
        }
        verdicts
    }
}

fn wall(built: &Built) -> Option<f64> {
    Some(built.wall)
}

fn cpu(built: &Built) -> Option<f64> {
    Some(built.cpu)
}
