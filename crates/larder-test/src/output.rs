//! [`Output`]: what a program printed, with what differs between runs made
//! equal: directories, durations, hashes.

use std::path::Path;
use std::process::ExitStatus;

/// What a program did. Asserting methods panic with everything it printed, and
/// lend the output on, so that a chain of them ends without a `let _`.
#[derive(Clone, Debug)]
#[must_use = "an output that nobody looks at proves nothing: at least `.success()`"]
pub struct Output {
    /// The command, for messages.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output, redacted.
    pub stdout: String,
    /// Standard error, redacted.
    pub stderr: String,
    /// Standard output as it was, but for bytes that are no UTF-8.
    pub raw_stdout: String,
    /// Standard error as it was, but for bytes that are no UTF-8.
    pub raw_stderr: String,
}

impl Output {
    pub(crate) fn new(
        command: String,
        output: &std::process::Output,
        redactions: &Redactions,
    ) -> Output {
        let raw_stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let raw_stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Output {
            command,
            status: output.status,
            stdout: redactions.apply(&raw_stdout),
            stderr: redactions.apply(&raw_stderr),
            raw_stdout,
            raw_stderr,
        }
    }

    /// Asserts that it ended with 0.
    #[track_caller]
    pub fn success(&self) -> &Output {
        assert!(self.status.success(), "this should have succeeded:\n{}", self.all());
        self
    }

    /// Asserts that it ended with this code.
    #[track_caller]
    pub fn code(&self, code: i32) -> &Output {
        assert_eq!(self.status.code(), Some(code), "another exit code:\n{}", self.all());
        self
    }

    /// Asserts that standard output holds the text, after redaction.
    #[track_caller]
    pub fn stdout_has(&self, text: &str) -> &Output {
        assert!(self.stdout.contains(text), "no {text:?} in standard output:\n{}", self.all());
        self
    }

    /// Asserts that standard error holds the text, after redaction.
    #[track_caller]
    pub fn stderr_has(&self, text: &str) -> &Output {
        assert!(self.stderr.contains(text), "no {text:?} in standard error:\n{}", self.all());
        self
    }

    /// Asserts that standard error does not hold the text, after redaction.
    #[track_caller]
    pub fn stderr_lacks(&self, text: &str) -> &Output {
        assert!(!self.stderr.contains(text), "{text:?} in standard error:\n{}", self.all());
        self
    }

    /// Command, end and both streams: what a failed test shows.
    pub fn all(&self) -> String {
        format!(
            "$ {}\n{}\n--- stdout\n{}--- stderr\n{}",
            self.command, self.status, self.raw_stdout, self.raw_stderr
        )
    }
}

/// What is made equal: the root becomes `[ROOT]`, a duration in seconds or
/// minutes `[TIME]`, a hash of 16 hex digits behind a dash `[HASH]`.
#[derive(Clone, Debug)]
pub(crate) struct Redactions {
    root: String,
}

impl Redactions {
    pub(crate) fn new(root: &Path) -> Redactions {
        Redactions { root: root.display().to_string() }
    }

    pub(crate) fn apply(&self, text: &str) -> String {
        let text = text.replace(&self.root, "[ROOT]");
        let mut redacted = String::with_capacity(text.len());
        let mut rest = text.as_str();
        let mut before = ' ';
        while let Some(first) = rest.chars().next() {
            let found = if before.is_alphanumeric() || matches!(before, '.' | '_') {
                None
            } else if before == '-' {
                hash(rest).map(|length| (length, "[HASH]"))
            } else {
                duration(rest).map(|length| (length, "[TIME]"))
            };
            let length = match found {
                Some((length, name)) => {
                    redacted.push_str(name);
                    length
                }
                None => {
                    redacted.push(first);
                    first.len_utf8()
                }
            };
            before = rest[..length].chars().next_back().unwrap_or(' ');
            rest = &rest[length..];
        }
        redacted
    }
}

/// Length of a duration at the start of the text: `0.12s`, `3 s`, `2m 03s`.
fn duration(text: &str) -> Option<usize> {
    let number =
        text.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|length| *length > 0)?;
    let rest = &text[number..];
    let word = |rest: &str, unit: &str| {
        rest.strip_prefix(unit).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
    };
    if let Some(seconds) = rest.strip_prefix("m ") {
        let length = duration(seconds)?;
        return Some(number + 2 + length);
    }
    ["s", " s", "ms", " ms"].iter().find(|unit| word(rest, unit)).map(|unit| number + unit.len())
}

/// Length of a hash at the start of the text.
fn hash(text: &str) -> Option<usize> {
    let length = text.find(|c: char| !matches!(c, '0'..='9' | 'a'..='f')).unwrap_or(text.len());
    (length == 16).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_between_runs_is_redacted() {
        let redactions = Redactions::new(Path::new("/tmp/x"));
        for (text, expected) in [
            ("in 0.52s\n", "in [TIME]\n"),
            ("in 1m 02s", "in [TIME]"),
            ("(41 s saved)", "([TIME] saved)"),
            ("2 sources, v1.2.3s", "2 sources, v1.2.3s"),
            ("/tmp/x/a/lib.rs", "[ROOT]/a/lib.rs"),
            ("deps/a-0123456789abcdef.d", "deps/a-[HASH].d"),
            ("ünï 3s", "ünï [TIME]"),
        ] {
            assert_eq!(redactions.apply(text), expected);
        }
    }
}
