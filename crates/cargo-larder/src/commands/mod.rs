//! One file per subcommand: its flags, and what it does.

pub(crate) mod archive;
pub(crate) mod bench;
pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod clippy;
pub(crate) mod cook;
pub(crate) mod dockerfile;
pub(crate) mod doctor;
pub(crate) mod exec;
pub(crate) mod explain;
pub(crate) mod gc;
pub(crate) mod lint;
pub(crate) mod plan;
pub(crate) mod run;
pub(crate) mod rustc;
pub(crate) mod stats;
pub(crate) mod test;
pub(crate) mod verify;
pub(crate) mod version;
