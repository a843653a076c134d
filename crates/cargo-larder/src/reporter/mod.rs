//! Renders the engine's events: for people as cargo does, and as cargo's
//! machine messages.

mod cook_words;
mod diagnostic;
#[cfg(test)]
pub(crate) mod fixture;
mod future;
mod message;
mod names;
mod render;
mod summary;
mod tally;
#[cfg(test)]
mod tests;

pub(crate) use cook_words::cook_change;
pub(crate) use names::{TargetKind, expand};
pub(crate) use render::CargoReporter;
pub(crate) use summary::dry_run;
