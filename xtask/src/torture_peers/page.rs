//! What `cargo xtask torture-peers` writes: `docs/reference/torture-peers.md`.

use super::{Line, Right};
use crate::bench::tools::Tool;
use std::fmt::Write as _;

const HEAD: &str = "# Habits under other caches

Written by `cargo xtask torture-peers`, from a run; a peer that the run does not name was left out (`--tools`). The rows are those of [habits of build scripts and proc-macros](torture.md) (`crates/larder-test/src/habits`), and the tools those of the [benchmarks](../../benches/README.md).

Every tool builds a workspace of all habits, and builds it again after each change; what it delivers then is compared with what plain cargo builds from nothing. Two words per tool: the first where the target directory is a new one after the change (another machine, a fresh checkout in the same place, `cargo clean`), so that what is not compiled comes from the tool's cache; the second where the target directory stays, so that cargo's own fingerprints have a say, except under larder.

`right`: as from nothing. **`stale`**: what was there before the change. `fails`: it did not build. For cargo the first word has no meaning. No script declares more than its own file, and a macro has no stable way to say what it reads: that cargo takes such results for fresh is how it is documented to work, and whoever builds on it inherits that. Wrappers of rustc do not see build scripts run: in a new target directory they all run again. mbx keeps what a script left and said, by what it declares.
";

/// The whole page. `parts`: title, changes, and rows that nothing shows of.
pub(super) fn text(
    date: &str,
    tools: &[Tool],
    parts: &[(&str, Vec<Line>, Vec<&'static str>)],
) -> String {
    let names: Vec<&str> = tools.iter().map(|tool| tool.name).collect();
    let versions: Vec<&str> = tools.iter().map(|tool| tool.version.as_str()).collect();
    let mut text = format!("{HEAD}\nRun on {date} with {}.\n", versions.join(", "));
    for (title, lines, unasked) in parts {
        let _ = write!(text, "\n## {title}\n\n{}", table(&names, lines));
        if !unasked.is_empty() {
            let rows: Vec<String> = unasked.iter().map(|row| format!("`{row}`")).collect();
            let _ = writeln!(text, "\nNothing shows of {}.", rows.join(", "));
        }
    }
    text
}

fn table(names: &[&str], lines: &[Line]) -> String {
    let mut text = format!("| package | what changes | {} |\n|---|---|", names.join(" | "));
    text.push_str(&"---|".repeat(names.len()));
    text.push('\n');
    for Line { row, change, tools } in lines {
        let words = names.iter().zip(tools).map(|(name, tool)| cell(name, tool));
        let words: Vec<String> = words.collect();
        let _ = writeln!(text, "| `{row}` | {change} | {} |", words.join(" | "));
    }
    let sums: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let stale = |new: usize| {
                let wrong = |line: &&Line| line.tools[at][new] != Some(true);
                lines.iter().filter(wrong).count().to_string()
            };
            if *name == "cargo" {
                format!("–, {}", stale(1))
            } else {
                format!("{}, {}", stale(0), stale(1))
            }
        })
        .collect();
    let _ = writeln!(text, "| not right, of {} | | {} |", lines.len(), sums.join(" | "));
    text
}

fn cell(name: &str, [new, same]: &[Right; 2]) -> String {
    let new = if name == "cargo" { "–" } else { word(*new) };
    format!("{new}, {}", word(*same))
}

fn word(right: Right) -> &'static str {
    match right {
        Some(true) => "right",
        Some(false) => "**stale**",
        None => "fails",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_counts_what_is_not_right() {
        let line =
            |row, cargo, other| Line { row, change: "it changes", tools: vec![cargo, other] };
        let lines = [
            line("one", [Some(true), Some(false)], [Some(false), None]),
            line("two", [Some(true), Some(true)], [Some(true), Some(true)]),
        ];
        assert_eq!(
            table(&["cargo", "other"], &lines),
            "| package | what changes | cargo | other |\n|---|---|---|---|\n\
             | `one` | it changes | –, **stale** | **stale**, fails |\n\
             | `two` | it changes | –, right | right, right |\n\
             | not right, of 2 | | –, 1 | 1, 1 |\n"
        );
    }
}
