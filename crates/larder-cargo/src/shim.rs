//! The rustc that the planning cargo starts.
//!
//! Planning runs cargo with `RUSTC_BOOTSTRAP=1`, which must not reach rustc:
//! it makes `--print cfg` longer and pulls in other dependencies. So cargo
//! gets larder's own binary as `RUSTC_WRAPPER`, and this module says what that
//! binary then executes.

use crate::host::Host;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Set for the binary when it is to act as the shim.
pub const MARKER: &str = "LARDER_RUSTC_SHIM";
/// The user's own `RUSTC_BOOTSTRAP`, where there was one.
const BOOTSTRAP: &str = "LARDER_RUSTC_SHIM_BOOTSTRAP";
/// The user's own wrapper, where there was one.
const WRAPPER: &str = "LARDER_RUSTC_SHIM_WRAPPER";
/// Its configured variable in the environment of rustc.
const OWN_WRAPPER: &str = "LARDER_RUSTC_SHIM_OWN_WRAPPER";

/// What the shim has to execute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShimCommand {
    /// Program.
    pub program: OsString,
    /// Arguments.
    pub args: Vec<OsString>,
    /// Variables to set, or to remove where absent.
    pub env: Vec<(String, Option<OsString>)>,
}

/// Variables for the planning cargo. `bootstrap` and `wrapper` are the
/// user's, the latter resolved from configuration too.
#[must_use]
pub fn environment(
    host: &Host,
    bootstrap: Option<&str>,
    wrapper: Option<&PathBuf>,
) -> Vec<(String, Option<OsString>)> {
    vec![
        (MARKER.to_owned(), Some("1".into())),
        ("RUSTC_BOOTSTRAP".to_owned(), Some("1".into())),
        ("RUSTC_WRAPPER".to_owned(), Some(host.exe.clone().into())),
        (BOOTSTRAP.to_owned(), bootstrap.map(Into::into)),
        (WRAPPER.to_owned(), wrapper.map(|w| w.clone().into())),
        (OWN_WRAPPER.to_owned(), host.var_os("RUSTC_WRAPPER").map(OsStr::to_owned)),
    ]
}

/// Whether and what to execute: `None` unless [`MARKER`] is set and there is
/// a compiler among the arguments (those of the process, without its own
/// name).
#[must_use]
pub fn command(host: &Host, args: &[OsString]) -> Option<ShimCommand> {
    host.var_os(MARKER)?;
    let mut words = Vec::with_capacity(args.len() + 1);
    words.extend(host.var_os(WRAPPER).filter(|w| !w.is_empty()).map(OsStr::to_owned));
    words.extend(args.iter().cloned());
    let mut words = words.into_iter();
    let program = words.next()?;
    let mut env = vec![
        ("RUSTC_BOOTSTRAP".to_owned(), host.var_os(BOOTSTRAP).map(OsStr::to_owned)),
        ("RUSTC_WRAPPER".to_owned(), host.var_os(OWN_WRAPPER).map(OsStr::to_owned)),
    ];
    env.extend([MARKER, BOOTSTRAP, WRAPPER, OWN_WRAPPER].map(|n| (n.to_owned(), None)));
    Some(ShimCommand { program, args: words.collect(), env })
}
