//! Native libraries and other files that a rustc call takes because of its
//! arguments, or of `#[link]` in its sources. Dep-info does not name them.

use std::path::PathBuf;

/// Files that the linker or the archiver takes because of the arguments:
/// names of `-l` and of `#[link]` in the sources, found in `-L` directories,
/// and paths in link arguments.
pub(crate) fn native_files(args: &[std::ffi::OsString], sources: &[PathBuf]) -> Vec<PathBuf> {
    let args: Vec<&str> = args.iter().filter_map(|arg| arg.to_str()).collect();
    let mut dirs = Vec::new();
    let mut names = Vec::new();
    let mut files = Vec::new();
    let mut at = 0;
    while at < args.len() {
        let (flag, value) = match args[at] {
            flag @ ("-L" | "-l" | "-C") => {
                at += 1;
                (flag, args.get(at).copied().unwrap_or_default())
            }
            arg => match arg.get(..2) {
                Some(flag @ ("-L" | "-l" | "-C")) => (flag, &arg[2..]),
                _ => ("", arg),
            },
        };
        at += 1;
        match flag {
            "-L" => {
                let (kind, dir) = value.split_once('=').unwrap_or(("all", value));
                if matches!(kind, "native" | "all") {
                    dirs.push(PathBuf::from(dir));
                }
            }
            "-l" => {
                let name = value.split_once('=').map_or(value, |(_, name)| name);
                names.push(name.split(':').next().unwrap_or(name).to_owned());
            }
            "-C" => {
                let value = value.strip_prefix("link-arg=").or(value.strip_prefix("link-args="));
                for word in value.unwrap_or("").split([' ', ',']) {
                    if let Some(start) = word.find('/') {
                        files.push(PathBuf::from(&word[start..]));
                    }
                }
            }
            _ => {}
        }
    }
    if !dirs.is_empty() {
        let texts = sources.iter().filter_map(|source| std::fs::read_to_string(source).ok());
        names.extend(texts.flat_map(|text| linked_names(&text)));
    }
    for name in names {
        for dir in &dirs {
            for file in [format!("lib{name}.a"), format!("lib{name}.so"), name.clone()] {
                files.push(dir.join(file));
            }
        }
    }
    files.retain(|file| file.is_file());
    files
}

/// Names in `#[link(name = "z")]`, inside `cfg_attr` and macros too.
fn linked_names(source: &str) -> Vec<String> {
    let attributes = source.match_indices("link(").map(|(at, word)| &source[at + word.len()..]);
    attributes
        .filter_map(|rest| {
            let rest = &rest[..rest.find(')')?];
            let value = rest[rest.find("name")? + 4..].trim_start().strip_prefix('=')?;
            let value = value.trim_start().strip_prefix('"')?;
            Some(value[..value.find('"')?].to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_attributes() {
        let source = "#[link(name = \"a\")] #[cfg_attr(x, link(kind = \"static\", name=\"b\"))] symlink(name) link(";
        assert_eq!(linked_names(source), ["a", "b"]);
    }

    #[test]
    fn native_libraries_are_found_where_they_are_searched() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("libz.a"), "").unwrap();
        std::fs::write(dir.path().join("x.ld"), "").unwrap();
        let search = format!("native={}", dir.path().display());
        let script = format!("link-arg=-Wl,-T{}/x.ld", dir.path().display());
        let args: Vec<std::ffi::OsString> =
            ["-L", &search, "-l", "static:+whole-archive=z", "-lm", "-C", &script]
                .iter()
                .map(Into::into)
                .collect();
        let names: Vec<_> = native_files(&args, &[])
            .iter()
            .map(|f| f.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["x.ld", "libz.a"]);
    }
}
