//! What each tool says of its own hits: the proof that it was at work, in its
//! own words, kept beside the times.

use super::tools::Tool;
use crate::measure::Measured;
use crate::process::command;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

impl Tool {
    /// The command that tells of the build just made, where the build itself
    /// does not.
    pub(crate) fn asked(&self, project: &Path, store: &Path) -> Option<Command> {
        let mut asked = command(self.exe());
        match self.name {
            "sccache" => asked.args(["--show-stats", "--stats-format", "json"]),
            "kache" => asked
                .args(["stats", "--full", "--last-build", "--format", "json", "--root"])
                .arg(project),
            _ => return None,
        };
        self.settle(&mut asked, store);
        Some(asked)
    }

    /// Its words in one line.
    pub(super) fn said(&self, built: &Measured) -> String {
        let numbers = |names: &[(&str, Option<u64>)]| {
            let known = names.iter().filter_map(|(name, count)| Some((name, (*count)?)));
            known.map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
        };
        match self.name {
            "larder" => line_with(&built.stderr, " units: "),
            "mbx" => line_with(&built.stderr, "mbx[cache]: "),
            "sccache" => numbers(&[
                ("hits", self.hits(built)),
                ("misses", counted(&built.answer, "/stats/cache_misses/counts")),
                ("not cacheable", counted(&built.answer, "/stats/requests_not_cacheable")),
            ]),
            "kache" => numbers(&[
                ("hits", self.hits(built)),
                ("misses", counted(&built.answer, "/summary/misses")),
                ("skipped", counted(&built.answer, "/summary/skipped")),
                ("passed through", counted(&built.answer, "/summary/passthroughs")),
            ]),
            _ => String::new(),
        }
    }

    /// Units that a peer's store answered; `None` for those that have none.
    pub(super) fn hits(&self, built: &Measured) -> Option<u64> {
        match self.name {
            "mbx" => line_with(&built.stderr, "mbx[cache]: ")
                .split(' ')
                .find_map(|w| w.parse().ok())
                .or(Some(0)),
            "sccache" => counted(&built.answer, "/stats/cache_hits/counts").or(Some(0)),
            "kache" => {
                let kinds = ["local_hits", "prefetch_hits", "remote_hits"];
                let hits = kinds.map(|kind| counted(&built.answer, &format!("/summary/{kind}")));
                Some(hits.into_iter().flatten().sum())
            }
            _ => None,
        }
    }
}

/// The rest of the last line that holds `words`, from them on.
fn line_with(text: &str, words: &str) -> String {
    let line = text.lines().rev().find(|line| line.contains(words)).unwrap_or_default();
    line.trim().trim_start_matches(words.trim_start()).trim_start_matches("Larder ").to_owned()
}

/// A number at a place of a JSON document, or the sum of an object of numbers.
fn counted(json: &str, place: &str) -> Option<u64> {
    let from = json.find('{')?;
    let document = serde_json::Deserializer::from_str(&json[from..]).into_iter::<Value>().next()?;
    match document.ok()?.pointer(place)? {
        Value::Object(counts) => Some(counts.values().filter_map(Value::as_u64).sum()),
        number => number.as_u64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_found_whatever_surrounds_them() {
        let json = r#"note {"stats": {"cache_hits": {"counts": {"Rust": 3, "C": 2}}}} later"#;
        assert_eq!(counted(json, "/stats/cache_hits/counts"), Some(5));
        assert_eq!(counted(json, "/stats/none"), None);
        assert_eq!(counted("nothing", "/stats"), None);
    }

    #[test]
    fn lines_are_found() {
        let said =
            "a\n   Larder 3 units: 3 from the store, 0 executed\nmbx[cache]: 7 hits, 1 misses\n";
        assert_eq!(line_with(said, " units: "), "3 units: 3 from the store, 0 executed");
        assert_eq!(line_with(said, "mbx[cache]: "), "7 hits, 1 misses");
    }
}
