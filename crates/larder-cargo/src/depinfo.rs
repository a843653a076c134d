//! The dep-info that rustc writes: which files a unit read, and which
//! environment variables.
//!
//! A `.d` file is a Makefile. Rules look like `out: a.rs b\ c.rs`; a rule
//! without prerequisites only keeps make quiet. Comments carry the rest:
//! `# env-dep:NAME=VALUE` (without `=VALUE` where it was not set) with `\n`,
//! `\r` and `\\` escaped, and on nightly `# checksum:ALGORITHM=HEX
//! file_len:N PATH`.

use crate::host::normalize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a unit read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DepInfo {
    /// Files, absolute, in the order of their first mention.
    pub files: Vec<PathBuf>,
    /// Variables that were read, with what they were then; sorted.
    pub env: BTreeMap<String, Option<String>>,
}

/// A file that is not dep-info.
#[derive(Debug, thiserror::Error)]
pub enum DepInfoError {
    /// It cannot be read.
    #[error("could not read the dep-info {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of it has another form.
    #[error("line {line} of the dep-info {} is not understood: {text}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The line.
        text: String,
    },
}

impl DepInfo {
    /// Reads a `.d` file that rustc wrote while it ran in `cwd`.
    ///
    /// # Errors
    /// Where it cannot be read or understood.
    pub fn read(path: &Path, cwd: &Path) -> Result<Self, DepInfoError> {
        let text = fs_err::read_to_string(path)
            .map_err(|source| DepInfoError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, cwd).map_err(|line| DepInfoError::Line {
            path: path.to_owned(),
            line: line + 1,
            text: text.lines().nth(line).unwrap_or_default().to_owned(),
        })
    }

    /// Parses the text of a `.d` file; the error is the index of the line
    /// that is not understood.
    ///
    /// # Errors
    /// Where a line is neither a rule nor a comment.
    pub fn parse(text: &str, cwd: &Path) -> Result<Self, usize> {
        let mut info = Self::default();
        let mut seen = std::collections::HashSet::new();
        let mut add = |info: &mut Self, name: &str| {
            let path = normalize(&cwd.join(name));
            if seen.insert(path.clone()) {
                info.files.push(path);
            }
        };
        for (index, line) in text.lines().enumerate() {
            if let Some(comment) = line.strip_prefix('#') {
                if let Some(dep) = comment.trim_start().strip_prefix("env-dep:") {
                    let (name, value) = match dep.split_once('=') {
                        Some((name, value)) => (name, Some(unescape(value))),
                        None => (dep, None),
                    };
                    info.env.insert(unescape(name), value);
                }
                continue;
            }
            if line.trim().is_empty() {
                continue;
            }
            // `: ` ends the outputs; a colon inside a path has no space after
            // it, and a rule without prerequisites ends in the colon.
            let prerequisites = match line.find(": ") {
                Some(at) => &line[at + 2..],
                None if line.ends_with(':') => "",
                None => return Err(index),
            };
            for name in words(prerequisites) {
                add(&mut info, &name);
            }
        }
        Ok(info)
    }
}

/// Splits at spaces that are not escaped by a backslash.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' if matches!(rest.peek(), Some(' ' | '#')) => word.extend(rest.next()),
            '$' if rest.peek() == Some(&'$') => word.extend(rest.next()),
            ' ' | '\t' => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            other => word.push(other),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match rest.next() {
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some(other) => plain.push(other),
            None => plain.push('\\'),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_variables() {
        let text = "/t/libx.rmeta: src/lib.rs /abs/with\\ space.rs ../up.rs\n\n\
                    /t/x.d: src/lib.rs\n\nsrc/lib.rs:\n/abs/with\\ space.rs:\n\n\
                    # env-dep:UNSET\n# env-dep:CARGO_PKG_NAME=a\\nb\\\\c=d\n\
                    # checksum:blake3=00 file_len:3 src/lib.rs\n";
        let info = DepInfo::parse(text, Path::new("/w/p")).unwrap();
        let files = ["/w/p/src/lib.rs", "/abs/with space.rs", "/w/up.rs"].map(PathBuf::from);
        assert_eq!(info.files, files);
        assert_eq!(info.env["UNSET"], None);
        assert_eq!(info.env["CARGO_PKG_NAME"].as_deref(), Some("a\nb\\c=d"));
        assert_eq!(DepInfo::parse("a: b\nnonsense\n", Path::new("/")), Err(1));
    }

    #[test]
    fn what_rustc_writes_is_understood() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("a b.rs");
        let other = dir.path().join("inner$#.rs");
        std::fs::write(&other, "pub fn f() {}").unwrap();
        std::fs::write(
            &source,
            "#[path = \"inner$#.rs\"] pub mod inner;\n\
             pub const A: Option<&str> = option_env!(\"LARDER_TEST_A\");\n\
             pub const B: Option<&str> = option_env!(\"LARDER_TEST_B\");\n",
        )
        .unwrap();
        let status = std::process::Command::new("rustc")
            .args(["--crate-type=lib", "--crate-name=ab", "--emit=dep-info,metadata", "a b.rs"])
            .current_dir(dir.path())
            .env("LARDER_TEST_A", "x\ny")
            .status()
            .unwrap();
        assert!(status.success());
        let info = DepInfo::read(&dir.path().join("ab.d"), dir.path()).unwrap();
        assert_eq!(info.files, [source, other]);
        assert_eq!(info.env["LARDER_TEST_A"].as_deref(), Some("x\ny"));
        assert_eq!(info.env["LARDER_TEST_B"], None);
    }
}
