//! What a build script's standard output means.
//!
//! | instruction | becomes |
//! |---|---|
//! | `rustc-link-search=[KIND=]PATH` | `library_paths` |
//! | `rustc-link-lib=LIB` | `library_links` |
//! | `rustc-flags=-l … -L …` | both of these |
//! | `rustc-link-arg[-bins, -tests, -benches, -examples, -cdylib]=FLAG`, `rustc-link-arg-bin=BIN=FLAG`, `rustc-cdylib-link-arg=FLAG` | `linker_args` |
//! | `rustc-cfg`, `rustc-check-cfg`, `rustc-env=VAR=VALUE` | `cfgs`, `check_cfgs`, `env` |
//! | `metadata=KEY=VALUE`, and with one colon any unknown `KEY=VALUE` | `metadata` |
//! | `rerun-if-changed`, `rerun-if-env-changed` | the same |
//! | `warning`, `error` (two colons only) | `messages` |
//!
//! Lines are trimmed, values lose their trailing blanks, lines that are not
//! UTF-8 are skipped. Errors are worded as in cargo, since people search for
//! them.

use larder_schema::plan::{Directives, LinkArgTarget, Package, Severity};

const DOCS: &str = "See https://doc.rust-lang.org/cargo/reference/build-scripts.html#outputs-of-the-build-script \
                    for more information about build script outputs.";

/// Keys that are instructions in the spelling with one colon; every other key
/// is metadata there. Cargo adds none, for old scripts use them all.
const RESERVED: &[&str] = &[
    "rustc-flags=",
    "rustc-link-lib=",
    "rustc-link-search=",
    "rustc-link-arg-cdylib=",
    "rustc-cdylib-link-arg=",
    "rustc-link-arg-bins=",
    "rustc-link-arg-bin=",
    "rustc-link-arg-tests=",
    "rustc-link-arg-benches=",
    "rustc-link-arg-examples=",
    "rustc-link-arg=",
    "rustc-cfg=",
    "rustc-check-cfg=",
    "rustc-env=",
    "warning=",
    "rerun-if-changed=",
    "rerun-if-env-changed=",
];

/// The build script that spoke, as far as its words are checked against it.
#[derive(Clone, Copy, Debug)]
pub struct Script<'a> {
    /// Its package.
    pub package: &'a Package,
    /// The package as [`crate::describe`] names it.
    pub description: &'a str,
    /// Whether cargo's channel allows unstable features.
    pub nightly: bool,
    /// The user's `RUSTC_BOOTSTRAP`.
    pub rustc_bootstrap: Option<&'a str>,
}

