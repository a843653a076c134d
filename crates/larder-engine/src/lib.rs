//! The build flow: plan, key, look up, execute what is missing, deliver.
//!
//! The engine takes values, emits [`event::Event`]s and returns an
//! [`request::Outcome`]. It never prints, never exits, and reads neither
//! environment nor home: [`larder_cargo`]'s host value says what they are.

mod blocked;
mod boilerplate;
mod build;
mod clock;
mod compact;
pub mod cook;
mod deliver;
mod environment;
mod evaluate;
pub mod event;
mod execute;
mod explained;
mod facts;
mod hermetic;
mod inside;
pub mod launch;
mod lookup;
mod macro_files;
mod mention_memo;
mod native_files;
mod observed;
mod observing;
mod outside;
mod places;
mod plan_cache;
mod publish;
mod report;
pub mod request;
pub mod rules;
mod rustc_job;
mod scan;
mod schedule;
mod scratch;
mod script_job;
pub mod session;
mod side_outputs;
mod start;
mod steady;
mod symbols;
mod telling;
mod tools;
mod trespass;
mod twice;
mod unpack_ahead;
pub mod verify;
mod work;

pub use environment::{ALWAYS_PASSED, UNKEYED};
pub use rustc_job::described;
pub use session::{EngineError, build};
