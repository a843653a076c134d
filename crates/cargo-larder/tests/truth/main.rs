//! Truth tables on real cargo: scenario × modification × expectation. Which
//! units run, for which reason, and what the programs that come out print: a
//! wrong hit is the worst bug there is.

mod alternate;
mod concurrent;
mod configuration;
mod cook;
mod cook_alone;
mod cook_edits;
mod cook_layers;
mod cook_packed;
mod cook_parts;
mod cook_sources;
mod delivered;
mod directories;
mod edits;
mod environment;
mod incremental;
mod interrupts;
mod macros;
mod mtimes;
mod native;
mod places;
mod rejected_later;
mod scripts;
mod table;
mod verification;
