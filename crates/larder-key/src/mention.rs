//! Environment by mention: which of the user's variables a program can read,
//! judged by the texts in its code.
//!
//! Declarations (`rerun-if-env-changed`) are incomplete: sqlx's macros read
//! `SQLX_OFFLINE`, openssl-sys composes `X86_64_UNKNOWN_LINUX_GNU_OPENSSL_DIR`,
//! and neither tells cargo. A variable counts for a program if
//!
//! 1. its whole name occurs in the code, or
//! 2. at some `_` it splits into two parts that both are known: they occur in
//!    the code, or are words of the build (target and host triple, in any
//!    case, with dashes or underscores), or
//! 3. at some `_` it splits so that one part of [`DISTINCTIVE`] bytes or more
//!    occurs in the code.
//!
//! Of an executable or a shared library only what is loaded counts: a program
//! has no literal in its debug information, which is most of its file and names
//! everything that the standard library has.
//!
//! Rust literals lie in the code without separators, so occurrences are
//! substrings: too many variables may count, which costs a miss, but none
//! that is read through a literal is overlooked. Variables that differ with
//! every terminal or directory ([`NOISE`]) count by rule 1 only.

use aho_corasick::{AhoCorasick, MatchKind};
use std::collections::{BTreeMap, BTreeSet};

/// Length from which one part of a name is enough to tell.
pub const DISTINCTIVE: usize = 6;

/// Variables of terminals, sessions and shells.
pub const NOISE: &[&str] = &[
    "PWD",
    "OLDPWD",
    "SHLVL",
    "_",
    "COLUMNS",
    "LINES",
    "WINDOWID",
    "DISPLAY",
    "TERM_SESSION_ID",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "SSH_TTY",
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "TMUX",
    "TMUX_PANE",
    "STY",
    "GPG_TTY",
    "GPG_AGENT_INFO",
    "XDG_SESSION_ID",
    "XDG_SESSION_TYPE",
    "XDG_SESSION_CLASS",
    "XDG_SESSION_DESKTOP",
    "XDG_SEAT",
    "XDG_VTNR",
    "DBUS_SESSION_BUS_ADDRESS",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "MANAGERPID",
    "SYSTEMD_EXEC_PID",
    "VTE_VERSION",
    "COLORTERM",
    "LS_COLORS",
    "PS1",
    "PROMPT_COMMAND",
    "HISTFILE",
    "HISTSIZE",
    "MAIL",
    "HOSTNAME",
    "HOSTTYPE",
    "LESSOPEN",
    "LESSCLOSE",
    "RUST_RECURSION_COUNT",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
    "RUST_LOG",
];

/// Prefixes of variables that differ with every run of a CI service.
pub const NOISE_PREFIXES: &[&str] = &[
    "AGENT_",
    "BITBUCKET_",
    "BUILDKITE_",
    "BUILD_",
    "CIRCLE_",
    "CI_",
    "DRONE_",
    "GITHUB_",
    "GITLAB_",
    "JENKINS_",
    "LARDER_",
    "RUNNER_",
    "SEMAPHORE_",
    "SYSTEM_",
    "TEAMCITY_",
    "TRAVIS_",
];

/// Variables whose names lie in every Rust program, because the standard
/// library reads them, and which change nothing that a program that succeeds
/// leaves behind. They never count.
pub const OF_STD: &[&str] =
    &["_", "RUST_BACKTRACE", "RUST_LIB_BACKTRACE", "RUST_MIN_STACK", "RUST_TEST_THREADS"];

/// Whether a variable can be read only by a program that names it wholly.
#[must_use]
pub fn is_noise(name: &str) -> bool {
    NOISE.contains(&name) || NOISE_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Marks of `std::env::vars` and its iterator in the names of symbols, in
/// legacy and v0 mangling: only code that wants the whole environment has
/// them.
const ITERATES: &[&[u8]] = &[b"3env4vars", b"3env4Vars"];

/// The mark of `std::env::vars_os`. The standard library calls it too, to
/// start processes with a changed environment.
const ITERATES_OR_STARTS: &[u8] = b"3env7vars_os";

/// What a program mentions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Names of the variables that count, sorted.
    pub names: BTreeSet<String>,
    /// The program reads all variables.
    pub iterates: bool,
    /// The program can ask for the time: see [`calls_the_clock`].
    pub clock: bool,
}

