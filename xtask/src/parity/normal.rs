//! A call in normal form: what may differ between cargo and larder is
//! replaced by a word, and counted by class. The classes are a closed list:
//!
//! | class | what |
//! |---|---|
//! | metadata hashes | `-C metadata`, `-C extra-filename`, hashes in file and directory names |
//! | directories | `--out-dir`, `-L dependency`, places of dependencies and of `OUT_DIR`, incremental state |
//! | remap flags | the arguments that larder adds |
//! | removed variables | the user's variables that larder keeps from build scripts |
//! | recorder | the variables by which the recorder got in between |
//! | jobserver | `CARGO_MAKEFLAGS` and its descriptors |
//! | terminal width | `--diagnostic-width` |

use std::collections::BTreeMap;

/// How often each class of permitted difference was met.
#[derive(Debug, Default)]
pub(super) struct Classes(BTreeMap<&'static str, usize>);

impl Classes {
    pub(super) fn count(&mut self, class: &'static str, times: usize) {
        if times > 0 {
            *self.0.entry(class).or_default() += times;
        }
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = String> + '_ {
        self.0.iter().map(|(class, times)| format!("permitted: {class} {times}"))
    }
}

pub(super) const HASHES: &str = "metadata hashes";
pub(super) const DIRECTORIES: &str = "directories";
pub(super) const REMAPS: &str = "remap flags";
pub(super) const REMOVED: &str = "removed variables";
pub(super) const RECORDER: &str = "recorder";
pub(super) const JOBSERVER: &str = "jobserver";
pub(super) const WIDTH: &str = "terminal width";

/// Variables that never compare: who they belong to.
const FOREIGN: &[(&str, &str)] = &[
    ("RUSTC_WRAPPER", RECORDER),
    ("CARGO_MAKEFLAGS", JOBSERVER),
    ("MAKEFLAGS", JOBSERVER),
    ("MFLAGS", JOBSERVER),
    ("RUST_RECURSION_COUNT", RECORDER),
    ("_", RECORDER),
    // How rustup says which of its rules chose the toolchain: its proxy for
    // cargo-clippy calls that for cargo.
    ("RUSTUP_TOOLCHAIN_SOURCE", RECORDER),
    ("CLIPPY_TERMINAL_WIDTH", WIDTH),
];

/// Replaces hashes and places in one text.
pub(super) struct Normal<'a> {
    /// Cargo's target directory.
    pub(super) target: &'a str,
}

impl Normal<'_> {
    /// Arguments in normal form.
    pub(super) fn args(&self, args: &[String], classes: &mut Classes) -> Vec<String> {
        let mut normal = Vec::with_capacity(args.len());
        let mut at = 0;
        while at < args.len() {
            let arg = args[at].as_str();
            at += 1;
            if arg.starts_with("--diagnostic-width=") {
                classes.count(WIDTH, 1);
                continue;
            }
            let mut value = || {
                at += 1;
                args.get(at - 1).cloned().unwrap_or_default()
            };
            match arg {
                "-C" => {
                    let value = value();
                    let (name, _) = value.split_once('=').unwrap_or((&value, ""));
                    match name {
                        "metadata" | "extra-filename" => {
                            classes.count(HASHES, 1);
                            normal.push(format!("-C {name}=<hash>"));
                        }
                        "incremental" => {
                            classes.count(DIRECTORIES, 1);
                            normal.push("-C incremental=<dir>".to_owned());
                        }
                        _ => normal.push(format!("-C {}", self.text(&value, classes))),
                    }
                }
                "--out-dir" => {
                    value();
                    classes.count(DIRECTORIES, 1);
                    normal.push("--out-dir <dir>".to_owned());
                }
                "-L" => {
                    let value = value();
                    let search = "-L dependency=<dirs>".to_owned();
                    if value.starts_with("dependency=") && self.is_place(&value[11..]) {
                        classes.count(DIRECTORIES, 1);
                        // Cargo has one for each layout, larder one for each
                        // result.
                        if normal.last() != Some(&search) {
                            normal.push(search);
                        }
                    } else {
                        normal.push(format!("-L {}", self.text(&value, classes)));
                    }
                }
                "--extern" | "-l" | "--cfg" | "--check-cfg" => {
                    let value = value();
                    normal.push(format!("{arg} {}", self.text(&value, classes)));
                }
                _ => normal.push(self.text(arg, classes)),
            }
        }
        normal
    }

    fn is_place(&self, path: &str) -> bool {
        path.starts_with(self.target) || path.starts_with('<')
    }

    /// A text with places below the target directory made comparable: hashes
    /// of names gone, and the directories that larder has elsewhere.
    pub(super) fn text(&self, text: &str, classes: &mut Classes) -> String {
        let mut normal = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(found) = rest.find(self.target) {
            normal.push_str(&rest[..found]);
            let path = &rest[found + self.target.len()..];
            let end = path.find([':', '"', ' ', '\'', '\u{1f}', ',']).unwrap_or(path.len());
            normal.push_str(&self.place(&path[..end], classes));
            rest = &path[end..];
        }
        normal.push_str(rest);
        normal
    }

    fn place(&self, path: &str, classes: &mut Classes) -> String {
        let parts: Vec<String> = path
            .split('/')
            .map(|part| {
                let bare = without_hash(part);
                if bare != part {
                    classes.count(HASHES, 1);
                }
                bare
            })
            .collect();
        // `…/deps/libx.rlib`: larder has the file in a directory of its own.
        if let [.., dir, file] = parts.as_slice()
            && (dir == "deps" || dir == "examples" && path_has_hash(path))
        {
            classes.count(DIRECTORIES, 1);
            return format!("<deps>/{file}");
        }
        format!("<target>{}", parts.join("/"))
    }

    /// The environment in normal form.
    pub(super) fn env(
        &self,
        env: &BTreeMap<String, String>,
        classes: &mut Classes,
    ) -> BTreeMap<String, String> {
        let mut normal = BTreeMap::new();
        for (name, value) in env {
            if let Some((_, class)) = FOREIGN.iter().find(|(foreign, _)| foreign == name) {
                classes.count(class, 1);
            } else if name == "LD_LIBRARY_PATH" {
                normal.insert(name.clone(), self.library_path(value, classes));
            } else {
                normal.insert(name.clone(), self.text(value, classes));
            }
        }
        normal
    }
}

