//! Dockerfiles, written for a project.
//!
//! ```text
//! Settings ──▶ generate ──▶ Dockerfile, .dockerignore
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`settings`] | what a Dockerfile is generated from |
//! | [`platform`] | the platforms of Docker, as cargo, Debian and gcc call them |
//! | [`native`] | crates that usually want a system package |
//! | [`generate`] | the text |
//!
//! Pure: it reads no file and starts nothing. It knows no project either: what
//! it needs of one is in [`settings::Settings`].

pub mod generate;
pub mod native;
pub mod platform;
pub mod settings;
