//! The kinds of values that settings have.

use crate::place::Lines;
use serde::Deserialize;

/// A value, and the lines of the manifest that it is in. Build arguments and
/// defaults have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Located<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it is written.
    pub(crate) lines: Option<Lines>,
}

/// A binary of the image.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "WrittenBin")]
pub(crate) struct Bin {
    /// Its name.
    pub(crate) name: String,
    /// Its path in the image, where it is not the usual one.
    pub(crate) path: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a binary's name, or a table with `name` and `path`")]
enum WrittenBin {
    Name(String),
    Table(BinTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BinTable {
    name: String,
    path: Option<String>,
}

impl From<WrittenBin> for Bin {
    fn from(written: WrittenBin) -> Self {
        match written {
            WrittenBin::Name(name) => Bin { name, path: None },
            WrittenBin::Table(BinTable { name, path }) => Bin { name, path },
        }
    }
}

/// A secret that builds may see.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "WrittenSecret")]
pub(crate) struct Secret {
    /// The id that `docker build --secret` gives.
    pub(crate) id: String,
    /// The variable that holds it; otherwise it is a file.
    pub(crate) env: Option<String>,
    /// The file; otherwise below `/run/secrets`.
    pub(crate) path: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a secret's id, or a table with `id`, and `env` or `path`")]
enum WrittenSecret {
    Id(String),
    Table(SecretTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretTable {
    id: String,
    env: Option<String>,
    path: Option<String>,
}

impl From<WrittenSecret> for Secret {
    fn from(written: WrittenSecret) -> Self {
        match written {
            WrittenSecret::Id(id) => Secret { id, env: None, path: None },
            WrittenSecret::Table(SecretTable { id, env, path }) => Secret { id, env, path },
        }
    }
}

/// How external units are divided into layers: a number of them, or `"crates"`
/// for one for each crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WrittenLayering")]
pub(crate) enum Layering {
    /// At most so many.
    Layers(usize),
    /// One for each crate.
    Crates,
}

/// What it should be, for people.
pub(super) const LAYERING: &str = "a number of layers from 1 to 99, or `crates`";

#[derive(Deserialize)]
#[serde(untagged, expecting = "a number of layers from 1 to 99, or `\"crates\"`")]
enum WrittenLayering {
    Number(usize),
    Text(String),
}

impl TryFrom<WrittenLayering> for Layering {
    type Error = String;

    fn try_from(written: WrittenLayering) -> Result<Self, String> {
        match written {
            WrittenLayering::Number(count @ 1..=99) => Ok(Layering::Layers(count)),
            WrittenLayering::Text(text) if text == "crates" => Ok(Layering::Crates),
            _ => Err(format!("expected {LAYERING}")),
        }
    }
}

/// A port: `8080` or `"53/udp"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "WrittenPort")]
pub(crate) struct Port(pub(crate) String);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a port: `8080` or `\"53/udp\"`")]
enum WrittenPort {
    Number(u16),
    Text(String),
}

impl From<WrittenPort> for Port {
    fn from(written: WrittenPort) -> Self {
        let text = match written {
            WrittenPort::Number(number) => number.to_string(),
            WrittenPort::Text(text) => text,
        };
        // The image's configuration wants the protocol.
        Port(if text.contains('/') { text } else { format!("{text}/tcp") })
    }
}
