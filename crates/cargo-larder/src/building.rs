//! What all building commands do: leave to cargo what is cargo's, ask the
//! engine for the rest, and say how it went.

use crate::args::{
    CargoArgs, Common, Compile, LarderFlags, ManifestFlags, MessageFormat, MessageFormats, Split,
};
use crate::cargo::become_cargo;
use crate::cargo_config::CargoConfig;
use crate::console::{Console, Verbosity};
use crate::env_vars::{CARGO_FUTURE_INCOMPAT_REPORT_FREQUENCY, CLIPPY_ARGS};
use crate::errors::Unmodelled;
use crate::exit::Exit;
use crate::history::{History, write_atomically};
use crate::host::Host;
use crate::reporter::{self, CargoReporter};
use crate::session::{Session, Wired};
use crate::settings::Settings;
use anyhow::{Context as _, bail};
use larder_engine::request::{BuildRequest, Outcome};

/// What every command is given.
pub(crate) struct Context<'a> {
    /// The process's surroundings.
    pub(crate) host: &'a Host,
    /// The command line, cut.
    pub(crate) split: &'a Split,
    /// Flags before the subcommand.
    pub(crate) globals: &'a Common,
    /// Where to print.
    pub(crate) console: &'a Console,
}

/// A building command, as far as larder looks at its flags.
pub(crate) struct Asked<'a> {
    /// `build`, `check`, …
    pub(crate) command: &'static str,
    /// Cargo's general flags.
    pub(crate) common: &'a Common,
    /// `--message-format`.
    pub(crate) format: &'a MessageFormats,
    /// How to compile.
    pub(crate) compile: &'a Compile,
    /// The manifest.
    pub(crate) manifest: &'a ManifestFlags,
    /// Larder's own.
    pub(crate) larder: &'a LarderFlags,
    /// `--keep-going`.
    pub(crate) keep_going: bool,
    /// Whether flags choose packages.
    pub(crate) names_package: bool,
    /// Tokens at the end that are not cargo's.
    pub(crate) trailing: usize,
    /// Whether they are flags of the compiler.
    pub(crate) trailing_is_for_compiler: bool,
    /// Flags that larder does not model: whether given, and their names.
    pub(crate) unmodelled: Vec<(bool, &'static str)>,
}

impl<'a> Asked<'a> {
    /// What all commands have.
    pub(crate) fn new(
        command: &'static str,
        common: &'a Common,
        format: &'a MessageFormats,
        compile: &'a Compile,
        manifest: &'a ManifestFlags,
        larder: &'a LarderFlags,
    ) -> Self {
        Self {
            command,
            common,
            format,
            compile,
            manifest,
            larder,
            keep_going: false,
            names_package: false,
            trailing: 0,
            trailing_is_for_compiler: false,
            unmodelled: Vec::new(),
        }
    }

    /// What makes the command cargo's.
    pub(crate) fn unmodelled(&self, globals: &Common) -> Option<String> {
        let unstable = globals.unstable.iter().chain(&self.common.unstable).next();
        let given =
            [(self.compile.unit_graph, "--unit-graph"), (self.compile.timings, "--timings")];
        unstable.map(|flag| format!("`-Z {flag}`")).or_else(|| {
            let mut all = self.unmodelled.iter().chain(&given);
            all.find(|(given, _)| *given).map(|(_, flag)| format!("`{flag}`"))
        })
    }

    /// What the engine is asked.
    pub(crate) fn request(
        &self,
        context: &Context<'_>,
        args: &CargoArgs,
    ) -> anyhow::Result<BuildRequest> {
        let host = context.host;
        let verbose = match context.console.verbosity() {
            Verbosity::Quiet | Verbosity::Normal => 0,
            Verbosity::Verbose => 1,
            Verbosity::VeryVerbose => 2,
        };
        let settings = Settings::read(host)?;
        let flag = |get: fn(&Common) -> bool| get(context.globals) || get(self.common);
        Ok(BuildRequest {
            command: self.command.into(),
            args: args.text_args()?,
            trailing: if self.trailing_is_for_compiler { args.text_trailing()? } else { vec![] },
            toolchain: context.split.toolchain.clone(),
            target_dir: self.compile.target_dir.as_deref().map(|dir| host.absolute(dir)),
            manifest_path: self.manifest.manifest_path.as_deref().map(|path| host.absolute(path)),
            jobs: self.compile.jobs.clone(),
            keep_going: self.keep_going,
            verbose,
            short_diagnostics: MessageFormat::resolve(&self.format.message_format)?.is_short(),
            diagnostic_width: host.columns,
            color: context.console.is_colored(),
            observe: settings.observe,
            hermetic: settings.hermetic.or_all(self.larder.hermetic),
            dry_run: self.larder.dry_run,
            frozen: flag(|c| c.offline) || flag(|c| c.locked) || flag(|c| c.frozen),
        })
    }
}

