//! Downloads whose failure nobody notices.

use crate::document::Kind;
use crate::lint::{Found, Level, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "pipe-unchecked",
    level: Level::Warning,
    title: "a failed download goes unnoticed",
    reason: "A pipe ends with the code of its last command. If the download breaks off, the shell runs what came so far, and the layer counts as good.",
    fix: "`SHELL [\"/bin/bash\", \"-euo\", \"pipefail\", \"-c\"]`, or download to a file, and check it.",
    bad: "FROM debian:bookworm-slim\nRUN curl -sSf https://example.com/install | sh\nUSER 1000\n",
    good: "FROM debian:bookworm-slim\nSHELL [\"/bin/bash\", \"-euo\", \"pipefail\", \"-c\"]\nRUN curl -sSf https://example.com/install | sh\nUSER 1000\n",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Found) {
    let document = subject.document;
    for (index, step, run) in document.runs() {
        // The last SHELL before this step.
        let shell = document.history(index).filter_map(|other| match &other.kind {
            Kind::Shell(words) if other.line < step.line => Some(words),
            _ => None,
        });
        let is_strict =
            shell.last().is_some_and(|words| words.iter().any(|w| w.contains("pipefail")))
                || run.commands.iter().any(|c| c.program() == "set" && c.has("pipefail"))
                || run.commands.iter().any(|c| c.words.iter().any(|w| w.contains("pipefail")));
        let pipe = run.commands.iter().zip(run.commands.iter().skip(1)).find(|(one, two)| {
            one.piped
                && matches!(one.program(), "curl" | "wget")
                && matches!(two.program(), "sh" | "bash" | "tar" | "gunzip" | "zcat" | "xz")
        });
        if let (Some((download, _)), false) = (pipe, is_strict) {
            found.at(download.line, "");
        }
    }
}
