//! One job: running the action of one unit, from its environment to what it
//! left. Jobs run on threads of their own; they read the [`Build`] and change
//! nothing in it but places and runs.

use crate::build::{Build, Chosen};
use crate::event::Event;
use crate::scan::{Found, Scanner};
use larder_key::inputs::Inputs;
use larder_key::verdict::Facts;
use larder_sandbox::jobs::Pool;
use larder_schema::pathset::PathSet;
use larder_schema::plan::{Directives, Source, UnitIndex};
use larder_schema::record::{OutputFile, SideOutput, Undeclared};
use larder_store::{KeyLock, Pending, StoreError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What a job is given.
pub(crate) struct Task {
    /// The unit.
    pub unit: UnitIndex,
    /// Where it writes.
    pub pending: Pending,
    /// The right to build it, kept until it is published.
    pub lock: Option<KeyLock>,
    /// The jobserver for its children.
    pub pool: Arc<Pool>,
    /// Results of the programs that it runs or loads.
    pub programs: Vec<Chosen>,
    /// Whether incremental compilation starts from an earlier session.
    pub warm_session: bool,
    /// `--diagnostic-width`.
    pub diagnostic_width: Option<usize>,
    /// Why it runs.
    pub miss: Option<larder_schema::report::MissReason>,
    /// `-v` count.
    pub verbose: u8,
    /// Value of the package's files before the job, where they can change.
    pub package_before: Option<String>,
    /// Whether it only repeats what is stored, to be compared with it.
    pub is_second: bool,
}

/// What a job left behind.
pub(crate) struct Built {
    /// Where it wrote.
    pub pending: Pending,
    /// The right to publish.
    pub lock: Option<KeyLock>,
    /// Whether incremental compilation started from an earlier session.
    pub warm_session: bool,
    /// Files, hashed.
    pub outputs: Vec<OutputFile>,
    /// Lines to replay, with symbolic paths.
    pub stdout: String,
    /// Lines to replay, with symbolic paths.
    pub stderr: String,
    /// Inputs that it was seen to use.
    pub path_set: PathSet,
    /// Their values.
    pub values: Inputs,
    /// Why the result is used once and not published, if so.
    pub use_once: Option<String>,
    /// For runs: what the script said, real and symbolic.
    pub directives: Option<(Directives, Directives)>,
    /// Files that it wrote outside its own directories.
    pub side_outputs: Vec<SideOutput>,
    /// What it read without declaring it, if it was observed.
    pub undeclared: Option<Undeclared>,
    /// What its verdict is made from.
    pub facts: Facts,
    /// Wall time.
    pub duration: Duration,
    /// When the metadata was there.
    pub metadata_after: Option<Duration>,
}

/// How a job failed: what cargo says, line by line.
#[derive(Debug)]
pub(crate) struct JobFailed {
    /// Without the `error: ` prefix.
    pub text: String,
    /// Whether it was this machine's fault (store, process) rather than the
    /// code's.
    pub internal: bool,
}

/// Called by a job with what happens while it runs.
pub(crate) trait Progress: Sync {
    /// The metadata of the unit is there: dependents may start.
    fn metadata_ready(&self, unit: UnitIndex);
}

impl Build<'_> {
    /// Runs a unit.
    ///
    /// # Errors
    /// What cargo would say.
    pub(crate) fn work(&self, task: Task, progress: &dyn Progress) -> Result<Built, JobFailed> {
        let unit = task.unit;
        let sources = self.sources_differ(unit)?;
        let mut built = if self.plan.units[unit].is_run() {
            self.run_script(task)
        } else {
            self.run_rustc(task, progress)
        }?;
        if built.use_once.is_none() {
            built.use_once = sources;
        }
        Ok(built)
    }

    /// A registry's checksum stands for the files of its package, so the
    /// unpacked tree has to be what the archive holds: cargo never looks
    /// again. Says what differs. Another archive than the lock file's is used
    /// once, as cargo would; a cook plan is to be had exactly or not at all.
    fn sources_differ(&self, unit: UnitIndex) -> Result<Option<String>, JobFailed> {
        use larder_cargo::sources::{Verdict, archive, check};
        let package = &self.plan.packages[self.plan.units[unit].package];
        let Source::Registry { checksum: Some(checksum), vendored: false, .. } = &package.source
        else {
            return Ok(None);
        };
        let root = PathBuf::from(self.places.expand(unit, &package.root));
        let name = format!("{} v{}", package.name, package.version);
        let Some(archive) = archive(Path::new(&self.plan.roots.cargo_home), &root) else {
            return Ok(Some(format!("the sources of {name} are not where cargo unpacks archives")));
        };
        Ok(match check(self.memo, &root, &archive, checksum) {
            Ok(Verdict::Intact) => None,
            Ok(Verdict::Unchecked) => {
                Some(format!("the archive of {name} is gone: its sources cannot be checked"))
            }
            Ok(Verdict::WrongArchive) if self.is_cooking() => {
                let archive = archive.display();
                return Err(JobFailed {
                    text: format!(
                        "`{archive}` does not have the checksum that the plan has for {name}"
                    ),
                    internal: false,
                });
            }
            Ok(Verdict::WrongArchive) => {
                Some(format!("the archive of {name} does not have the checksum of Cargo.lock"))
            }
            Ok(Verdict::Changed(files)) => {
                let files = files.join(", ");
                let text = format!("the sources of {name} are not those of its archive: {files}");
                let hint = format!("remove {} and let cargo unpack it again", root.display());
                self.emit(&Event::Warning { text: text.clone(), hint: Some(hint) });
                Some(text)
            }
            Err(error) => Some(error.to_string()),
        })
    }

    /// Hashes what a job left, and finds what in it tells of this machine.
    /// What no record can describe is used in this build only.
    pub(crate) fn outputs(&self, pending: &Pending) -> Result<Outputs, JobFailed> {
        let mut scanner = Scanner::new(self.places.machine());
        let hashed = pending.hash_outputs_with(&mut |file, piece| scanner.see(file, piece));
        let (files, undescribed) = match hashed {
            Ok(files) => (files, None),
            Err(error @ StoreError::Unpublishable { .. }) => (Vec::new(), Some(error.to_string())),
            Err(error) => return Err(internal(&error)),
        };
        Ok(Outputs { files, undescribed, found: scanner.finish() })
    }
}

/// The files that a job left.
pub(crate) struct Outputs {
    /// As records have them.
    pub files: Vec<OutputFile>,
    /// Why no record can describe them, if so.
    pub undescribed: Option<String>,
    /// What in them tells of this machine.
    pub found: Vec<Found>,
}

/// An error of the store or the system as a job's failure.
pub(crate) fn internal(error: &dyn std::error::Error) -> JobFailed {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!("\n\nCaused by:\n  {error}"));
        source = error.source();
    }
    JobFailed { text, internal: true }
}
