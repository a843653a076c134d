//! Whether a file changed since an action began, by the clock that files get.
//!
//! That clock ticks every few milliseconds: a file that is written just after
//! the beginning can bear a time before it. So the beginning is the change
//! time of a file that is touched then, and equal times count as later.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

/// When an action began: seconds and nanoseconds of a change time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Began(i64, i64);

impl Began {
    /// Now, by the clock of the file system that holds the directory.
    pub(crate) fn now(dir: &Path) -> std::io::Result<Self> {
        let dir = File::open(dir)?;
        dir.set_modified(SystemTime::now())?;
        Ok(Self::of(&dir.metadata()?))
    }

    fn of(metadata: &Metadata) -> Self {
        Self(metadata.ctime(), metadata.ctime_nsec())
    }

    /// Whether what has this metadata changed since.
    pub(crate) fn precedes(self, metadata: &Metadata) -> bool {
        Self::of(metadata) >= self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_at_once_is_later() {
        let dir = tempfile::tempdir().unwrap();
        let (place, file) = (dir.path().join("place"), dir.path().join("file"));
        std::fs::create_dir(&place).unwrap();
        for round in 0..50 {
            let began = Began::now(&place).unwrap();
            std::fs::write(&file, round.to_string()).unwrap();
            assert!(began.precedes(&std::fs::metadata(&file).unwrap()));
        }
    }
}