/// A command that builds.
pub(crate) trait Building {
    /// What is asked.
    fn asked(&self) -> Asked<'_>;

    /// Runs it; those that start something afterwards have their own.
    fn run(&self, context: &Context<'_>) -> anyhow::Result<Exit> {
        Ok(build(context, self.asked())?.exit())
    }
}

/// A build that is over.
pub(crate) struct Built<'a> {
    /// What came of it.
    pub(crate) outcome: Outcome,
    /// How its executables are started.
    pub(crate) session: Box<dyn Session + 'a>,
    /// Where to print.
    pub(crate) console: &'a Console,
    /// `--message-format`.
    pub(crate) format: MessageFormat,
    /// Whether flags choose packages.
    pub(crate) names_package: bool,
    /// Whether nothing was done.
    pub(crate) dry_run: bool,
}

impl Built<'_> {
    /// Whether nothing is to be started.
    pub(crate) fn is_over(&self) -> bool {
        self.dry_run || !self.outcome.success
    }

    /// The code of the build itself.
    pub(crate) fn exit(&self) -> Exit {
        if self.outcome.success { Exit::Success } else { Exit::Failure }
    }
}

/// Builds.
pub(crate) fn build<'a>(context: &Context<'a>, asked: Asked<'_>) -> anyhow::Result<Built<'a>> {
    let Context { host, console, .. } = *context;
    let args = CargoArgs::new(context.split, asked.trailing);
    if host.is_off() {
        return Err(give_to_cargo(context, &asked, &args, None));
    }
    if let Some(flags) = asked.unmodelled(context.globals) {
        return Err(give_to_cargo(context, &asked, &args, Some(&flags)));
    }
    let format = MessageFormat::resolve(&asked.format.message_format)?;
    let request = asked.request(context, &args)?;
    let settings = Settings::read(host)?;
    let session = Box::new(Wired::new(host, settings.clone()));

    let clippy_args = (asked.command == "clippy").then(|| {
        let given = host.text(&CLIPPY_ARGS).map(|a| a.replace("__CLIPPY_HACKERY__", " "));
        given.unwrap_or_else(|| request.trailing.join(" ")).trim_end().to_owned()
    });
    let reporter = CargoReporter::new(console, format, clippy_args);
    let outcome = match session.build(&request, &reporter) {
        Ok(outcome) => outcome,
        Err(error) => {
            console.clear_progress();
            let Some(unmodelled) = error.chain().find_map(|c| c.downcast_ref::<Unmodelled>())
            else {
                return Err(error);
            };
            return Err(give_to_cargo(context, &asked, &args, Some(&unmodelled.what)));
        }
    };
    if request.dry_run {
        console.clear_progress();
        reporter::dry_run(console, &outcome);
    } else {
        let warns = || {
            let cli = [context.globals.config.as_slice(), &asked.common.config].concat();
            let config = CargoConfig::read(host, &cli);
            let key = ["future-incompat-report", "frequency"];
            config.text(&key, &CARGO_FUTURE_INCOMPAT_REPORT_FREQUENCY).as_deref() != Some("never")
        };
        reporter.finish(&outcome, host.started.elapsed(), &warns);
        // A store that cannot be written was already warned about.
        let _ = History::at(&settings.dir).keep(&outcome.report);
    }
    if let Some(file) = &asked.larder.report {
        let json = serde_json::to_vec_pretty(&outcome.report)?;
        write_atomically(&host.absolute(file), &json)
            .with_context(|| format!("could not write the report `{}`", file.display()))?;
    }
    Ok(Built {
        outcome,
        session,
        console,
        format,
        names_package: asked.names_package,
        dry_run: request.dry_run,
    })
}

/// How a sentence of `larder_plan::Unsupported` is told from a mere name.
const PLANNERS_WORDS: &str = " is not supported by larder";

