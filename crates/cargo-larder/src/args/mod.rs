//! The command line: what clap accepts, and cargo's own arguments taken out
//! of it unchanged.

mod cli;
mod flags;
mod format;
mod mistakes;
mod split;

pub(crate) use cli::{Cli, Command, commands, parse};
pub(crate) use flags::{
    CheckFlags, Common, Compile, CompileTimeDeps, Features, FutureIncompat, KeepGoing, LarderFlags,
    ManifestFlags, ManyPackages, MessageFormats, OnePackage, Release, RunTargets, Targets,
};
pub(crate) use format::MessageFormat;
pub(crate) use split::{CargoArgs, Split};
