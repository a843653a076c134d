//! From flags and cargo's `[term]` to a console: what is said,
//! in which colours, and whether there is a progress bar.

use crate::args::Common;
use crate::cargo_config::CargoConfig;
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
    let cli: Vec<String> = flags.iter().flat_map(|f| f.config.clone()).collect();
    let config = CargoConfig::read(host, &cli);
    let verbosity = verbosity(&config, flags)?;
    let color = match flags.iter().rev().find_map(|f| f.color.clone()) {
        Some(flag) => Color::parse(&flag),
        None => match config.text(&["term", "color"], &CARGO_TERM_COLOR).as_deref() {
            None => Color::Auto,
            Some(word @ ("auto" | "always" | "never")) => Color::parse(word),
            Some(other) => {
                bail!("argument for --color must be auto, always, or never, but found `{other}`")
            }
        },
    };
    Ok(Console::new(verbosity, color, Bar::new(terminal(host, &config, verbosity))))
}

fn verbosity(config: &CargoConfig<'_>, flags: &[&Common]) -> anyhow::Result<Verbosity> {
    let verbose: u32 = flags.iter().map(|f| u32::from(f.verbose)).sum();
    let quiet = flags.iter().any(|f| f.quiet);
    Ok(match (verbose, quiet) {
        (1.., true) => bail!("cannot set both --verbose and --quiet"),
        (2.., false) => Verbosity::VeryVerbose,
        (1, false) => Verbosity::Verbose,
        (0, true) => Verbosity::Quiet,
        (0, false) => {
            let verbose = config.is_true(&["term", "verbose"], &CARGO_TERM_VERBOSE);
            match (verbose, config.is_true(&["term", "quiet"], &CARGO_TERM_QUIET)) {
                (true, true) => bail!("cannot set both `term.verbose` and `term.quiet`"),
                (true, false) => Verbosity::Verbose,
                (false, true) => Verbosity::Quiet,
                (false, false) => Verbosity::Normal,
            }
        }
    })
}

fn terminal(host: &Host, config: &CargoConfig<'_>, verbosity: Verbosity) -> Terminal {
    let when = config.text(&["term", "progress", "when"], &CARGO_TERM_PROGRESS_WHEN);
    let when = match when.as_deref() {
        Some("always") => When::Always,
        Some("never") => When::Never,
        _ => When::Auto,
    };
    let is_ci = host.var(&CI).is_some() || host.var(&TF_BUILD).is_some();
    let is_dumb = host.text(&TERM) == Some("dumb");
    let unicode = match config.truth(&["term", "unicode"], &CARGO_TERM_UNICODE) {
        Some(set) => set,
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
        width: config.number(&["term", "progress", "width"], &CARGO_TERM_PROGRESS_WIDTH),
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
        let host = Host::fake(&[], env, "/w");
        verbosity(&CargoConfig::read(&host, &[]), &[&Common::default(), &flags]).ok()
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
        let hushed = |env| {
            let host = Host::fake(&[], env, "/w");
            terminal(&host, &CargoConfig::read(&host, &[]), Verbosity::Normal).hushed
        };
        assert!(!hushed(&[]));
        assert!(hushed(&[("CI", "")]));
        assert!(hushed(&[("TERM", "dumb")]));
    }

    #[test]
    fn the_configuration_counts_where_no_flag_does() {
        let dir = tempfile::tempdir().unwrap();
        let cwd = dir.path().to_str().unwrap();
        fs_err::write(
            dir.path().join("config.toml"),
            "[term]\nquiet = true\ncolor = 'always'\nprogress = { when = 'never', width = 70 }\n",
        )
        .unwrap();
        let host = Host::fake(&[], &[("CARGO_HOME", cwd)], cwd);
        let config = CargoConfig::read(&host, &[]);
        assert_eq!(verbosity(&config, &[&Common::default()]).unwrap(), Verbosity::Quiet);
        let found = terminal(&host, &config, Verbosity::Normal);
        assert_eq!((found.when, found.width), (When::Never, Some(70)));
        assert_eq!(console(&host, &[&Common::default()]).unwrap().color(), Color::Always);
        let flags = Common { config: vec!["term.color='never'".into()], ..Common::default() };
        assert_eq!(console(&host, &[&flags]).unwrap().color(), Color::Never);
        let flags = Common { config: vec!["term.color='purple'".into()], ..Common::default() };
        assert!(console(&host, &[&flags]).is_err());
    }
}
