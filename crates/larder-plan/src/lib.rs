//! Cargo's unit graph, manifests and configuration turned into actions.
//!
//! Everything here is a function over values: no IO, no clock, no environment.
//! [`input`] declares the values that come in, [`larder_schema::plan`] what
//! goes out.

pub mod input;
