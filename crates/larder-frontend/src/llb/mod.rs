//! BuildKit's graph of build steps (LLB), made of values: nothing here talks
//! to a builder.

mod exec;
mod files;
mod graph;
mod reference;
mod source;

pub(crate) use exec::{Exec, Executed, Network};
pub(crate) use files::{Copy, copy, merge};
pub(crate) use graph::{Graph, Named, Output};
pub(crate) use reference::normalised;
pub(crate) use source::{Local, git, image, local};
