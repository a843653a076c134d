//! [`TestEnv`]: a machine of its own for one test.
//!
//! ```text
//! <root>/
//!   home/        HOME, with a .gitconfig that lets git use file:// submodules
//!   cargo-home/  CARGO_HOME; `registry` only after `share_registry`
//!   store/       LARDER_DIR
//!   tmp/         TMPDIR
//!   <name>/      projects
//! ```
//!
//! Programs get `PATH`, rustup's variables, and what is set here; nothing else
//! of the machine. Nothing reaches the network: the environment says offline
//! until [`TestEnv::online`], which fixtures with `file://` sources need.

use crate::output::{Output, Redactions};
use crate::project::ProjectBuilder;
use fs_err as fs;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A hermetic environment; its directory goes away with it.
#[derive(Debug)]
pub struct TestEnv {
    root: PathBuf,
    vars: BTreeMap<OsString, OsString>,
    larder: Option<PathBuf>,
    /// Keeps the temporary directory alive.
    _temporary: Option<tempfile::TempDir>,
}

impl TestEnv {
    /// An environment in a temporary directory. `LARDER_TEST_KEEP` keeps it.
    pub fn new() -> TestEnv {
        let mut temporary = tempfile::Builder::new()
            .prefix("larder-test-")
            .tempdir()
            .expect("a temporary directory");
        if std::env::var_os("LARDER_TEST_KEEP").is_some() {
            temporary.disable_cleanup(true);
        }
        let mut env = TestEnv::at(temporary.path());
        env._temporary = Some(temporary);
        env
    }

    /// An environment in a directory that stays; what is in it is kept.
    pub fn at(root: &Path) -> TestEnv {
        fs::create_dir_all(root).expect("the environment's root");
        // Paths in messages are canonical; so are those that tests compare.
        let root = fs::canonicalize(root).expect("the environment's root");
        let mut env = TestEnv { root, vars: BTreeMap::new(), larder: None, _temporary: None };
        for dir in ["home", "cargo-home", "store", "tmp"] {
            fs::create_dir_all(env.root.join(dir)).expect("a directory of the environment");
        }
        let git = "[user]\n\tname = Test\n\temail = test@example.com\n[protocol \"file\"]\n\tallow = always\n\
                   [init]\n\tdefaultBranch = main\n[commit]\n\tgpgsign = false\n";
        fs::write(env.home().join(".gitconfig"), git).expect("the git configuration");

        let outer_home = std::env::home_dir();
        let rustup = std::env::var_os("RUSTUP_HOME")
            .or_else(|| Some(outer_home.as_ref()?.join(".rustup").into_os_string()));
        for (name, value) in [
            ("PATH", std::env::var_os("PATH")),
            ("RUSTUP_HOME", rustup),
            ("RUSTUP_TOOLCHAIN", std::env::var_os("RUSTUP_TOOLCHAIN")),
            ("HOME", Some(env.home().into_os_string())),
            ("CARGO_HOME", Some(env.cargo_home().into_os_string())),
            ("LARDER_DIR", Some(env.store().into_os_string())),
            ("TMPDIR", Some(env.root.join("tmp").into_os_string())),
            ("CARGO_TERM_COLOR", Some("never".into())),
            ("CARGO_NET_OFFLINE", Some("true".into())),
            ("GIT_CONFIG_NOSYSTEM", Some("1".into())),
            ("LANG", Some("C.UTF-8".into())),
        ] {
            if let Some(value) = value {
                env.vars.insert(name.into(), value);
            }
        }
        env
    }

    /// Tells where the `cargo-larder` to test is:
    /// `.with_larder(env!("CARGO_BIN_EXE_cargo-larder"))`.
    pub fn with_larder(mut self, exe: impl Into<PathBuf>) -> TestEnv {
        self.larder = Some(exe.into());
        self
    }

    /// Lets cargo see the registries that this machine already has, so that
    /// projects with a lock file build offline. Cargo may unpack into them.
    pub fn share_registry(self) -> TestEnv {
        let outer = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let outer =
            outer.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).expect("a cargo home");
        let link = self.cargo_home().join("registry");
        #[cfg(unix)]
        if !link.exists() {
            fs_err::os::unix::fs::symlink(outer.join("registry"), &link)
                .expect("the registry's link");
        }
        self
    }

    /// Lets cargo fetch: sources with `file://` addresses count as network.
    pub fn online(self) -> TestEnv {
        self.without("CARGO_NET_OFFLINE")
    }

    /// Sets a variable for all programs.
    pub fn with(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> TestEnv {
        self.vars.insert(name.into(), value.into());
        self
    }

    /// Removes a variable for all programs.
    pub fn without(mut self, name: impl AsRef<OsStr>) -> TestEnv {
        self.vars.remove(name.as_ref());
        self
    }

    /// Directory of the environment, canonical.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `HOME`.
    pub fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// `CARGO_HOME`.
    pub fn cargo_home(&self) -> PathBuf {
        self.root.join("cargo-home")
    }

    /// `LARDER_DIR`.
    pub fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    /// The environment that programs get, all of it.
    pub fn vars(&self) -> &BTreeMap<OsString, OsString> {
        &self.vars
    }

    /// The host's target triple.
    pub fn host(&self) -> String {
        let output = self.run(self.command("rustc").arg("-vV"));
        output.success();
        let host = output.raw_stdout.lines().find_map(|line| line.strip_prefix("host: "));
        host.expect("a host in rustc -vV").to_owned()
    }

    /// Starts a project below the root.
    pub fn project(&self, name: &str) -> ProjectBuilder<'_> {
        ProjectBuilder::new(self, self.root.join(name))
    }

    /// A program in this environment, not started yet.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.vars).current_dir(&self.root);
        command
    }

    /// `cargo-larder larder`, not started yet.
    pub fn larder_command(&self) -> Command {
        let exe = self.larder.as_ref().expect("TestEnv::with_larder was not called");
        let mut command = self.command(exe);
        command.arg("larder");
        command
    }

    /// Runs a program to its end.
    pub fn run(&self, command: &mut Command) -> Output {
        let shown = format!("{command:?}");
        let output =
            command.output().unwrap_or_else(|error| panic!("cannot start {shown}: {error}"));
        Output::new(shown, &output, &Redactions::new(&self.root))
    }
}

impl Default for TestEnv {
    fn default() -> TestEnv {
        TestEnv::new()
    }
}
