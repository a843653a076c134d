//! Images that run as root.

use crate::document::Kind;
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "root-user",
    level: Level::Warning,
    title: "the image runs as root",
    reason: "Whoever breaks into the program is root in the container, and may change its files; clusters that forbid root do not start it.",
    fix: "`USER 65532:65532` in the last stage; a number, so that it works without a user database.",
    bad: "FROM debian:bookworm-slim\nENTRYPOINT [\"/app\"]\n",
    good: "FROM debian:bookworm-slim\nUSER 65532:65532\nENTRYPOINT [\"/app\"]\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    let document = subject.document;
    let last = document.last();
    let user = document.history(last).filter_map(|step| match &step.kind {
        Kind::User(user) => Some((step.line, document.expanded(last, user))),
        _ => None,
    });
    match user.last() {
        Some((line, user)) => {
            let name = user.split(':').next().unwrap_or_default();
            if matches!(name, "root" | "0") {
                found.at(line, "");
            }
        }
        None if document.image(last).contains("nonroot") || document.image(last).contains('$') => {}
        None => found.at(document.stages[last].line, ""),
    }
}
