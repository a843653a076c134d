//! The library that records in the process (`preload/`): where it lies, and
//! for which programs it is.

use super::shared::Shared;
use super::target::interpreter;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Empty where there is none.
const LIBRARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/preload.so"));

const LOADED: &str = "LD_PRELOAD";

/// The first minor version of glibc 2 that has all that the library uses in
/// one file.
const FIRST_GLIBC: u32 = 34;

/// Whether there is one.
pub(crate) const fn records() -> bool {
    !LIBRARY.is_empty()
}

/// Puts the library into a directory. `None`: this platform has none.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn install(directory: &Path) -> io::Result<Option<PathBuf>> {
    if !records() {
        return Ok(None);
    }
    let path = directory.join("observer.so");
    if std::fs::read(&path).is_ok_and(|there| there == LIBRARY) {
        return Ok(Some(path));
    }
    std::fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(LIBRARY)?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(Some(path))
}

/// Has a process load the library, if it is one that can: dynamically linked
/// with a recent glibc, and without a library of its own in that place.
pub(super) fn load(command: &mut Command, library: &Path, shared: &Shared) -> bool {
    let taken = command.get_envs().any(|(name, _)| name == LOADED);
    // The loader splits the variable at spaces and colons.
    let plain = !library.as_os_str().as_bytes().iter().any(|byte| b" :".contains(byte));
    if taken || !plain || !has_glibc(Path::new(command.get_program())) {
        return false;
    }
    command.env(LOADED, library).env(super::layout::VARIABLE, shared.path());
    true
}

fn has_glibc(program: &Path) -> bool {
    static KNOWN: LazyLock<Mutex<HashMap<PathBuf, bool>>> = LazyLock::new(Mutex::default);
    let Some(loader) = interpreter(program) else { return false };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    *known.entry(loader).or_insert_with_key(|loader| {
        let of_glibc =
            loader.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with("ld-"));
        of_glibc
            && std::fs::read(loader)
                .is_ok_and(|text| glibc_minor(&text).is_some_and(|minor| minor >= FIRST_GLIBC))
    })
}

/// The version that a loader says it has: `… stable release version 2.36.`
fn glibc_minor(loader: &[u8]) -> Option<u32> {
    const BEFORE: &[u8] = b"release version 2.";
    let at = loader.windows(BEFORE.len()).position(|window| window == BEFORE)? + BEFORE.len();
    let digits = loader.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit());
    let text: Vec<u8> = digits.copied().collect();
    std::str::from_utf8(&text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_there_and_replaced_if_it_is_another() {
        let directory = tempfile::tempdir().unwrap();
        let path = install(directory.path()).unwrap();
        assert_eq!(path.is_some(), cfg!(target_arch = "x86_64"));
        let Some(path) = path else { return };
        std::fs::write(&path, "older").unwrap();
        assert_eq!(install(directory.path()).unwrap().as_ref(), Some(&path));
        assert!(std::fs::read(&path).unwrap().starts_with(b"\x7fELF"));
    }

    /// It stands in front of everything else in a process. A name of Rust's
    /// own would take the place of that in rustc's libraries.
    #[test]
    fn the_library_has_no_names_but_the_c_librarys() {
        let has = |name: &str| LIBRARY.windows(name.len()).any(|at| at == name.as_bytes());
        assert!(LIBRARY.is_empty() || has("posix_spawnp") && has("realpath"));
        assert!(!has("rust_"));
    }

    #[test]
    fn a_loader_says_its_version() {
        let says = |text: &str| glibc_minor(text.as_bytes());
        assert_eq!(says("ld.so (Debian GLIBC 2.36-9) stable release version 2.36.\n"), Some(36));
        assert_eq!(says("ld.so (GNU libc) development release version 2.39.9000.\n"), Some(39));
        assert_eq!(says("musl libc"), None);
    }
}
