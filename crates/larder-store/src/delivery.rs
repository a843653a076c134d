//! Putting a stored file where the user wants it.
//!
//! Never by a link of either kind: `strip`, `patchelf` and `install_name_tool`
//! rewrite a file through its links, whatever its mode, and would damage the
//! store. Never through what is there: the file that the destination names
//! may have other names, or be running.

use crate::read_write::permissions;
use std::io;
use std::path::Path;

/// How a file was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Both share blocks until one is written (btrfs, XFS, APFS).
    Reflinked,
    /// The content was copied.
    Copied,
}

/// Makes `dst` a file with the content of `src` and the Unix permission bits
/// `mode`, replacing what is there in one step.
///
/// # Errors
/// Those of reading `src` and of making a file beside `dst`, whose directory
/// must exist. `dst` is then as it was.
pub fn deliver(src: &Path, dst: &Path, mode: u32) -> io::Result<Method> {
    let parent = match dst.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut method = Method::Copied;
    let made = tempfile::Builder::new().prefix(".larder-").make_in(parent, |path| {
        method = match reflink_copy::reflink(src, path) {
            Ok(()) => Method::Reflinked,
            // A name that is taken is tried again under another one.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            Err(_) => {
                fs_err::copy(src, path)?;
                Method::Copied
            }
        };
        fs_err::set_permissions(path, permissions(mode & 0o777))
    })?;
    made.into_temp_path().persist(dst).map_err(|failed| {
        io::Error::new(failed.error.kind(), format!("`{}`: {}", dst.display(), failed.error))
    })?;
    Ok(method)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    #[test]
    fn replaces_without_writing_through_links() {
        let dir = tempfile::tempdir().unwrap();
        let (src, dst) = (dir.path().join("src"), dir.path().join("dst"));
        fs::write(&src, b"new").unwrap();
        fs::write(&dst, b"old").unwrap();
        let other = dir.path().join("other");
        fs::hard_link(&dst, &other).unwrap();
        deliver(&src, &dst, 0o755).unwrap();
        assert_eq!(fs::read(&dst).unwrap(), b"new");
        assert_eq!(fs::read(&other).unwrap(), b"old");
        assert_eq!(fs::metadata(&dst).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::metadata(&src).unwrap().nlink(), 1);
        // What rewrites the delivered file leaves the source alone.
        fs::write(&dst, b"stripped").unwrap();
        assert_eq!(fs::read(&src).unwrap(), b"new");
        // A symbolic link at the destination is replaced, not followed.
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&other, &link).unwrap();
        deliver(&src, &link, 0o644).unwrap();
        assert!(!fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&other).unwrap(), b"old");
    }

    #[test]
    fn a_failure_leaves_the_destination_and_no_litter() {
        let dir = tempfile::tempdir().unwrap();
        let dst = dir.path().join("dst");
        fs::write(&dst, b"old").unwrap();
        assert!(deliver(&dir.path().join("absent"), &dst, 0o644).is_err());
        assert_eq!(fs::read(&dst).unwrap(), b"old");
        let taken = dir.path().join("taken");
        fs::create_dir(&taken).unwrap();
        assert!(deliver(&dst, &taken, 0o644).is_err());
        let mut names: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["dst", "taken"]);
    }
}
