//! The first difference between two results, and what it is likely to come
//! from.

use crate::inside::{self, Inside};
use crate::scan::{Found, in_files, line_around};
use crate::telling::{Kind, Machine};
use larder_schema::record::OutputFile;
use larder_schema::verification::{Cause, Difference};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// One of the two results.
pub(crate) struct Side<'a> {
    /// Its files.
    pub outputs: &'a [OutputFile],
    /// Where they lie.
    pub dir: &'a Path,
    /// For runs: what the script said, with symbolic paths.
    pub said: Option<&'a str>,
    /// What tells of the place that it was made in.
    pub machine: &'a Machine,
}

/// How what a build script says is called.
const SAID: &str = "standard output";

/// The first difference in the order of names; `None` if there is none.
pub(crate) fn first(stored: &Side<'_>, rebuilt: &Side<'_>) -> Option<Difference> {
    let by_name = |side: &Side<'_>| -> BTreeMap<String, OutputFile> {
        side.outputs.iter().map(|output| (output.name.clone(), output.clone())).collect()
    };
    let (old, new) = (by_name(stored), by_name(rebuilt));
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let presence = |there: bool| if there { "there" } else { "not there" }.to_owned();
        let (Some(a), Some(b)) = (old.get(name), new.get(name)) else {
            let (a, b) = (old.contains_key(name), new.contains_key(name));
            return Some(whole(name, presence(a), presence(b)));
        };
        if a.mode != b.mode {
            return Some(whole(name, format!("mode {:o}", a.mode), format!("mode {:o}", b.mode)));
        }
        if a.digest != b.digest {
            let read = |side: &Side<'_>, output: &OutputFile| match &output.symlink {
                Some(target) => target.clone().into_bytes(),
                None => std::fs::read(side.dir.join(name)).unwrap_or_default(),
            };
            let (old, new) = (read(stored, a), read(rebuilt, b));
            let shown = |side: &Side<'_>, output: &OutputFile| {
                in_files(side.machine, side.dir, std::slice::from_ref(output))
            };
            let shown = (shown(stored, a), shown(rebuilt, b));
            return Some(in_content(name, &old, &new, &shown));
        }
    }
    let (old, new) = (stored.said?, rebuilt.said?);
    (old != new).then(|| {
        let none = (Vec::new(), Vec::new());
        in_content(SAID, old.as_bytes(), new.as_bytes(), &none)
    })
}

fn whole(name: &str, stored: String, rebuilt: String) -> Difference {
    Difference {
        file: name.to_owned(),
        member: None,
        section: None,
        offset: None,
        stored,
        rebuilt,
        cause: Cause::Unknown,
    }
}

/// `shown`: what tells of the place in the one content and in the other.
fn in_content(
    name: &str,
    stored: &[u8],
    rebuilt: &[u8],
    shown: &(Vec<Found>, Vec<Found>),
) -> Difference {
    // A place that both show is the difference that people can act on; what
    // differs before it (lengths, offsets, hashes) follows from it.
    let both = shown.0.iter().find_map(|old| {
        let new = shown.1.iter().find(|new| new.token == old.token)?;
        (old.text != new.text && old.kind != Kind::Name).then_some((old, new))
    });
    if let Some((old, new)) = both {
        let Inside { member, section } = inside::of(stored, old.offset);
        return Difference {
            file: name.to_owned(),
            member,
            section,
            offset: Some(old.offset),
            stored: old.text.clone(),
            rebuilt: new.text.clone(),
            cause: Cause::Path,
        };
    }
    if let Some((old, new)) = other_members(stored, rebuilt) {
        return whole(name, format!("member `{old}`"), format!("member `{new}`"));
    }
    let (old_part, new_part, start, member) = differing_member(stored, rebuilt);
    let words = (words(old_part), words(new_part));
    let mut at = first_byte(old_part, new_part);
    let (mut old, mut new) = (text_at(old_part, at), text_at(new_part, at));
    // Where the bytes say nothing, the first other word may.
    if let (true, Some((a, b))) = (is_hexadecimal(&old), first_word(&words)) {
        at = a;
        (old, new) = (text_at(old_part, a), text_at(new_part, b));
    }
    let offset = start + at as u64;
    let section = inside::of(stored, offset).section;
    let cause = if looks_like_time(&old) && looks_like_time(&new) {
        Cause::Time
    } else if are_reordered(old_part, new_part, &words) {
        Cause::Order
    } else {
        Cause::Unknown
    };
    let file = name.to_owned();
    Difference { file, member, section, offset: Some(offset), stored: old, rebuilt: new, cause }
}

/// The first names of members that two archives do not share.
fn other_members(stored: &[u8], rebuilt: &[u8]) -> Option<(String, String)> {
    let (old, new) = (inside::members(stored)?, inside::members(rebuilt)?);
    let names = old.into_iter().zip(new).map(|((old, _), (new, _))| (old, new));
    names.into_iter().find(|(old, new)| old != new)
}

