//! A git repository as the build's context, which the engine clones itself.

use super::engine::Engine;
use super::generated::Project;
use crate::process;
use anyhow::{Context, Result, ensure};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// `docker build git://…#main`: the engine clones; two commits, two images.
pub(super) fn check(engine: &Engine, larder: &Path) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let project = Project::write(scratch.path(), "git")?;
    project.generate(larder, &["--cache", "mount"])?;
    init(&project.root)?;
    let server = Server::start(scratch.path())?;
    let context = format!("git://127.0.0.1:{}/project#main", server.port);
    for word in ["one", "two"] {
        if word == "two" {
            project.edit("app/src/main.rs", "one", "two")?;
        }
        commit(&project.root)?;
        let built = project.build_with(engine, larder, &[&context])?;
        built.says("git", &format!("{word} 42"))?;
        if word == "two" {
            built.executed("git", "a commit that edits the binary", 1)?;
        }
    }
    println!("git: a repository as context, and only what a commit changed is compiled");
    Ok(())
}

/// Makes a repository of a directory.
pub(super) fn init(root: &Path) -> Result<()> {
    git(root, &["init", "--quiet", "--initial-branch=main"])
}

/// Commits everything in it.
pub(super) fn commit(root: &Path) -> Result<()> {
    git(root, &["add", "--all"])?;
    git(root, &["commit", "--quiet", "--message", "state"])
}

fn git(root: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = process::command("git");
    command.args(["-c", "user.name=larder", "-c", "user.email=larder@example.org"]);
    process::run_quietly(command.args(arguments).current_dir(root))?;
    Ok(())
}

/// `git daemon`, for repositories below a directory. It ends with this value.
pub(super) struct Server {
    /// Where it listens.
    pub(super) port: u16,
    daemon: Child,
}

impl Server {
    /// Starts one, which answers.
    pub(super) fn start(base: &Path) -> Result<Server> {
        // A port that was free a moment ago.
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut command = process::command("git");
        command.args(["daemon", "--export-all", "--reuseaddr", "--listen=127.0.0.1"]);
        command.arg(format!("--port={port}")).arg(format!("--base-path={}", base.display()));
        let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // In a group of its own: it starts another process that does the work.
        use std::os::unix::process::CommandExt;
        let daemon = silent.process_group(0).spawn().context("cannot start git daemon")?;
        let server = Server { port, daemon };
        let started = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            ensure!(started.elapsed() < Duration::from_secs(20), "git daemon does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.daemon.id()) {
            let group = nix::unistd::Pid::from_raw(pid);
            let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGTERM);
        }
        let _ = self.daemon.wait();
    }
}
