//! Looking for what tells of this machine ([`crate::telling`]) in outputs,
//! while they are hashed: who shows it is bound to it.
//!
//! Metadata counts too: a constant whose value a macro took from
//! `CARGO_MANIFEST_DIR` is nowhere else. The places of sources are not in it,
//! because they are remapped in every scope; the names that they are remapped
//! to are no places of this machine, whatever a workspace is called.

use crate::telling::{Kind, Machine, Telling};
use aho_corasick::{AhoCorasick, Input, MatchKind};
use larder_schema::record::OutputFile;
use std::path::Path;

/// Bytes of context that are looked at around a find.
const CONTEXT: usize = 256;

/// Something that was found, the first of its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The token.
    pub token: &'static str,
    /// What it is, for people.
    pub what: &'static str,
    /// Place or name.
    pub kind: Kind,
    /// The output.
    pub file: String,
    /// Where in it.
    pub offset: u64,
    /// The text around it.
    pub text: String,
}

/// One pass over any number of files, in pieces of any length.
pub(crate) struct Scanner<'m> {
    machine: &'m Machine,
    finder: Option<AhoCorasick>,
    file: String,
    /// The end of what was seen, to be looked at once more with what follows.
    window: Vec<u8>,
    /// Offset of the window in the file.
    base: u64,
    /// Offset in the file up to which every find is decided.
    decided: u64,
    found: Vec<Found>,
}

impl<'m> Scanner<'m> {
    /// For one result.
    pub(crate) fn new(machine: &'m Machine) -> Self {
        let texts = machine.tellings().iter().map(|telling| telling.text.as_bytes());
        let finder =
            AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(texts).ok();
        Self {
            machine,
            finder,
            file: String::new(),
            window: Vec::new(),
            base: 0,
            decided: 0,
            found: Vec::new(),
        }
    }

    /// Takes the next piece of a file; `None`: it begins, or once more.
    pub(crate) fn see(&mut self, file: &str, piece: Option<&[u8]>) {
        let Some(piece) = piece else {
            self.finish_file();
            // What it showed before it changed does not count.
            self.found.retain(|found| found.file != file);
            file.clone_into(&mut self.file);
            return;
        };
        self.window.extend_from_slice(piece);
        self.search(false);
        // So much stays that every find that is not decided has its context.
        let spent = self.window.len().saturating_sub(2 * CONTEXT + self.longest());
        self.window.drain(..spent);
        self.base += spent as u64;
    }

    /// What was found, of each token the first in the order of names.
    pub(crate) fn finish(mut self) -> Vec<Found> {
        self.finish_file();
        self.found.sort_by(|a, b| (&a.file, a.offset).cmp(&(&b.file, b.offset)));
        self.found
    }

    /// What is found in one text.
    pub(crate) fn in_text(machine: &Machine, name: &str, text: &str) -> Vec<Found> {
        let mut scanner = Scanner::new(machine);
        scanner.see(name, None);
        scanner.see(name, Some(text.as_bytes()));
        scanner.finish()
    }

    fn finish_file(&mut self) {
        self.search(true);
        self.window.clear();
        self.base = 0;
        self.decided = 0;
    }

    fn longest(&self) -> usize {
        self.machine.tellings().first().map_or(0, |telling| telling.text.len())
    }

    fn search(&mut self, at_end: bool) {
        let Some(finder) = &self.finder else { return };
        let from = usize::try_from(self.decided - self.base).unwrap_or(usize::MAX);
        for hit in finder.find_iter(Input::new(&self.window).range(from..)) {
            // What stands so close to the end is judged when more is known.
            if !at_end && hit.end() + CONTEXT > self.window.len() {
                break;
            }
            let (before, rest) = self.window.split_at(hit.start());
            let stands = |telling: &&Telling| {
                rest.strip_prefix(telling.text.as_bytes())
                    .is_some_and(|after| tells(telling, before, after))
            };
            let Some(telling) = self.machine.tellings().iter().find(stands) else { continue };
            let known = self.found.iter().position(|found| found.token == telling.token);
            match known.map(|at| (at, self.found[at].file <= self.file)) {
                Some((_, true)) => continue,
                Some((at, false)) => drop(self.found.swap_remove(at)),
                None => {}
            }
            self.found.push(Found {
                token: telling.token,
                what: telling.what,
                kind: telling.kind,
                file: self.file.clone(),
                offset: self.base + hit.start() as u64,
                text: line_around(&self.window, hit.start(), hit.end()),
            });
        }
        let undecided = CONTEXT + self.longest();
        self.decided = self.base + self.window.len().saturating_sub(undecided) as u64;
    }
}

/// What is found in files that were not seen when they were hashed.
pub(crate) fn in_files(machine: &Machine, dir: &Path, outputs: &[OutputFile]) -> Vec<Found> {
    let mut scanner = Scanner::new(machine);
    for output in outputs {
        let content = match &output.symlink {
            Some(target) => target.as_bytes().to_vec(),
            None => std::fs::read(dir.join(&output.name)).unwrap_or_default(),
        };
        scanner.see(&output.name, None);
        scanner.see(&output.name, Some(&content));
    }
    scanner.finish()
}

/// Whether a find between these bytes is what it looks like.
fn tells(telling: &Telling, before: &[u8], after: &[u8]) -> bool {
    match telling.kind {
        Kind::Name => true,
        Kind::Temporary => begins_made_up(after),
        Kind::Place => {
            // Strings stand side by side in programs, so that what follows
            // need not belong to a path. Short ones occur in others, though.
            let short = telling.text.matches('/').count() < 2;
            let next = after.first().copied().unwrap_or(0);
            let goes_on = next.is_ascii_alphanumeric() || b"._-".contains(&next);
            !(short && goes_on || is_in_remapped(before))
        }
    }
}

