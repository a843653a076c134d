//! Texts with tokens: how a plan, a path set or a record names places without
//! saying where they are on this machine.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A text with tokens in braces; a literal brace is doubled.
///
/// | token | stands for |
/// |---|---|
/// | `{workspace}` | the workspace root |
/// | `{cargo_home}` | cargo's home: `{cargo_home}/registry/src/…` |
/// | `{sysroot}` | the toolchain's directory |
/// | `{target}` | the target directory (delivery) |
/// | `{build}` | the build directory: the target directory unless `build.build-dir` says otherwise |
/// | `{profile_dir}` | where the unit's final files go: `target/<triple?>/<profile>` |
/// | `{profile_deps}` | `deps` of the unit's profile in the build directory |
/// | `{host_dir}` | `{profile_dir}` for host units |
/// | `{out}` | the directory that the unit's own outputs go to (`--out-dir`) |
/// | `{hash}` | 16 hex digits from the unit's own identity: `-C metadata` |
/// | `{extra}` | 16 hex digits from identity and flags: `-C extra-filename` |
/// | `{incremental}` | the incremental compilation directory |
/// | `{target_tmp}` | `CARGO_TARGET_TMPDIR` |
/// | `{search}` | alone in an argument: `-L dependency=…` for every linkable unit below |
/// | `{own_out_dir}` | `OUT_DIR` of this build-script run |
/// | `{file:U:K}` | the output of unit U with index K in its [`crate::plan::Unit::outputs`] |
/// | `{out_dir:U}` | `OUT_DIR` of build-script run U |
/// | `{final:U:K}` | where output K of unit U is delivered |
/// | `{host_deps}` | the directories with host dynamic libraries below, joined by `:`; when there are none, the separator after it goes too |
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(pub String);

/// One piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Literal text.
    Text(Cow<'a, str>),
    /// What stood between single braces.
    Token(&'a str),
}

impl Template {
    /// A template that is just `text`, braces escaped.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self(escape(text).into_owned())
    }

    /// The pieces, in order. An unclosed brace is literal text.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        Pieces { rest: &self.0 }
    }

    /// The text with every token replaced by what `value` says.
    pub fn expand(&self, mut value: impl FnMut(&str) -> String) -> String {
        let mut text = String::with_capacity(self.0.len() + 32);
        for piece in self.pieces() {
            match piece {
                Piece::Text(literal) => text.push_str(&literal),
                Piece::Token(token) => text.push_str(&value(token)),
            }
        }
        text
    }

    /// Whether there is no token in it.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.pieces().all(|p| matches!(p, Piece::Text(_)))
    }
}

impl From<&str> for Template {
    /// Takes `text` as a template: tokens count.
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Template {
    /// Takes `text` as a template: tokens count.
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Doubles braces, so that `text` means itself in a [`Template`].
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.contains(['{', '}']) {
        Cow::Owned(text.replace('{', "{{").replace('}', "}}"))
    } else {
        Cow::Borrowed(text)
    }
}

struct Pieces<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let bytes = self.rest.as_bytes();
        if bytes[0] == b'{' && bytes.get(1) != Some(&b'{') {
            if let Some(end) = self.rest.find('}') {
                let token = &self.rest[1..end];
                self.rest = &self.rest[end + 1..];
                return Some(Piece::Token(token));
            }
            let text = std::mem::take(&mut self.rest);
            return Some(Piece::Text(Cow::Borrowed(text)));
        }
        let mut at = 0;
        let mut doubled = false;
        while at < bytes.len() {
            match bytes[at] {
                b'{' if bytes.get(at + 1) == Some(&b'{') => {
                    doubled = true;
                    at += 2;
                }
                b'}' if bytes.get(at + 1) == Some(&b'}') => {
                    doubled = true;
                    at += 2;
                }
                b'{' => break,
                _ => at += 1,
            }
        }
        let (text, rest) = self.rest.split_at(at);
        self.rest = rest;
        Some(Piece::Text(if doubled {
            Cow::Owned(text.replace("{{", "{").replace("}}", "}"))
        } else {
            Cow::Borrowed(text)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_keep_literal_braces() {
        let template = Template(format!("{}{{out}}", escape("a{b}c")));
        assert_eq!(template.expand(|t| format!("<{t}>")), "a{b}c<out>");
        assert!(Template::literal("x{y}").is_literal());
        assert_eq!(Template::literal("x{y}").expand(|_| unreachable!()), "x{y}");
        assert_eq!(Template::from("a{unclosed").expand(|_| unreachable!()), "a{unclosed");
    }
}
