//! `cargo larder doctor`.

use crate::building::Context;
use crate::env_vars::RUSTC_WRAPPER;
use crate::exit::Exit;
use crate::host::Host;
use crate::settings::Settings;
use clap::Args;
use larder_sandbox::capabilities::Capabilities;
use larder_sandbox::observation::Mechanism;
use larder_sandbox::watch::{Observe, records};
use serde::Serialize;
use std::path::Path;
use std::process::Command;

/// Check what of this machine larder can use
///
/// Every check that fails comes with the way out. The exit code is 101 if one of them keeps larder
/// from working.
#[derive(Args, Debug)]
pub(crate) struct Doctor {
    /// A JSON list instead of text
    #[arg(long)]
    json: bool,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Good,
    /// Larder works, but not as well as it could.
    Lacking,
    /// Larder does not work.
    Bad,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

impl Check {
    fn good(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, state: State::Good, detail: detail.into(), help: None }
    }

    fn new(name: &'static str, state: State, detail: impl Into<String>, help: &str) -> Self {
        Self { name, state, detail: detail.into(), help: Some(help.into()) }
    }
}

impl Doctor {
    /// Runs it.
    pub(crate) fn run(&self, context: &Context<'_>) -> anyhow::Result<Exit> {
        let host = context.host;
        let mut checks = vec![switch(host), cargo(host), rustc()];
        match Settings::read(host) {
            Ok(settings) => {
                checks.extend(store(host, &settings));
                checks.push(observation(&settings));
                checks.push(hermetic(&settings));
            }
            Err(error) => checks.push(Check::new(
                "settings",
                State::Bad,
                format!("{error:#}"),
                "correct the configuration file",
            )),
        }
        checks.push(wrapper(host));
        if self.json {
            context.console.line(&serde_json::to_string_pretty(&checks)?);
        } else {
            for check in &checks {
                context.console.raw_out(&text(check));
            }
        }
        let is_bad = checks.iter().any(|check| check.state == State::Bad);
        Ok(if is_bad { Exit::Failure } else { Exit::Success })
    }
}

fn text(check: &Check) -> String {
    let mark = match check.state {
        State::Good => "ok",
        State::Lacking => "warning",
        State::Bad => "error",
    };
    let mut text = format!("{:<11} {mark:<8} {}\n", check.name, check.detail);
    if let Some(help) = &check.help {
        text.push_str(&format!("{:<20} help: {help}\n", ""));
    }
    text
}

fn switch(host: &Host) -> Check {
    if host.is_off() {
        let help = "unset `LARDER` to use the store";
        Check::new("larder", State::Lacking, "switched off: all commands are plain cargo", help)
    } else {
        Check::good("larder", concat!("version ", env!("CARGO_PKG_VERSION")))
    }
}

fn cargo(host: &Host) -> Check {
    let program = host.real_cargo();
    match first_line(Command::new(&program).arg("--version")) {
        Ok(line) => {
            let version = line.split(' ').nth(1).unwrap_or_default();
            if larder_plan::SUPPORTED_CARGO.iter().any(|s| version.starts_with(s)) {
                Check::good("cargo", line)
            } else {
                let known = larder_plan::SUPPORTED_CARGO.join(", ");
                let help =
                    format!("builds go to plain cargo; larder knows the rules of cargo {known}");
                Check::new("cargo", State::Lacking, line, &help)
            }
        }
        Err(error) => Check::new(
            "cargo",
            State::Bad,
            format!("`{}`: {error}", program.display()),
            "install a toolchain with rustup, or set `CARGO`",
        ),
    }
}

fn rustc() -> Check {
    match first_line(Command::new("rustc").arg("-vV")) {
        Ok(line) => Check::good("rustc", line),
        Err(error) => Check::new("rustc", State::Bad, error, "install a toolchain with rustup"),
    }
}

fn first_line(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let text =
        |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn store(host: &Host, settings: &Settings) -> Vec<Check> {
    let dir = &settings.dir;
    let shown = format!("{} ({})", dir.display(), settings.dir_origin.as_str());
    let scratch = fs_err::create_dir_all(dir).and_then(|()| tempfile::tempdir_in(dir));
    let scratch = match scratch {
        Ok(scratch) => scratch,
        Err(error) => {
            let help = "set `LARDER_DIR` to a directory that can be written";
            return vec![Check::new("store", State::Bad, format!("{shown}: {error}"), help)];
        }
    };
    let mut checks = vec![Check::good("store", shown)];
    if let Some(file) = settings.file.as_deref().filter(|f| f.exists()) {
        checks.push(Check::good("settings", file.display().to_string()));
    }
    checks.extend(host.cwd.as_deref().and_then(|cwd| delivery(scratch.path(), cwd)));
    checks
}

/// Whether files can be delivered from the store to here without copying.
fn delivery(store: &Path, here: &Path) -> Option<Check> {
    let target = tempfile::tempdir_in(here).ok()?;
    let (from, to) = (store.join("file"), target.path().join("file"));
    fs_err::write(&from, "x").ok()?;
    Some(match larder_store::deliver(&from, &to, 0o644).ok()? {
        larder_store::Method::Reflinked => {
            Check::good("delivery", "by reflink: delivered files share the store's blocks")
        }
        larder_store::Method::Copied => Check::new(
            "delivery",
            State::Lacking,
            "by copying",
            "put store and checkouts on one file system with reflinks (btrfs, xfs, APFS) to save \
             the copies",
        ),
    })
}

/// Whether what build scripts and proc-macros read can be seen here.
fn observation(settings: &Settings) -> Check {
    let name = "observation";
    let unseen = "without it, only declared inputs of build scripts and proc-macros are known";
    let works = match settings.observe {
        Observe::No => {
            let help = format!("{unseen}; unset `LARDER_OBSERVE`");
            return Check::new(name, State::Lacking, "switched off", &help);
        }
        Observe::Best => {
            let can = Capabilities::probe();
            can.notify.map(|()| Mechanism::Notify).or(can.trace.map(|()| Mechanism::Trace))
        }
        Observe::Only(mechanism) => Capabilities::probe().trace.map(|()| mechanism),
    };
    match works {
        Ok(Mechanism::Notify) if settings.observe == Observe::Best && records() => {
            Check::good(name, format!("by a library in the process, and {}", Mechanism::Notify))
        }
        Ok(mechanism) => Check::good(name, format!("by {mechanism}")),
        Err(why) => {
            let help = format!("{unseen}, and their results are `unobserved`");
            Check::new(name, State::Lacking, why.to_string(), &help)
        }
    }
}

/// Whether build scripts and proc-macros can be confined here.
fn hermetic(settings: &Settings) -> Check {
    let name = "hermetic";
    let wanted = settings.hermetic.all || !settings.hermetic.packages.is_empty();
    let state = if wanted { State::Bad } else { State::Lacking };
    match larder_engine::rules::can_confine(settings.observe) {
        Ok(version) => Check::good(name, format!("by Landlock, version {version}")),
        Err(why) => Check::new(name, state, why, "builds with `--hermetic` fail here"),
    }
}

fn wrapper(host: &Host) -> Check {
    match host.text(&RUSTC_WRAPPER) {
        None => Check::good("wrapper", "no RUSTC_WRAPPER"),
        Some(wrapper) => Check::new(
            "wrapper",
            State::Lacking,
            format!("RUSTC_WRAPPER={wrapper}"),
            "a cache behind larder's store finds only what larder misses; unset it to save its cost",
        ),
    }
}
