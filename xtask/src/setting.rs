//! What a run of measurements says of itself (date, machine, compiler), and
//! the medians that it is summed up in.

use crate::{process, workspace};
use anyhow::Result;
use fs_err as fs;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The processor and how many of it; never a host's name.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or(std::env::consts::ARCH, |(_, model)| model);
    format!("{cores} × {model}, {}", std::env::consts::OS)
}

/// Runnable processes over the last minute, per processor: above a few tenths
/// before a run starts, its times say little.
pub(crate) fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = text.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or_default();
    load / std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64)
}

/// `rustc --version`.
pub(crate) fn rustc() -> Result<String> {
    let output = process::run_quietly(process::command("rustc").arg("--version"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A file of `benches/runs`, without extension: `2026-11-20-ripgrep`, and
/// `-2` and so on where the day has one already. `resumed` is the last there
/// is.
pub(crate) fn run_file(name: &str, resumed: bool) -> Result<PathBuf> {
    let runs = workspace::root().join("benches/runs");
    fs::create_dir_all(&runs)?;
    Ok(numbered(&runs, &format!("{}-{name}", today()), resumed))
}

fn numbered(runs: &Path, stem: &str, resumed: bool) -> PathBuf {
    let file = |number: usize| match number {
        1 => runs.join(stem),
        number => runs.join(format!("{stem}-{number}")),
    };
    let there = |number: &usize| file(*number).with_extension("json").exists();
    let taken = (1..).take_while(there).count();
    file(if resumed && taken > 0 { taken } else { taken + 1 })
}

/// Writes a run down, as data and as a table.
pub(crate) fn write_run(file: &Path, data: &impl Serialize, table: &str) -> Result<()> {
    let json = serde_json::to_string_pretty(data)? + "\n";
    write(&file.with_extension("json"), &json)?;
    write(&file.with_extension("md"), table)
}

/// Replaces a file in one step: an interrupted run keeps what it has.
fn write(path: &Path, text: &str) -> Result<()> {
    let aside = path.with_extension("new");
    fs::write(&aside, text)?;
    fs::rename(&aside, path)?;
    Ok(())
}

pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some((lower + upper) / 2.0)
}

/// Today in UTC, as `2026-11-20`.
pub(crate) fn today() -> String {
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

    #[test]
    fn a_second_run_of_a_day_replaces_nothing() {
        let runs = tempfile::tempdir().unwrap();
        let name = |resumed| {
            let file = numbered(runs.path(), "day-app", resumed);
            file.file_name().unwrap().to_string_lossy().into_owned()
        };
        assert_eq!((name(false), name(true)), ("day-app".to_owned(), "day-app".to_owned()));
        std::fs::write(runs.path().join("day-app.json"), "").unwrap();
        assert_eq!((name(false), name(true)), ("day-app-2".to_owned(), "day-app".to_owned()));
    }
}
