//! Observation and confinement on Linux. [`start`] is the way in.
//!
//! | module | holds |
//! |---|---|
//! | [`start`] | hook, handshake and the thread that observes |
//! | [`notify`], [`trace`] | the two ways to see system calls |
//! | [`recorder`] | what a call means; with [`target`], [`resolve`] |
//! | [`calls`], [`filter`] | which calls; the BPF program |
//! | [`confine`] | Landlock |
//! | [`kernel`] | everything `unsafe` |

mod calls;
mod confine;
mod filter;
mod kernel;
mod notify;
mod recorder;
mod resolve;
mod start;
mod target;
mod trace;

pub(crate) use confine::{landlock, prepare};
pub(crate) use start::{Observer, probe, start};
