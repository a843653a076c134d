//! SHA-256 digests, and the framed encoding that every key is computed over.
//!
//! SHA-256 is what REAPI servers accept everywhere, so one digest serves the
//! local store and any remote.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// A SHA-256 digest. Shown, parsed and serialised as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The raw 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A digest from its raw bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The first 16 hex digits: what names files and symbols, as in cargo.
    #[must_use]
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(16);
        text
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0u8; 64];
        for (i, byte) in self.0.iter().enumerate() {
            text[2 * i] = HEX[usize::from(byte >> 4)];
            text[2 * i + 1] = HEX[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not 64 lower-case hex digits.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a SHA-256 digest (64 lower-case hex digits)")]
pub struct NotADigest(String);

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let fail = || NotADigest(text.to_owned());
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(fail());
        }
        let value = |c: u8| match c {
            b'0'..=b'9' => Some(c - b'0'),
            b'a'..=b'f' => Some(c - b'a' + 10),
            _ => None,
        };
        let mut bytes = [0u8; 32];
        for (i, pair) in digits.chunks_exact(2).enumerate() {
            let high = value(pair[0]).ok_or_else(fail)?;
            let low = value(pair[1]).ok_or_else(fail)?;
            bytes[i] = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Digest;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a SHA-256 digest as 64 hex digits")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Digest, E> {
                text.parse().map_err(E::custom)
            }
        }
        from.deserialize_str(Visitor)
    }
}

/// A SHA-256 over framed fields.
///
/// Every field is written as the length of its tag (one byte), the tag, the
/// length of its value (eight bytes, little endian) and the value. So no two
/// different sequences of fields encode to the same bytes, which joined
/// strings cannot promise. Lists open with their length.
#[derive(Clone)]
pub struct Framed(Sha256);

impl Framed {
    /// Starts an encoding. `domain` names what is being encoded and its
    /// version, so that digests of different things can never coincide.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        let mut framed = Self(Sha256::new());
        framed.bytes("domain", domain.as_bytes());
        framed
    }

    /// Adds a field.
    ///
    /// # Panics
    /// If `tag` is longer than 255 bytes: tags are literals of our own.
    pub fn bytes(&mut self, tag: &str, value: &[u8]) -> &mut Self {
        let tag_length = u8::try_from(tag.len()).expect("tags are short literals");
        self.0.update([tag_length]);
        self.0.update(tag.as_bytes());
        self.0.update((value.len() as u64).to_le_bytes());
        self.0.update(value);
        self
    }

    /// Adds a text field.
    pub fn text(&mut self, tag: &str, value: &str) -> &mut Self {
        self.bytes(tag, value.as_bytes())
    }

    /// Adds a number.
    pub fn number(&mut self, tag: &str, value: u64) -> &mut Self {
        self.bytes(tag, &value.to_le_bytes())
    }

    /// Adds a digest.
    pub fn digest(&mut self, tag: &str, value: &Digest) -> &mut Self {
        self.bytes(tag, value.as_bytes())
    }

    /// Adds a text that may be absent; absent and empty differ.
    pub fn optional(&mut self, tag: &str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.number(tag, 1).text(tag, value),
            None => self.number(tag, 0),
        }
    }

    /// Adds a list of texts, in the order given.
    pub fn list<S: AsRef<str>>(
        &mut self,
        tag: &str,
        values: impl ExactSizeIterator<Item = S>,
    ) -> &mut Self {
        self.number(tag, values.len() as u64);
        for value in values {
            self.text(tag, value.as_ref());
        }
        self
    }

    /// The digest of all fields so far.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_round_trip_as_hex() {
        let digest = Digest::of(b"abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.to_string(), text);
        assert_eq!(text.parse::<Digest>().unwrap(), digest);
        assert!(text.to_uppercase().parse::<Digest>().is_err());
        assert!(text[1..].parse::<Digest>().is_err());
    }

    #[test]
    fn framing_keeps_neighbours_apart() {
        let encode = |a: &str, b: &str| {
            let mut f = Framed::new("test");
            f.text("a", a).text("a", b);
            f.finish()
        };
        assert_ne!(encode("xy", "z"), encode("x", "yz"));
        let mut absent = Framed::new("test");
        absent.optional("a", None);
        let mut empty = Framed::new("test");
        empty.optional("a", Some(""));
        assert_ne!(absent.finish(), empty.finish());
    }
}