/// Finds which of `names` the program with this `code` can read. `words` are
/// the words of the build for rule 2.
#[must_use]
pub fn mentions<'a>(
    code: &[u8],
    names: impl IntoIterator<Item = &'a str>,
    words: &[String],
) -> Mentions {
    let mut patterns: BTreeMap<&str, bool> = BTreeMap::new();
    let names: Vec<&str> = names.into_iter().filter(|name| !OF_STD.contains(name)).collect();
    for name in &names {
        patterns.insert(name, false);
        if !is_noise(name) {
            for (prefix, suffix) in splits(name) {
                patterns.insert(prefix, false);
                patterns.insert(suffix, false);
            }
        }
    }
    patterns.remove("");
    let list: Vec<&str> = patterns.keys().copied().collect();
    let Ok(finder) = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&list) else {
        // Too many patterns for an automaton: then everything counts.
        let names = names.iter().map(|&n| n.to_owned()).collect();
        return Mentions { names, iterates: true, ..Mentions::default() };
    };
    let mut found = vec![false; list.len()];
    for code in loaded(code) {
        for hit in finder.find_overlapping_iter(code) {
            let index = hit.pattern().as_usize();
            if !found[index]
                && (list[index].len() > 2 || stands_alone(code, hit.start(), hit.end()))
            {
                found[index] = true;
            }
        }
    }
    let occurs = |text: &str| list.binary_search(&text).is_ok_and(|index| found[index]);
    let known =
        |text: &str| occurs(text) || words.iter().any(|word| word.eq_ignore_ascii_case(text));
    let counts = |name: &&&str| {
        occurs(name)
            || !is_noise(name)
                && splits(name).any(|(prefix, suffix)| {
                    known(prefix) && known(suffix)
                        || occurs(prefix) && prefix.len() >= DISTINCTIVE
                        || occurs(suffix) && suffix.len() >= DISTINCTIVE
                })
    };
    let names = names.iter().filter(counts).map(|&n| n.to_owned()).collect();
    Mentions { names, ..Mentions::default() }
}

/// The parts of a program's file that are in memory when it runs. All of what
/// is no program, or is one that nobody can load.
fn loaded(code: &[u8]) -> Vec<&[u8]> {
    use object::{Object as _, ObjectSegment as _};
    let parts = object::File::parse(code)
        .and_then(|file| file.segments().map(|segment| segment.data()).collect());
    match parts {
        Ok(parts) if !Vec::is_empty(&parts) => parts,
        _ => vec![code],
    }
}

/// Whether a program reads its whole environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Iterates {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// Its code does not tell: the symbols are gone, or the function that it
    /// calls serves the standard library too. What it was built from may tell
    /// ([`source_iterates`], [`library_iterates`]).
    Unclear,
}

/// Judges a program by its symbol table. Debug information does not count: it
/// names everything that the standard library has.
#[must_use]
pub fn iterates(code: &[u8]) -> Iterates {
    use object::{Object as _, ObjectSymbol as _};
    let Ok(file) = object::File::parse(code) else { return Iterates::Unclear };
    let mut unclear = true;
    for symbol in file.symbols() {
        let Ok(name) = symbol.name_bytes() else { return Iterates::Unclear };
        if ITERATES.iter().any(|mark| holds(name, mark)) {
            return Iterates::Yes;
        }
        if holds(name, ITERATES_OR_STARTS) {
            return Iterates::Unclear;
        }
        // Whoever was not stripped has a `main` of its own.
        unclear &= !matches!(name, b"main" | b"_main");
    }
    if unclear { Iterates::Unclear } else { Iterates::No }
}

/// Whether the object code of a library refers to the functions that read the
/// whole environment.
#[must_use]
pub fn library_iterates(archive: &[u8]) -> bool {
    holds(archive, ITERATES_OR_STARTS) || ITERATES.iter().any(|mark| holds(archive, mark))
}

/// Whether source text may call them, under whatever name it imports them.
#[must_use]
pub fn source_iterates(text: &str) -> bool {
    if text.contains("vars_os") {
        return true;
    }
    let imports = text.contains("env::{");
    text.match_indices("vars").any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + 4..]);
        let part = |c: char| c.is_alphanumeric() || c == '_';
        let whole = !before.ends_with(part) && !after.starts_with(part);
        let called = after.starts_with('(') && !before.ends_with(['.', ' '])
            || after.starts_with('(') && before.ends_with(' ') && !before.ends_with("fn ");
        whole && (before.ends_with("::") || called || imports)
    })
}

/// Functions that tell the time, as parts of symbols' names.
const CLOCK: &[&[u8]] = &[b"10SystemTime3now", b"gettimeofday", b"localtime", b"strftime"];

/// Whether a function that tells the time is linked into a program or imported
/// by it: the standard library's is a symbol of its own in what is not
/// stripped. Debug information names it in every program and says nothing.
/// What is no program (a script, say) is taken as it stands.
#[must_use]
pub fn calls_the_clock(code: &[u8]) -> bool {
    use object::{Object as _, ObjectSymbol as _};
    let names_clock = |text: &[u8]| CLOCK.iter().any(|name| holds(text, name));
    match object::File::parse(code) {
        Ok(file) => file
            .symbols()
            .chain(file.dynamic_symbols())
            .any(|symbol| symbol.name_bytes().is_ok_and(names_clock)),
        Err(_) => names_clock(code),
    }
}

