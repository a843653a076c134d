//! Package ids as the unit graph writes them: cargo's `PackageIdSpec` with
//! URL, `registry+https://…#name@1.0.0`, `path+file:///dir#1.0.0`.

/// The parts of a package id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackageId<'a> {
    /// `registry`, `sparse`, `git`, `path`, `directory`, `local-registry`.
    pub kind: &'a str,
    /// Everything before `#`.
    pub source: &'a str,
    /// The URL without kind and query.
    pub url: &'a str,
    /// Name of the package.
    pub name: &'a str,
    /// Version.
    pub version: &'a str,
}

impl<'a> PackageId<'a> {
    /// Takes an id apart; `None` if it is not one.
    #[must_use]
    pub fn parse(id: &'a str) -> Option<Self> {
        let (source, fragment) = id.rsplit_once('#')?;
        let (kind, rest) = source.split_once('+')?;
        let url = rest.split('?').next().unwrap_or(rest);
        let (name, version) = match fragment.split_once('@') {
            Some(parts) => parts,
            // The name is left out where the URL ends in it.
            None => (url.rsplit('/').next()?, fragment),
        };
        Some(Self { kind, source, url, name, version })
    }

    /// The directory of a path package.
    #[must_use]
    pub fn directory(&self) -> Option<String> {
        let path = self.url.strip_prefix("file://")?;
        (self.kind == "path").then(|| percent_decode(path))
    }
}

/// Undoes `%41`; what is not an escape stays.
#[must_use]
pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_every_kind() {
        let id = PackageId::parse(
            "registry+https://github.com/rust-lang/crates.io-index#aho-corasick@1.1.3",
        )
        .unwrap();
        assert_eq!((id.kind, id.name, id.version), ("registry", "aho-corasick", "1.1.3"));
        let id = PackageId::parse("path+file:///a%20b/rg#0.1.0").unwrap();
        assert_eq!((id.name, id.directory().as_deref()), ("rg", Some("/a b/rg")));
        let id = PackageId::parse("git+https://x.y/z?branch=a%23b#n@2.0.0+meta").unwrap();
        assert_eq!((id.url, id.name, id.version), ("https://x.y/z", "n", "2.0.0+meta"));
        assert_eq!(id.source, "git+https://x.y/z?branch=a%23b");
    }
}
