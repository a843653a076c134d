//! A build context with everything in it.

use crate::document::Kind;
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "dockerignore",
    level: Level::Warning,
    title: "the build context is not limited",
    reason: "Without a `.dockerignore` that names `target`, gigabytes of build results are sent to the builder, and a file that is no input makes layers new; secrets beside the sources go along.",
    fix: "Write a `.dockerignore` with `/target` and `.git`; `cargo larder dockerfile -o Dockerfile` does.",
    bad: "FROM rust:1.95 AS build\nCOPY recipe.json .\nRUN cargo chef cook --locked\nCOPY . .\nRUN cargo build --locked\nFROM debian:bookworm-slim\nUSER 1000\n",
    good: "FROM rust:1.95 AS build\nCOPY recipe.json .\nRUN cargo chef cook --locked\nCOPY src src\nRUN cargo build --locked\nFROM debian:bookworm-slim\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    let detail = match subject.dockerignore {
        None => "there is no `.dockerignore`",
        Some(text) if !ignores_target(text) => "`.dockerignore` does not name `target`",
        Some(_) => return,
    };
    let steps = subject.document.stages.iter().flat_map(|stage| &stage.steps);
    for step in steps {
        let takes_all = match &step.kind {
            Kind::Copy(copy) => copy.is_whole_context(),
            Kind::Run(run) => run.mounts.iter().any(|mount| {
                mount.is("bind")
                    && mount.get("from").is_none()
                    && matches!(
                        mount.get("source").or(mount.get("src")),
                        None | Some("." | "./" | "/")
                    )
            }),
            _ => false,
        };
        if takes_all {
            found.at(step.line, detail);
            return;
        }
    }
}

fn ignores_target(text: &str) -> bool {
    let names = |line: &str| {
        let line = line.trim().trim_start_matches("**/").trim_matches('/');
        matches!(line, "target" | "*" | "**" | "target/**" | "target/*" | "." | "*/target")
            || line.ends_with("/target")
    };
    text.lines().filter(|line| !line.starts_with('#')).any(names)
}
