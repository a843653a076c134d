//! What a run of `cargo test` said: which tests of which executables ended
//! how, and the code of the command. Times are left out.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::{Command, Stdio};

/// A run's outcomes.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    code: Option<i32>,
    /// By executable and test; a name may be there more than once.
    tests: BTreeMap<(String, String), Vec<String>>,
}

impl Outcomes {
    /// Runs the command, both streams in one, so that what a test printed
    /// comes behind the line that names its executable.
    pub(super) fn of(command: &mut Command) -> Result<Outcomes> {
        let (mut reader, writer) = std::io::pipe()?;
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        command.env("CARGO_TERM_COLOR", "never");
        let mut child = command.spawn().context("cannot start the tests")?;
        // Our copies of the writing end have to go, or reading never ends.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut said = Vec::new();
        reader.read_to_end(&mut said)?;
        let code = child.wait()?.code();
        Ok(Outcomes { code, ..Outcomes::parse(&String::from_utf8_lossy(&said)) })
    }

    fn parse(text: &str) -> Outcomes {
        let mut outcomes = Outcomes::default();
        let mut section = String::new();
        for line in text.lines() {
            let line = line.trim();
            if let Some(running) = line.strip_prefix("Running ").filter(|l| l.contains(" (")) {
                // The executable's name has a hash in it.
                section = running.split(" (").next().unwrap_or(running).to_owned();
            } else if line.starts_with("Doc-tests ") {
                section = line.to_owned();
            } else if let Some((name, outcome)) = test(line) {
                let key = (section.clone(), name.to_owned());
                outcomes.tests.entry(key).or_default().push(outcome.to_owned());
            }
        }
        // Tests of one name end in any order.
        outcomes.tests.values_mut().for_each(|all| all.sort());
        outcomes
    }

    /// Whether no test ran.
    pub(super) fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    /// `212 tests: ok 210, FAILED 2; exit code 101`
    pub(super) fn summary(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for outcome in self.tests.values().flatten() {
            *counts.entry(outcome).or_default() += 1;
        }
        let all: usize = counts.values().sum();
        let counts: Vec<String> = counts.iter().map(|(name, n)| format!("{name} {n}")).collect();
        let code = self.code.map_or("none".to_owned(), |code| code.to_string());
        format!("{all} tests: {}; exit code {code}", counts.join(", "))
    }

    /// What is not equal, a line each.
    pub(super) fn differences(&self, other: &Outcomes) -> Vec<String> {
        let mut found = Vec::new();
        if self.code != other.code {
            found.push(format!("exit code {:?}, under larder {:?}", self.code, other.code));
        }
        let keys: std::collections::BTreeSet<_> =
            self.tests.keys().chain(other.tests.keys()).collect();
        for key in keys {
            let (theirs, ours) = (self.tests.get(key), other.tests.get(key));
            if theirs != ours {
                let shown = |all: Option<&Vec<String>>| {
                    all.map_or("not there".to_owned(), |all| all.join(" and "))
                };
                let (section, name) = key;
                found.push(format!(
                    "{section}: {name}: {}, under larder {}",
                    shown(theirs),
                    shown(ours)
                ));
            }
        }
        found
    }
}

/// Name and outcome of a line `test NAME ... OUTCOME`. What a test printed
/// itself may stand before its outcome; then only the end of the line counts.
fn test(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let outcome = ["ok", "FAILED", "ignored", "bench:"]
        .into_iter()
        .find(|outcome| rest.starts_with(outcome) || rest.ends_with(outcome));
    Some((name, outcome.unwrap_or("no outcome")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "   Compiling a v0.1.0 (/w)\n    \
        Finished `test` profile [unoptimized] target(s) in 1.00s\n     \
        Running unittests src/lib.rs (target/debug/deps/a-0123456789abcdef)\n\nrunning 2 tests\n\
        test one ... ok\ntest two ... ignored, needs a network\n\n\
        test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n     \
        Running tests/it.rs (target/debug/deps/it-0123456789abcdef)\n\nrunning 1 test\ntest one ... FAILED\n   \
        Doc-tests a\n\nrunning 1 test\ntest src/lib.rs - (line 1) - compile fail ... ok\n";

    #[test]
    fn lines_become_outcomes() {
        let outcomes = Outcomes::parse(SAID);
        assert_eq!(outcomes.summary(), "4 tests: FAILED 1, ignored 1, ok 2; exit code none");
        let sections: Vec<&str> = outcomes.tests.keys().map(|key| key.0.as_str()).collect();
        assert_eq!(
            sections,
            ["Doc-tests a", "tests/it.rs", "unittests src/lib.rs", "unittests src/lib.rs"]
        );
    }

    #[test]
    fn differences_are_named() {
        let cargo = Outcomes::parse(SAID);
        let elsewhere = SAID.replace("0123456789abcdef", "fedcba9876543210");
        assert_eq!(cargo.differences(&Outcomes::parse(&elsewhere)), [""; 0]);
        let larder = Outcomes::parse(&SAID.replace("test one ... FAILED\n", "test one ... ok\n"));
        assert_eq!(cargo.differences(&larder), ["tests/it.rs: one: FAILED, under larder ok"]);
        let without = Outcomes::parse(&SAID.replace("test two ... ignored, needs a network\n", ""));
        assert_eq!(
            cargo.differences(&without),
            ["unittests src/lib.rs: two: ignored, under larder not there"]
        );
        let failed = Outcomes { code: Some(101), ..Outcomes::parse(SAID) };
        assert_eq!(cargo.differences(&failed).len(), 1);
    }
}
