//! The engine without a command line: runs a command in the working directory
//! and prints its events bare.
//!
//! ```sh
//! cargo run -p larder-engine --example bare -- build --release
//! ```
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "an example is a binary: it reads the environment and prints"
)]

use larder_cargo::Host;
use larder_engine::event::{Event, Reporter};
use larder_engine::request::BuildRequest;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

struct Bare;

impl Reporter for Bare {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Warning { text, hint } => eprintln!("warning: {text} {hint:?}"),
            Event::CargoOutput { text } => eprint!("{text}"),
            Event::Started { unit, command, .. } => {
                if std::env::var_os("BARE_VERBOSE").is_some() {
                    eprintln!("start {unit}: {}", command(false));
                }
            }
            Event::Diagnostic { json, .. } => eprintln!("{json}"),
            Event::Failed { text, .. } => eprintln!("error: {text}"),
            Event::Finished { unit, outcome, miss, .. } => {
                if std::env::var_os("BARE_VERBOSE").is_some() {
                    eprintln!("finished {unit} {outcome:?} {miss:?}");
                }
            }
            _ => {}
        }
    }
}

fn main() -> ExitCode {
    let host = Host {
        env: std::env::vars_os().collect(),
        cwd: std::env::current_dir().unwrap_or_default(),
        exe: std::env::current_exe().unwrap_or_default(),
        larder_dir: std::env::var_os("LARDER_DIR")
            .map_or_else(|| std::env::temp_dir().join("larder-example"), PathBuf::from),
    };
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    if let Some(shim) = larder_cargo::shim::command(&host, &args) {
        let mut command = Command::new(&shim.program);
        command.args(&shim.args);
        for (name, value) in &shim.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let code = command.status().ok().and_then(|s| s.code()).unwrap_or(1);
        return ExitCode::from(u8::try_from(code).unwrap_or(1));
    }
    let mut words = args.iter().map(|a| a.to_string_lossy().into_owned());
    let request = BuildRequest {
        command: words.next().unwrap_or_else(|| "build".to_owned()),
        args: words.collect(),
        ..BuildRequest::default()
    };
    match larder_engine::build(&host, &request, &Bare) {
        Ok(outcome) => {
            println!("{:?} {:?}", outcome.report.totals, outcome.report.seconds);
            ExitCode::from(u8::from(!outcome.success))
        }
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::from(101)
        }
    }
}