/// Becomes cargo; `why` is absent if the user switched larder off.
fn give_to_cargo(
    context: &Context<'_>,
    asked: &Asked<'_>,
    args: &CargoArgs,
    why: Option<&str>,
) -> anyhow::Error {
    // `LARDER=off` says so itself, unless the flag says otherwise.
    let configured = || why.is_some() && Settings::read(context.host).is_ok_and(|s| s.hermetic.all);
    let hermetic = asked.larder.hermetic || configured();
    if let Err(error) = give_to_cargo_checks(context.console, asked, why, hermetic) {
        return error;
    }
    become_cargo(context.host, context.split, &args.for_cargo(context.split))
}

fn give_to_cargo_checks(
    console: &Console,
    asked: &Asked<'_>,
    why: Option<&str>,
    hermetic: bool,
) -> anyhow::Result<()> {
    let reason = match why {
        None => "larder is off".to_owned(),
        // The planner's own sentence, which says the cost too.
        Some(sentence) if sentence.contains(PLANNERS_WORDS) => {
            sentence.split(": plain cargo").next().unwrap_or(sentence).to_owned()
        }
        Some(what) => format!("larder does not model {what}"),
    };
    if hermetic {
        bail!("{reason}, so cargo would build, and cargo has no `--hermetic`");
    }
    if asked.larder.dry_run {
        bail!("{reason}, so cargo would build, and cargo has no `--dry-run`");
    }
    if asked.larder.report.is_some() {
        console.warning(&format!("no report is written: {reason}"));
    }
    if why.is_some() {
        console.warning(&format!(
            "{reason}: plain cargo runs, and builds whatever its own target directory does not have"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{self, Command};
    use std::ffi::OsString;
    use std::path::PathBuf;

    /// The request of a command line, and what makes it cargo's.
    fn asked(line: &str) -> (BuildRequest, Option<String>) {
        let tokens: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let split = Split::new(&tokens);
        let cli = args::parse(&split.tokens()).unwrap_or_else(|e| panic!("{e}"));
        let host = Host::fake(&[], &[("HOME", "/h")], "/w");
        let (console, _, _) = Console::captured(Verbosity::Normal, false);
        let context =
            Context { host: &host, split: &split, globals: &cli.common, console: &console };
        let command = cli.command.unwrap();
        let asked = match &command {
            Command::Build(c) => c.asked(),
            Command::Check(c) => c.asked(),
            Command::Clippy(c) => c.asked(),
            Command::Test(c) => c.asked(),
            Command::Bench(c) => c.asked(),
            Command::Run(c) => c.asked(),
            Command::Rustc(c) => c.asked(),
            _ => panic!("not a building command"),
        };
        let args = CargoArgs::new(&split, asked.trailing);
        (asked.request(&context, &args).unwrap(), asked.unmodelled(&cli.common))
    }

    /// Flags that all commands take, with a value where they have one.
    const ALL: &[&str] = &[
        "--features a,b",
        "-F c",
        "--all-features",
        "--no-default-features",
        "--profile x",
        "-j 3",
        "-j -1",
        "--jobs default",
        "--target t",
        "--target",
        "--target-dir d",
        "--manifest-path p/Cargo.toml",
        "--ignore-rust-version",
        "--locked",
        "--offline",
        "--frozen",
        "--config a.b=1",
        "--color never",
        "-v",
        "-vv",
        "-q",
        "--message-format short",
        "--message-format=json,json-diagnostic-short",
        "--message-format JSON",
    ];
    const PACKAGES: &[&str] =
        &["-p a", "--package=a@1.0", "-p", "--workspace", "--all", "--workspace --exclude b"];
    const TARGETS: &[&str] = &[
        "--lib",
        "--bins",
        "--bin x",
        "--bin",
        "--examples",
        "--example y",
        "--tests",
        "--test z",
        "--benches",
        "--bench w",
        "--all-targets",
        "--bin x --bin y",
    ];

    #[test]
    fn every_flag_reaches_cargo_as_it_was_written() {
        let own: &[(&str, &[&[&str]])] = &[
            ("build", &[ALL, PACKAGES, TARGETS, &["-r", "--release", "--keep-going"]]),
            ("check", &[ALL, PACKAGES, TARGETS, &["-r", "--keep-going"]]),
            ("clippy", &[ALL, PACKAGES, TARGETS, &["-r", "--keep-going", "--no-deps"]]),
            (
                "test",
                &[ALL, PACKAGES, TARGETS, &["-r", "--no-run", "--no-fail-fast", "--doc", "name"]],
            ),
            ("bench", &[ALL, PACKAGES, TARGETS, &["--no-run", "--no-fail-fast", "name"]]),
            ("run", &[ALL, &["-p a", "--bin x", "--example y", "--bin", "-r", "--keep-going"]]),
            ("rustc", &[ALL, TARGETS, &["-p a", "-r", "--crate-type lib,cdylib"]]),
        ];
        for (command, groups) in own {
            for flags in groups.iter().flat_map(|g| g.iter()) {
                let (request, unmodelled) = asked(&format!("{command} {flags} --dry-run"));
                let expected: Vec<&str> = flags.split(' ').collect();
                assert_eq!(request.args, expected, "{command} {flags}");
                assert_eq!(unmodelled, None, "{command} {flags}");
                assert!(request.dry_run);
                let (before, _) = asked(&format!("--offline {command} --report=x {flags}"));
                let expected: Vec<&str> = std::iter::once("--offline").chain(expected).collect();
                assert_eq!(before.args, expected, "{command} {flags}");
                assert!(before.frozen);
            }
        }
    }

    #[test]
    fn what_larder_does_not_model_is_named() {
        for (line, flag) in [
            ("build --timings", "`--timings`"),
            ("build --unit-graph", "`--unit-graph`"),
            ("build --artifact-dir x", "`--artifact-dir`"),
            ("build --future-incompat-report", "`--future-incompat-report`"),
            ("check --compile-time-deps", "`--compile-time-deps`"),
            ("test -Z build-std", "`-Z build-std`"),
            ("-Zbuild-std build", "`-Z build-std`"),
            ("clippy --fix", "`--fix`"),
            ("rustc --print cfg", "`--print`"),
        ] {
            assert_eq!(asked(line).1.as_deref(), Some(flag), "{line}");
        }
    }

    #[test]
    fn the_end_of_the_line_is_for_somebody_else() {
        let (run, _) = asked("run -r app --release -- x");
        assert_eq!((run.args, run.trailing), (vec!["-r".to_owned()], vec![]));
        let (rustc, _) = asked("rustc --lib -- -C opt-level=3");
        assert_eq!(rustc.args, ["--lib"]);
        assert_eq!(rustc.trailing, ["-C", "opt-level=3"]);
        let (clippy, _) = asked("clippy -- -D warnings");
        assert_eq!(clippy.trailing, ["-D", "warnings"]);
        let (test, _) = asked("test name -r -- --nocapture --report x");
        assert_eq!(test.args, ["name", "-r"]);
        assert!(test.trailing.is_empty());
        let (nothing, _) = asked("test --");
        assert!(nothing.args.is_empty());
    }

    #[test]
    fn paths_count_from_the_working_directory() {
        let (request, _) = asked("+nightly b --target-dir d --manifest-path /x/Cargo.toml -vv");
        assert_eq!(request.command, "build");
        assert_eq!(request.toolchain.as_deref(), Some("nightly"));
        assert_eq!(request.target_dir, Some(PathBuf::from("/w/d")));
        assert_eq!(request.manifest_path, Some(PathBuf::from("/x/Cargo.toml")));
    }

    #[test]
    fn plain_cargo_is_announced_with_its_cost() {
        let (console, _, err) = Console::captured(Verbosity::Normal, false);
        let (common, format, compile) = Default::default();
        let (manifest, mut larder) = <(ManifestFlags, LarderFlags)>::default();
        larder.report = Some("r.json".into());
        let asked = Asked::new("build", &common, &format, &compile, &manifest, &larder);
        give_to_cargo_checks(&console, &asked, Some("`--timings`"), false).unwrap();
        assert_eq!(
            err.text(),
            "warning: no report is written: larder does not model `--timings`\n\
             warning: larder does not model `--timings`: plain cargo runs, and builds whatever its \
             own target directory does not have\n"
        );
        larder.dry_run = true;
        let asked = Asked::new("build", &common, &format, &compile, &manifest, &larder);
        assert!(give_to_cargo_checks(&console, &asked, None, false).is_err());
        larder.dry_run = false;
        let asked = Asked::new("build", &common, &format, &compile, &manifest, &larder);
        assert!(give_to_cargo_checks(&console, &asked, None, true).is_err());
    }
}
