//! Nothing in the repository names somebody's machine, or a registry's host:
//! sources come through cargo, and whatever mirror it is configured for.

use super::File;

/// What cargo itself prints as the id of its default source; code compares
/// with it, nobody connects to it.
const SOURCE_ID: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Hosts that only a package manager may speak to, in two halves so that this
/// file does not hold what it forbids.
const HOSTS: &[(&str, &str)] = &[
    ("index.", "crates.io"),
    ("static.", "crates.io"),
    ("//", "crates.io/api"),
    ("ghcr", ".io"),
    ("docker", ".io/"),
    ("registry.", "npmjs.org"),
    ("files.", "pythonhosted.org"),
    ("proxy.", "golang.org"),
];

/// Directories that exist on one machine, halved likewise.
const MACHINES: &[(&str, &str)] =
    &[("/ro", "ot/"), ("/wo", "rk/"), ("/ho", "me/"), ("/Us", "ers/")];

/// What is wrong with the text of the files.
pub(super) fn check(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    // The lock file is cargo's, and names its source in full.
    for file in
        files.iter().filter(|file| file.path.file_name().is_none_or(|name| name != "Cargo.lock"))
    {
        for (at, line) in file.text.lines().enumerate() {
            if let Some(what) = complaint(line) {
                complaints.push(file.complaint(at + 1, &what));
            }
        }
    }
    complaints
}

fn complaint(line: &str) -> Option<String> {
    let line = line.replace(SOURCE_ID, "");
    let machine = MACHINES.iter().map(|(a, b)| format!("{a}{b}")).find(|path| {
        // Only where it starts a path: `tests/work/x` and `a/home/b` are relative.
        line.match_indices(path.as_str()).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + path.len()..].chars().next();
            let starts = before.is_none_or(|c| {
                !c.is_alphanumeric() && !matches!(c, '/' | '.' | '_' | '-' | ']' | '>' | '}')
            });
            starts && after.is_some_and(char::is_alphanumeric)
        })
    });
    if let Some(path) = machine {
        return Some(format!("a path of one machine: {path}…"));
    }
    let host =
        HOSTS.iter().map(|(a, b)| format!("{a}{b}")).find(|host| line.contains(host.as_str()));
    host.map(|host| format!("a registry's host: {host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_and_hosts_are_found_where_they_are_meant() {
        assert!(complaint(concat!("see /ho", "me/anna/x")).is_some());
        assert!(complaint(concat!("\"/ro", "ot/.cargo\"")).is_none());
        assert!(complaint(concat!("\"/ro", "ot/cargo\"")).is_some());
        assert!(complaint(concat!("[ROOT]/ho", "me/x")).is_none());
        assert!(complaint(concat!("tests/wo", "rk/x")).is_none());
        assert!(complaint(concat!("https://static.", "crates.io/x")).is_some());
        assert!(complaint("real applications on crates.io").is_none());
        assert!(complaint(SOURCE_ID).is_none());
    }
}
