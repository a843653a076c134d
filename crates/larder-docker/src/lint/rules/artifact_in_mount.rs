//! Binaries that exist only while a cache mount is there.

use crate::document::Kind;
use crate::lint::places::is_target;
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "artifact-in-mount",
    level: Level::Error,
    title: "what is copied is in a cache mount, not in the stage",
    reason: "A cache mount is there during its `RUN` only, so the file that a later stage copies does not exist, or is an old one from a layer.",
    fix: "Copy the binary out of the mount in the `RUN` that builds it.",
    bad: "FROM rust:1.95-bookworm AS build\nWORKDIR /app\nCOPY src src\nRUN --mount=type=cache,id=app-$TARGETARCH,target=/app/target,sharing=locked \\\n    touch src/main.rs && cargo build --locked --release\nFROM debian:bookworm-slim\nCOPY --from=build /app/target/release/app /\nUSER 1000\n",
    good: "FROM rust:1.95-bookworm AS build\nWORKDIR /app\nCOPY src src\nRUN --mount=type=cache,id=app-$TARGETARCH,target=/app/target,sharing=locked \\\n    touch src/main.rs && cargo build --locked --release && cp target/release/app /\nFROM debian:bookworm-slim\nCOPY --from=build /app /\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    let document = subject.document;
    for step in document.stages.iter().flat_map(|stage| &stage.steps) {
        let Kind::Copy(copy) = &step.kind else { continue };
        let Some(from) = copy.from.as_deref().and_then(|name| document.stage(name)) else {
            continue;
        };
        for source in copy.sources.iter().filter(|source| source.starts_with('/')) {
            let source = document.expanded(from, source);
            // Written there by a step that does not mount it: then it is in a layer.
            let mut is_mounted = false;
            let mut is_written = false;
            for step in document.history(from) {
                let Kind::Run(run) = &step.kind else { continue };
                let covers =
                    run.mounts.iter().filter(|mount| is_target(document, from, mount)).any(
                        |mount| {
                            let target = document.expanded(from, mount.target());
                            target.starts_with('/')
                                && source.starts_with(&format!("{}/", target.trim_end_matches('/')))
                        },
                    );
                let builds = run.commands.iter().any(|c| c.program() == "cargo");
                is_mounted |= covers && builds;
                is_written |= !covers && builds;
            }
            if is_mounted && !is_written {
                found.at(step.line, format!("`{source}`"));
            }
        }
    }
}
