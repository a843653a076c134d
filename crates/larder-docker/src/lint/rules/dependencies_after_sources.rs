//! Sources that are copied before the dependencies are compiled.

use crate::document::Kind;
use crate::lint::cargo_call::{CargoCall, Tool};
use crate::lint::places::is_target;
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "dependencies-after-sources",
    level: Level::Warning,
    title: "everything is copied before the dependencies are built",
    reason: "A layer is reused only if all before it are the same. After a `COPY` of everything, every edit compiles or installs again what did not change.",
    fix: "Build dependencies first, from a plan (`cargo larder plan`, `cargo larder cook`) or a recipe, or keep results in a cache mount; install tools before the `COPY`. `cargo larder dockerfile` writes such a file.",
    bad: "FROM rust:1.95-bookworm AS build\nWORKDIR /app\nCOPY . .\nRUN cargo build --locked --release\nFROM debian:bookworm-slim\nCOPY --from=build /app/target/release/app /\nUSER 1000\n",
    good: "FROM rust:1.95-bookworm AS build\nWORKDIR /app\nCOPY recipe.json .\nRUN cargo chef cook --locked --release\nCOPY . .\nRUN cargo build --locked --release\nFROM debian:bookworm-slim\nCOPY --from=build /app/target/release/app /\nUSER 1000\n",
    check,
};

/// Names of tools whose stores keep results by content.
const STORES: &[&str] = &["larder", "sccache", "kache", "mbx"];

fn check(subject: &Subject<'_>, found: &mut Found) {
    let document = subject.document;
    for stage in 0..document.stages.len() {
        let steps: Vec<_> = document.history(stage).collect();
        let everything = |step: &&crate::document::Step| matches!(&step.kind, Kind::Copy(copy) if copy.is_whole_context());
        let Some(copied) = steps.iter().position(everything) else { continue };
        let calls = CargoCall::of_history(document, stage);
        let own: Vec<usize> =
            CargoCall::of_stage(document, stage).iter().map(|(_, call)| call.line).collect();
        // Something was built before: this is the build after it.
        let is_cooked = calls.iter().any(|(at, call)| {
            *at < copied
                && matches!(
                    call.tool,
                    Tool::ChefCook
                        | Tool::LarderCook
                        | Tool::Build
                        | Tool::Check
                        | Tool::InstallPath
                )
        });
        let is_kept = steps[..copied].iter().any(|step| {
            matches!(&step.kind, Kind::Copy(copy) if copy.from.is_some()
                && copy.sources.iter().any(|s| s.trim_end_matches('/').ends_with("target")))
        });
        let mut is_reported = false;
        for (at, call) in calls.iter().filter(|(at, call)| *at > copied && own.contains(&call.line))
        {
            let Kind::Run(run) = &steps[*at].kind else { continue };
            let keeps_results = run.mounts.iter().any(|mount| {
                let target = mount.target().to_ascii_lowercase();
                mount.is("cache")
                    && (is_target(document, stage, mount)
                        || STORES.iter().any(|name| target.contains(name)))
            });
            let what = match call.tool {
                Tool::ChefCook | Tool::LarderCook => {
                    "the dependencies are cooked again at every edit"
                }
                Tool::Fetch => "the dependencies are downloaded again at every edit",
                Tool::Install => "a tool is compiled again at every edit",
                Tool::Build | Tool::InstallPath
                    if !is_cooked && !is_kept && !keeps_results && !is_reported =>
                {
                    is_reported = true;
                    "the dependencies are compiled again at every edit"
                }
                _ => continue,
            };
            if !keeps_results {
                found.at(call.line, format!("{what} (`COPY` in line {})", steps[copied].line));
            }
        }
    }
}
