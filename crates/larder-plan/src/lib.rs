//! Cargo's unit graph, manifests and configuration turned into actions.
//!
//! Everything here is a function over values: no IO, no clock, no environment.
//! [`input`] declares the values that come in, [`larder_schema::plan`] what
//! goes out. The rules are those of cargo 1.95; `xtask parity` compares them
//! with cargo itself.
//!
//! | module | decides |
//! |---|---|
//! | `graph` | what a unit is, and what larder refuses to plan |
//! | `mode` | which checks are checks of tests |
//! | `crate_type` | what a crate type can do |
//! | `lto` | link-time optimisation of every unit, over the whole graph |
//! | `outputs` | names of files, and where they go for the user |
//! | `externs` | `--extern` |
//! | `rustc_args` | the rest of rustc's arguments |
//! | `environment`, `run_environment` | variables of rustc, of build scripts |
//! | `natives` | whose build scripts concern whom, in which order |
//! | `warnings` | what cargo says of the graph before it compiles |
//! | [`remap`] | the arguments that larder adds: remapped paths |
//! | [`directives`] | what a build script's output means |
//! | [`apply`] | what directives add to a process at run time |
//! | [`doctest`] | the call of `rustdoc --test` |
//! | [`cook`], [`cook_diff`] | the external units of a plan alone; how two such differ |
//! | [`cook_layers`] | crates of the workspace in further cook plans, bottom up |
//! | [`cook_parts`] | a cook plan in parts: layers of external crates, or one for each |
//! | [`execute`] | the environment of `cargo run` and `cargo test` processes |

pub mod apply;
mod assemble;
pub mod cook;
pub mod cook_diff;
pub mod cook_layers;
pub mod cook_parts;
mod crate_type;
pub mod directives;
pub mod doctest;
mod environment;
pub mod execute;
mod externs;
mod graph;
pub mod input;
mod lto;
mod mode;
mod natives;
mod outputs;
mod package;
pub mod remap;
mod run_environment;
mod rustc_args;
mod symbolic;
mod unsupported;
mod warnings;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod golden;

pub use assemble::plan;
pub use environment::dylib_path_variable;
pub use package::describe;
pub use unsupported::{SUPPORTED_CARGO, Unsupported};