/// The first members of two archives that differ, and where that of the first
/// one begins; of other files the whole.
fn differing_member<'b>(
    stored: &'b [u8],
    rebuilt: &'b [u8],
) -> (&'b [u8], &'b [u8], u64, Option<String>) {
    let whole = (stored, rebuilt, 0, None);
    let (Some(old), Some(new)) = (inside::members(stored), inside::members(rebuilt)) else {
        return whole;
    };
    for ((name, range), (_, new_range)) in old.into_iter().zip(new) {
        let (a, b) = (inside::slice(stored, &range), inside::slice(rebuilt, &new_range));
        // The symbol table has no name; it follows from the other members.
        if name.is_empty() || name == "/" {
            continue;
        }
        if a != b {
            return (a, b, range.start, Some(name));
        }
    }
    whole
}

fn first_byte(a: &[u8], b: &[u8]) -> usize {
    let common = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    common.min(a.len().saturating_sub(1))
}

/// The text around a byte; bytes in hexadecimal where there is none.
fn text_at(bytes: &[u8], at: usize) -> String {
    let at = at.min(bytes.len());
    let text = line_around(bytes, at, at);
    if text.len() > 3 {
        return text;
    }
    let hex = bytes[at..].iter().take(16).map(|byte| format!("{byte:02x}"));
    hex.collect::<Vec<_>>().join(" ")
}

/// Whether [`text_at`] had no text to show.
fn is_hexadecimal(text: &str) -> bool {
    text.split(' ').all(|byte| byte.len() == 2 && byte.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A date (`2026-11-20`), a time (`12:34:56`), or ten digits and more that
/// begin as the seconds since 1970 do in this century.
fn looks_like_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = |pattern: &str| {
        bytes.windows(pattern.len()).any(|window| {
            window.iter().zip(pattern.bytes()).all(|(byte, p)| match p {
                b'0' => byte.is_ascii_digit(),
                other => *byte == other,
            })
        })
    };
    let epoch = || {
        bytes.split(|byte| !byte.is_ascii_digit()).any(|digits| {
            (10..=19).contains(&digits.len())
                && matches!(digits[0], b'1'..=b'3')
                && (matches!(digits.len(), 10 | 13 | 16 | 19))
        })
    };
    shape("0000-00-00") || shape("00:00:00") || epoch()
}

/// Words of letters and digits with their places: names, literals.
fn words(bytes: &[u8]) -> Vec<(usize, &[u8])> {
    /// Shorter ones occur by accident.
    const SHORTEST: usize = 4;
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let mut words = Vec::new();
    let mut at = 0;
    for word in bytes.split(|b| !is_word(b)) {
        if word.len() >= SHORTEST {
            words.push((at, word));
        }
        at += word.len() + 1;
    }
    words
}

type Words<'b> = (Vec<(usize, &'b [u8])>, Vec<(usize, &'b [u8])>);

/// Places of the first words that differ.
fn first_word(words: &Words<'_>) -> Option<(usize, usize)> {
    let differ = words.0.iter().zip(&words.1).find(|((_, a), (_, b))| a != b);
    differ.map(|((a, _), (b, _))| (*a, *b))
}

/// Whether two contents are made of the same bytes, or of the same words but
/// for a few (hashes that follow from the rest), in another order.
fn are_reordered(a: &[u8], b: &[u8], words: &Words<'_>) -> bool {
    let sorted = |bytes: &[u8]| {
        let mut sorted = bytes.to_vec();
        sorted.sort_unstable();
        sorted
    };
    if a.len() == b.len() && sorted(a) == sorted(b) {
        return true;
    }
    let set = |words: &[(usize, &[u8])]| -> BTreeSet<Vec<u8>> {
        words.iter().map(|(_, word)| word.to_vec()).collect()
    };
    let (old, new) = (set(&words.0), set(&words.1));
    let others = old.symmetric_difference(&new).count();
    let common = |words: &[(usize, &[u8])]| -> Vec<Vec<u8>> {
        let words = words.iter().map(|(_, word)| word.to_vec());
        words.filter(|word| old.contains(word) && new.contains(word)).collect()
    };
    others * 10 <= old.len() && common(&words.0) != common(&words.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(stored: &str, rebuilt: &str) -> Cause {
        let none = (Vec::new(), Vec::new());
        in_content("x", stored.as_bytes(), rebuilt.as_bytes(), &none).cause
    }

    #[test]
    fn causes_of_differences() {
        assert_eq!(cause("built 2026-11-20", "built 2026-11-21"), Cause::Time);
        assert_eq!(
            cause("const AT: u64 = 1795201234;", "const AT: u64 = 1795201239;"),
            Cause::Time
        );
        assert_eq!(cause("[\"a\", \"b\", \"c\"]", "[\"c\", \"a\", \"b\"]"), Cause::Order);
        assert_eq!(cause("seed 81236", "seed 99125"), Cause::Unknown);
    }

    #[test]
    fn the_text_of_a_difference() {
        let none = (Vec::new(), Vec::new());
        let found = in_content("x", b"\0\x01one two\0", b"\0\x01one too\0", &none);
        assert_eq!(
            (found.offset, found.stored.as_str(), found.rebuilt.as_str()),
            (Some(7), "one two", "one too")
        );
        let found = in_content("x", b"\x01\x02", b"\x01\x03", &none);
        assert_eq!((found.stored.as_str(), found.rebuilt.as_str()), ("02", "03"));
    }
}
