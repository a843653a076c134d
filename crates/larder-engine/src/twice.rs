//! Running a build script twice where it may have written the time: the clock
//! cannot be observed, but a second run a second later shows it.
//!
//! A script is suspected if its code calls the clock, or if the date or the
//! second of the run stands in what it left. A date that stands there is
//! evidence without a second run: that one has the same.

use crate::build::Build;
use crate::verify::{Side, first_difference};
use crate::work::Task;
use larder_sandbox::process::{Process, Stream};
use larder_sandbox::watch::{Observe, Watch};
use larder_schema::record::OutputFile;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How far apart two runs begin: the time is often written in seconds.
const APART: Duration = Duration::from_millis(1100);

impl Build<'_> {
    /// Signs that the time is in what a script left and said, as sentences.
    /// Its directory is as it was afterwards.
    pub(crate) fn clock_evidence(
        &self,
        task: &Task,
        process: &Process,
        watch: &Watch,
        outputs: &[OutputFile],
        said: &str,
    ) -> Vec<String> {
        let dir = task.pending.dir();
        let dates = Dates::of(SystemTime::now());
        let mut signs: Vec<String> = dates.in_text("its directives", said).into_iter().collect();
        for output in outputs.iter().filter(|output| output.symlink.is_none()) {
            let Ok(content) = std::fs::read(dir.join(&output.name)) else { continue };
            signs.extend(dates.in_bytes(&format!("`{}`", output.name), &content));
        }
        if signs.is_empty()
            && !self.mentioned_by_script(task).is_some_and(|mentions| mentions.clock)
        {
            return signs;
        }
        signs.extend(self.differs_when_repeated(task, process, watch, outputs, said));
        signs
    }

    /// Runs the script once more in its directory, and says what differs.
    /// What cannot be found out is no sign.
    fn differs_when_repeated(
        &self,
        task: &Task,
        process: &Process,
        watch: &Watch,
        outputs: &[OutputFile],
        said: &str,
    ) -> Option<String> {
        let dir = task.pending.dir();
        let mut name = dir.file_name()?.to_owned();
        name.push(".first");
        let aside = dir.with_file_name(name);
        std::fs::rename(dir, &aside).ok()?;
        let sign = self.repeat(task, process, watch, outputs, said, &aside);
        let _ = std::fs::remove_dir_all(dir);
        let _ = std::fs::rename(&aside, dir);
        sign
    }

    fn repeat(
        &self,
        task: &Task,
        process: &Process,
        watch: &Watch,
        outputs: &[OutputFile],
        said: &str,
        aside: &Path,
    ) -> Option<String> {
        let dir = task.pending.dir();
        std::fs::create_dir(dir).ok()?;
        std::thread::sleep(APART);
        let stdout = std::sync::Mutex::new(String::new());
        // Confined as the first time; what it does was seen then.
        let watch = Watch { observe: Observe::No, ..watch.clone() };
        let watched = process.run_watched(&watch, &mut |stream, line| {
            if stream == Stream::Stdout {
                let mut out = stdout.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                out.push_str(line);
                out.push('\n');
            }
        });
        if !watched.is_ok_and(|watched| watched.ended.status.success()) {
            return None;
        }
        let stdout = stdout.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let again = task.pending.hash_outputs().ok()?;
        let again_said = self.symbols(task.unit).symbolic(&stdout);
        let machine = self.places.machine();
        let before = Side { outputs, dir: aside, said: Some(said), machine };
        let after = Side { outputs: &again, dir, said: Some(&again_said), machine };
        let difference = first_difference(&before, &after)?;
        let crate::verify::Difference { file, stored, rebuilt, .. } = difference;
        Some(format!("run twice, `{file}` differs: `{stored}`, then `{rebuilt}`"))
    }
}

/// The date of a run, as programs write it, with those of the neighbouring
/// days for other time zones; and its seconds since 1970.
struct Dates {
    texts: Vec<String>,
    seconds: u64,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Dates {
    fn of(now: SystemTime) -> Self {
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let today = seconds / 86_400;
        let mut texts = Vec::new();
        for day in [today.saturating_sub(1), today, today + 1] {
            let (year, month, day) = civil(day);
            let name = MONTHS[month as usize - 1];
            texts.push(format!("{year}-{month:02}-{day:02}"));
            texts.push(format!("{year}/{month:02}/{day:02}"));
            texts.push(format!("{year}{month:02}{day:02}"));
            // C's `__DATE__`, and the dates of mails.
            texts.push(format!("{name} {day:2} {year}"));
            texts.push(format!("{day} {name} {year}"));
            texts.push(format!("{day:02} {name} {year}"));
        }
        Self { texts, seconds }
    }

    fn in_text(&self, place: &str, text: &str) -> Option<String> {
        self.in_bytes(place, text.as_bytes())
    }

    fn in_bytes(&self, place: &str, bytes: &[u8]) -> Option<String> {
        let holds = |text: &str| {
            let is_digit =
                |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
            memchr::memmem::find_iter(bytes, text)
                .any(|at| !is_digit(at.checked_sub(1)) && !is_digit(Some(at + text.len())))
        };
        if let Some(date) = self.texts.iter().find(|date| holds(date)) {
            return Some(format!("{place} holds the date of the run, {date}"));
        }
        // The run began up to a minute ago.
        let second =
            (self.seconds.saturating_sub(60)..=self.seconds).find(|s| holds(&s.to_string()));
        second.map(|second| format!("{place} holds the second of the run, {second}"))
    }
}

/// Year, month and day of a number of days since 1970, in the Gregorian
/// calendar. Years are counted from March, so that leap days come last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_dates() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (19_723, (2024, 1, 1)),
            (20_777, (2026, 11, 20)),
        ] {
            assert_eq!(civil(days), date);
        }
    }

    #[test]
    fn dates_and_seconds_are_found_as_words() {
        let dates = Dates::of(UNIX_EPOCH + Duration::from_secs(20_777 * 86_400 + 3600));
        let found = |text: &str| dates.in_text("x", text).is_some();
        for text in ["on 2026-11-20", "Nov 20 2026", "20261119T", "at 1795136400;", "=1795136350"] {
            assert!(found(text), "{text}");
        }
        for text in ["2026-11-18", "120261120", "1795136500", "17951364001"] {
            assert!(!found(text), "{text}");
        }
    }
}
