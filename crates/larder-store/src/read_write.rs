//! Reading and replacing small files: a reader sees the old content or the
//! new one, never a part.

use crate::StoreError;
use std::fs::{File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How long a file counts as just used. A hit within it costs no write.
const USED_FOR: Duration = Duration::from_secs(3600);

/// Whether `error` says that there is no such file.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The content of `path`, if it is there, and marks it as used now.
///
/// The mark is the modification time, which only garbage collection reads. A
/// mark that cannot be written is not worth an error.
pub(crate) fn read_used(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(StoreError::at(path)(error)),
    };
    let meta = file.metadata().map_err(StoreError::at(path))?;
    // One read: files are replaced, never written in place. `read_to_end`
    // would ask a second time whether that was the end.
    let mut bytes = vec![0; usize::try_from(meta.len()).unwrap_or(0)];
    file.read_exact(&mut bytes).map_err(StoreError::at(path))?;
    let now = SystemTime::now();
    // `duration_since` fails for a time in the future: also a reason to mark.
    let fresh = meta.modified().is_ok_and(|t| now.duration_since(t).is_ok_and(|d| d < USED_FOR));
    if !fresh {
        let _ = file.set_modified(now);
    }
    Ok(Some(bytes))
}

/// The content of `path`, if it is there, without marking it.
pub(crate) fn read_quietly(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces `path` by `bytes`, through a file in `tmp` (same file system).
pub(crate) fn replace(tmp: &Path, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let file = written(tmp, path, bytes)?;
    // Directories below the areas are made when first needed.
    let file = match file.persist(path) {
        Ok(_) => return Ok(()),
        Err(failed) if failed.error.kind() == io::ErrorKind::NotFound => failed.file,
        Err(failed) => return Err(StoreError::at(path)(failed.error)),
    };
    make_parent(path)?;
    file.persist(path).map_err(|failed| StoreError::at(path)(failed.error))?;
    Ok(())
}

/// Makes `path` with `bytes`; if there is one, `displace` takes it away first.
/// So none is replaced that `displace` has not seen.
pub(crate) fn put_new(
    tmp: &Path,
    path: &Path,
    bytes: &[u8],
    mut displace: impl FnMut(),
) -> Result<(), StoreError> {
    let mut file = written(tmp, path, bytes)?;
    // Others may publish as fast as we take away; nobody wins that for long.
    for _ in 0..100 {
        let failed = match file.persist_noclobber(path) {
            Ok(_) => return Ok(()),
            Err(failed) => failed,
        };
        match failed.error.kind() {
            io::ErrorKind::AlreadyExists => displace(),
            io::ErrorKind::NotFound => make_parent(path)?,
            _ => return Err(StoreError::at(path)(failed.error)),
        }
        file = failed.file;
    }
    file.persist(path).map_err(|failed| StoreError::at(path)(failed.error))?;
    Ok(())
}

fn make_parent(path: &Path) -> Result<(), StoreError> {
    let Some(parent) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(parent).map_err(StoreError::at(parent))
}

/// A file in `tmp` with `bytes`, on its way to `path`.
fn written(tmp: &Path, path: &Path, bytes: &[u8]) -> Result<tempfile::NamedTempFile, StoreError> {
    let write = || -> io::Result<tempfile::NamedTempFile> {
        failpoint::pass(path)?;
        // `tempfile` would make it private to this user; the umask decides.
        let mut file = tempfile::Builder::new().permissions(permissions(0o666)).tempfile_in(tmp)?;
        file.write_all(bytes)?;
        Ok(file)
    };
    match write() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            std::fs::create_dir_all(tmp).map_err(StoreError::at(tmp))?;
            write().map_err(StoreError::at(tmp))
        }
        other => other.map_err(StoreError::at(tmp)),
    }
}

/// Unix permissions for a new file or directory, before the umask.
pub(crate) fn permissions(mode: u32) -> Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(mode)
}

/// Removes a file that may already be gone. `true` if this call removed it.
pub(crate) fn remove(path: &Path) -> Result<bool, StoreError> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(StoreError::at(path)(error)),
    }
}

/// Where unit tests let a write fail.
#[cfg(test)]
pub(crate) mod failpoint {
    use std::cell::RefCell;
    use std::io;
    use std::path::Path;

    thread_local! {
        static FAIL: RefCell<Option<(String, io::ErrorKind)>> = const { RefCell::new(None) };
    }

    /// Lets writes of this thread to paths containing `part` fail.
    pub(crate) fn arm(part: &str, kind: io::ErrorKind) {
        FAIL.with(|f| *f.borrow_mut() = Some((part.to_owned(), kind)));
    }

    /// Ends it.
    pub(crate) fn disarm() {
        FAIL.with(|f| *f.borrow_mut() = None);
    }

    pub(super) fn pass(path: &Path) -> io::Result<()> {
        FAIL.with(|f| match &*f.borrow() {
            Some((part, kind)) if path.to_string_lossy().contains(part) => Err((*kind).into()),
            _ => Ok(()),
        })
    }
}

#[cfg(not(test))]
mod failpoint {
    #[expect(clippy::unnecessary_wraps, reason = "its counterpart in unit tests fails")]
    pub(super) fn pass(_: &std::path::Path) -> std::io::Result<()> {
        Ok(())
    }
}
