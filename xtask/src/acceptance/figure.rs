//! Figures as values, and the run that holds them as text for people.

use crate::setting;
use anyhow::{Result, bail};
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// One measured figure.
#[derive(Debug, Serialize)]
pub(super) struct Figure {
    /// What was measured.
    pub(super) what: String,
    /// The measurement and its limit, in the same unit.
    pub(super) value: f64,
    pub(super) limit: f64,
    /// Whether the limit is a lower one.
    pub(super) at_least: bool,
    /// Decimals and unit: `{} s`, `× cargo`.
    pub(super) unit: String,
    /// Where the limit comes from, and what else belongs to the figure.
    pub(super) note: String,
    /// Every measurement behind it, as `[larder, cargo]` pairs.
    pub(super) samples: Vec<[f64; 2]>,
    /// What it names, one per line: units that are not identical, say.
    pub(super) named: Vec<String>,
}

impl Figure {
    pub(super) fn at_most(what: &str, value: f64, limit: f64, unit: &str, note: String) -> Figure {
        Figure {
            what: what.to_owned(),
            value,
            limit,
            at_least: false,
            unit: unit.to_owned(),
            note,
            samples: Vec::new(),
            named: Vec::new(),
        }
    }

    pub(super) fn at_least(self) -> Figure {
        Figure { at_least: true, ..self }
    }

    pub(super) fn samples(self, samples: Vec<[f64; 2]>) -> Figure {
        Figure { samples, ..self }
    }

    fn is_reached(&self) -> bool {
        if self.at_least { self.value >= self.limit } else { self.value <= self.limit }
    }
}

/// What became of one figure of one application.
#[derive(Debug, Serialize)]
struct Row {
    figure: String,
    app: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<Figure>,
    /// Why it could not be measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
}

/// One run.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    date: String,
    machine: String,
    rustc: String,
    /// Of the machine, per processor, when the run began.
    load: f64,
    rounds: usize,
    rows: Vec<Row>,
}

impl Run {
    pub(super) fn new(rounds: usize) -> Result<Run> {
        Ok(Run {
            date: setting::today(),
            machine: setting::machine(),
            rustc: setting::rustc()?,
            load: setting::load(),
            rounds,
            rows: Vec::new(),
        })
    }

    /// Takes the figures, or why there are none: the others go on.
    pub(super) fn add(&mut self, figure: &str, app: &str, figures: Result<Vec<Figure>>) {
        let row = |measured, failed| Row {
            figure: figure.to_owned(),
            app: app.to_owned(),
            measured,
            failed,
        };
        match figures {
            Ok(figures) => {
                for figure in figures {
                    let row = row(Some(figure), None);
                    eprintln!("    {}", line(&row));
                    self.rows.push(row);
                }
            }
            Err(error) => {
                let row = row(None, Some(format!("{error:#}")));
                eprintln!("    {}", line(&row));
                self.rows.push(row);
            }
        }
    }

    pub(super) fn write(&self, file: &Path) -> Result<()> {
        setting::write_run(file, self, &self.markdown())
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = format!(
            "# Acceptance: {}\n\n{}; {}; {} rounds; load {:.1} per core at the start.\n\n\
             | figure | project | measured | limit | verdict | |\n|---|---|--:|--:|---|---|\n",
            self.date, self.machine, self.rustc, self.rounds, self.load
        );
        for row in &self.rows {
            let _ = writeln!(text, "{}", line(row));
        }
        for row in &self.rows {
            let Some(figure) = row.measured.as_ref().filter(|figure| !figure.named.is_empty())
            else {
                continue;
            };
            let _ = writeln!(text, "\n## {}: {}\n", figure.what, row.app);
            for name in &figure.named {
                let _ = writeln!(text, "- {name}");
            }
        }
        text
    }

    /// An error if a figure is missed.
    pub(super) fn verdict(&self) -> Result<()> {
        let reached = |row: &&Row| row.measured.as_ref().is_some_and(Figure::is_reached);
        let missed = self.rows.len() - self.rows.iter().filter(reached).count();
        if missed > 0 {
            bail!("{missed} of {} figures are not reached", self.rows.len());
        }
        Ok(())
    }
}

fn line(row: &Row) -> String {
    let Some(figure) = &row.measured else {
        let why = row.failed.as_deref().unwrap_or_default();
        let why = why.lines().next().unwrap_or_default();
        return format!("| {} | {} | – | – | **failed** | {why} |", row.figure, row.app);
    };
    let (unit, sign) = (&figure.unit, if figure.at_least { "≥ " } else { "" });
    let verdict = if figure.is_reached() { "reached" } else { "**missed**" };
    format!(
        "| {} | {} | {:.3} {unit} | {sign}{:.3} {unit} | {verdict} | {} |",
        figure.what, row.app, figure.value, figure.limit, figure.note
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold_in_both_directions() {
        let figure = |value| Figure::at_most("x", value, 1.0, "s", String::new());
        assert!(figure(1.0).is_reached() && !figure(1.01).is_reached());
        assert!(figure(1.01).at_least().is_reached() && !figure(0.99).at_least().is_reached());
    }

    #[test]
    fn a_figure_that_cannot_be_measured_is_not_reached() {
        let mut run = Run {
            date: String::new(),
            machine: String::new(),
            rustc: String::new(),
            load: 0.0,
            rounds: 1,
            rows: Vec::new(),
        };
        run.add("warm", "app", Err(anyhow::anyhow!("no compiler\nat all")));
        assert!(run.verdict().is_err());
        assert!(run.markdown().contains("**failed** | no compiler |"));
    }
}