/// A build script said something that cargo rejects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectiveError {
    /// Two colons, but the package promises to build with cargo before 1.77.
    #[error(
        "the `cargo::` syntax for build script output instructions was added in Rust 1.77.0, \
         but the minimum supported Rust version of `{package}` is {minimum}.\n{hint}{DOCS}"
    )]
    TooNew {
        /// The package.
        package: String,
        /// Its `rust-version`.
        minimum: String,
        /// How to write it instead: a line, or nothing.
        hint: String,
    },
    /// No `=`.
    #[error(
        "invalid output in {whence}: `{line}`\nExpected a line with `{syntax}KEY=VALUE` with an \
         `=` character, but none was found.\n{DOCS}"
    )]
    NoValue {
        /// `build script of …`.
        whence: String,
        /// The line.
        line: String,
        /// `cargo:`, `cargo::` or `cargo::metadata=`.
        syntax: &'static str,
    },
    /// An unknown key after two colons.
    #[error("invalid output in {whence}: `{line}`\nUnknown key: `{key}`.\n{DOCS}")]
    UnknownKey {
        /// `build script of …`.
        whence: String,
        /// The line.
        line: String,
        /// The key.
        key: String,
    },
    /// Linker arguments for a kind of target that the package does not have.
    #[error(
        "invalid instruction `{instruction}` from {whence}\nThe package {package} does not have \
         a {kind} target{name}."
    )]
    NoTarget {
        /// Colons and key.
        instruction: String,
        /// `build script of …`.
        whence: String,
        /// The package.
        package: String,
        /// `bin`, `test`, `benchmark`, `example`.
        kind: &'static str,
        /// ` with the name …`, or nothing.
        name: String,
    },
    /// `rustc-link-arg-bin` without the name of a binary.
    #[error(
        "invalid instruction `{instruction}={value}` from {whence}\nThe instruction should have \
         the form {instruction}=BIN=ARG"
    )]
    NoBinary {
        /// Colons and key.
        instruction: String,
        /// What was there instead.
        value: String,
        /// `build script of …`.
        whence: String,
    },
    /// `rustc-flags` that ends in a flag without its value.
    #[error("flag in rustc-flags has no value in {whence}: {value}")]
    FlagWithoutValue {
        /// `build script of …`.
        whence: String,
        /// The value so far.
        value: String,
    },
    /// `rustc-flags` with another flag than `-l` and `-L`.
    #[error("only `-l` and `-L` flags are allowed in {whence}: `{value}`")]
    FlagNotAllowed {
        /// `build script of …`.
        whence: String,
        /// The value.
        value: String,
    },
    /// `rustc-env` without a value.
    #[error("Variable rustc-env has no value in {whence}: {value}")]
    EnvWithoutValue {
        /// `build script of …`.
        whence: String,
        /// The value.
        value: String,
    },
    /// A stable crate wants to be compiled as if on nightly.
    #[error(
        "cannot set `RUSTC_BOOTSTRAP={value}` from {whence}.\nnote: crates cannot set \
         `RUSTC_BOOTSTRAP` themselves, as doing so would subvert the stability guarantees of \
         Rust for your project.\nhelp: If you're sure you want to do this in your project, set \
         the environment variable `RUSTC_BOOTSTRAP={library}` before running cargo instead."
    )]
    Bootstrap {
        /// The value.
        value: String,
        /// `build script of …`.
        whence: String,
        /// Crate name of the package's library, or `1`.
        library: String,
    },
}

/// Reads the output of a build script.
///
/// Messages of severity [`Severity::Error`] are not an `Err` here: cargo shows
/// them, and then fails with `build script logged errors`.
///
/// # Errors
///
/// [`DirectiveError`] for the first line that cargo rejects.
pub fn parse(stdout: &[u8], script: &Script<'_>) -> Result<Directives, DirectiveError> {
    let mut reader = Reader {
        script,
        whence: format!("build script of `{}`", script.description),
        said: Directives::default(),
    };
    for line in stdout.split(|byte| *byte == b'\n') {
        if let Ok(line) = std::str::from_utf8(line) {
            reader.line(line.trim())?;
        }
    }
    Ok(reader.said)
}

/// The warnings and errors in the output of a build script that failed: all
/// that is kept of it.
#[must_use]
pub fn messages(stdout: &[u8]) -> Vec<(Severity, String)> {
    let mut found = Vec::new();
    for line in stdout.split(|byte| *byte == b'\n') {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let line = line.strip_suffix('\r').unwrap_or(line);
        if let Some(error) = line.strip_prefix("cargo::error=") {
            found.push((Severity::Error, error.to_owned()));
        }
        let warning =
            line.strip_prefix("cargo:warning=").or_else(|| line.strip_prefix("cargo::warning="));
        if let Some(warning) = warning {
            found.push((Severity::Warning, warning.to_owned()));
        }
    }
    found
}

