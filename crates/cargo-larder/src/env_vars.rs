//! Every environment variable that larder's command line reads, declared once.
//!
//! [`reference_page`] renders `docs/reference/environment.md` from it. What the
//! engine and cargo's configuration read for a *build* (`RUSTFLAGS`, `CC`, …)
//! is input of that build and not listed here.

use std::fmt::Write as _;

/// Whose variable it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Ours, for people to set.
    Larder,
    /// Cargo's or rustup's; larder follows it.
    Cargo,
    /// The system's, or a convention.
    System,
    /// Ours, set by larder for processes that it starts.
    Internal,
}

/// A variable.
#[derive(Debug)]
pub(crate) struct EnvVar {
    /// Name.
    pub(crate) name: &'static str,
    /// Whose.
    pub(crate) owner: Owner,
    /// What it does.
    pub(crate) meaning: &'static str,
    /// What holds when it is not set.
    pub(crate) default: &'static str,
}

macro_rules! variables {
    ($($ident:ident = $name:literal, $owner:ident, $meaning:literal, $default:literal;)*) => {
        $(
            #[doc = $meaning]
            pub(crate) static $ident: EnvVar = EnvVar {
                name: $name,
                owner: Owner::$owner,
                meaning: $meaning,
                default: $default,
            };
        )*
        /// All of them, in the order of the page.
        static ALL: &[&EnvVar] = &[$(&$ident),*];
    };
}

