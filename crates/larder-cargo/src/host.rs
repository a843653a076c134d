//! What this crate may know of the machine: values the binary read once.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The machine as a value. Nothing in this crate reads the process's own
/// environment, home or working directory.
#[derive(Clone, Debug)]
pub struct Host {
    /// The environment.
    pub env: BTreeMap<OsString, OsString>,
    /// The working directory, absolute.
    pub cwd: PathBuf,
    /// The `cargo-larder` binary: it serves as the `rustc` shim while
    /// planning (see [`crate::shim`]).
    pub exe: PathBuf,
    /// Larder's own directory: memos and planning directories live in it.
    pub larder_dir: PathBuf,
    /// A directory of stores that are read, beneath the one in `larder_dir`.
    pub layers: Option<PathBuf>,
}

/// Neither the variable nor `HOME` says where a home directory is.
#[derive(Debug, thiserror::Error)]
#[error("neither {variable} nor HOME is set: set {variable} to the directory to use")]
pub struct NoHome {
    /// `CARGO_HOME` or `RUSTUP_HOME`.
    pub variable: &'static str,
}

impl Host {
    /// A variable, where it is valid UTF-8.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&str> {
        self.env.get(OsStr::new(name)).and_then(|v| v.to_str())
    }

    /// A variable.
    #[must_use]
    pub fn var_os(&self, name: &str) -> Option<&OsStr> {
        self.env.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// Cargo's home, as the `home` crate finds it: `CARGO_HOME` (relative to
    /// the working directory), else `~/.cargo`.
    ///
    /// # Errors
    /// Where neither `CARGO_HOME` nor `HOME` is set.
    pub fn cargo_home(&self) -> Result<PathBuf, NoHome> {
        self.home_of("CARGO_HOME", ".cargo")
    }

    /// Rustup's home: `RUSTUP_HOME`, else `~/.rustup`.
    ///
    /// # Errors
    /// Where neither `RUSTUP_HOME` nor `HOME` is set.
    pub fn rustup_home(&self) -> Result<PathBuf, NoHome> {
        self.home_of("RUSTUP_HOME", ".rustup")
    }

    fn home_of(&self, variable: &'static str, default: &str) -> Result<PathBuf, NoHome> {
        match self.var_os(variable).filter(|v| !v.is_empty()) {
            Some(home) => Ok(self.cwd.join(home)),
            None => match self.var_os("HOME").filter(|v| !v.is_empty()) {
                Some(home) => Ok(Path::new(home).join(default)),
                None => Err(NoHome { variable }),
            },
        }
    }

    /// The file that running `name` would start: itself where it has a slash,
    /// else the first executable of that name in `PATH`.
    #[must_use]
    pub fn find_program(&self, name: &Path) -> Option<PathBuf> {
        if name.components().count() > 1 {
            let path = self.cwd.join(name);
            return path.is_file().then_some(path);
        }
        let mut file = name.as_os_str().to_owned();
        file.push(std::env::consts::EXE_SUFFIX);
        let path = self.var_os("PATH")?;
        std::env::split_paths(path)
            .map(|directory| self.cwd.join(directory).join(&file))
            .find(|candidate| is_executable(candidate))
    }

    /// A command that runs in this environment and directory.
    #[must_use]
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.env).current_dir(&self.cwd);
        command
    }

    /// The same machine with variables set.
    #[must_use]
    pub fn with_env(&self, env: &[(String, OsString)]) -> Self {
        let mut host = self.clone();
        for (name, value) in env {
            host.env.insert(name.into(), value.clone());
        }
        host
    }
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs_err::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// `path` without `.` and `..`, without looking at the file system: as cargo
/// normalises paths.
#[must_use]
pub fn normalize(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                if normal.as_os_str().is_empty() || normal.ends_with("..") {
                    normal.push("..");
                } else {
                    normal.pop();
                }
            }
            other => normal.push(other),
        }
    }
    normal
}

/// How `path` is reached from the directory `from`; both absolute and
/// normal.
#[must_use]
pub fn relative(path: &Path, from: &Path) -> PathBuf {
    let mut to = path.components().peekable();
    let mut base = from.components().peekable();
    while let (Some(a), Some(b)) = (to.peek(), base.peek()) {
        if a != b {
            break;
        }
        to.next();
        base.next();
    }
    base.map(|_| std::path::Component::ParentDir).chain(to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised_and_made_relative() {
        assert_eq!(normalize(Path::new("/a/./b/../c")), Path::new("/a/c"));
        assert_eq!(normalize(Path::new("../x")), Path::new("../x"));
        assert_eq!(relative(Path::new("/w/a/b"), Path::new("/w/c")), Path::new("../a/b"));
        assert_eq!(relative(Path::new("/w/c/README"), Path::new("/w/c")), Path::new("README"));
    }
}
