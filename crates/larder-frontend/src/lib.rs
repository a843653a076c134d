//! The BuildKit frontend: `docker build -f Cargo.toml .`, if the manifest's
//! first line is `# syntax=` and this image's name.
//!
//! ```text
//! options, manifests ─▶ settings ─▶ recipe ─▶ plan (solved, read) ─▶ graph ─▶ image
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `gateway` | the builder, as it speaks to frontends |
//! | `options`, `context`, `members`, `ignore` | what the one who builds asked for, and sends |
//! | `settings`, `place` | what the manifests say, and where |
//! | `recipe` | what is built for a platform, and how (pure) |
//! | `llb`, `steps`, `cooked` | the steps as BuildKit's graph (pure) |
//! | `image` | the configuration of the image (pure) |
//! | `build` | all of it in order |
//! | `failure` | why there is no image, for the client |
//!
//! It compiles nothing and runs nothing: `cargo larder`, which is in the same
//! image, does, in the builder's containers.

mod build;
mod context;
mod cooked;
mod failure;
mod gateway;
mod ignore;
mod image;
mod llb;
mod members;
mod options;
mod place;
mod recipe;
mod settings;
mod steps;

use failure::Failure;
use gateway::Gateway;
use options::Options;
use std::process::ExitCode;

/// Answers the builder that started this process with these variables.
pub fn main(variables: impl IntoIterator<Item = (String, String)>) -> ExitCode {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let answered = runtime.block_on(answer(variables));
    // A thread still waits for stdin, and nobody must wait for that thread.
    runtime.shutdown_background();
    match answered {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report(&failure);
            ExitCode::FAILURE
        }
    }
}

async fn answer(variables: impl IntoIterator<Item = (String, String)>) -> Result<(), Failure> {
    let mut gateway = Gateway::connect().await?;
    let outcome = match Options::new(variables) {
        Ok(options) => build::run(&mut gateway, &options).await,
        Err(failure) => Err(failure),
    };
    gateway.finish(outcome).await
}

/// Where the builder cannot be told, its log is.
#[expect(clippy::print_stderr, reason = "there is nobody else to tell")]
fn report(failure: &Failure) {
    eprintln!("larder-frontend: {failure}");
}
