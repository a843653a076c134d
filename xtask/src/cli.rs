//! The command line: which commands exist, and how their errors end.

use crate::{
    acceptance, behaviour, bench, cook, corpus, demo, deny, docker, drivers, parity, synthetic,
    test, tidy, torture_peers, verify,
};
use clap::Parser;
use std::process::ExitCode;

/// Development commands of larder.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Cli {
    Acceptance(acceptance::Args),
    Behaviour(behaviour::Args),
    Bench(bench::Args),
    BenchDocker(docker::bench::Args),
    Cook(cook::Args),
    Corpus(corpus::Args),
    Demo(demo::Args),
    Deny(deny::Args),
    Docker(docker::Args),
    Drivers(drivers::Args),
    FrontendImage(docker::frontend_image::Args),
    Parity(parity::Args),
    Synthetic(synthetic::Args),
    Test(test::Args),
    Tidy(tidy::Args),
    TorturePeers(torture_peers::Args),
    Verify(verify::Args),
}

/// Runs the command that the process was started with.
pub(crate) fn run() -> ExitCode {
    let outcome = match Cli::parse() {
        Cli::Acceptance(args) => acceptance::run(&args),
        Cli::Behaviour(args) => behaviour::run(&args),
        Cli::Bench(args) => bench::run(&args),
        Cli::BenchDocker(args) => docker::bench::run(&args),
        Cli::Cook(args) => cook::run(&args),
        Cli::Corpus(args) => corpus::run(&args),
        Cli::Demo(args) => demo::run(&args),
        Cli::Deny(args) => deny::run(&args),
        Cli::Docker(args) => docker::run(&args),
        Cli::Drivers(args) => drivers::run(&args),
        Cli::FrontendImage(args) => docker::frontend_image::run(&args),
        Cli::Parity(args) => parity::run(&args),
        Cli::Synthetic(args) => synthetic::run(&args),
        Cli::Test(args) => test::run(&args),
        Cli::Tidy(args) => tidy::run(&args),
        Cli::TorturePeers(args) => torture_peers::run(&args),
        Cli::Verify(args) => verify::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
