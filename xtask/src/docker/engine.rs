//! A Docker Engine with BuildKit of our own: Debian's, unpacked into a
//! directory, with its own data and socket. Or the one that `DOCKER_HOST` names.
//!
//! ```text
//! target/docker/
//!   apt/       apt's files, by release
//!   engine/    the programs; `engine.stamp` says which
//!   data/      images, layers, cache mounts; `containerd-data/` where they
//!              are containerd's
//!   config/    the client's configuration
//! ```
//!
//! It has no bridge and changes no packet filter: builds that fetch something
//! use the host's network.

use super::packages::{Packages, own_release};
use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use fs_err as fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The release whose engine is used. It needs glibc 2.34, which bookworm has;
/// bookworm's own engine is older than the Dockerfiles that larder writes.
const RELEASE: &str = "trixie";

/// From that release; they are static, or nearly.
const PROGRAMS: &[&str] = &["docker.io", "docker-cli", "docker-buildx", "containerd"];

/// From the machine's own: the newer runc wants a newer glibc.
const OWN_PROGRAMS: &[&str] = &["runc", "libseccomp2"];

/// How long the engine may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where an engine keeps images.
#[derive(Clone, Copy)]
enum Images {
    /// In its own layers, as most engines do.
    Graph,
    /// In containerd's, from which builds can export caches.
    Containerd,
}

impl Images {
    /// Its directory, and its configuration.
    fn place(self) -> (&'static str, &'static str) {
        match self {
            Images::Graph => ("data", "{}"),
            Images::Containerd => {
                ("containerd-data", "{\"features\": {\"containerd-snapshotter\": true}}")
            }
        }
    }
}

/// An engine that answers. One that was started here ends with this value.
pub(super) struct Engine {
    host: String,
    programs: Option<PathBuf>,
    config: PathBuf,
    daemon: Option<Child>,
    /// Sockets, whose paths must be short.
    _run: Option<tempfile::TempDir>,
}

impl Engine {
    /// The one that `DOCKER_HOST` names, or a new one.
    pub(super) fn find_or_start() -> Result<Engine> {
        if let Some(host) = std::env::var_os("DOCKER_HOST") {
            let host = host.into_string().ok().context("DOCKER_HOST is not text")?;
            let config = home()?.join(".docker");
            let engine = Engine { host, programs: None, config, daemon: None, _run: None };
            process::run_quietly(engine.docker().arg("version"))
                .context("the engine that DOCKER_HOST names does not answer")?;
            return Ok(engine);
        }
        Engine::start(Images::Graph)
    }

    /// One that exports caches, and nobody else's: it may be emptied.
    pub(super) fn exporting() -> Result<Engine> {
        Engine::start(Images::Containerd)
    }

    fn start(images: Images) -> Result<Engine> {
        if !nix::unistd::geteuid().is_root() {
            bail!("starting a Docker Engine wants root; set DOCKER_HOST to use one that runs");
        }
        let (data, configuration) = images.place();
        let base = workspace::target("docker");
        let programs = install(&base)?;
        let config = base.join("config");
        let plugins = config.join("cli-plugins");
        fs::create_dir_all(&plugins)?;
        let buildx = plugins.join("docker-buildx");
        let _ = fs::remove_file(&buildx);
        fs::os::unix::fs::symlink(
            programs.join("usr/libexec/docker/cli-plugins/docker-buildx"),
            &buildx,
        )?;
        let run = tempfile::Builder::new().prefix("larder-docker-").tempdir()?;
        let host = format!("unix://{}/docker.sock", run.path().display());
        let log_path = base.join(data).with_extension("log");
        let log = fs::File::create(&log_path)?.into_parts().0;
        fs::write(run.path().join("daemon.json"), configuration)?;

        let mut command = process::command(programs.join("usr/sbin/dockerd"));
        surroundings(&mut command, &programs);
        command
            .arg("--config-file")
            .arg(run.path().join("daemon.json"))
            .arg("--data-root")
            .arg(base.join(data))
            .arg("--exec-root")
            .arg(run.path().join("exec"))
            .arg("--pidfile")
            .arg(run.path().join("docker.pid"))
            .args(["--iptables=false", "--ip6tables=false", "--bridge=none", "--host", &host])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let daemon = command.spawn().context("cannot start dockerd")?;
        let mut engine = Engine {
            host,
            programs: Some(programs),
            config,
            daemon: Some(daemon),
            _run: Some(run),
        };
        engine.wait(&log_path)?;
        Ok(engine)
    }

    /// Waits until the daemon answers, and says why if it does not.
    fn wait(&mut self, log: &Path) -> Result<()> {
        let started = Instant::now();
        loop {
            let answers = self.docker().arg("version").output().is_ok_and(|o| o.status.success());
            if answers {
                return Ok(());
            }
            let ended = match &mut self.daemon {
                Some(daemon) => daemon.try_wait()?,
                None => None,
            };
            if ended.is_some() || started.elapsed() > PATIENCE {
                let log = fs::read_to_string(log).unwrap_or_default();
                let lines: Vec<&str> = log.lines().rev().take(15).collect();
                let lines: Vec<&str> = lines.into_iter().rev().collect();
                bail!("the Docker Engine did not start; the end of its log:\n{}", lines.join("\n"));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// `docker`, for this engine.
    pub(super) fn docker(&self) -> Command {
        let program = match &self.programs {
            Some(programs) => programs.join("usr/bin/docker"),
            None => PathBuf::from("docker"),
        };
        let mut command = process::command(program);
        command.env("DOCKER_HOST", &self.host).env("DOCKER_CONFIG", &self.config);
        command.env("DOCKER_BUILDKIT", "1");
        command
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Some(daemon) = &mut self.daemon else { return };
        if let Ok(pid) = i32::try_from(daemon.id()) {
            // It ends its containerd itself, and unmounts what it mounted.
            let _ = nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(pid),
                nix::sys::signal::Signal::SIGTERM,
            );
        }
        let _ = daemon.wait();
    }
}

fn home() -> Result<PathBuf> {
    std::env::home_dir().context("there is no home directory")
}

/// `PATH` and libraries with the unpacked programs first.
fn surroundings(command: &mut Command, programs: &Path) {
    let mut path = vec![programs.join("usr/sbin"), programs.join("usr/bin")];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    // What `dockerd` calls, such as `modprobe` and `mount`, is in directories
    // that a user's PATH may lack.
    path.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    if let Ok(path) = std::env::join_paths(path) {
        command.env("PATH", path);
    }
    let triplet = format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    command.env("LD_LIBRARY_PATH", programs.join(triplet));
}

/// The programs; fetched once.
fn install(base: &Path) -> Result<PathBuf> {
    let programs = base.join("engine");
    let stamp = base.join("engine.stamp");
    let own = own_release()?;
    let wanted = format!("{RELEASE} {PROGRAMS:?} {own} {OWN_PROGRAMS:?}\n");
    if fs::read_to_string(&stamp).is_ok_and(|text| text == wanted) {
        return Ok(programs);
    }
    println!("fetching a Docker Engine");
    let _ = fs::remove_dir_all(&programs);
    let apt = base.join("apt");
    Packages::of(RELEASE, &apt)?.unpack(PROGRAMS, &programs)?;
    Packages::of(&own, &apt)?.unpack(OWN_PROGRAMS, &programs)?;
    fs::write(stamp, wanted)?;
    Ok(programs)
}
