//! A cook plan in parts: which of its crates are built in which step of a
//! container, and what each step needs of the others.

use serde::{Deserialize, Serialize};

/// Version of [`CookParts`].
pub const COOK_PARTS_VERSION: u32 = 1;

/// The parts of one cook plan, as `cargo larder plan --split` lists them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CookParts {
    /// [`COOK_PARTS_VERSION`].
    pub version: u32,
    /// Bottom up: each one after those that it needs.
    pub parts: Vec<CookPart>,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CookPart {
    /// Its name as a file: `layer-1`, `serde-1.0.219-4f1c9a2b`. Where it is
    /// built, the store has this name too.
    pub id: String,
    /// Its name for people: `serde 1.0.219`.
    pub name: String,
    /// How many units it builds.
    pub units: usize,
    /// How many crates those are of.
    pub crates: usize,
    /// The parts that have what it needs, by number, also what those need.
    pub below: Vec<usize>,
}

/// A list of parts that is not one of this larder.
#[derive(Debug, thiserror::Error)]
pub enum CookPartsError {
    /// It is not JSON of such a list.
    #[error("it is no list of parts")]
    Syntax(#[from] serde_json::Error),
    /// Another larder wrote it.
    #[error("it has format {found}, and this larder reads format {COOK_PARTS_VERSION}")]
    Version {
        /// Its version.
        found: u64,
    },
    /// A part needs one that does not come before it.
    #[error("it is damaged: part {part} needs part {below}")]
    Damaged {
        /// The part.
        part: usize,
        /// What it needs.
        below: usize,
    },
}

impl CookParts {
    /// JSON with two spaces and a newline at the end.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Nothing in it can fail to serialise: no maps, no floats.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a list.
    ///
    /// # Errors
    /// Where it is none of this version, or parts do not come bottom up.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CookPartsError> {
        let value: serde_json::Value = serde_json::from_slice(bytes)?;
        let found = value.get("version").and_then(serde_json::Value::as_u64);
        if let Some(found) = found
            && found != u64::from(COOK_PARTS_VERSION)
        {
            return Err(CookPartsError::Version { found });
        }
        let read: Self = serde_json::from_value(value)?;
        for (part, needs) in read.parts.iter().enumerate() {
            if let Some(&below) = needs.below.iter().find(|&&below| below >= part) {
                return Err(CookPartsError::Damaged { part, below });
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back_and_damage_is_told() {
        let part = |id: &str, below: &[usize]| CookPart {
            id: id.into(),
            name: id.into(),
            units: 1,
            crates: 1,
            below: below.to_vec(),
        };
        let list = |parts| CookParts { version: COOK_PARTS_VERSION, parts };
        let good = list(vec![part("a", &[]), part("b", &[0])]);
        assert_eq!(CookParts::from_bytes(&good.to_bytes()).unwrap(), good);
        let circle = list(vec![part("a", &[1]), part("b", &[0])]).to_bytes();
        let error = CookParts::from_bytes(&circle).unwrap_err();
        assert!(matches!(error, CookPartsError::Damaged { part: 0, below: 1 }), "{error}");
        let text = String::from_utf8(good.to_bytes()).unwrap();
        let other = text.replacen("\"version\": 1", "\"version\": 9", 1);
        let error = CookParts::from_bytes(other.as_bytes()).unwrap_err();
        assert!(matches!(error, CookPartsError::Version { found: 9 }), "{error}");
    }
}
