//! Looking for absolute paths in outputs: who holds one is bound to a place.
//!
//! Metadata counts too: a constant whose value a macro took from
//! `CARGO_MANIFEST_DIR` is nowhere else. The places of sources are not in it,
//! because they are remapped in every scope.
//!
//! Outputs are read once, a chunk at a time, to be hashed and to be searched;
//! so a path may lie across two chunks.

use larder_schema::record::OutputFile;
use memchr::memmem::Finder;
use std::path::{Path, PathBuf};

/// Looks for roots in content that comes in chunks.
pub(crate) struct Scanner {
    roots: Vec<Root>,
    /// Longest root.
    longest: usize,
    /// Name of the content, and its last bytes: at most `longest`.
    name: String,
    tail: Vec<u8>,
}

struct Root {
    token: &'static str,
    path: PathBuf,
    finder: Finder<'static>,
    /// The first name, in order of names, whose content shows it.
    shown_by: Option<String>,
}

impl Scanner {
    pub(crate) fn new(roots: Vec<(&'static str, PathBuf)>) -> Self {
        let roots: Vec<Root> = roots
            .into_iter()
            .map(|(token, path)| {
                let finder = Finder::new(path.as_os_str().as_encoded_bytes()).into_owned();
                Root { token, path, finder, shown_by: None }
            })
            .collect();
        let longest = roots.iter().map(|root| root.finder.needle().len()).max().unwrap_or(0);
        Self { roots, longest, name: String::new(), tail: Vec::new() }
    }

    /// Takes the next chunk; `None` is the begin of the content of `name`.
    pub(crate) fn see(&mut self, name: &str, chunk: Option<&[u8]>) {
        let Some(chunk) = chunk else {
            self.end();
            name.clone_into(&mut self.name);
            return;
        };
        // A path across the seam, and the byte behind it.
        let mut seam = std::mem::take(&mut self.tail);
        let kept = seam.len();
        seam.extend(&chunk[..chunk.len().min(self.longest + 1)]);
        if kept > 0 {
            self.search(&seam);
        }
        self.search(chunk);
        let last = if chunk.len() > self.longest { chunk } else { &seam };
        let from = last.len().saturating_sub(self.longest);
        self.tail = last[from..].to_vec();
    }

    /// Which roots (token, evidence) are visible in what was seen.
    pub(crate) fn visible(mut self) -> Vec<(String, String)> {
        self.end();
        let found = self.roots.into_iter().filter_map(|root| {
            let text = format!("`{}` holds the path {}", root.shown_by?, root.path.display());
            Some((root.token.to_owned(), text))
        });
        found.collect()
    }

    /// What the content ends with is followed by nothing.
    fn end(&mut self) {
        let mut tail = std::mem::take(&mut self.tail);
        tail.push(0);
        self.search(&tail);
    }

    /// Paths that end with the content are left to the next call: whether a
    /// longer name goes on there is not known yet.
    fn search(&mut self, content: &[u8]) {
        for root in &mut self.roots {
            if root.shown_by.as_ref().is_some_and(|known| *known <= self.name) {
                continue;
            }
            let length = root.finder.needle().len();
            let mut ends = root.finder.find_iter(content).filter_map(|at| content.get(at + length));
            if ends.any(|after| !(after.is_ascii_alphanumeric() || b"._-".contains(after))) {
                root.shown_by = Some(self.name.clone());
            }
        }
    }
}

/// Which of `roots` are visible in files that were not seen when they were
/// hashed.
#[must_use]
pub(crate) fn visible_paths(
    dir: &Path,
    outputs: &[OutputFile],
    roots: Vec<(&'static str, PathBuf)>,
) -> Vec<(String, String)> {
    let mut scanner = Scanner::new(roots);
    for output in outputs {
        let content = match &output.symlink {
            Some(target) => target.as_bytes().to_vec(),
            None => std::fs::read(dir.join(&output.name)).unwrap_or_default(),
        };
        scanner.see(&output.name, None);
        scanner.see(&output.name, Some(&content));
    }
    scanner.visible()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(root: &str, contents: &[(&str, &[&str])]) -> Vec<(String, String)> {
        let mut scanner = Scanner::new(vec![("root", root.into())]);
        for (name, chunks) in contents {
            scanner.see(name, None);
            for chunk in *chunks {
                scanner.see(name, Some(chunk.as_bytes()));
            }
        }
        scanner.visible()
    }

    #[test]
    fn longer_names_are_other_places() {
        let holds = |content: &str| !scanned("/w/app", &[("f", &[content])]).is_empty();
        assert!(holds("x /w/app/src") && holds("/w/app") && holds("/w/app\"later"));
        assert!(!holds("/w/apple") && !holds("/w/app-2/x") && !holds("/w"));
    }

    #[test]
    fn chunks_may_end_anywhere() {
        for (text, holds) in
            [("in /w/app/src now", true), ("in /w/apple now", false), ("/w/app", true)]
        {
            for first in 0..=text.len() {
                for second in first..=text.len() {
                    let chunks = [&text[..first], &text[first..second], &text[second..]];
                    let found = !scanned("/w/app", &[("f", &chunks)]).is_empty();
                    assert_eq!(found, holds, "{chunks:?}");
                }
            }
            let bytes: Vec<String> = text.chars().map(String::from).collect();
            let bytes: Vec<&str> = bytes.iter().map(String::as_str).collect();
            assert_eq!(!scanned("/w/app", &[("f", &bytes)]).is_empty(), holds);
        }
    }

    #[test]
    fn no_path_is_made_of_two_files_and_the_first_name_is_told() {
        assert!(scanned("/w/app", &[("a", &["/w/"]), ("b", &["app"])]).is_empty());
        let found =
            scanned("/w/app", &[("b", &["/w/app"]), ("a", &["/w/app"]), ("c", &["/w/app"])]);
        assert_eq!(found, [("root".to_owned(), "`a` holds the path /w/app".to_owned())]);
    }
}
