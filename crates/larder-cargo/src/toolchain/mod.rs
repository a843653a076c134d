//! Which cargo and rustc are used here, and what exactly they are.
//!
//! | part | in the digest | why |
//! |---|---|---|
//! | `rustc` binary, `librustc_driver`, LLVM | yes | they are the compiler |
//! | `lib/rustlib/<triple>/lib` of every platform of the command | yes | linked into every crate |
//! | `rustc -vV` | yes | what cargo keys by |
//! | `clippy-driver` | for `cargo clippy` | it is the compiler there |
//! | rustdoc, cargo, `share/`, other platforms | no | nothing a unit produces depends on them |
//!
//! Equal `rustc -vV` texts do not mean equal compilers, so content decides;
//! it is remembered by stat, and a warm run reads no file.

pub(crate) mod certificates;
mod digest;
mod host_tools;
pub mod rustup;

pub use host_tools::{HostTool, HostTools, host_tools};

use crate::config::{Config, ConfigError};
use crate::host::{Host, NoHome};
use crate::memo::Memo;
use larder_schema::{Digest, digest::Framed};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Why no toolchain was found.
#[derive(Debug, thiserror::Error)]
pub enum ToolchainError {
    /// Nothing in `PATH`.
    #[error("could not find `{tool}` in PATH: install Rust, or set {variable}")]
    Missing {
        /// `cargo`, `rustc`.
        tool: String,
        /// The variable that would name it.
        variable: &'static str,
    },
    /// Rustup does not have the toolchain that was asked for.
    #[error("{0}")]
    NotInstalled(String),
    /// A tool gave an error.
    #[error("`{command}` failed: {message}")]
    Failed {
        /// What was run.
        command: String,
        /// What it said.
        message: String,
    },
    /// A file of it cannot be read.
    #[error("could not read the toolchain in {}", path.display())]
    Read {
        /// The directory or file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Neither home is known.
    #[error(transparent)]
    Home(#[from] NoHome),
    /// The configuration is malformed.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// The tools of a command.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// Cargo itself, never a proxy.
    pub cargo: PathBuf,
    /// `rustc` as cargo calls it (perhaps a bare name).
    pub rustc: PathBuf,
    /// `rustdoc` as cargo calls it.
    pub rustdoc: PathBuf,
    /// The `rustc` file that runs in the end.
    pub rustc_file: PathBuf,
    /// Directory that holds `bin` and `lib`.
    pub sysroot: PathBuf,
    /// `rustc -vV`.
    pub verbose_version: String,
    /// The host's triple.
    pub host_triple: String,
    /// `1.95.0`, `1.97.0-nightly`.
    pub release: String,
    /// `cargo -V`'s version.
    pub cargo_version: String,
    /// What rustup's proxy adds to the environment of cargo, where cargo is
    /// started without it.
    pub env: Vec<(String, OsString)>,
    /// Files that decided the choice, absent ones included.
    pub looked_at: Vec<PathBuf>,
}

impl Toolchain {
    /// Whether unstable features are allowed.
    #[must_use]
    pub fn is_nightly(&self) -> bool {
        self.release.contains("-nightly") || self.release.contains("-dev")
    }

    /// `clippy-driver`, where it is installed.
    #[must_use]
    pub fn clippy_driver(&self) -> Option<PathBuf> {
        let name = format!("clippy-driver{}", std::env::consts::EXE_SUFFIX);
        [self.cargo.with_file_name(&name), self.rustc_file.with_file_name(&name)]
            .into_iter()
            .find(|p| p.is_file())
    }

    /// The digest of what compiles for `platforms` (triples; the host's is
    /// added), with clippy's driver if asked for.
    ///
    /// # Errors
    /// Where a file of the toolchain cannot be read.
    pub fn digest(
        &self,
        memo: &Memo,
        platforms: &[String],
        clippy: bool,
    ) -> Result<Digest, ToolchainError> {
        digest::digest(self, memo, platforms, clippy)
    }
}

/// The cargo that `cargo` would be here, and the environment it would get.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The binary.
    pub cargo: PathBuf,
    /// Added environment.
    pub env: Vec<(String, OsString)>,
    /// Rustup's toolchain, where there is one.
    pub rustup: Option<rustup::Chosen>,
    /// Files that decided.
    pub looked_at: Vec<PathBuf>,
}

/// Chooses cargo. `CARGO` decides where it is set, as it is under
/// `cargo larder`, unless `+toolchain` was given.
///
/// # Errors
/// Where there is no cargo.
pub fn choose(host: &Host, plus: Option<&str>) -> Result<Chosen, ToolchainError> {
    let mut looked_at = Vec::new();
    if plus.is_none()
        && let Some(cargo) = host.var_os("CARGO")
    {
        let cargo = host.cwd.join(cargo);
        if cargo.is_file() && !rustup::is_proxy(&cargo) {
            return Ok(Chosen { cargo, env: Vec::new(), rustup: None, looked_at });
        }
    }
    let found = host
        .find_program(Path::new("cargo"))
        .ok_or_else(|| ToolchainError::Missing { tool: "cargo".to_owned(), variable: "CARGO" })?;
    if !rustup::is_proxy(&found) {
        return Ok(Chosen { cargo: found, env: Vec::new(), rustup: None, looked_at });
    }
    let home = host.rustup_home()?;
    let search = rustup::search(host, &home, plus);
    looked_at.extend(search.looked_at);
    let chosen = match search.chosen {
        Some(chosen) => chosen,
        None => ask_rustup(host, &found, plus)?,
    };
    let bin = chosen.directory.join("bin");
    let cargo = bin.join(format!("cargo{}", std::env::consts::EXE_SUFFIX));
    let env = proxy_env(host, &home, &chosen)?;
    Ok(Chosen { cargo, env, rustup: Some(chosen), looked_at })
}

fn ask_rustup(
    host: &Host,
    proxy: &Path,
    plus: Option<&str>,
) -> Result<rustup::Chosen, ToolchainError> {
    let mut command = host.command(&proxy.with_file_name("rustup"));
    command.arg("which").env_remove("RUST_BACKTRACE");
    if let Some(name) = plus {
        command.args(["--toolchain", name]);
    }
    command.arg("cargo");
    let output = run(command).map_err(|error| match error {
        // Its own words, without what it says on the way.
        ToolchainError::Failed { message, .. } => {
            let lines = message.lines().filter(|line| !line.starts_with("info: "));
            let words = lines.collect::<Vec<_>>().join("\n");
            ToolchainError::NotInstalled(words.trim_start_matches("error: ").to_owned())
        }
        other => other,
    })?;
    let cargo = PathBuf::from(output.trim());
    let directory = cargo
        .parent()
        .and_then(Path::parent)
        .ok_or_else(|| ToolchainError::Failed {
            command: "rustup which cargo".to_owned(),
            message: format!("it answered `{}`", output.trim()),
        })?
        .to_owned();
    let name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(rustup::Chosen { name, directory, source: if plus.is_some() { "cli" } else { "default" } })
}

/// What the proxy adds: who chose which toolchain, and the directories in which
/// cargo finds the proxies and the toolchain's libraries. It puts a directory
/// first only where it is not there at all.
fn proxy_env(
    host: &Host,
    home: &Path,
    chosen: &rustup::Chosen,
) -> Result<Vec<(String, OsString)>, ToolchainError> {
    let joined = |name: &str, first: PathBuf| {
        let rest = host.var_os(name).unwrap_or_default().to_owned();
        if rest.is_empty() {
            return first.into_os_string();
        }
        if std::env::split_paths(&rest).any(|dir| dir == first) {
            return rest;
        }
        let mut value = first.into_os_string();
        value.push(":");
        value.push(rest);
        value
    };
    let libraries =
        if cfg!(target_os = "macos") { "DYLD_FALLBACK_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };
    let cargo_home = host.cargo_home()?;
    let path = joined("PATH", cargo_home.join("bin"));
    Ok(vec![
        ("CARGO_HOME".to_owned(), cargo_home.into()),
        ("RUSTUP_HOME".to_owned(), home.into()),
        ("RUSTUP_TOOLCHAIN".to_owned(), chosen.name.clone().into()),
        ("RUSTUP_TOOLCHAIN_SOURCE".to_owned(), chosen.source.into()),
        ("RUST_RECURSION_COUNT".to_owned(), "1".into()),
        ("PATH".to_owned(), path),
        (libraries.to_owned(), joined(libraries, chosen.directory.join("lib"))),
    ])
}

/// Completes the choice: rustc as cargo would call it, what it says of
/// itself, and its sysroot. `host` has the environment of [`Chosen::env`].
///
/// # Errors
/// Where there is no rustc, or it fails.
pub fn resolve(
    host: &Host,
    memo: &Memo,
    chosen: Chosen,
    config: &Config,
) -> Result<Toolchain, ToolchainError> {
    let rustc = tool(host, config, "rustc")?;
    let rustdoc = tool(host, config, "rustdoc")?;
    let found = host.find_program(&rustc).ok_or_else(|| ToolchainError::Missing {
        tool: rustc.display().to_string(),
        variable: "RUSTC",
    })?;
    let rustc_file =
        if rustup::is_proxy(&found) { real_rustc(host, &chosen, &found)? } else { found };
    let read = |source| ToolchainError::Read { path: rustc_file.clone(), source };
    let content = memo.file_digest(&rustc_file).map_err(read)?;
    let mut key = Framed::new("larder.rustc-identity.1");
    key.digest("rustc", &content).text("path", &rustc_file.to_string_lossy());
    for library in digest::driver_libraries(&rustc_file) {
        let read = |source| ToolchainError::Read { path: library.clone(), source };
        key.digest("library", &memo.file_digest(&library).map_err(read)?);
    }
    let key = key.finish();
    let (verbose_version, sysroot) = match memo.answer::<(String, PathBuf)>("rustc", &key) {
        Some(known) if known.1.is_dir() => known,
        _ => {
            let ask = |args: &[&str]| {
                let mut command = host.command(&rustc_file);
                command.args(args);
                run(command)
            };
            let sysroot = PathBuf::from(ask(&["--print", "sysroot"])?.trim());
            let known = (ask(&["-vV"])?, sysroot);
            memo.remember("rustc", &key, &known);
            known
        }
    };
    let field = |name: &str| {
        verbose_version
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map(|value| value.trim().to_owned())
            .ok_or_else(|| ToolchainError::Failed {
                command: "rustc -vV".to_owned(),
                message: format!("no line `{name}` in its output"),
            })
    };
    let host_triple = field("host:")?;
    let release = field("release:")?;
    let cargo_version = cargo_version(host, memo, &chosen.cargo)?;
    let mut looked_at = chosen.looked_at;
    looked_at.sort();
    looked_at.dedup();
    Ok(Toolchain {
        cargo: as_it_sees_itself(chosen.cargo),
        rustc,
        rustdoc,
        rustc_file,
        sysroot,
        verbose_version,
        host_triple,
        release,
        cargo_version,
        env: chosen.env,
        looked_at,
    })
}

fn cargo_version(host: &Host, memo: &Memo, cargo: &Path) -> Result<String, ToolchainError> {
    let read = |source| ToolchainError::Read { path: cargo.to_owned(), source };
    let key = memo.file_digest(cargo).map_err(read)?;
    let text = match memo.answer::<String>("cargo", &key) {
        Some(text) => text,
        None => {
            let mut command = host.command(cargo);
            command.arg("-V");
            let text = run(command)?;
            memo.remember("cargo", &key, &text);
            text
        }
    };
    Ok(text.split_whitespace().nth(1).unwrap_or_default().to_owned())
}

/// The path under which cargo calls a tool: the variable, the configuration,
/// then under rustup the toolchain's own file instead of the proxy in `PATH`,
/// then the bare name.
fn tool(host: &Host, config: &Config, name: &str) -> Result<PathBuf, ToolchainError> {
    if let Some(path) = config.tool(name)? {
        return Ok(path);
    }
    let through_rustup = || {
        let toolchain = host.var("RUSTUP_TOOLCHAIN")?;
        if toolchain.contains('/') {
            return None;
        }
        let in_path = host.find_program(Path::new(name))?.metadata().ok()?;
        let rustup = host.find_program(Path::new("rustup"))?.metadata().ok()?;
        if in_path.len() != rustup.len() {
            return None;
        }
        let file = host
            .rustup_home()
            .ok()?
            .join("toolchains")
            .join(toolchain)
            .join("bin")
            .join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        file.exists().then_some(file)
    };
    Ok(through_rustup().unwrap_or_else(|| PathBuf::from(name)))
}

fn real_rustc(host: &Host, chosen: &Chosen, proxy: &Path) -> Result<PathBuf, ToolchainError> {
    let name = format!("rustc{}", std::env::consts::EXE_SUFFIX);
    let directory = match &chosen.rustup {
        Some(rustup) => rustup.directory.clone(),
        None => {
            let home = host.rustup_home()?;
            match rustup::search(host, &home, None).chosen {
                Some(found) => found.directory,
                None => ask_rustup(host, proxy, None)?.directory,
            }
        }
    };
    Ok(directory.join("bin").join(name))
}

/// The path by which cargo knows itself, and which it tells others: Linux says
/// it without symbolic links, of which a toolchain of rustup's may be one.
fn as_it_sees_itself(cargo: PathBuf) -> PathBuf {
    if !cfg!(target_os = "linux") {
        return cargo;
    }
    // Under another name it goes by how it was called.
    let real = fs_err::canonicalize(&cargo).ok();
    real.filter(|real| real.file_stem() == Some(OsStr::new("cargo"))).unwrap_or(cargo)
}

/// Runs a command to its end and returns what it printed.
pub(crate) fn run(mut command: std::process::Command) -> Result<String, ToolchainError> {
    // Not as `Debug` has it: that shows the environment too.
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    let text = words.join(" ");
    command.stdin(std::process::Stdio::null());
    let output = command
        .output()
        .map_err(|e| ToolchainError::Failed { command: text.clone(), message: e.to_string() })?;
    if !output.status.success() {
        return Err(ToolchainError::Failed {
            command: text,
            message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn cargo_knows_itself_without_links() {
        let dir = tempfile::tempdir().unwrap();
        let place = fs_err::canonicalize(dir.path()).unwrap();
        fs_err::create_dir(place.join("real")).unwrap();
        for name in ["cargo", "wrapper"] {
            fs_err::write(place.join("real").join(name), "").unwrap();
        }
        let link = |to: &str, at: &str| {
            fs_err::os::unix::fs::symlink(place.join(to), place.join(at)).unwrap();
            place.join(at)
        };
        let toolchain = link("real", "linked");
        assert_eq!(as_it_sees_itself(toolchain.join("cargo")), place.join("real/cargo"));
        let renamed = link("real/wrapper", "cargo");
        assert_eq!(as_it_sees_itself(renamed.clone()), renamed);
    }

    #[test]
    fn the_proxy_puts_directories_first_where_they_are_not_there() {
        let chosen = rustup::Chosen {
            name: "stable".to_owned(),
            directory: "/r/toolchains/stable".into(),
            source: "default",
        };
        let added = |env: &[(&str, &str)]| -> std::collections::BTreeMap<String, OsString> {
            let host = Host {
                env: env.iter().map(|(n, v)| (n.into(), v.into())).collect(),
                cwd: "/w".into(),
                exe: "larder".into(),
                larder_dir: "/l".into(),
                layers: None,
            };
            proxy_env(&host, Path::new("/r"), &chosen).unwrap().into_iter().collect()
        };
        let libraries = if cfg!(target_os = "macos") {
            "DYLD_FALLBACK_LIBRARY_PATH"
        } else {
            "LD_LIBRARY_PATH"
        };
        // Cargo's home decides, not where the proxy was found.
        let env = added(&[("CARGO_HOME", "/c"), ("PATH", "/proxies:/bin")]);
        assert_eq!(env["PATH"], "/c/bin:/proxies:/bin");
        assert_eq!(env[libraries], "/r/toolchains/stable/lib");
        let path = "/bin:/c/bin";
        let inside = "/x:/r/toolchains/stable/lib";
        let env = added(&[("CARGO_HOME", "/c"), ("PATH", path), (libraries, inside)]);
        assert_eq!(env["PATH"], path);
        assert_eq!(env[libraries], inside);
    }
}