struct Reader<'a> {
    script: &'a Script<'a>,
    whence: String,
    said: Directives,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) -> Result<(), DirectiveError> {
        if let Some(data) = line.strip_prefix("cargo::") {
            self.check_minimum(data)?;
            let (key, value) = self.split(line, data, "cargo::")?;
            self.instruction(line, "cargo::", key, value)
        } else if let Some(data) = line.strip_prefix("cargo:") {
            if RESERVED.iter().any(|reserved| data.starts_with(reserved)) {
                let (key, value) = self.split(line, data, "cargo:")?;
                self.instruction(line, "cargo:", key, value)
            } else {
                self.metadata(line, data, "cargo:")
            }
        } else {
            Ok(())
        }
    }

    /// `KEY=VALUE`, without blanks at the end.
    fn split<'d>(
        &self,
        line: &str,
        data: &'d str,
        syntax: &'static str,
    ) -> Result<(&'d str, &'d str), DirectiveError> {
        let (key, value) = data.split_once('=').ok_or_else(|| DirectiveError::NoValue {
            whence: self.whence.clone(),
            line: line.to_owned(),
            syntax,
        })?;
        Ok((key, value.trim_end()))
    }

    fn metadata(
        &mut self,
        line: &str,
        data: &str,
        syntax: &'static str,
    ) -> Result<(), DirectiveError> {
        let (key, value) = self.split(line, data, syntax)?;
        self.said.metadata.push((key.to_owned(), value.to_owned()));
        Ok(())
    }

    fn instruction(
        &mut self,
        line: &str,
        syntax: &'static str,
        key: &str,
        value: &str,
    ) -> Result<(), DirectiveError> {
        let package = self.script.package;
        let said = &mut self.said;
        let text = || value.to_owned();
        match key {
            "rustc-flags" => self.flags(value)?,
            "rustc-link-lib" => said.library_links.push(text()),
            "rustc-link-search" => said.library_paths.push(text()),
            "rustc-link-arg" => said.linker_args.push((LinkArgTarget::All, text())),
            "rustc-link-arg-cdylib" | "rustc-cdylib-link-arg" => self.cdylib(syntax, key, value),
            "rustc-link-arg-bins" => {
                let has = !package.bins.is_empty();
                self.linker_arg(syntax, key, "bin", has, LinkArgTarget::Bins, value)?;
            }
            "rustc-link-arg-bin" => self.binary(syntax, key, value)?,
            "rustc-link-arg-tests" => {
                let has = package.has_tests;
                self.linker_arg(syntax, key, "test", has, LinkArgTarget::Tests, value)?;
            }
            "rustc-link-arg-benches" => {
                let has = package.has_benches;
                self.linker_arg(syntax, key, "benchmark", has, LinkArgTarget::Benches, value)?;
            }
            "rustc-link-arg-examples" => {
                let has = package.has_examples;
                self.linker_arg(syntax, key, "example", has, LinkArgTarget::Examples, value)?;
            }
            "rustc-cfg" => said.cfgs.push(text()),
            "rustc-check-cfg" => said.check_cfgs.push(text()),
            "rustc-env" => self.env(value)?,
            "error" => said.messages.push((Severity::Error, text())),
            "warning" => said.messages.push((Severity::Warning, text())),
            "rerun-if-changed" => said.rerun_if_changed.push(text()),
            "rerun-if-env-changed" => said.rerun_if_env_changed.push(text()),
            "metadata" => self.metadata(line, value, "cargo::metadata=")?,
            _ => {
                return Err(DirectiveError::UnknownKey {
                    whence: self.whence.clone(),
                    line: line.to_owned(),
                    key: key.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Two colons need a `rust-version` of 1.77 or none.
    fn check_minimum(&self, data: &str) -> Result<(), DirectiveError> {
        let Some(minimum) = &self.script.package.rust_version else { return Ok(()) };
        let mut parts = minimum.split(['.', '-']).map(|part| part.parse().unwrap_or(0u64));
        let mut part = || parts.next().unwrap_or(0);
        if (part(), part()) >= (1, 77) {
            return Ok(());
        }
        let hint = if RESERVED.iter().any(|reserved| data.starts_with(reserved)) {
            format!("Switch to the old `cargo:{data}` syntax (note the single colon).\n")
        } else if let Some(old) = data.strip_prefix("metadata=") {
            format!(
                "Switch to the old `cargo:{old}` syntax instead of `cargo::{data}` \
                 (note the single colon).\n"
            )
        } else {
            String::new()
        };
        Err(DirectiveError::TooNew {
            package: self.script.description.to_owned(),
            minimum: minimum.clone(),
            hint,
        })
    }

    fn flags(&mut self, value: &str) -> Result<(), DirectiveError> {
        let mut words = value.split_whitespace();
        while let Some(word) = words.next() {
            let (list, rest) = if let Some(rest) = word.strip_prefix("-l") {
                (&mut self.said.library_links, rest)
            } else if let Some(rest) = word.strip_prefix("-L") {
                (&mut self.said.library_paths, rest)
            } else {
                return Err(DirectiveError::FlagNotAllowed {
                    whence: self.whence.clone(),
                    value: value.to_owned(),
                });
            };
            let text = match rest {
                "" => words.next().ok_or_else(|| DirectiveError::FlagWithoutValue {
                    whence: self.whence.clone(),
                    value: String::new(),
                })?,
                attached => attached,
            };
            list.push(text.to_owned());
        }
        Ok(())
    }

    fn env(&mut self, value: &str) -> Result<(), DirectiveError> {
        let (name, value) = value.split_once('=').ok_or_else(|| {
            DirectiveError::EnvWithoutValue { whence: self.whence.clone(), value: value.to_owned() }
        })?;
        if name != "RUSTC_BOOTSTRAP" {
            self.said.env.push((name.to_owned(), value.to_owned()));
            return Ok(());
        }
        let library = self.script.package.library.as_deref();
        let named = library.zip(self.script.rustc_bootstrap);
        let allowed = named.is_some_and(|(name, list)| list.split(',').any(|entry| entry == name));
        let whence = self.whence.clone();
        if self.script.nightly || allowed {
            self.said.messages.push((
                Severity::Warning,
                format!(
                    "cannot set `RUSTC_BOOTSTRAP={value}` from {whence}.\nnote: crates cannot \
                     set `RUSTC_BOOTSTRAP` themselves, as doing so would subvert the stability \
                     guarantees of Rust for your project."
                ),
            ));
            Ok(())
        } else {
            let library = library.unwrap_or("1").to_owned();
            Err(DirectiveError::Bootstrap { value: value.to_owned(), whence, library })
        }
    }

    fn cdylib(&mut self, syntax: &str, key: &str, value: &str) {
        if !self.script.package.has_cdylib {
            self.said.messages.push((
                Severity::Warning,
                format!(
                    "{syntax}{key} was specified in the build script of {}, but that package \
                     does not contain a cdylib target\n\nAllowing this was an unintended change \
                     in the 1.50 release, and may become an error in the future. For more \
                     information, see <https://github.com/rust-lang/cargo/issues/9562>.",
                    self.script.description
                ),
            ));
        }
        self.said.linker_args.push((LinkArgTarget::Cdylib, value.to_owned()));
    }

    fn binary(
        &mut self,
        syntax: &'static str,
        key: &str,
        value: &str,
    ) -> Result<(), DirectiveError> {
        let (name, arg) = value.split_once('=').ok_or_else(|| DirectiveError::NoBinary {
            instruction: format!("{syntax}{key}"),
            value: value.to_owned(),
            whence: self.whence.clone(),
        })?;
        if !self.script.package.bins.iter().any(|bin| bin == name) {
            return Err(self.no_target(syntax, key, "bin", format!(" with the name `{name}`")));
        }
        self.said.linker_args.push((LinkArgTarget::Bin(name.to_owned()), arg.to_owned()));
        Ok(())
    }

    fn linker_arg(
        &mut self,
        syntax: &'static str,
        key: &str,
        kind: &'static str,
        has: bool,
        target: LinkArgTarget,
        value: &str,
    ) -> Result<(), DirectiveError> {
        if !has {
            return Err(self.no_target(syntax, key, kind, String::new()));
        }
        self.said.linker_args.push((target, value.to_owned()));
        Ok(())
    }

    fn no_target(
        &self,
        syntax: &'static str,
        key: &str,
        kind: &'static str,
        name: String,
    ) -> DirectiveError {
        DirectiveError::NoTarget {
            instruction: format!("{syntax}{key}"),
            whence: self.whence.clone(),
            package: self.script.description.to_owned(),
            kind,
            name,
        }
    }
}

#[cfg(test)]
#[path = "directives_tests.rs"]
mod tests;
