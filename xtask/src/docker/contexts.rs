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
    let git = |arguments: &[&str]| -> Result<()> {
        let mut command = process::command("git");
        command.args(["-c", "user.name=larder", "-c", "user.email=larder@example.org"]);
        process::run_quietly(command.args(arguments).current_dir(&project.root))?;
        Ok(())
    };
    git(&["init", "--quiet", "--initial-branch=main"])?;
    let server = Server::start(scratch.path())?;
    let context = format!("git://127.0.0.1:{}/project#main", server.port);
    for word in ["one", "two"] {
        if word == "two" {
            project.edit("app/src/main.rs", "one", "two")?;
        }
        git(&["add", "--all"])?;
        git(&["commit", "--quiet", "-m", word])?;
        let built = project.build_with(engine, larder, &[&context])?;
        built.says("git", &format!("{word} 42"))?;
        if word == "two" {
            built.executed("git", "a commit that edits the binary", 1)?;
        }
    }
    println!("git: a repository as context, and only what a commit changed is compiled");
    Ok(())
}

/// `git daemon`, for repositories below a directory. It ends with this value.
struct Server {
    port: u16,
    daemon: Child,
}

impl Server {
    fn start(base: &Path) -> Result<Server> {
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
