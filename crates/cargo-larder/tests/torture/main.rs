//! The torture collection: small packages, each with one nasty habit that
//! nobody declares, and what larder has to do about it. Habit × change →
//! exactly these units run, or none; and the verdict.

#[path = "../truth/table.rs"]
mod table;

mod habits;
mod macros;
mod neighbours;
mod scripts;
mod unobserved;
