//! Drivers made of drivers. Each does one thing; they nest:
//! `Tiered::new(memory, Verifying::new(Bounded::new(http, 1 << 30)))`.

mod limits;
mod tiered;
mod verifying;

pub use limits::{Bounded, Private, ReadOnly};
pub use tiered::Tiered;
pub use verifying::Verifying;
