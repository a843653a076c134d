//! A command line that starts cargo, as far as two of them can be compared.

use crate::document::{Document, Kind};
use crate::shell::Command;
use std::collections::BTreeSet;

/// A call of cargo.
#[derive(Clone, Debug)]
pub(super) struct CargoCall {
    /// Line.
    pub(super) line: usize,
    /// What is called.
    pub(super) tool: Tool,
    /// Its arguments, without the command's name.
    pub(super) arguments: Vec<String>,
    /// Variables set for this call only.
    pub(super) assignments: Vec<(String, String)>,
}

/// Commands that a Dockerfile's cache depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    /// `build`, `rustc` and what wraps them.
    Build,
    /// `install --path`: a build of the project in the release profile.
    InstallPath,
    /// `install` of a program from elsewhere.
    Install,
    /// `chef cook`.
    ChefCook,
    /// `chef prepare`.
    ChefPrepare,
    /// `larder cook` with a plan: it takes no flags.
    LarderCook,
    /// `larder plan`.
    LarderPlan,
    /// `fetch`, `vendor`: sources only.
    Fetch,
    /// `test`, `check`, `clippy` and the like.
    Check,
}

/// Which artifacts a build makes its dependencies into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// Profile: `release`, `dev`, or a name.
    pub(super) profile: String,
    /// `--features`, sorted.
    pub(super) features: BTreeSet<String>,
    /// `--all-features`.
    pub(super) all_features: bool,
    /// `--no-default-features`.
    pub(super) no_default_features: bool,
    /// `--target`.
    pub(super) targets: BTreeSet<String>,
}

impl CargoCall {
    /// The call that a command makes, if it is one of those.
    pub(super) fn new(command: &Command) -> Option<CargoCall> {
        let mut words = command.words.iter().map(String::as_str);
        let program = words.next()?.rsplit('/').next()?;
        if !matches!(program, "cargo" | "xx-cargo" | "cross") {
            return None;
        }
        let mut words: Vec<&str> = words.collect();
        while let Some(first) = words.first().copied() {
            if first.starts_with('+') || (first.starts_with('-') && first != "--") {
                words.remove(0);
                // Options before the command that take a value.
                if matches!(first, "-Z" | "--config" | "-C" | "--color") && !words.is_empty() {
                    words.remove(0);
                }
            } else {
                break;
            }
        }
        if words.is_empty() {
            return None;
        }
        let name = words.remove(0);
        let is_path =
            |words: &[&str]| words.iter().any(|w| *w == "--path" || w.starts_with("--path="));
        let tool = match name {
            "chef" | "larder" | "auditable" | "xwin" | "ndk" => {
                if words.is_empty() {
                    return None;
                }
                let inner = words.remove(0);
                match (name, inner) {
                    ("chef", "cook") => Tool::ChefCook,
                    ("chef", "prepare") => Tool::ChefPrepare,
                    ("larder", "cook") if !words.contains(&"--") => Tool::LarderCook,
                    ("larder", "plan") => Tool::LarderPlan,
                    (_, "build" | "b" | "rustc") => Tool::Build,
                    _ => return None,
                }
            }
            "build" | "b" | "rustc" | "zigbuild" => Tool::Build,
            "install" if is_path(&words) => Tool::InstallPath,
            "install" | "binstall" => Tool::Install,
            "fetch" | "vendor" => Tool::Fetch,
            "test" | "t" | "check" | "c" | "clippy" | "bench" | "run" | "r" | "nextest" => {
                Tool::Check
            }
            _ => return None,
        };
        Some(CargoCall {
            line: command.line,
            tool,
            arguments: words.into_iter().map(str::to_owned).collect(),
            assignments: command.assignments.clone(),
        })
    }

    /// All calls of a stage, after those of the stages that it starts from, each
    /// with the index of its step in that order.
    pub(super) fn of_history(document: &Document, stage: usize) -> Vec<(usize, CargoCall)> {
        let steps = document.history(stage).enumerate();
        steps.flat_map(|(at, step)| in_step(&step.kind).map(move |call| (at, call))).collect()
    }

