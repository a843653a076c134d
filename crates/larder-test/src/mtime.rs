//! [`Mtime`]: what an edit does to a file's modification time. Tools set it to
//! anything: git to now, tar and Docker to the past, some file systems to
//! whole seconds. None of that may decide what larder builds.

use fs_err as fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The modification time that a file has after an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mtime {
    /// What the file system says: now.
    Now,
    /// What it was before.
    Kept,
    /// A day before what it was.
    Older,
    /// A day from now.
    Newer,
    /// Now, in whole seconds.
    Truncated,
    /// The epoch.
    Zero,
}

impl Mtime {
    /// Sets the time of a file whose time before the edit was `before`.
    pub(crate) fn set(self, path: &Path, before: SystemTime) {
        const DAY: Duration = Duration::from_secs(86_400);
        let now = SystemTime::now();
        let time = match self {
            Mtime::Now => return,
            Mtime::Kept => before,
            Mtime::Older => before - DAY,
            Mtime::Newer => now + DAY,
            Mtime::Truncated => {
                let since = now.duration_since(UNIX_EPOCH).expect("a time after the epoch");
                UNIX_EPOCH + Duration::from_secs(since.as_secs())
            }
            Mtime::Zero => UNIX_EPOCH,
        };
        let file =
            fs::OpenOptions::new().append(true).open(path).expect("a file to set the time of");
        file.set_modified(time).expect("a time to set");
    }
}

/// The modification time of a file; now where it is not there.
pub(crate) fn of(path: &Path) -> SystemTime {
    fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .unwrap_or_else(|_| SystemTime::now())
}
