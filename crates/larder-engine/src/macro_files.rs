//! Files that proc-macros may read, where nothing observes them
//! ([`crate::observed`]). They tell nobody, so what counts is what they can
//! find:
//!
//! - files that a text in the unit's sources names, from the package, the
//!   working directory or the source's own directory, or with `../` in it;
//! - for a macro that mentions `CARGO_MANIFEST_*`, every file of the package,
//!   hidden and ignored ones too (`.env`, `.sqlx`), and above it, up to the
//!   workspace, files and hidden directories whose names occur in its code.
//!
//! Refused without observation: macros that compose other paths.

use crate::build::{Build, executable_of};
use crate::work::Task;
use larder_schema::pathset::{PathInput, PathUse};
use larder_schema::plan::UnitIndex;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What the macros of one unit can find, as it was before the unit ran.
pub(crate) struct MacroFiles {
    /// Code of the macros that know where the package is.
    code: Vec<Vec<u8>>,
    /// Value of the whole package, if there are such macros.
    pub before: Option<String>,
}

impl MacroFiles {
    /// Found after the unit ran: nobody knows what it was before.
    pub(crate) fn too_late(self) -> Self {
        Self { before: None, ..self }
    }
}

impl Build<'_> {
    /// `None` where the unit has no macros, or the package cannot change.
    pub(crate) fn macro_files(&self, task: &Task) -> Option<MacroFiles> {
        let input = self.whole_package(task.unit).filter(|_| !task.programs.is_empty())?;
        let code: Vec<Vec<u8>> = task
            .programs
            .iter()
            .filter_map(|program| {
                let file = executable_of(&program.record.outputs)?;
                std::fs::read(program.dir.join(&file.name)).ok()
            })
            .filter(|code| memchr::memmem::find(code, b"CARGO_MANIFEST_").is_some())
            .collect();
        let path = self.path(task.unit, &input);
        let value = || crate::evaluate::value(self.store.stat_cache(), &input, &path);
        let before = (!code.is_empty()).then(value);
        Some(MacroFiles { code, before })
    }

    fn whole_package(&self, unit: UnitIndex) -> Option<PathInput> {
        let package = &self.plan.packages[self.plan.units[unit].package];
        let counts = !package.source.is_immutable();
        counts.then(|| PathInput { path: package.root.0.clone(), uses: PathUse::Whole })
    }

    /// The paths that `found` stands for; `sources` are the unit's own.
    pub(crate) fn macro_inputs(
        &self,
        unit: UnitIndex,
        found: &MacroFiles,
        sources: &[PathBuf],
    ) -> Vec<PathInput> {
        let Some(whole) = self.whole_package(unit) else { return Vec::new() };
        let root = self.path(unit, &whole);
        let workspace = Path::new(&self.plan.roots.workspace);
        let mut paths = BTreeSet::new();
        let knows = !found.code.is_empty();
        for dir in root.ancestors().skip(1).take_while(|dir| knows && dir.starts_with(workspace)) {
            paths.extend(mentioned_entries(dir, &found.code));
        }
        for source in sources.iter().filter(|source| source.starts_with(&root)) {
            let Ok(text) = std::fs::read_to_string(source) else { continue };
            for named in texts_above(&text) {
                let path = larder_cargo::host::normalize(&root.join(named));
                if !root.starts_with(&path) && !path.starts_with(&root) && path.exists() {
                    paths.insert(path);
                }
            }
            let beside = source.parent().unwrap_or(&root);
            for named in texts_like_files(&text) {
                let places = [root.as_path(), workspace, beside].map(|dir| dir.join(named));
                let counts = |path: &PathBuf| !(knows && path.starts_with(&root)) && path.is_file();
                paths
                    .extend(places.iter().map(|p| larder_cargo::host::normalize(p)).filter(counts));
            }
        }
        let tree = |path: PathBuf| {
            let names = self.observing.names.of(&path).into_iter();
            names.map(|path| PathInput { path, uses: PathUse::Tree })
        };
        paths.into_iter().flat_map(tree).chain(knows.then_some(whole)).collect()
    }
}

/// Files and hidden directories of `dir` whose names occur in the code. Other
/// directories have names that are words: `src`, `tests`.
fn mentioned_entries(dir: &Path, code: &[Vec<u8>]) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let counts = |path: &PathBuf| {
        let Some(name) = path.file_name().map(std::ffi::OsStr::as_encoded_bytes) else {
            return false;
        };
        (!path.is_dir() || name.starts_with(b"."))
            && name != b".git"
            && name.len() >= 4
            && code.iter().any(|code| memchr::memmem::find(code, name).is_some())
    };
    entries.flatten().map(|entry| entry.path()).filter(counts).collect()
}

/// The rests of string literals from their first `../` on.
fn texts_above(source: &str) -> impl Iterator<Item = &str> {
    source.match_indices("../").filter_map(|(at, _)| {
        let before = source[..at].chars().next_back()?;
        let end = source[at..].find(['"', '\n'])?;
        matches!(before, '"' | '/').then(|| &source[at..at + end])
    })
}

/// String literals that may be the name of a file: one word with a dot or a
/// slash inside.
fn texts_like_files(source: &str) -> impl Iterator<Item = &str> {
    let mut quotes = source.match_indices('"').map(|(at, _)| at).peekable();
    // Between every two quotes: which of them opens does not matter.
    std::iter::from_fn(move || {
        let start = quotes.next()? + 1;
        Some(&source[start..*quotes.peek()?])
    })
    .filter(|text| {
        let inside = text.get(1..).unwrap_or("").trim_end_matches(['.', '/']);
        inside.contains(['.', '/'])
            && text.len() < 200
            && !text.starts_with('/')
            && !text.contains(|c: char| c.is_whitespace() || "{}\\\"<>*".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_leave_the_package() {
        let source =
            "migrate!(\"../sql\"); x(\"$CARGO_MANIFEST_DIR/../a b\"); // ../no\nlet y = 0../1;";
        let found: Vec<&str> = texts_above(source).collect();
        assert_eq!(found, ["../sql", "../a b"]);
    }

    #[test]
    fn texts_that_may_be_files() {
        let source =
            "sql!(\"queries/one.sql\", \"a b.c\", \"word\", \"/etc/x\", \"{}.x\", \"x.txt\")";
        let found: Vec<&str> = texts_like_files(source).collect();
        assert_eq!(found, ["queries/one.sql", "x.txt"]);
    }

    #[test]
    fn entries_count_by_their_names() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".sqlx", "src", ".git"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        for name in [".env", "README.md"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let code = vec![b".sqlx.envsrc.gitCARGO_MANIFEST_DIR".to_vec()];
        let mut found = mentioned_entries(dir.path(), &code);
        found.sort();
        assert_eq!(found, [dir.path().join(".env"), dir.path().join(".sqlx")]);
    }
}
