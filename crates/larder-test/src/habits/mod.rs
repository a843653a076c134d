//! The torture collection: small packages, each with one nasty habit that
//! nobody declares. Larder's tests say what it has to do about them, and
//! `cargo xtask torture-peers` what other caches do.

mod habit;
pub mod macros;
pub mod scripts;

pub use habit::{Change, Habit, QUICK, manifest, said, workspace};
