//! Runs one process: exact environment, output as lines while it runs, and a
//! jobserver that all larder processes of the machine share.
//!
//! The engine says what to run and in what environment; this crate knows how
//! a process is started, read and waited for. It interprets nothing.

pub mod jobs;
pub mod process;
