//! From flags and cargo's `CARGO_TERM_*` variables to a console: what is said,
//! in which colours, and whether there is a progress bar.

use crate::args::Common;
use crate::console::{Color, Console, Verbosity};
use crate::env_vars::{
    CARGO_TERM_COLOR, CARGO_TERM_PROGRESS_WHEN, CARGO_TERM_PROGRESS_WIDTH, CARGO_TERM_QUIET,
    CARGO_TERM_UNICODE, CARGO_TERM_VERBOSE, CI, LANG, LC_ALL, LC_CTYPE, TERM, TF_BUILD,
};
use crate::host::Host;
use crate::progress::{Bar, Terminal, When};
use anyhow::bail;

/// The console for flags before and after the subcommand.
pub(crate) fn console(host: &Host, flags: &[&Common]) -> anyhow::Result<Console> {
    let verbosity = verbosity(host, flags)?;
    let color = flags
        .iter()
        .rev()
        .find_map(|f| f.color.as_deref())
        .or_else(|| host.text(&CARGO_TERM_COLOR))
        .map_or(Color::Auto, Color::parse);
    Ok(Console::new(verbosity, color, Bar::new(terminal(host, verbosity))))
}

fn verbosity(host: &Host, flags: &[&Common]) -> anyhow::Result<Verbosity> {
    let verbose: u32 = flags.iter().map(|f| u32::from(f.verbose)).sum();
    let quiet = flags.iter().any(|f| f.quiet);
    Ok(match (verbose, quiet) {
        (1.., true) => bail!("cannot set both --verbose and --quiet"),
        (2.., false) => Verbosity::VeryVerbose,
        (1, false) => Verbosity::Verbose,
        (0, true) => Verbosity::Quiet,
        (0, false) => {
            match (is_true(host, &CARGO_TERM_VERBOSE), is_true(host, &CARGO_TERM_QUIET)) {
                (true, true) => bail!("cannot set both `term.verbose` and `term.quiet`"),
                (true, false) => Verbosity::Verbose,
                (false, true) => Verbosity::Quiet,
                (false, false) => Verbosity::Normal,
            }
        }
    })
}

fn is_true(host: &Host, var: &crate::env_vars::EnvVar) -> bool {
    host.text(var) == Some("true")
}

fn terminal(host: &Host, verbosity: Verbosity) -> Terminal {
    let when = match host.text(&CARGO_TERM_PROGRESS_WHEN) {
        Some("always") => When::Always,
        Some("never") => When::Never,
        _ => When::Auto,
    };
    let is_ci = host.var(&CI).is_some() || host.var(&TF_BUILD).is_some();
    let is_dumb = host.text(&TERM) == Some("dumb");
    let unicode = match host.text(&CARGO_TERM_UNICODE) {
        Some(set) => set == "true",
        None => {
            !host.stderr_is_terminal
                || [&LC_ALL, &LC_CTYPE, &LANG].into_iter().find_map(|v| host.text(v)).is_some_and(
                    |locale| {
                        let locale = locale.to_ascii_uppercase();
                        locale.ends_with("UTF8") || locale.ends_with("UTF-8")
                    },
                )
        }
    };
    Terminal {
        when,
        width: host.text(&CARGO_TERM_PROGRESS_WIDTH).and_then(|w| w.parse().ok()),
        columns: host.columns,
        hushed: verbosity == Verbosity::Quiet || is_dumb || is_ci,
        unicode,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(env: &[(&str, &str)], verbose: u8, quiet: bool) -> Option<Verbosity> {
        let flags = Common { verbose, quiet, ..Common::default() };
        verbosity(&Host::fake(&[], env, "/w"), &[&Common::default(), &flags]).ok()
    }

    #[test]
    fn flags_win_over_variables() {
        assert_eq!(of(&[], 0, false), Some(Verbosity::Normal));
        assert_eq!(of(&[], 2, false), Some(Verbosity::VeryVerbose));
        assert_eq!(of(&[], 1, true), None);
        assert_eq!(of(&[("CARGO_TERM_VERBOSE", "true")], 0, false), Some(Verbosity::Verbose));
        assert_eq!(of(&[("CARGO_TERM_VERBOSE", "true")], 0, true), Some(Verbosity::Quiet));
    }

    #[test]
    fn no_bar_in_ci_or_on_dumb_terminals() {
        let hushed = |env| terminal(&Host::fake(&[], env, "/w"), Verbosity::Normal).hushed;
        assert!(!hushed(&[]));
        assert!(hushed(&[("CI", "")]));
        assert!(hushed(&[("TERM", "dumb")]));
    }
}
