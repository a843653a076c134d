//! The rustc that the planning cargo starts.
//!
//! Planning runs cargo with `RUSTC_BOOTSTRAP=1`, which must not reach rustc:
//! it makes `--print cfg` longer and pulls in other dependencies. So cargo
//! gets larder's own binary as `RUSTC_WRAPPER`, and this module says what that
//! binary then executes.

use crate::host::Host;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

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

/// A line of the planning cargo in which a command that it quotes begins as
/// the user's own cargo would have called it: with the user's wrapper, or none,
/// instead of the shim.
#[must_use]
pub fn hidden<'a>(line: &'a str, shim: &Path, wrapper: Option<&PathBuf>) -> Cow<'a, str> {
    // Cargo puts a path with unusual characters into quotes.
    let plain = shim.to_string_lossy();
    for shown in [plain.to_string(), format!("'{plain}'")] {
        let called = format!("`{shown} ");
        if line.contains(&called) {
            let wrapper = wrapper.map(|wrapper| wrapper.to_string_lossy());
            let wrapper = wrapper.filter(|wrapper| !wrapper.is_empty());
            let instead = wrapper.map_or("`".to_owned(), |wrapper| format!("`{wrapper} "));
            return line.replacen(&called, &instead, 1).into();
        }
    }
    line.into()
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

#[cfg(test)]
mod tests {
    use super::hidden;
    use std::path::{Path, PathBuf};

    #[test]
    fn a_quoted_command_is_the_users() {
        let shown = |line: &str, shim: &str, wrapper: Option<&str>| {
            hidden(line, Path::new(shim), wrapper.map(PathBuf::from).as_ref()).into_owned()
        };
        let line = "  process didn't exit: `/x/larder /t/rustc - --target nope` (exit status: 1)";
        let without = "  process didn't exit: `/t/rustc - --target nope` (exit status: 1)";
        assert_eq!(shown(line, "/x/larder", None), without);
        assert_eq!(shown(line, "/x/larder", Some("")), without);
        let with = without.replace("`/t", "`/w /t");
        assert_eq!(shown(line, "/x/larder", Some("/w")), with);
        assert_eq!(shown(line, "/y/larder", None), line);
        assert_eq!(shown(&line.replace("/x/larder", "'/x y/l'"), "/x y/l", None), without);
    }
}
