//! Compilers in the image that runs.

use crate::lint::cargo_call::{CargoCall, Tool};
use crate::lint::places::has_toolchain;
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "toolchain-in-image",
    level: Level::Warning,
    title: "the image has the toolchain in it",
    reason: "A compiler, its libraries, downloaded crates and build results are a gigabyte and more that the program does not need, and that scanners report.",
    fix: "Build in one stage, and copy the binary into another that starts from a small image.",
    bad: "FROM rust:1.95\nRUN cargo install --locked ripgrep\nUSER 1000\n",
    good: "FROM rust:1.95-bookworm AS build\nRUN cargo install --locked --root /out ripgrep\nFROM debian:bookworm-slim\nCOPY --from=build /out/bin/rg /usr/local/bin/\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    let document = subject.document;
    let last = document.last();
    let calls = CargoCall::of_history(document, last);
    // An image to build in has the toolchain on purpose.
    let builds = CargoCall::all(document).iter().any(CargoCall::builds);
    let compiles = |call: &CargoCall| call.builds() || call.tool == Tool::Install;
    if let Some((_, call)) = calls.iter().find(|(_, call)| compiles(call)) {
        found.at(call.line, "it is compiled in the last stage");
    } else if has_toolchain(document.image(last)) && builds {
        found.at(document.stages[last].line, format!("`{}`", document.image(last)));
    }
}