    /// All calls that a stage itself makes, each with its step's index.
    pub(super) fn of_stage(document: &Document, stage: usize) -> Vec<(usize, CargoCall)> {
        let steps = document.stages[stage].steps.iter().enumerate();
        steps.flat_map(|(at, step)| in_step(&step.kind).map(move |call| (at, call))).collect()
    }

    /// All calls in the file.
    pub(super) fn all(document: &Document) -> Vec<CargoCall> {
        let steps = document.stages.iter().flat_map(|stage| &stage.steps);
        steps.flat_map(|step| in_step(&step.kind)).collect()
    }

    /// The same with the variables of the stage in its arguments.
    pub(super) fn expanded(&self, document: &Document, stage: usize) -> CargoCall {
        let arguments = self.arguments.iter().map(|word| document.expanded(stage, word));
        CargoCall { arguments: arguments.collect(), ..self.clone() }
    }

    /// Whether it compiles the project itself.
    pub(super) fn builds(&self) -> bool {
        matches!(self.tool, Tool::Build | Tool::InstallPath)
    }

    /// Whether an argument is there.
    pub(super) fn has(&self, flag: &str) -> bool {
        self.arguments.iter().any(|argument| argument == flag)
    }

    /// The values of an option.
    fn values(&self, names: &[&str]) -> Vec<&str> {
        let mut values = Vec::new();
        let mut arguments = self.arguments.iter().map(String::as_str);
        while let Some(argument) = arguments.next() {
            if argument == "--" {
                break;
            }
            for name in names {
                if argument == *name {
                    values.extend(arguments.next());
                } else if let Some(value) =
                    argument.strip_prefix(name).and_then(|rest| rest.strip_prefix('='))
                {
                    values.push(value);
                }
            }
        }
        values
    }

    /// What decides how dependencies are compiled.
    pub(super) fn shape(&self) -> Shape {
        let default =
            if self.tool == Tool::InstallPath && !self.has("--debug") { "release" } else { "dev" };
        let short = |c: char| {
            self.arguments.iter().any(|argument| {
                argument.strip_prefix('-').is_some_and(|rest| {
                    !rest.starts_with('-') && rest.len() <= 3 && rest.contains(c)
                })
            })
        };
        let profile = if self.has("--release") || short('r') {
            "release"
        } else {
            self.values(&["--profile"]).first().copied().unwrap_or(default)
        };
        let features = self.values(&["--features", "-F"]);
        Shape {
            profile: profile.to_owned(),
            features: features
                .iter()
                .flat_map(|value| value.split([',', ' ']))
                // On unless it is switched off, so naming it changes nothing.
                .filter(|value| !value.is_empty() && *value != "default")
                .map(str::to_owned)
                .collect(),
            all_features: self.has("--all-features"),
            no_default_features: self.has("--no-default-features"),
            targets: self.values(&["--target"]).iter().map(|value| (*value).to_owned()).collect(),
        }
    }
}

fn in_step(kind: &Kind) -> impl Iterator<Item = CargoCall> {
    let commands = match kind {
        Kind::Run(run) => run.commands.as_slice(),
        _ => &[],
    };
    commands.iter().filter_map(CargoCall::new)
}

impl Shape {
    /// The flags in which two differ, as a reader would write them.
    pub(super) fn difference(&self, other: &Shape) -> Vec<String> {
        let mut differences = Vec::new();
        let mut differ = |what: &str, one: String, two: String| {
            // Who sets an unknown variable may well set what fits.
            if one != two && !one.contains('$') && !two.contains('$') {
                let named = |text: String| if text.is_empty() { "none".to_owned() } else { text };
                differences.push(format!("{what}: {} here, {} there", named(one), named(two)));
            }
        };
        let joined = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(",");
        let yes = |on: bool| if on { "yes".to_owned() } else { "no".to_owned() };
        differ("profile", self.profile.clone(), other.profile.clone());
        if !(self.all_features && other.all_features) {
            differ("--features", joined(&self.features), joined(&other.features));
        }
        differ("--all-features", yes(self.all_features), yes(other.all_features));
        differ(
            "--no-default-features",
            yes(self.no_default_features),
            yes(other.no_default_features),
        );
        differ("--target", joined(&self.targets), joined(&other.targets));
        differences
    }
}
