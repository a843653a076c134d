//! Binaries that are looked for where none was built.

use crate::document::{Document, Kind};
use crate::lint::cargo_call::CargoCall;
use crate::lint::{Found, Level, Rule, Subject};
use std::collections::BTreeSet;

pub(super) const RULE: Rule = Rule {
    id: "artifact-target",
    level: Level::Error,
    title: "what is copied was built for another target",
    reason: "With `--target`, cargo puts results into `target/TARGET/release`; for each target, and nowhere else. The step fails, or finds what an older build left there.",
    fix: "Copy from the directory of the target that was built.",
    bad: "FROM rust:1.95-bookworm AS build\nWORKDIR /app\nCOPY Cargo.toml Cargo.lock src ./\nRUN cargo build --locked --release --target x86_64-unknown-linux-musl\nFROM scratch\nCOPY --from=build /app/target/release/app /\nUSER 1000\n",
    good: "FROM rust:1.95-bookworm AS build\nWORKDIR /app\nCOPY Cargo.toml Cargo.lock src ./\nRUN cargo build --locked --release --target x86_64-unknown-linux-musl\nFROM scratch\nCOPY --from=build /app/target/x86_64-unknown-linux-musl/release/app /\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    let document = subject.document;
    for (index, stage) in document.stages.iter().enumerate() {
        for step in &stage.steps {
            let Kind::Copy(copy) = &step.kind else { continue };
            let Some(from) = copy.from.as_deref().and_then(|name| document.stage(name)) else {
                continue;
            };
            let Some(built) = targets(document, from) else { continue };
            for source in &copy.sources {
                let source = document.expanded(index, source);
                if let Some(place) = Place::of(&source)
                    && !place.is_of(&built)
                    && !is_named(document, from, &place)
                {
                    let built: Vec<_> = built.iter().map(String::as_str).collect();
                    found.at(step.line, format!("`{source}`, built for {}", built.join(" and ")));
                }
            }
        }
    }
}

/// The targets that a stage builds for; `None` where that is not sure.
fn targets(document: &Document, stage: usize) -> Option<BTreeSet<String>> {
    let calls = CargoCall::of_history(document, stage);
    let builds = calls.iter().filter(|(_, call)| call.builds());
    let mut all = BTreeSet::new();
    for (_, call) in builds {
        let targets = call.expanded(document, stage).shape().targets;
        if targets.is_empty() || targets.iter().any(|target| target.contains('$')) {
            return None;
        }
        all.extend(targets);
    }
    (!all.is_empty()).then_some(all)
}

/// A file in a target directory.
struct Place<'a> {
    /// `release` or `debug`.
    profile: &'a str,
    target: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let mut parts = path.split('/').skip_while(|part| *part != "target").skip(1);
        let is_profile = |part: &str| matches!(part, "release" | "debug");
        let (first, second) = (parts.next()?, parts.next()?);
        if is_profile(first) {
            return Some(Place { profile: first, target: None });
        }
        (is_profile(second) && !first.contains(['$', '*']))
            .then_some(Place { profile: second, target: Some(first) })
    }

    fn is_of(&self, built: &BTreeSet<String>) -> bool {
        // A target file is named by its path: its directory has its stem.
        let stem = |target: &String| {
            let name = target.rsplit('/').next().unwrap_or_default();
            name.strip_suffix(".json").unwrap_or(name).to_owned()
        };
        self.target.is_some_and(|target| built.iter().any(|built| stem(built) == target))
    }
}

/// Whether a command of the stage names the place: it may put something there.
fn is_named(document: &Document, stage: usize, place: &Place<'_>) -> bool {
    let directory = match place.target {
        Some(target) => format!("{target}/{}", place.profile),
        None => format!("target/{}", place.profile),
    };
    document.history(stage).any(|step| match &step.kind {
        Kind::Run(run) => run
            .commands
            .iter()
            .flat_map(|command| &command.words)
            .any(|word| document.expanded(stage, word).contains(&directory)),
        Kind::Copy(copy) => copy.destination.contains(&directory),
        _ => false,
    })
}
