//! What is wrong with a Dockerfile of a Rust project.
//!
//! Each rule has a file of its own: what it finds, why that is wrong, the fix,
//! and two Dockerfiles, one with the mistake and one without, which its test
//! and its documentation are made of. A rule that is not sure says nothing.

mod cargo_call;
mod places;
mod rules;
mod sarif;
#[cfg(test)]
mod tests;

use crate::document::Document;
use serde::Serialize;

pub use rules::RULES;
pub use sarif::sarif;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It costs a little, or is a matter of taste with a good reason.
    Note,
    /// It costs time or space at every build, or can go wrong.
    Warning,
    /// Wrong binaries, leaked secrets, images that do not start.
    Error,
}

impl Level {
    /// SARIF's word, and ours.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

/// A rule.
pub struct Rule {
    /// Its name: lower case, hyphens.
    pub id: &'static str,
    /// How bad.
    pub level: Level,
    /// The mistake, in a few words.
    pub title: &'static str,
    /// Why it is one.
    pub reason: &'static str,
    /// The way out.
    pub fix: &'static str,
    /// A Dockerfile with the mistake.
    pub bad: &'static str,
    /// The same without.
    pub good: &'static str,
    check: fn(&Subject<'_>, &mut Found),
}

/// What is looked at.
pub struct Subject<'a> {
    /// The Dockerfile.
    pub document: &'a Document,
    /// The text of the `.dockerignore` that holds for it.
    pub dockerignore: Option<&'a str>,
}

/// Where a rule puts what it finds: a line, and what is special about it.
#[derive(Default)]
struct Found(Vec<(usize, String)>);

impl Found {
    fn at(&mut self, line: usize, detail: impl Into<String>) {
        self.0.push((line, detail.into()));
    }
}

/// A mistake in a Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// How bad.
    pub level: Level,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong in this line.
    pub message: String,
    /// Why.
    pub reason: &'static str,
    /// The way out.
    pub fix: &'static str,
}

/// All mistakes, by line.
pub fn lint(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in RULES {
        let mut found = Found::default();
        (rule.check)(subject, &mut found);
        for (line, detail) in found.0 {
            let message = if detail.is_empty() {
                rule.title.to_owned()
            } else {
                format!("{}: {detail}", rule.title)
            };
            findings.push(Finding {
                rule: rule.id,
                level: rule.level,
                line,
                message,
                reason: rule.reason,
                fix: rule.fix,
            });
        }
    }
    findings.retain(|finding| !is_allowed(subject.document, finding));
    findings.sort_by(|a, b| (a.line, a.rule).cmp(&(b.line, b.rule)));
    findings.dedup();
    findings
}

/// Whether a comment before the line allows it: `# larder-lint: allow(rule)`.
fn is_allowed(document: &Document, finding: &Finding) -> bool {
    let before = finding.line.saturating_sub(1);
    let lines: Vec<&str> = document.text.lines().take(before).collect();
    let comments = lines.iter().rev().take_while(|line| line.trim_start().starts_with('#'));
    comments
        .filter_map(|line| line.split_once("larder-lint: allow(")?.1.split(')').next())
        .flat_map(|names| names.split(','))
        .any(|name| name.trim() == finding.rule)
}

/// The text of `docs/reference/lint.md`.
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Rules of `cargo larder lint`\n\n\
         <!-- Generated from crates/larder-docker/src/lint/rules:\n     \
         UPDATE_DOCS=1 cargo test -p larder-docker lint_page -->\n\n\
         A comment in the line before a finding allows it: `# larder-lint: allow(RULE)`.\n\n\
         | rule | level | finds |\n|---|---|---|\n",
    );
    for rule in RULES {
        page.push_str(&format!(
            "| [{0}](#{0}) | {1} | {2} |\n",
            rule.id,
            rule.level.as_str(),
            rule.title
        ));
    }
    for rule in RULES {
        page.push_str(&format!(
            "\n## {}\n\n{}. {}\n\nFix: {}\n\n```dockerfile\n# wrong\n{}```\n\n```dockerfile\n# right\n{}```\n",
            rule.id, rule.title, rule.reason, rule.fix, rule.bad, rule.good
        ));
    }
    page
}
