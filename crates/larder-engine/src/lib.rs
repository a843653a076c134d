//! The build flow: plan, key, look up, execute what is missing, deliver.
//!
//! The engine takes values, emits [`event::Event`]s and returns an
//! [`request::Outcome`]. It never prints, never exits, and reads neither
//! environment nor home: [`larder_cargo`]'s host value says what they are.

pub mod event;
pub mod request;
