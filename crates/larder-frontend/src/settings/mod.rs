//! Settings of a build: `[package.metadata.larder]` and
//! `[workspace.metadata.larder]` of manifests, with build arguments on top.

mod argument;
mod manifest;
mod table;
mod values;

pub(crate) use manifest::{Found, read};
pub(crate) use table::Settings;
#[cfg(test)]
pub(crate) use values::Secret;
pub(crate) use values::{Bin, Layering, Located};
