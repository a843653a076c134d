//! From the process's arguments to its exit code.

use crate::args::{self, Cli, Command, Split};
use crate::building::{Building as _, Context};
use crate::cargo::{BUILT_IN, become_cargo};
use crate::cargo_config::without_alias;
use crate::commands;
use crate::console::Console;
use crate::env_vars::LARDER;
use crate::errors;
use crate::exit::Exit;
use crate::host::Host;
use crate::interrupt;
use crate::terminal;
use clap::CommandFactory as _;
use std::ffi::OsString;

/// Runs what the command line asks for.
pub(crate) fn run(host: &Host) -> Exit {
    let mut tokens: &[OsString] = host.args.get(1..).unwrap_or_default();
    let names_larder = tokens.first().is_some_and(|first| first == "larder");
    if names_larder {
        tokens = &tokens[1..];
    }
    let stands_in = host.stands_in_for_cargo() && !names_larder;
    let mut split = Split::new(tokens);
    if !host.is_off() {
        split = without_alias(host, split, args::commands);
    }
    let mut console = Console::plain();
    let result = if stands_in {
        commands::exec::stand_in(host, &split)
            .unwrap_or_else(|| dispatch(host, &split, &mut console))
    } else {
        dispatch(host, &split, &mut console)
    };
    let exit = result.unwrap_or_else(|error| {
        errors::show(&console, &error);
        errors::exit(&error)
    });
    interrupt::stop_if_ending();
    exit
}

fn dispatch(host: &Host, split: &Split, console: &mut Console) -> anyhow::Result<Exit> {
    let cli = match args::parse(&split.tokens()) {
        Ok(cli) => cli,
        // Switched off, larder has no opinion on cargo's command lines.
        Err(_) if host.is_off() && is_cargos(split) => {
            return Err(become_cargo(host, split, &split.tokens()));
        }
        Err(error) => return Ok(usage(console, &error)),
    };
    if let Some(mode) = host.var(&LARDER)
        && !mode.is_empty()
        && !host.is_off()
    {
        console.warning(&format!("`LARDER={}` means nothing: only `off` does", mode.display()));
    }
    let Cli { common: globals, version, directory, command } = cli;
    let Some(command) = command else {
        if version {
            commands::version::print(console, globals.verbose > 0);
        } else {
            console.raw_out(&Cli::command().render_help().ansi().to_string());
        }
        return Ok(Exit::Success);
    };
    if directory.is_some() {
        console.note("larder does not model `-C`: plain cargo runs");
        return Err(become_cargo(host, split, &split.tokens()));
    }
    let flags: Vec<_> = std::iter::once(&globals).chain(command.common()).collect();
    *console = terminal::console(host, &flags)?;
    let context = Context { host, split, globals: &globals, console };
    match &command {
        Command::Build(it) => it.run(&context),
        Command::Check(it) => it.run(&context),
        Command::Clippy(it) => it.run(&context),
        Command::Test(it) => it.run(&context),
        Command::Bench(it) => it.run(&context),
        Command::Run(it) => it.run(&context),
        Command::Rustc(it) => it.run(&context),
        Command::Plan(it) => it.run(&context),
        Command::Cook(it) => it.run(&context),
        Command::Export(it) => it.run(&context),
        Command::Import(it) => it.run(&context),
        Command::Exec(it) => it.run(&context),
        Command::Dockerfile(it) => it.run(&context),
        Command::Lint(it) => it.run(&context),
        Command::Explain(it) => it.run(&context),
        Command::Stats(it) => it.run(&context),
        Command::Gc(it) => it.run(&context),
        Command::Doctor(it) => it.run(&context),
        Command::Verify(it) => it.run(&context),
        Command::Version(it) => it.run(&context),
        Command::Other(words) => {
            if !host.is_off() {
                let name = words.first().map(|w| w.display().to_string()).unwrap_or_default();
                console.note(&format!("`{name}` is not a command of larder: plain cargo runs it"));
            }
            Err(become_cargo(host, split, &split.tokens()))
        }
    }
}

/// Whether plain cargo knows the command.
fn is_cargos(split: &Split) -> bool {
    match split.command.as_ref().and_then(|c| c.to_str()) {
        Some("clippy") => true,
        Some("help" | "version") | None => false,
        Some(name) => BUILT_IN.contains(&name),
    }
}

/// Prints what clap has to say: help on standard output, mistakes on standard
/// error with cargo's code.
fn usage(console: &Console, error: &clap::Error) -> Exit {
    let text = error.render().ansi().to_string();
    if error.use_stderr() {
        console.raw_err(&text);
        Exit::Usage
    } else {
        console.raw_out(&text);
        Exit::Success
    }
}
