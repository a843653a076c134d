//! rustc's reports of code that will be an error one day: the lines that cargo
//! ends a build with. Cargo's file of such reports is its own; larder neither
//! reads nor writes it, so it sends the user to cargo for the whole text.

use crate::console::Console;
use std::collections::BTreeSet;

/// Whether a message of rustc is such a report.
pub(super) fn is_report(json: &str) -> bool {
    json.starts_with("{\"$message_type\":\"future_incompat\"")
}

/// Names the packages.
pub(super) fn show(console: &Console, packages: &BTreeSet<String>) {
    let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
    console.warning(&format!(
        "the following packages contain code that will be rejected by a future version of Rust: {}",
        packages.join(", ")
    ));
    console.note(
        "to see what the problems were, use the option `--future-incompat-report`, with which \
         plain cargo builds",
    );
}
