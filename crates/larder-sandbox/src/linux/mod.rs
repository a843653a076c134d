//! Observation and confinement on Linux. [`start`] is the way in.
//!
//! | module | holds |
//! |---|---|
//! | [`start`] | hook, handshake and the thread that observes |
//! | [`notify`], [`trace`] | the two ways to see system calls |
//! | [`recorder`] | what a call means; with [`target`], [`resolve`], [`under_way`] |
//! | [`preload`], [`shared`] | the library that records in the process, and what it says |
//! | [`calls`], [`filter`] | which calls; the BPF program |
//! | [`confine`] | Landlock |
//! | [`kernel`] | everything `unsafe` |

mod calls;
mod confine;
mod filter;
mod kernel;
#[expect(dead_code, reason = "the writing side uses all of it")]
#[path = "../../preload/layout.rs"]
mod layout;
mod notify;
mod preload;
mod recorder;
mod resolve;
mod shared;
mod start;
mod target;
mod trace;
mod under_way;

pub(crate) use confine::{landlock, prepare};
pub(crate) use preload::{install, records};
pub(crate) use start::{Observer, probe, start};
