//! Flags that people try and cargo does not have: refused with the flag that
//! they meant, as cargo does.

use clap::builder::UnknownArgumentValueParser as Unknown;
use clap::{Arg, ArgAction, Command};

/// Adds the answers to all commands that build.
pub(super) fn answered(mut cli: Command) -> Command {
    for name in ["build", "check", "clippy", "test", "bench", "run", "rustc"] {
        cli = cli.mut_subcommand(name, |command| {
            let mut flags = vec![
                short("wrong-s", 's', "--quiet"),
                long("silent", Unknown::suggest_arg("--quiet")),
                short("wrong-c", 'c', "--config"),
                short("wrong-z", 'z', "-Z"),
                short("wrong-t", 't', "--target"),
                long("path", Unknown::suggest_arg("--manifest-path")),
            ];
            if !matches!(name, "run" | "rustc") {
                flags.push(short("wrong-x", 'x', "--exclude"));
            }
            if name == "build" {
                flags.push(short("wrong-O", 'O', "--artifact-dir"));
                flags.push(long("out-dir", Unknown::suggest_arg("--artifact-dir")));
                let debug = Unknown::suggest("`build` is `--debug` already; there is `--release`");
                flags.push(long("debug", debug).conflicts_with("profile"));
            }
            if matches!(name, "test" | "bench") {
                let meant = Unknown::suggest("`--no-fail-fast` runs everything, whatever fails");
                flags.push(long("keep-going", meant));
            }
            command.args(flags)
        });
    }
    cli
}

fn short(id: &'static str, flag: char, meant: &'static str) -> Arg {
    hidden(Arg::new(id).short(flag), Unknown::suggest_arg(meant))
}

fn long(flag: &'static str, meant: Unknown) -> Arg {
    hidden(Arg::new(flag).long(flag), meant)
}

fn hidden(arg: Arg, meant: Unknown) -> Arg {
    arg.action(ArgAction::SetTrue).hide(true).value_parser(meant)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    #[test]
    fn the_flag_that_was_meant_is_named() {
        for (line, meant) in [
            ("build -s", "--quiet"),
            ("check --silent", "--quiet"),
            ("build --out-dir", "--artifact-dir"),
            ("build --debug", "--release"),
            ("test --keep-going", "--no-fail-fast"),
            ("run --path", "--manifest-path"),
        ] {
            let tokens: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let error = super::super::parse(&tokens).unwrap_err();
            assert!(error.use_stderr());
            assert!(error.to_string().contains(meant), "{line}: {error}");
        }
    }
}
