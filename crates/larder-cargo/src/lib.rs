//! Starts cargo and rustc, and reads what they read: configuration,
//! manifests, lock file, toolchain, dep-info.
//!
//! This is the rim of planning: everything that `larder-plan` needs is turned
//! into values here ([`inputs::gather`]). The crate never prints, and reads no
//! environment, home or working directory of its own: they come in as
//! [`Host`].

pub mod args;
pub mod config;
pub mod depinfo;
pub mod fetch;
pub mod host;
pub mod inputs;
pub mod lockfile;
pub mod manifest;
pub mod members;
pub mod memo;
pub mod package_files;
pub mod package_id;
pub mod plan_paths;
pub mod profiles;
pub mod rustc_probe;
pub mod rustflags;
pub mod shim;
pub mod single;
pub mod sources;
pub mod stand_in;
pub mod toolchain;
pub mod unit_graph;

pub use args::Request;
pub use host::Host;
pub use inputs::{Dependencies, GatherError, Prepared, gather, prepare};
pub use memo::Memo;