impl Normal<'_> {
    /// A library path with one word for the directories of Rust's dynamic
    /// libraries: `target/debug` and `deps` with cargo, results with larder.
    fn library_path(&self, value: &str, classes: &mut Classes) -> String {
        let mut dirs: Vec<String> = Vec::new();
        for dir in value.split(':') {
            let below = dir.strip_prefix(self.target).filter(|rest| !rest.contains("/build/"));
            if below.is_some() {
                classes.count(DIRECTORIES, 1);
                if dirs.last().is_none_or(|last| last != "<deps>") {
                    dirs.push("<deps>".to_owned());
                }
            } else {
                dirs.push(self.text(dir, classes));
            }
        }
        dirs.join(":")
    }
}

fn path_has_hash(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|file| without_hash(file) != file)
}

/// `libx-0123456789abcdef.rlib` without the hash.
pub(super) fn without_hash(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut at = 0;
    while let Some(found) = name[at..].find('-') {
        let start = at + found;
        let end = start + 17;
        let is_hash = bytes
            .get(start + 1..end)
            .is_some_and(|hex| hex.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b)));
        let ends = !bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
        if is_hash && ends {
            return format!("{}{}", &name[..start], &name[end..]);
        }
        at = start + 1;
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(list: &[&str]) -> Vec<String> {
        let list: Vec<String> = list.iter().map(ToString::to_string).collect();
        Normal { target: "/t" }.args(&list, &mut Classes::default())
    }

    #[test]
    fn hashes_and_places_go_and_everything_else_stays() {
        assert_eq!(
            args(&[
                "--crate-name",
                "a",
                "-C",
                "metadata=1",
                "-C",
                "opt-level=3",
                "--out-dir",
                "/t/debug/deps",
                "-L",
                "dependency=/t/debug/deps",
                "--extern",
                "b=/t/debug/deps/libb-0123456789abcdef.rmeta",
                "-L",
                "native=/t/debug/build/z-0123456789abcdef/out/lib",
            ]),
            [
                "--crate-name",
                "a",
                "-C metadata=<hash>",
                "-C opt-level=3",
                "--out-dir <dir>",
                "-L dependency=<dirs>",
                "--extern b=<deps>/libb.rmeta",
                "-L native=<target>/debug/build/z/out/lib",
            ]
        );
    }

    #[test]
    fn only_hashes_are_taken_for_hashes() {
        assert_eq!(without_hash("libx-0123456789abcdef.so"), "libx.so");
        assert_eq!(without_hash("my-crate-0123456789abcdef"), "my-crate");
        assert_eq!(without_hash("x-0123456789abcdeg"), "x-0123456789abcdeg");
        assert_eq!(without_hash("x-0123456789abcdef01"), "x-0123456789abcdef01");
    }
}
