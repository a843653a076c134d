//! What earlier builds reported: the last report of each workspace, for
//! `explain`, and a line per build, for `stats`. Beside the store, not part of
//! it: losing any of this loses no result.

use larder_schema::Digest;
use larder_schema::report::Report;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Version of the directory's content.
const DIRECTORY: &str = "history-v1";
/// Bytes after which the list of builds is halved: some 50,000 builds.
const LIST_LIMIT: u64 = 4_000_000;

/// A build, in the list.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Entry {
    units: usize,
    hits: usize,
    executed: usize,
    spent: f64,
    saved: f64,
}

/// Sums over the builds of this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Sums {
    /// Builds.
    pub(crate) builds: usize,
    /// Their units.
    pub(crate) units: usize,
    /// Of these, answered by the store.
    pub(crate) hits: usize,
    /// Of these, executed.
    pub(crate) executed: usize,
    /// Seconds that executions took.
    pub(crate) seconds_spent: f64,
    /// Seconds that hits saved.
    pub(crate) seconds_saved: f64,
}

/// The reports kept under the store's directory.
pub(crate) struct History {
    dir: PathBuf,
}

impl History {
    /// Under the directory of the settings.
    pub(crate) fn at(dir: &Path) -> Self {
        Self { dir: dir.join(DIRECTORY) }
    }

    /// Keeps a report.
    pub(crate) fn keep(&self, report: &Report) -> std::io::Result<()> {
        fs_err::create_dir_all(&self.dir)?;
        let path = self.report_path(Path::new(&report.workspace));
        write_atomically(&path, &serde_json::to_vec(report)?)?;
        let entry = Entry {
            units: report.totals.units,
            hits: report.totals.hits,
            executed: report.totals.executed,
            spent: report.totals.seconds_spent,
            saved: report.totals.seconds_saved,
        };
        let mut line = serde_json::to_vec(&entry)?;
        line.push(b'\n');
        // One short write to a file opened for appending: lines of builds
        // that end at the same moment do not mix.
        let list = self.list();
        fs_err::OpenOptions::new().create(true).append(true).open(&list)?.write_all(&line)?;
        if list.metadata()?.len() > LIST_LIMIT {
            let text = fs_err::read_to_string(&list)?;
            let half = text.split_inclusive('\n').skip(text.lines().count() / 2);
            write_atomically(&list, half.collect::<String>().as_bytes())?;
        }
        Ok(())
    }

    /// The last report of the workspace that `dir` is in.
    pub(crate) fn last(&self, dir: &Path) -> anyhow::Result<Option<Report>> {
        for workspace in dir.ancestors() {
            let path = self.report_path(workspace);
            match fs_err::read(&path) {
                Ok(bytes) => return Ok(Some(serde_json::from_slice(&bytes)?)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Sums over the builds in the list; damaged lines do not count.
    pub(crate) fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        let text = fs_err::read_to_string(self.list()).unwrap_or_default();
        for entry in text.lines().filter_map(|l| serde_json::from_str::<Entry>(l).ok()) {
            sums.builds += 1;
            sums.units += entry.units;
            sums.hits += entry.hits;
            sums.executed += entry.executed;
            sums.seconds_spent += entry.spent;
            sums.seconds_saved += entry.saved;
        }
        sums
    }

    fn list(&self) -> PathBuf {
        self.dir.join("builds.jsonl")
    }

    fn report_path(&self, workspace: &Path) -> PathBuf {
        let digest = Digest::of(workspace.as_os_str().as_encoded_bytes());
        self.dir.join(format!("{}.json", digest.short()))
    }
}

/// Writes a file whole or not at all.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(bytes)?;
    use std::os::unix::fs::PermissionsExt as _;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use larder_schema::report::{Phases, REPORT_VERSION, Totals};

    pub(crate) fn report(workspace: &str) -> Report {
        Report {
            version: REPORT_VERSION,
            larder: "0".into(),
            command: "build".into(),
            workspace: workspace.into(),
            plan_cached: false,
            seconds: Phases::default(),
            totals: Totals {
                units: 3,
                hits: 2,
                executed: 1,
                seconds_saved: 4.0,
                ..Totals::default()
            },
            units: Vec::new(),
            env_removed: Vec::new(),
        }
    }

    #[test]
    fn the_last_report_is_found_from_below() {
        let dir = tempfile::tempdir().unwrap();
        let history = History::at(dir.path());
        assert!(history.last(Path::new("/w/a/src")).unwrap().is_none());
        history.keep(&report("/w/a")).unwrap();
        history.keep(&report("/w/b")).unwrap();
        let found = history.last(Path::new("/w/a/src")).unwrap().unwrap();
        assert_eq!(found.workspace, "/w/a");
        let sums = history.sums();
        assert_eq!((sums.builds, sums.units, sums.hits), (2, 6, 4));
        assert!((sums.seconds_saved - 8.0).abs() < 1e-9);
    }
}
