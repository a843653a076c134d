//! rustc's diagnostics: what cargo shows of them, and what it makes of them in
//! machine messages.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A diagnostic for people.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rendered {
    /// `warning`, `error`, `note`, `failure-note`, …
    pub(super) level: String,
    /// The text, with a line end.
    pub(super) text: String,
    /// Whether `cargo fix` could apply something.
    pub(super) fixable: bool,
}

#[derive(Deserialize)]
struct ForPeople<'a> {
    rendered: String,
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow)]
    level: Cow<'a, str>,
    children: Vec<Child>,
}

// Diagnostics of macros can nest deeper than serde_json follows, so only the
// first level of children is read.
#[derive(Deserialize)]
struct Child {
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    suggestion_applicability: Option<String>,
}

/// What a line of rustc is, for people.
pub(super) enum ForHuman {
    /// To be printed.
    Show(Rendered),
    /// rustc's own count, which cargo replaces by its summary, or no
    /// diagnostic at all.
    Skip,
    /// Not of the form that rustc promises: to be printed as it is.
    Strange,
}

/// Reads a diagnostic for people.
pub(super) fn for_human(json: &str) -> ForHuman {
    let Ok(read) = serde_json::from_str::<ForPeople<'_>>(json) else {
        return match serde_json::from_str::<BTreeMap<String, &RawValue>>(json) {
            Ok(fields) if !fields.contains_key("rendered") => ForHuman::Skip,
            _ => ForHuman::Strange,
        };
    };
    if is_rustcs_count(&read.message) {
        return ForHuman::Skip;
    }
    let mut text = read.rendered;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let fixable = read
        .children
        .iter()
        .flat_map(|c| &c.spans)
        .any(|span| span.suggestion_applicability.as_deref() == Some("MachineApplicable"));
    ForHuman::Show(Rendered { level: read.level.into_owned(), text, fixable })
}

/// A diagnostic for a machine message: its level and its JSON. `rendered`
/// loses its colours unless `ansi`; then, and only then, cargo's fields come
/// in another order than rustc's.
pub(super) fn for_machine(json: &str, ansi: bool) -> Option<(String, Box<RawValue>)> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow)]
        message: Cow<'a, str>,
        #[serde(borrow)]
        level: Cow<'a, str>,
    }
    #[derive(Deserialize, Serialize)]
    struct Whole {
        rendered: String,
        #[serde(flatten)]
        other: BTreeMap<String, Value>,
        code: Option<Code>,
    }
    #[derive(Deserialize, Serialize)]
    struct Code {
        code: String,
        #[serde(flatten)]
        other: BTreeMap<String, Value>,
    }
    let head: Head<'_> = serde_json::from_str(json).ok()?;
    if is_rustcs_count(&head.message) {
        return None;
    }
    let mut text = json.trim_end().to_owned();
    if !ansi && let Ok(mut whole) = serde_json::from_str::<Whole>(json) {
        whole.rendered = anstream::adapter::strip_str(&whole.rendered).to_string();
        text = serde_json::to_string(&whole).ok()?;
    }
    Some((head.level.into_owned(), RawValue::from_string(text).ok()?))
}

fn is_rustcs_count(message: &str) -> bool {
    message.starts_with("aborting due to")
        || message.ends_with("warning emitted")
        || message.ends_with("warnings emitted")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARNING: &str = r#"{"$message_type":"diagnostic","message":"unused","code":{"code":"unused_imports","explanation":null},"level":"warning","spans":[],"children":[{"message":"h","spans":[{"suggestion_applicability":"MachineApplicable"}]}],"rendered":"\u001b[33mwarning\u001b[0m: unused\n"}"#;

    #[test]
    fn people_see_the_rendered_text() {
        let ForHuman::Show(shown) = for_human(WARNING) else { panic!() };
        assert_eq!(shown.level, "warning");
        assert_eq!(shown.text, "\u{1b}[33mwarning\u{1b}[0m: unused\n");
        assert!(shown.fixable);
    }

    #[test]
    fn counts_and_artifact_notices_are_skipped() {
        let count = WARNING.replace("\"unused\"", "\"1 warning emitted\"");
        assert!(matches!(for_human(&count), ForHuman::Skip));
        assert!(for_machine(&count, true).is_none());
        let artifact = r#"{"$message_type":"artifact","artifact":"x.rmeta","emit":"metadata"}"#;
        assert!(matches!(for_human(artifact), ForHuman::Skip));
        assert!(for_machine(artifact, false).is_none());
        assert!(matches!(for_human("{nonsense"), ForHuman::Strange));
    }

    #[test]
    fn machines_get_fields_in_cargos_order() {
        let (level, message) = for_machine(WARNING, false).unwrap();
        assert_eq!(level, "warning");
        assert_eq!(
            message.get(),
            r#"{"rendered":"warning: unused\n","$message_type":"diagnostic","children":[{"message":"h","spans":[{"suggestion_applicability":"MachineApplicable"}]}],"level":"warning","message":"unused","spans":[],"code":{"code":"unused_imports","explanation":null}}"#
        );
        let (_, as_it_is) = for_machine(WARNING, true).unwrap();
        assert_eq!(as_it_is.get(), WARNING);
    }
}