/// Whether a path ends here whose beginning rustc or larder put in the place
/// of a real one: `/cargo/registry`, `/rustc/<hash>/library`.
fn is_in_remapped(before: &[u8]) -> bool {
    let is_path = |b: &u8| b.is_ascii_alphanumeric() || b"/._-+@".contains(b);
    let length = before.iter().rev().take(CONTEXT).take_while(|b| is_path(b)).count();
    let path = String::from_utf8_lossy(&before[before.len() - length..]);
    let begins = ["/cargo/registry", "/cargo/git", "/cargo/vendor/", "/cargo/build/", "/rustc/"];
    let start = begins.iter().filter_map(|begin| path.rfind(begin)).max();
    start.is_some_and(|start| !path[start..].contains(".rs"))
}

/// Names that compilers and libraries make up in temporary directories:
/// `/ccXXXXXX.o`, `/rustcXXXXXX`, `/.tmpXXXXXX`, `/tmp.XXXXXX`.
fn begins_made_up(after: &[u8]) -> bool {
    ["/cc", "/rustc", "/.tmp", "/tmp.", "/tmp"].iter().any(|begin| {
        after.strip_prefix(begin.as_bytes()).is_some_and(|random| {
            random.len() >= 6 && random[..6].iter().all(|b| b.is_ascii_alphanumeric())
        })
    })
}

/// The printable text around a range, for people.
pub(crate) fn line_around(bytes: &[u8], start: usize, end: usize) -> String {
    /// Bytes to either side at most.
    const MOST: usize = 60;
    let is_text = |b: &&u8| (0x20..0x7f).contains(*b);
    let left = bytes[..start].iter().rev().take(MOST).take_while(is_text).count();
    let right = bytes[end..].iter().take(MOST).take_while(is_text).count();
    String::from_utf8_lossy(&bytes[start - left..end + right]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_schema::plan::Roots;
    use std::collections::BTreeMap;
    use std::ffi::OsString;

    fn machine(workspace: &str) -> Machine {
        let roots = Roots {
            workspace: workspace.into(),
            cargo_home: "/people/somebody/.cargo".into(),
            sysroot: "/opt/rust".into(),
            target: format!("{workspace}/target"),
            build: format!("{workspace}/target"),
        };
        let env: BTreeMap<OsString, OsString> =
            [("HOME", "/people/somebody"), ("USER", "jane-doe-7")]
                .map(|(name, value)| (name.into(), value.into()))
                .into();
        Machine::new(
            &roots,
            ["/people/else/lib"],
            Path::new("/people/somebody/.cache/larder"),
            &env,
        )
    }

    fn tokens(machine: &Machine, text: &str) -> Vec<&'static str> {
        Scanner::in_text(machine, "x", text).iter().map(|found| found.token).collect()
    }

    #[test]
    fn the_longest_root_is_what_shows() {
        let machine = machine("/people/somebody/app");
        assert_eq!(tokens(&machine, "x/people/somebody/.cargo/registry"), ["cargo_home"]);
        assert_eq!(
            tokens(&machine, "/people/somebody/apple"),
            ["workspace"],
            "strings side by side"
        );
        assert_eq!(tokens(&machine, "/people/somebody/.config"), ["home"]);
        assert_eq!(tokens(&machine, "/people/else/lib/src"), ["package"]);
        assert_eq!(tokens(&machine, "by jane-doe-7!"), ["user_name"]);
        assert_eq!(tokens(&machine, "/tmp /tmp/x /people/some"), [""; 0]);
        assert_eq!(tokens(&machine, "/tmp/rustcAb3dEf/x.o"), ["temp"]);
    }

    #[test]
    fn short_places_inside_other_paths_are_others() {
        let machine = machine("/src");
        assert_eq!(tokens(&machine, "/src/main.rs"), ["workspace"]);
        assert_eq!(tokens(&machine, "/srcs /src-2 /src.rs"), [""; 0]);
        assert_eq!(tokens(&machine, "/cargo/registry/src/i/libc-0.2/src/lib.rs"), [""; 0]);
        assert_eq!(tokens(&machine, "/rustc/0af8/library/core/src/panic.rs"), [""; 0]);
        assert_eq!(tokens(&machine, "/rustc/0af8/library/core/src/a.rs/src/b.rs"), ["workspace"]);
    }

    #[test]
    fn pieces_of_any_length_are_one_file() {
        let machine = machine("/people/somebody/app");
        let text = format!("{}/people/somebody/app/x\0{}", "y".repeat(3000), "z".repeat(3000));
        for piece in [1, 7, 1024, 10_000] {
            let mut scanner = Scanner::new(&machine);
            // A file that is begun twice counts once.
            scanner.see("f", None);
            scanner.see("f", Some(b"/people/somebody/app "));
            scanner.see("f", None);
            text.as_bytes().chunks(piece).for_each(|piece| scanner.see("f", Some(piece)));
            scanner.see("g", None);
            let found = scanner.finish();
            assert_eq!(found.len(), 1, "{piece}");
            assert_eq!((found[0].offset, found[0].file.as_str()), (3000, "f"));
            assert!(found[0].text.ends_with("/people/somebody/app/x"));
        }
    }
}
