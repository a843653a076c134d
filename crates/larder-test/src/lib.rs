//! Hermetic test environment for the tests of larder itself.
//!
//! - [`TestEnv`]: a place with its own home, cargo home and store, in which
//!   cargo and larder run with a cleared environment.
//! - [`Project`]: a project in it, written file by file, edited with chosen
//!   modification times, and copied as a fresh checkout would be.
//! - [`habits`]: the torture collection, for whoever runs it.
//! - [`synthetic`]: a workspace that uses every feature of cargo which larder
//!   supports, without a network.
//!
//! ```
//! # use larder_test::{Mtime, TestEnv};
//! let env = TestEnv::new();
//! let project = env
//!     .project("hello")
//!     .file("Cargo.toml", "[package]\nname = \"hello\"\nedition = \"2024\"\n")
//!     .file("src/main.rs", "fn main() { println!(\"hello\"); }\n")
//!     .build();
//! project.cargo(&["check"]).success().stderr_has("Finished");
//! project.replace("src/main.rs", "hello", "larder", Mtime::Older);
//! ```
//!
//! A test that fails wants a panic with its output, so nothing here returns a
//! `Result`. Ordinary crates must not depend on this one.
#![expect(
    clippy::disallowed_methods,
    reason = "the one place where tests read the outer environment"
)]

mod env;
pub mod habits;
mod mtime;
mod output;
mod project;
mod skip;
pub mod synthetic;

pub use env::TestEnv;
pub use mtime::Mtime;
pub use output::Output;
pub use project::{Project, ProjectBuilder};
pub use skip::skipped;
