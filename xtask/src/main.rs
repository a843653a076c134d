//! Larder's development commands, started as `cargo xtask COMMAND`.
//!
//! One file per command. Nothing here ships: it may print, read the
//! environment and start processes, and no crate of larder depends on it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a development tool talks to its terminal"
)]
#![expect(clippy::disallowed_methods, reason = "a development tool reads its own environment")]

mod acceptance;
mod behaviour;
mod bench;
mod cli;
mod cook;
mod corpus;
mod demo;
mod deny;
mod docker;
mod drivers;
mod measure;
mod musl;
mod parity;
mod process;
mod setting;
mod synthetic;
mod test;
mod tidy;
mod torture_peers;
mod tree;
mod trial;
mod verify;
mod workspace;

fn main() -> std::process::ExitCode {
    parity::reentered().unwrap_or_else(cli::run)
}
