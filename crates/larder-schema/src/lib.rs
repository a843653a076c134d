//! The versioned types of everything that larder writes or exchanges, and the
//! digest that names content.
//!
//! This crate is level 0: it holds values and their encodings, and does no IO.
//! Every format carries a version; a reader that meets another version treats
//! the document as absent, never as an error.

pub mod cook;
pub mod cook_parts;
pub mod digest;
pub mod packed;
pub mod pathset;
pub mod plan;
pub mod record;
pub mod report;
pub mod template;
pub mod verification;

pub use digest::{Digest, Framed};
