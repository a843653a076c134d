//! The tools: which version, how installed, how they build, how they stop.
//!
//! Peers are installed by cargo below `target/tools/<name>`, once.

use crate::{demo, process, workspace};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A tool that is there.
pub(crate) struct Tool {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it says of its version.
    pub(crate) version: String,
    exe: PathBuf,
}

/// Package, version, arguments and configuration of a peer.
struct Package {
    name: &'static str,
    version: &'static str,
    args: &'static [&'static str],
    /// Values of `--config`.
    config: &'static [&'static str],
}

/// Remote backends are not measured, and would double the build. kache asks
/// for link-time optimisation of some six hundred crates as one, which did not
/// end within an hour on two cores.
const PEERS: &[Package] = &[
    Package { name: "sccache", version: "0.19.0", args: &["--no-default-features"], config: &[] },
    Package {
        name: "kache",
        version: "2.0.0",
        args: &[],
        config: &["profile.release.lto=false", "profile.release.codegen-units=16"],
    },
    Package { name: "mbx", version: "1.29.1", args: &[], config: &[] },
];

/// Prepares and builds dependencies in containers; no cache of compilers.
const CHEF: Package = Package { name: "cargo-chef", version: "0.1.78", args: &[], config: &[] };

/// Names of all tools, cargo first: the others are compared with it.
pub(crate) fn names() -> Vec<String> {
    ["cargo", "larder"]
        .into_iter()
        .chain(PEERS.iter().map(|peer| peer.name))
        .map(str::to_owned)
        .collect()
}

/// Makes the named tools available, in the table's order; `larder` is another
/// binary than this workspace's.
pub(crate) fn install(wanted: &[String], larder: Option<&Path>) -> Result<Vec<Tool>> {
    let known = names();
    if let Some(name) = wanted.iter().find(|name| !known.contains(name)) {
        anyhow::bail!("no tool {name}; there are {}", known.join(", "));
    }
    let wants = |name: &str| wanted.iter().any(|wanted| wanted == name);
    let mut tools = Vec::new();
    if wants("cargo") {
        tools.push(Tool::new("cargo", "cargo".into(), &["--version"])?);
    }
    if wants("larder") {
        let exe = demo::larder(larder)?;
        tools.push(Tool::new("larder", exe, &["larder", "--version"])?);
    }
    for peer in PEERS.iter().filter(|peer| wants(peer.name)) {
        let root = workspace::target("tools").join(peer.name);
        let exe = root.join("bin").join(peer.name);
        if !exe.is_file() {
            install_peer(peer, &root)?;
        }
        tools.push(Tool::new(peer.name, exe, &["--version"])?);
    }
    Ok(tools)
}

/// cargo-chef, installed if need be.
pub(crate) fn chef() -> Result<PathBuf> {
    let root = workspace::target("tools").join(CHEF.name);
    let exe = root.join("bin").join(CHEF.name);
    if !exe.is_file() {
        install_peer(&CHEF, &root)?;
    }
    Ok(exe)
}

/// Installs a peer with the lock file that it ships; where that names versions
/// that the registry does not have, with the newest ones.
fn install_peer(peer: &Package, root: &Path) -> Result<()> {
    eprintln!("==> installing {} {}", peer.name, peer.version);
    let install = |lock: &[&str]| {
        let mut command = process::command("cargo");
        command.args(["install", "--quiet", "--version", peer.version, "--root"]).arg(root);
        command.args(peer.config.iter().flat_map(|value| ["--config", value]));
        process::run(command.args(lock).args(peer.args).arg(peer.name))
    };
    install(&["--locked"]).or_else(|error| {
        eprintln!("warning: {error:#}; again without its lock file");
        install(&[])
    })
}

impl Tool {
    fn new(name: &'static str, exe: PathBuf, args: &[&str]) -> Result<Tool> {
        let output = process::run_quietly(process::command(&exe).args(args))
            .with_context(|| format!("{name} does not tell its version"))?;
        let version =
            String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned();
        Ok(Tool { name, version, exe })
    }

    /// The command that builds `project` with what is stored in `store`.
    pub(crate) fn build(&self, project: &Path, store: &Path, dev: bool) -> Command {
        let mut command = self.command("build", project, store);
        if !dev {
            command.arg("--release");
        }
        command
    }

    /// Another of cargo's commands in `project`.
    pub(crate) fn command(&self, name: &str, project: &Path, store: &Path) -> Command {
        let mut command = match self.name {
            "larder" => process::command(&self.exe),
            "mbx" => process::command(&self.exe),
            _ => process::command("cargo"),
        };
        if self.name == "larder" {
            command.arg("larder");
        }
        command.args([name, "--offline"]);
        if matches!(self.name, "sccache" | "kache") {
            command.env("RUSTC_WRAPPER", &self.exe);
        }
        if self.name == "sccache" {
            // It caches nothing that is compiled incrementally.
            command.env("CARGO_INCREMENTAL", "0");
        }
        self.settle(&mut command, store);
        command.current_dir(project);
        command
    }

    /// The command that stops the server which a build left behind.
    pub(crate) fn stop(&self, store: &Path) -> Option<Command> {
        let args: &[&str] = match self.name {
            "sccache" => &["--stop-server"],
            "kache" => &["daemon", "stop"],
            _ => return None,
        };
        let mut command = process::command(&self.exe);
        command.args(args);
        self.settle(&mut command, store);
        Some(command)
    }

    pub(super) fn exe(&self) -> &Path {
        &self.exe
    }

    /// Keeps everything that the tool stores below `store`, and what its user
    /// configured away.
    pub(super) fn settle(&self, command: &mut Command, store: &Path) {
        match self.name {
            "larder" => {
                command.env("LARDER_DIR", store);
            }
            "sccache" => {
                command.env("SCCACHE_DIR", store).env("SCCACHE_SERVER_UDS", store.join("socket"));
            }
            "kache" => {
                command.env("KACHE_CACHE_DIR", store).env("KACHE_LOCAL_ONLY", "1");
                command.env("KACHE_SOCKET_PATH", store.join("socket"));
                command.env("KACHE_RUNTIME_DIR", store.join("runtime"));
                command.env("KACHE_CONFIG", store.join("config.toml")).env("KACHE_HOST_CONFIG", "");
            }
            "mbx" => {
                command.env("MBX_CACHE_DIR", store).env("MBX_GC_AUTO", "0");
                command.env("MBX_SUMMARY", "short");
            }
            _ => {}
        }
    }
}
