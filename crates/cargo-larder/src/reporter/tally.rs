//! How many warnings and errors a unit had, and the lines that say so.

use std::fmt::Write as _;

/// Counts of one unit.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Warnings for people, shown or suppressed.
    pub(super) warnings: usize,
    /// Of these, suppressed: another unit had the same.
    pub(super) duplicates: usize,
    /// Of these, with a suggestion that `cargo fix` could apply.
    pub(super) fixable: usize,
    /// Warnings that rustc gave, in any format.
    pub(super) warnings_seen: usize,
    /// Errors that rustc gave, in any format.
    pub(super) errors_seen: usize,
}

impl Tally {
    /// What follows the unit's name: ` generated 2 warnings (1 duplicate) …`.
    /// `fix` is the command that applies suggestions.
    pub(super) fn summary(&self, fix: Option<&str>) -> Option<String> {
        if self.warnings == 0 {
            return None;
        }
        let mut text = format!(" generated {}", counted(self.warnings, "warning"));
        if self.duplicates > 0 {
            let _ = write!(text, " ({})", counted(self.duplicates, "duplicate"));
        }
        if let Some(fix) = fix
            && self.fixable > 0
            && self.errors_seen == 0
        {
            let suggestions = counted(self.fixable, "suggestion");
            let _ = write!(text, " (run `{fix}` to apply {suggestions})");
        }
        Some(text)
    }

    /// What follows the unit's name in `could not compile`.
    pub(super) fn failure(&self) -> String {
        let mut text = String::new();
        if self.errors_seen > 0 {
            let _ = write!(text, " due to {}", counted(self.errors_seen, "previous error"));
        }
        if self.warnings_seen > 0 {
            let _ = write!(text, "; {} emitted", counted(self.warnings_seen, "warning"));
        }
        text
    }
}

/// `1 warning`, `2 warnings`.
pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn summaries_are_cargos() {
        let tally = Tally { warnings: 2, duplicates: 1, fixable: 1, ..Tally::default() };
        assert_eq!(tally.summary(None).unwrap(), " generated 2 warnings (1 duplicate)");
        assert_eq!(
            tally.summary(Some("cargo fix --lib -p a")).unwrap(),
            " generated 2 warnings (1 duplicate) (run `cargo fix --lib -p a` to apply 1 suggestion)"
        );
        let failed = Tally { errors_seen: 2, warnings_seen: 1, ..tally };
        assert_eq!(
            failed.summary(Some("cargo fix --lib -p a")).unwrap(),
            " generated 2 warnings (1 duplicate)"
        );
        assert_eq!(failed.failure(), " due to 2 previous errors; 1 warning emitted");
        assert_eq!(Tally::default().summary(None), None);
        assert_eq!(Tally::default().failure(), "");
    }
}
