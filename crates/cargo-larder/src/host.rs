//! What this process was given: arguments, environment, working directory,
//! terminal. Read here, once, and nowhere else in the workspace.

use crate::env_vars::{self, EnvVar};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The process's surroundings at its start.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    /// `argv`, the program's name included.
    pub(crate) args: Vec<OsString>,
    /// The whole environment.
    pub(crate) env: BTreeMap<OsString, OsString>,
    /// The working directory; absent if it was deleted.
    pub(crate) cwd: Option<PathBuf>,
    /// This executable, links resolved.
    pub(crate) exe: Option<PathBuf>,
    /// Columns of standard error, where it is a terminal.
    pub(crate) columns: Option<usize>,
    /// Whether standard error is a terminal.
    pub(crate) stderr_is_terminal: bool,
    /// When the process started; cargo's `Finished` line counts from there.
    pub(crate) started: Instant,
}

impl Host {
    /// Reads everything.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the surroundings")]
    pub(crate) fn read() -> Self {
        let started = Instant::now();
        let stderr_is_terminal = std::io::stderr().is_terminal();
        let columns = if stderr_is_terminal {
            terminal_size::terminal_size_of(std::io::stderr()).map(|(w, _)| usize::from(w.0))
        } else {
            None
        };
        Self {
            args: std::env::args_os().collect(),
            env: std::env::vars_os().collect(),
            cwd: std::env::current_dir().ok(),
            exe: std::env::current_exe().ok(),
            columns: columns.filter(|c| *c > 0),
            stderr_is_terminal,
            started,
        }
    }

    /// Value of a declared variable.
    pub(crate) fn var(&self, var: &EnvVar) -> Option<&OsStr> {
        self.env.get(OsStr::new(var.name)).map(OsString::as_os_str)
    }

    /// Value of a declared variable, if it is text and not empty.
    pub(crate) fn text(&self, var: &EnvVar) -> Option<&str> {
        self.var(var).and_then(OsStr::to_str).filter(|v| !v.is_empty())
    }

    /// Whether larder is switched off.
    pub(crate) fn is_off(&self) -> bool {
        self.text(&env_vars::LARDER).is_some_and(|v| v.eq_ignore_ascii_case("off"))
    }

    /// Whether this process stands in for cargo (`cargo larder exec`).
    pub(crate) fn stands_in_for_cargo(&self) -> bool {
        self.front().is_some()
            && self
                .args
                .first()
                .is_some_and(|name| Path::new(name).file_name() == Some(OsStr::new("cargo")))
    }

    /// The directory of the cargo in front, where there is one.
    pub(crate) fn front(&self) -> Option<&Path> {
        self.var(&env_vars::LARDER_EXEC).filter(|dir| !dir.is_empty()).map(Path::new)
    }

    /// The environment as it was before `cargo larder exec` put a cargo in
    /// front: what builds see and are keyed by.
    pub(crate) fn env_of_builds(&self) -> BTreeMap<OsString, OsString> {
        let mut env = self.env.clone();
        let Some(real) = env.remove(OsStr::new(env_vars::LARDER_REAL_CARGO.name)) else {
            return env;
        };
        env.remove(OsStr::new(env_vars::LARDER_EXEC.name));
        // Whatever `CARGO` says: drivers remove it, or set another.
        env.insert(env_vars::CARGO.name.into(), real);
        if let (Some(front), Some(path)) = (self.front(), self.var(&env_vars::PATH))
            && let Ok(path) =
                std::env::join_paths(std::env::split_paths(path).filter(|d| d != front))
        {
            env.insert(env_vars::PATH.name.into(), path);
        }
        env
    }

    /// `path` as seen from the working directory.
    pub(crate) fn absolute(&self, path: &Path) -> PathBuf {
        match &self.cwd {
            Some(cwd) => cwd.join(path),
            None => path.to_owned(),
        }
    }

    /// The first executable file called `name` in `PATH`, outside `except`.
    pub(crate) fn find_program(&self, name: &str, except: Option<&Path>) -> Option<PathBuf> {
        let path = self.var(&env_vars::PATH)?;
        std::env::split_paths(path)
            .filter(|dir| Some(dir.as_path()) != except)
            .map(|dir| self.absolute(&dir).join(name))
            .find(|file| is_executable(file))
    }

