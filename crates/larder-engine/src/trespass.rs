//! What a confined run did that it must not, in words, with the rules that
//! would allow it.

use std::collections::BTreeSet;
use std::path::PathBuf;

/// Something that a confined run must not do.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trespass {
    /// Read, listed or executed this.
    Read(PathBuf),
    /// Made, changed or removed this.
    Write(PathBuf),
    /// Made a socket that reaches beyond the machine.
    Network,
    /// Something that was not seen: why.
    Unseen(String),
}

impl std::fmt::Display for Trespass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Read(path) => {
                write!(f, "it reads `{}`, which is neither its own nor declared", path.display())
            }
            Self::Write(path) => write!(f, "it writes `{}`, which is not its own", path.display()),
            Self::Network => f.write_str("it uses the network"),
            Self::Unseen(why) => write!(f, "not all that it did was seen: {why}"),
        }
    }
}

/// The rules that would allow it all.
pub(crate) fn way_out(all: &BTreeSet<Trespass>) -> Vec<String> {
    let list = |key: &str, of: &dyn Fn(&Trespass) -> Option<&PathBuf>| {
        let paths: Vec<String> = all
            .iter()
            .filter_map(of)
            .map(|path| format!("{:?}", path.display().to_string()))
            .collect();
        (!paths.is_empty()).then(|| format!("{key} = [{}]", paths.join(", ")))
    };
    let read = list("read", &|trespass| match trespass {
        Trespass::Read(path) => Some(path),
        _ => None,
    });
    let write = list("write", &|trespass| match trespass {
        Trespass::Write(path) => Some(path),
        _ => None,
    });
    let network = all.contains(&Trespass::Network).then(|| "network = true".to_owned());
    let unseen = all.iter().any(|trespass| matches!(trespass, Trespass::Unseen(_)));
    let free = unseen.then(|| "hermetic = false".to_owned());
    [read, write, network, free].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_a_way_out() {
        let all = BTreeSet::from([
            Trespass::Read("/etc/a".into()),
            Trespass::Read("/etc/b c".into()),
            Trespass::Write("/w/src".into()),
            Trespass::Network,
            Trespass::Unseen("a daemon".into()),
        ]);
        assert_eq!(
            way_out(&all),
            [
                "read = [\"/etc/a\", \"/etc/b c\"]",
                "write = [\"/w/src\"]",
                "network = true",
                "hermetic = false"
            ]
        );
    }
}
