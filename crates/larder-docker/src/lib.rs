//! Dockerfiles: written for a project, and read for mistakes.
//!
//! ```text
//! Settings ──▶ generate ──▶ Dockerfile, .dockerignore
//! text ──▶ document ──▶ lint ──▶ findings ──▶ text, JSON, SARIF
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`settings`] | what a Dockerfile is generated from |
//! | [`platform`] | the platforms of Docker, as cargo, Debian and gcc call them |
//! | [`layout`], [`command`] | where things are, and the command that every step repeats |
//! | [`project`], [`toolchain`] | what cargo tells of a project, and its toolchain file |
//! | [`native`] | crates that usually want a system package |
//! | [`outside`] | crates outside of the workspace, as build contexts |
//! | [`generate`] | the text |
//! | [`document`], [`shell`] | an existing Dockerfile: stages, instructions, commands |
//! | [`lint`] | the rules, one per file, and the formats of their findings |
//!
//! Pure: it reads no file and starts nothing. What it knows of a project it is
//! given, in [`settings::Settings`].

pub mod command;
pub mod document;
pub mod generate;
pub mod layout;
pub mod lint;
pub mod native;
pub mod outside;
pub mod platform;
pub mod project;
pub mod settings;
pub mod shell;
pub mod toolchain;