    /// The cargo that plans and gets what larder does not do: behind `exec`
    /// the real one, else the one that started us, else that of `PATH`.
    pub(crate) fn real_cargo(&self) -> PathBuf {
        [&env_vars::LARDER_REAL_CARGO, &env_vars::CARGO]
            .into_iter()
            .find_map(|var| self.var(var).filter(|v| !v.is_empty()))
            .map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
    }

    /// Cargo's home.
    pub(crate) fn cargo_home(&self) -> Option<PathBuf> {
        let given = self.var(&env_vars::CARGO_HOME).filter(|h| !h.is_empty());
        given
            .map(|h| self.absolute(h.as_ref()))
            .or_else(|| self.var(&env_vars::HOME).map(|home| Path::new(home).join(".cargo")))
    }

    /// The platform's cache directory.
    pub(crate) fn cache_dir(&self) -> Option<PathBuf> {
        self.platform_dir(&env_vars::XDG_CACHE_HOME, "Library/Caches", ".cache")
    }

    /// The platform's configuration directory.
    pub(crate) fn config_dir(&self) -> Option<PathBuf> {
        self.platform_dir(&env_vars::XDG_CONFIG_HOME, "Library/Application Support", ".config")
    }

    fn platform_dir(&self, xdg: &EnvVar, macos: &str, other: &str) -> Option<PathBuf> {
        let home = || self.var(&env_vars::HOME).filter(|h| !h.is_empty()).map(PathBuf::from);
        if cfg!(target_os = "macos") {
            return home().map(|h| h.join(macos));
        }
        // The XDG specification: a relative path is to be ignored.
        self.var(xdg)
            .map(PathBuf::from)
            .filter(|dir| dir.is_absolute())
            .or_else(|| home().map(|h| h.join(other)))
    }
}

/// Whether a file is there and may be executed by someone.
pub(crate) fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// Whether this process stands in for rustc: one variable, as planning asks
/// it for every probe of the compiler.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the surroundings")]
pub(crate) fn stands_in_for_rustc() -> bool {
    std::env::var_os(env_vars::RUSTC_SHIM.name).is_some()
}

#[cfg(test)]
impl Host {
    /// Surroundings for tests: only what is given.
    pub(crate) fn fake(args: &[&str], env: &[(&str, &str)], cwd: &str) -> Self {
        Self {
            args: args.iter().map(OsString::from).collect(),
            env: env.iter().map(|(k, v)| (k.into(), v.into())).collect(),
            cwd: Some(cwd.into()),
            exe: None,
            columns: None,
            stderr_is_terminal: false,
            started: Instant::now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Host;
    use std::path::Path;

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn cache_directory_follows_xdg() {
        let dir = |env| Host::fake(&[], env, "/w").cache_dir();
        assert_eq!(dir(&[("XDG_CACHE_HOME", "/c")]).as_deref(), Some(Path::new("/c")));
        assert_eq!(
            dir(&[("XDG_CACHE_HOME", "rel"), ("HOME", "/h")]).as_deref(),
            Some(Path::new("/h/.cache"))
        );
        assert_eq!(dir(&[]), None);
    }

    #[test]
    fn off_is_the_only_value_that_switches_off() {
        let off = |v| Host::fake(&[], &[("LARDER", v)], "/w").is_off();
        assert!(off("off") && off("OFF"));
        assert!(!off("") && !off("1"));
    }

    #[test]
    fn builds_do_not_see_the_cargo_in_front() {
        let plain = [("CARGO", "/bin/cargo"), ("PATH", "/bin:/x")];
        let fronted = [
            ("CARGO", "/f/cargo"),
            ("PATH", "/f:/bin:/x"),
            ("LARDER_EXEC", "/f"),
            ("LARDER_REAL_CARGO", "/bin/cargo"),
        ];
        let env = |env: &[_]| Host::fake(&[], env, "/w").env_of_builds();
        assert_eq!(env(&plain), Host::fake(&[], &plain, "/w").env);
        assert_eq!(env(&fronted), env(&plain));
        // cargo-zigbuild and maturin remove `CARGO`.
        assert_eq!(env(&fronted[1..]), env(&plain));
    }

    #[test]
    fn stands_in_only_under_the_name_cargo() {
        let stands =
            |name| Host::fake(&[name], &[("LARDER_EXEC", "/x")], "/w").stands_in_for_cargo();
        assert!(stands("cargo") && stands("/x/cargo"));
        assert!(!stands("/x/cargo-larder"));
        assert!(!Host::fake(&["cargo"], &[], "/w").stands_in_for_cargo());
    }
}
