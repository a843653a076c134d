//! Cargo's arguments, taken out of the command line as the user wrote them.
//!
//! Planning runs cargo with the user's own arguments. Putting them together
//! again from parsed values would have to repeat cargo's spelling of every
//! flag; instead the tokens themselves are kept, in their order, and only
//! three things are taken out: `+toolchain` in front, larder's own flags, and
//! what follows for the program or the compiler at the end.

use std::ffi::{OsStr, OsString};

/// Options before the subcommand that take a value as the next token.
const GLOBAL_WITH_VALUE: &[&str] = &["--config", "--color", "-Z", "-C", "--explain"];

/// A command line, cut at the subcommand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Split {
    /// Without the `+`.
    pub(crate) toolchain: Option<String>,
    /// Options before the subcommand.
    pub(crate) globals: Vec<OsString>,
    /// The subcommand as written: `b`, `build`, `doc`.
    pub(crate) command: Option<OsString>,
    /// Everything after it.
    pub(crate) rest: Vec<OsString>,
}

impl Split {
    /// Cuts the tokens that follow `cargo larder`, or `cargo` behind `exec`.
    pub(crate) fn new(tokens: &[OsString]) -> Self {
        let mut split = Self::default();
        let mut tokens = tokens.iter();
        let mut next = tokens.next();
        if let Some(toolchain) = next.and_then(|t| t.to_str()).and_then(|t| t.strip_prefix('+')) {
            split.toolchain = Some(toolchain.to_owned());
            next = tokens.next();
        }
        while let Some(token) = next {
            if !token.as_encoded_bytes().starts_with(b"-") {
                split.command = Some(token.clone());
                split.rest = tokens.cloned().collect();
                break;
            }
            split.globals.push(token.clone());
            if GLOBAL_WITH_VALUE.iter().any(|g| token == g) {
                split.globals.extend(tokens.next().cloned());
            }
            next = tokens.next();
        }
        split
    }

    /// The tokens without `+toolchain`.
    pub(crate) fn tokens(&self) -> Vec<OsString> {
        self.globals.iter().chain(&self.command).chain(&self.rest).cloned().collect()
    }
}

/// The arguments of a building command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CargoArgs {
    /// Cargo's, without the subcommand: options before it come first.
    pub(crate) args: Vec<OsString>,
    /// What was at the end for the program, the test harness or the compiler;
    /// a `--` before it is dropped.
    pub(crate) trailing: Vec<OsString>,
    /// Whether that was introduced by `--`.
    pub(crate) escaped: bool,
}

impl CargoArgs {
    /// Takes larder's flags and the last `trailing` tokens out.
    pub(crate) fn new(split: &Split, trailing: usize) -> Self {
        let end = split.rest.len().saturating_sub(trailing);
        let (mut own, trailing) = split.rest.split_at(end);
        let mut escaped = false;
        if let Some((last, before)) = own.split_last()
            && last == "--"
        {
            own = before;
            escaped = true;
        }
        let mut args = split.globals.clone();
        let mut tokens = own.iter();
        while let Some(token) = tokens.next() {
            match token.to_str() {
                Some("--dry-run" | "--hermetic") => {}
                Some("--report") => drop(tokens.next()),
                Some(text) if text.starts_with("--report=") => {}
                // The only option whose value may look like one of ours.
                Some("-j" | "--jobs") => {
                    args.push(token.clone());
                    args.extend(tokens.next().cloned());
                }
                _ => args.push(token.clone()),
            }
        }
        Self { args, trailing: trailing.to_vec(), escaped }
    }

    /// [`Self::args`] as text: planning cannot pass on anything else.
    pub(crate) fn text_args(&self) -> anyhow::Result<Vec<String>> {
        self.args.iter().map(|arg| text(arg)).collect()
    }

    /// [`Self::trailing`] as text.
    pub(crate) fn text_trailing(&self) -> anyhow::Result<Vec<String>> {
        self.trailing.iter().map(|arg| text(arg)).collect()
    }

    /// The arguments for plain cargo, the subcommand and the end included.
    pub(crate) fn for_cargo(&self, split: &Split) -> Vec<OsString> {
        // Options before the subcommand stay before it: aliases and external
        // subcommands see them only there.
        let (globals, rest) = self.args.split_at(split.globals.len());
        let mut all: Vec<OsString> = globals.to_vec();
        all.extend(split.command.clone());
        all.extend_from_slice(rest);
        if self.escaped {
            all.push("--".into());
        }
        all.extend_from_slice(&self.trailing);
        all
    }
}

fn text(arg: &OsStr) -> anyhow::Result<String> {
    arg.to_str()
        .map(str::to_owned)
        .ok_or_else(|| anyhow::anyhow!("the argument `{}` is not valid UTF-8", arg.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os(args: &[&str]) -> Vec<OsString> {
        args.iter().map(OsString::from).collect()
    }

    #[test]
    fn cuts_at_the_subcommand() {
        let split = Split::new(&os(&["+nightly", "-v", "--config", "a.b=1", "build", "-v", "x"]));
        assert_eq!(split.toolchain.as_deref(), Some("nightly"));
        assert_eq!(split.globals, os(&["-v", "--config", "a.b=1"]));
        assert_eq!(split.command, Some("build".into()));
        assert_eq!(split.rest, os(&["-v", "x"]));
        assert_eq!(Split::new(&os(&["--version"])).command, None);
        assert_eq!(Split::new(&[]), Split::default());
    }

    #[test]
    fn takes_out_only_larders_flags_and_the_end() {
        let split = Split::new(&os(&[
            "-q",
            "run",
            "--report",
            "r.json",
            "-r",
            "--dry-run",
            "--report=x",
            "-j",
            "--dry-run",
            "--",
            "a",
            "--report",
            "y",
        ]));
        let args = CargoArgs::new(&split, 3);
        assert_eq!(args.args, os(&["-q", "-r", "-j", "--dry-run"]));
        assert_eq!(args.trailing, os(&["a", "--report", "y"]));
        assert_eq!(
            args.for_cargo(&split),
            os(&["-q", "run", "-r", "-j", "--dry-run", "--", "a", "--report", "y"])
        );
    }

    #[test]
    fn an_end_without_dashes_stays_without() {
        let split = Split::new(&os(&["run", "--release", "a", "--", "b"]));
        let args = CargoArgs::new(&split, 3);
        assert_eq!((args.escaped, args.trailing.len()), (false, 3));
        assert_eq!(args.for_cargo(&split), os(&["run", "--release", "a", "--", "b"]));
    }
}
