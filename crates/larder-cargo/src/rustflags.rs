//! Which flags cargo gives to rustc and rustdoc for a kind of unit.
//!
//! One source decides, the first that gives any: `CARGO_ENCODED_RUSTFLAGS`,
//! `RUSTFLAGS`, `target.<triple>.rustflags` with `target.'cfg(…)'.rustflags`,
//! `build.rustflags`. Where `--target` was given, host units (build scripts,
//! proc-macros and what they need) get none of them.

use crate::config::{Config, ConfigError};
use crate::host::Host;
use cargo_platform::Cfg;

/// Flags of which tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `rustc`.
    Rustc,
    /// `rustdoc`.
    Rustdoc,
}

impl Tool {
    fn key(self) -> &'static str {
        match self {
            Self::Rustc => "rustflags",
            Self::Rustdoc => "rustdocflags",
        }
    }

    fn variable(self) -> &'static str {
        match self {
            Self::Rustc => "RUSTFLAGS",
            Self::Rustdoc => "RUSTDOCFLAGS",
        }
    }
}

/// The kind of units that flags are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Host units; whether the command has `--target` decides.
    Host {
        /// Whether targets were requested.
        explicit_target: bool,
    },
    /// Units for this `--target`: the triple.
    Target(String),
}

/// The flags, with the `cfg`s known so far (none before rustc was asked).
///
/// # Errors
/// Where the configuration is malformed.
pub fn rustflags(
    host: &Host,
    config: &Config,
    host_triple: &str,
    kind: &Kind,
    cfgs: Option<&[Cfg]>,
    tool: Tool,
) -> Result<Vec<String>, ConfigError> {
    let triple = match kind {
        Kind::Host { explicit_target: true } => return Ok(Vec::new()),
        Kind::Host { explicit_target: false } => host_triple,
        Kind::Target(triple) => triple,
    };
    if let Some(encoded) = host.var(&format!("CARGO_ENCODED_{}", tool.variable())) {
        return Ok(match encoded {
            "" => Vec::new(),
            text => text.split('\x1f').map(str::to_owned).collect(),
        });
    }
    if let Some(text) = host.var(tool.variable()) {
        let words = text.split(' ').map(str::trim).filter(|w| !w.is_empty());
        return Ok(words.map(str::to_owned).collect());
    }
    let flags = config.target_flags(tool.key(), triple, cfgs)?;
    if !flags.is_empty() {
        return Ok(flags);
    }
    Ok(config.build_flags(tool.key())?.unwrap_or_default())
}
