//! Values as build arguments have them: one line of text.
//!
//! Lists are separated by commas, maps are lists of `name=value`.

use super::values::{Bin, LAYERING, Layering, Port, Secret};
use std::collections::BTreeMap;

/// A value that a build argument can hold.
pub(super) trait Argument: Sized {
    /// Reads it; otherwise what it should have been.
    fn read(text: &str) -> Result<Self, &'static str>;
}

impl Argument for String {
    fn read(text: &str) -> Result<Self, &'static str> {
        Ok(text.to_owned())
    }
}

impl Argument for bool {
    fn read(text: &str) -> Result<Self, &'static str> {
        match text {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err("`true` or `false`"),
        }
    }
}

impl<T: Argument> Argument for Vec<T> {
    fn read(text: &str) -> Result<Self, &'static str> {
        text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(T::read).collect()
    }
}

impl Argument for BTreeMap<String, String> {
    fn read(text: &str) -> Result<Self, &'static str> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        words
            .map(|word| {
                let (name, value) = word.split_once('=').ok_or("a list of `name=value`")?;
                Ok((name.to_owned(), value.to_owned()))
            })
            .collect()
    }
}

impl Argument for Bin {
    fn read(text: &str) -> Result<Self, &'static str> {
        let (name, path) = match text.split_once('=') {
            Some((name, path)) => (name, Some(path.to_owned())),
            None => (text, None),
        };
        Ok(Bin { name: name.to_owned(), path })
    }
}

impl Argument for Secret {
    fn read(text: &str) -> Result<Self, &'static str> {
        Ok(match text.split_once('=') {
            None => Secret { id: text.to_owned(), env: None, path: None },
            Some((id, place)) if place.starts_with('/') => {
                Secret { id: id.to_owned(), env: None, path: Some(place.to_owned()) }
            }
            Some((id, name)) => {
                Secret { id: id.to_owned(), env: Some(name.to_owned()), path: None }
            }
        })
    }
}

impl Argument for Layering {
    fn read(text: &str) -> Result<Self, &'static str> {
        match (text, text.parse()) {
            ("crates", _) => Ok(Layering::Crates),
            (_, Ok(count @ 1..=99)) => Ok(Layering::Layers(count)),
            _ => Err(LAYERING),
        }
    }
}

impl Argument for Port {
    fn read(text: &str) -> Result<Self, &'static str> {
        let number = text.split('/').next().unwrap_or_default();
        if number.parse::<u16>().is_err() {
            return Err("ports: `8080` or `53/udp`");
        }
        Ok(Port(if text.contains('/') { text.to_owned() } else { format!("{text}/tcp") }))
    }
}
