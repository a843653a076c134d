//! Prints what `larder-cargo` gathers for a directory and a command:
//!
//! ```sh
//! cargo run -p larder-cargo --example inputs -- DIRECTORY build --release
//! ```
//!
//! Started with the shim's marker in its environment it acts as the rustc
//! shim, as `cargo-larder` does.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "an example is a binary: it reads the environment and prints"
)]

use larder_cargo::{GatherError, Host, Request};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

fn main() -> ExitCode {
    let host = |cwd: PathBuf| Host {
        env: std::env::vars_os().collect(),
        cwd,
        exe: std::env::current_exe().unwrap_or_default(),
        larder_dir: std::env::var_os("LARDER_DIR")
            .map_or_else(|| std::env::temp_dir().join("larder-example"), PathBuf::from),
        layers: None,
    };
    let here = host(std::env::current_dir().unwrap_or_default());
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    if let Some(shim) = larder_cargo::shim::command(&here, &args) {
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
    let directory = PathBuf::from(words.next().unwrap_or_else(|| ".".to_owned()));
    let command = words.next().unwrap_or_else(|| "build".to_owned());
    let rest: Vec<String> = words.collect();
    let split = rest.iter().position(|a| a == "--").unwrap_or(rest.len());
    let request = Request {
        command,
        args: rest[..split].to_vec(),
        trailing: rest.get(split + 1..).unwrap_or_default().to_vec(),
        ..Request::default()
    };
    let start = Instant::now();
    let host = host(here.cwd.join(directory));
    let prepared = match larder_cargo::prepare(&host, &request) {
        Ok(prepared) => prepared,
        Err(error) => return report(&error),
    };
    println!("prepared in {:?}", start.elapsed());
    match prepared.gather(&mut |line| eprintln!("{line}")) {
        Err(error) => report(&error),
        Ok((inputs, dependencies)) => {
            println!("gathered in {:?}", start.elapsed());
            println!(
                "{} units, {} roots, {} packages, {} members, toolchain {}",
                inputs.graph.units.len(),
                inputs.graph.roots.len(),
                inputs.manifests.len(),
                inputs.members.len(),
                inputs.toolchain.short()
            );
            println!("cargo {} ({}), rustc {}", inputs.cargo_version, inputs.cargo, inputs.rustc);
            println!(
                "{} paths, {} variables, cacheable: {}, {} warnings",
                dependencies.paths.paths.len(),
                dependencies.paths.env.len(),
                dependencies.cacheable,
                dependencies.warnings.len()
            );
            if std::env::var_os("VERBOSE").is_some() {
                println!("{:#?}", dependencies.paths);
                println!("{:#?}", inputs.host);
                println!("{:#?}", inputs.command);
                println!("{:#?}", inputs.sources);
                println!("{:#?}", inputs.manifests);
            }
            if let Ok(tools) = prepared.host_tools(None) {
                println!("host tools {} ({} parts)", tools.digest.short(), tools.parts.len());
            }
            println!("all in {:?}", start.elapsed());
            ExitCode::SUCCESS
        }
    }
}

fn report(error: &GatherError) -> ExitCode {
    eprintln!("error: {error}");
    let code = match error {
        GatherError::Cargo { code, .. } => *code,
        _ => 1,
    };
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