variables! {
    LARDER = "LARDER", Larder,
        "`off` makes every command plain cargo: same arguments, same exit code.",
        "larder builds";
    LARDER_DIR = "LARDER_DIR", Larder,
        "Directory of the store. Relative paths count from the working directory.",
        "`dir` of the configuration file, else `larder` in the platform's cache directory";
    LARDER_STORES = "LARDER_STORES", Larder,
        "A directory whose subdirectories are stores: what they hold is used, where it lies, and nothing is written to them. Steps of a container build find each other's results so; `LARDER_DIR` is one of the subdirectories then.",
        "the store alone";
    LARDER_CONFIG = "LARDER_CONFIG", Larder,
        "Path of the configuration file.",
        "`larder/config.toml` in the platform's configuration directory";
    LARDER_OBSERVE = "LARDER_OBSERVE", Larder,
        "How build scripts and proc-macros are observed: `auto` (by what works here, with C compilers recording what they read), `notify` (without that), `ptrace`, or `off` (only what they declare is known).",
        "`observe` of the configuration file, else `auto`";
    LARDER_GC_MAX_SIZE = "LARDER_GC_MAX_SIZE", Larder,
        "Size that `cargo larder gc` shrinks the store to: `20GB`, `512MiB`.",
        "`gc.max-size` of the configuration file, else `20GB`";
    LARDER_GC_MAX_AGE = "LARDER_GC_MAX_AGE", Larder,
        "Results that were not used for this long are collected by `cargo larder gc`: `30d`, `12h`.",
        "`gc.max-age` of the configuration file, else `30d`";

    CARGO = "CARGO", Cargo,
        "The cargo that plans. Cargo sets it when it starts `cargo-larder`.",
        "`cargo` of `PATH`";
    CARGO_HOME = "CARGO_HOME", Cargo,
        "Where `exec` looks for `bin/cargo-*`.", "`~/.cargo`";
    CARGO_FUTURE_INCOMPAT_REPORT_FREQUENCY = "CARGO_FUTURE_INCOMPAT_REPORT_FREQUENCY", Cargo,
        "`never` hides the warning of code that a future Rust will reject.", "`always`";
    CARGO_TERM_VERBOSE = "CARGO_TERM_VERBOSE", Cargo, "As `-v`.", "`false`";
    CARGO_TERM_QUIET = "CARGO_TERM_QUIET", Cargo, "As `-q`.", "`false`";
    CARGO_TERM_COLOR = "CARGO_TERM_COLOR", Cargo, "As `--color`.", "`auto`";
    CARGO_TERM_PROGRESS_WHEN = "CARGO_TERM_PROGRESS_WHEN", Cargo,
        "Whether the progress bar is drawn: `auto`, `always` or `never`.", "`auto`";
    CARGO_TERM_PROGRESS_WIDTH = "CARGO_TERM_PROGRESS_WIDTH", Cargo,
        "Width of the progress bar; needed for `always`.", "the terminal's width";
    CARGO_TERM_UNICODE = "CARGO_TERM_UNICODE", Cargo,
        "Whether the progress bar may end in `…` instead of three dots.", "by `LC_ALL` and its like";
    RUSTC_BOOTSTRAP = "RUSTC_BOOTSTRAP", Cargo,
        "Passed on where you set it; never added to a compiler that builds.", "not set";
    RUSTC_WRAPPER = "RUSTC_WRAPPER", Cargo,
        "Input of builds, as for cargo; `doctor` shows it.", "no wrapper";
    CLIPPY_ARGS = "CLIPPY_ARGS", Cargo,
        "Shown in the command that applies clippy's suggestions.", "not set";

    PATH = "PATH", System, "Where cargo and other programs are found.", "nothing is found";
    HOME = "HOME", System, "Base of the platform's directories.", "none: set `LARDER_DIR`";
    XDG_CACHE_HOME = "XDG_CACHE_HOME", System,
        "Cache directory (not on macOS).", "`~/.cache`";
    XDG_CONFIG_HOME = "XDG_CONFIG_HOME", System,
        "Configuration directory (not on macOS).", "`~/.config`";
    TERM = "TERM", System, "`dumb` means no progress bar.", "a bar on terminals";
    CI = "CI", System, "When set, no progress bar.", "a bar on terminals";
    TF_BUILD = "TF_BUILD", System, "When set, no progress bar.", "a bar on terminals";
    LC_ALL = "LC_ALL", System, "Whether the terminal shows UTF-8.", "`LC_CTYPE`";
    LC_CTYPE = "LC_CTYPE", System, "Whether the terminal shows UTF-8.", "`LANG`";
    LANG = "LANG", System, "Whether the terminal shows UTF-8.", "it does not";
    NO_COLOR = "NO_COLOR", System,
        "When set and not empty, no colours with `--color auto`; `CLICOLOR` and `CLICOLOR_FORCE` count too.",
        "colours on terminals";

    RUSTC_SHIM = "LARDER_RUSTC_SHIM", Internal,
        "Set while planning: this binary stands in for rustc.", "not set";
    RUSTC_SHIM_BOOTSTRAP = "LARDER_RUSTC_SHIM_BOOTSTRAP", Internal,
        "Set while planning: your `RUSTC_BOOTSTRAP`.", "not set";
    RUSTC_SHIM_WRAPPER = "LARDER_RUSTC_SHIM_WRAPPER", Internal,
        "Set while planning: your compiler wrapper.", "not set";
    RUSTC_SHIM_OWN_WRAPPER = "LARDER_RUSTC_SHIM_OWN_WRAPPER", Internal,
        "Set while planning: your `RUSTC_WRAPPER`.", "not set";
    LARDER_EXEC = "LARDER_EXEC", Internal,
        "Set by `cargo larder exec`: the directory of the link under which this binary stands in for cargo.", "not set";
    LARDER_REAL_CARGO = "LARDER_REAL_CARGO", Internal,
        "Set by `cargo larder exec`: the cargo behind the one in front.", "not set";
}

/// The text of `docs/reference/environment.md`.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Environment variables\n\n\
         <!-- Generated from crates/cargo-larder/src/env_vars.rs:\n     \
         UPDATE_DOCS=1 cargo test -p cargo-larder environment_page -->\n",
    );
    for (owner, title) in [
        (Owner::Larder, "Larder's own"),
        (Owner::Cargo, "Cargo's, which larder follows"),
        (Owner::System, "The system's"),
        (Owner::Internal, "Set by larder for processes that it starts; not for you to set"),
    ] {
        let _ = write!(page, "\n## {title}\n\n| name | meaning | when not set |\n|---|---|---|\n");
        for var in ALL.iter().filter(|v| v.owner == owner) {
            let _ = writeln!(page, "| `{}` | {} | {} |", var.name, var.meaning, var.default);
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::{ALL, reference_page};
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_explained() {
        let names: BTreeSet<_> = ALL.iter().map(|v| v.name).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(ALL.iter().all(|v| !v.meaning.is_empty() && !v.default.is_empty()));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "asks whether to write the page")]
    fn environment_page_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/environment.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs_err::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
            fs_err::write(path, reference_page()).unwrap();
        }
        let page = fs_err::read_to_string(path).unwrap();
        assert!(page == reference_page(), "run `UPDATE_DOCS=1 cargo test -p cargo-larder`");
    }
}
