//! A building command of cargo as the argument of another command:
//! `cargo larder plan -- build --release`.

use crate::args::{self, CargoArgs, Cli, Command, Split};
use crate::building::{Building as _, Context};
use crate::errors::Usage;
use anyhow::bail;
use larder_engine::request::BuildRequest;
use std::ffi::OsString;

/// What the engine would be asked for the command `words`, which may start
/// with `cargo` or `cargo larder`.
pub(crate) fn request(context: &Context<'_>, words: &[OsString]) -> anyhow::Result<BuildRequest> {
    let mut words = words;
    for program in ["cargo", "larder"] {
        if let Some((first, rest)) = words.split_first()
            && first == program
        {
            words = rest;
        }
    }
    let mut split = Split::new(words);
    if split.toolchain.is_none() {
        split.toolchain.clone_from(&context.split.toolchain);
    }
    let Cli { common: globals, command, .. } = match args::parse(&split.tokens()) {
        Ok(cli) => cli,
        Err(error) => return Err(Usage(error.render().to_string()).into()),
    };
    let Some(command) = command else {
        return Err(Usage("no command was given behind `--`: `-- build --release`".into()).into());
    };
    let asked = match &command {
        Command::Build(it) => it.asked(),
        Command::Check(it) => it.asked(),
        Command::Clippy(it) => it.asked(),
        Command::Test(it) => it.asked(),
        Command::Bench(it) => it.asked(),
        Command::Run(it) => it.asked(),
        Command::Rustc(it) => it.asked(),
        _ => return Err(Usage(format!("`{}` does not build", name(&split))).into()),
    };
    if let Some(flags) = asked.unmodelled(&globals) {
        bail!("larder does not model {flags}, so it cannot plan `{}`", name(&split));
    }
    let inner = Context { host: context.host, split: &split, globals: &globals, ..*context };
    let args = CargoArgs::new(&split, asked.trailing);
    asked.request(&inner, &args)
}

fn name(split: &Split) -> String {
    split.command.as_ref().map(|command| command.display().to_string()).unwrap_or_default()
}