fn holds(code: &[u8], mark: &[u8]) -> bool {
    memchr::memmem::find(code, mark).is_some()
}

/// The words of a build: triples as cargo, cc and openssl-sys spell them.
#[must_use]
pub fn words(triples: &[&str]) -> Vec<String> {
    let mut words = vec!["HOST".to_owned(), "TARGET".to_owned()];
    for triple in triples {
        words.push((*triple).to_owned());
        words.push(triple.replace(['-', '.'], "_"));
    }
    words
}

/// The two parts of a name at every `_` inside it.
fn splits(name: &str) -> impl Iterator<Item = (&str, &str)> {
    name.match_indices('_')
        .map(|(at, _)| (&name[..at], &name[at + 1..]))
        .filter(|(prefix, suffix)| !prefix.is_empty() && !suffix.is_empty())
}

/// Texts of one or two bytes occur by chance everywhere: they count only
/// between bytes that cannot be part of a name.
fn stands_alone(code: &[u8], start: usize, end: usize) -> bool {
    let part = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let before = start.checked_sub(1).and_then(|at| code.get(at));
    !before.is_some_and(part) && !code.get(end).is_some_and(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(code: &str, env: &[&str]) -> Vec<String> {
        let words = words(&["x86_64-unknown-linux-gnu"]);
        mentions(code.as_bytes(), env.iter().copied(), &words).names.into_iter().collect()
    }

    #[test]
    fn whole_names_count_wherever_they_lie() {
        assert_eq!(
            names("xxSQLX_OFFLINEtrueDATABASE", &["SQLX_OFFLINE", "OTHER"]),
            ["SQLX_OFFLINE"]
        );
    }

    #[inline(never)]
    fn only_symbols_name_this() -> usize {
        std::hint::black_box(1)
    }

    /// This test is a program.
    #[test]
    fn what_a_program_does_not_load_does_not_count() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let literal = concat!("LITERAL_OF", "_THIS_TEST");
        let symbol: String = "siht_eman_slobmys_ylno".chars().rev().collect();
        assert_eq!(only_symbols_name_this(), std::hint::black_box(literal).len().min(1));
        assert!(holds(&program, symbol.as_bytes()), "symbols are there");
        let names = mentions(&program, [literal], &[]).names;
        assert!(names.contains(literal), "{names:?}");
        let loaded: Vec<&[u8]> = loaded(&program);
        assert!(loaded.iter().map(|part| part.len()).sum::<usize>() < program.len());
        assert!(!loaded.iter().any(|part| holds(part, symbol.as_bytes())));
        assert_eq!(super::loaded(b"no program"), [b"no program"]);
    }

    #[test]
    fn names_composed_with_a_triple_count() {
        let env = ["X86_64_UNKNOWN_LINUX_GNU_OPENSSL_DIR", "CC_x86_64-unknown-linux-gnu"];
        assert_eq!(names("..OPENSSL_DIR.. CC ", &env).len(), 2);
        assert_eq!(names("nothing", &env).len(), 0);
    }

    #[test]
    fn both_parts_must_be_known_when_they_are_short() {
        assert_eq!(names(" CC HOST ", &["HOST_CC"]), ["HOST_CC"]);
        assert!(names(" HOME ", &["MY_HOME"]).is_empty());
        assert_eq!(names(" HOME MY ", &["MY_HOME"]), ["MY_HOME"]);
    }

    #[test]
    fn noise_counts_only_by_its_whole_name() {
        assert!(names("TERM SESSION_ID", &["TERM_SESSION_ID", "PWD"]).is_empty());
        assert_eq!(names("read PWD here", &["PWD"]), ["PWD"]);
    }

    #[test]
    fn a_program_that_reads_everything_is_seen() {
        assert_eq!(iterates(b"no program"), Iterates::Unclear);
        assert!(source_iterates("for (k, v) in std::env::vars() {}"));
        assert!(source_iterates("use std::env::{self, vars as all};"));
        assert!(!source_iterates("let my_vars = env::var(\"X\"); varsity; let vars = 1; a.vars()"));
    }

    #[test]
    fn a_program_that_can_ask_for_the_time_is_seen() {
        assert!(calls_the_clock(b"#!/bin/sh\nstrftime"));
        assert!(!calls_the_clock(b"#!/bin/sh\ndate"));
        // This test is a program; its harness asks.
        assert!(calls_the_clock(&std::fs::read(std::env::current_exe().unwrap()).unwrap()));
    }

    #[test]
    fn what_the_standard_library_names_never_counts() {
        assert!(names("RUST_BACKTRACE _ ", &["_", "RUST_BACKTRACE"]).is_empty());
    }
}
