//! Which toolchain rustup would choose, read from its files instead of
//! asking it: a proxy costs as much as planning a small project.
//!
//! Order, as in rustup: `+toolchain`, `RUSTUP_TOOLCHAIN`, then from the
//! working directory upwards a directory override or a toolchain file
//! (nearest first, the override first within a directory), then the default.

use crate::host::{Host, normalize};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What rustup would use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Name in `toolchains/`, or the directory itself for a `path`.
    pub name: String,
    /// Its directory.
    pub directory: PathBuf,
    /// As rustup says it in `RUSTUP_TOOLCHAIN_SOURCE`.
    pub source: &'static str,
}

/// The answer, and what it was read from.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Absent where rustup has to be asked: nothing is chosen, or it is not
    /// installed.
    pub chosen: Option<Chosen>,
    /// Files that were looked for, absent ones included.
    pub looked_at: Vec<PathBuf>,
}

#[derive(Default, Deserialize)]
struct Settings {
    default_toolchain: Option<String>,
    default_host_triple: Option<String>,
    #[serde(default)]
    overrides: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct ToolchainFile {
    toolchain: ToolchainSection,
}

#[derive(Deserialize)]
struct ToolchainSection {
    channel: Option<String>,
    path: Option<PathBuf>,
}

/// Searches as rustup does.
#[must_use]
pub fn search(host: &Host, rustup_home: &Path, plus: Option<&str>) -> Search {
    let mut search = Search::default();
    let settings_path = rustup_home.join("settings.toml");
    let settings: Settings = fs_err::read_to_string(&settings_path)
        .ok()
        .and_then(|text| toml::from_str(&text).ok())
        .unwrap_or_default();
    search.looked_at.push(settings_path);
    let installed = |name: &str, source: &'static str| {
        directory_of(rustup_home, name, settings.default_host_triple.as_deref())
            .map(|(name, directory)| Chosen { name, directory, source })
    };
    if let Some(name) = plus {
        search.chosen = installed(name, "cli");
        return search;
    }
    if let Some(name) = host.var("RUSTUP_TOOLCHAIN").filter(|n| !n.is_empty()) {
        search.chosen = installed(name, "env");
        return search;
    }
    for directory in host.cwd.ancestors() {
        let key = directory.to_string_lossy();
        if let Some(name) = settings.overrides.get(key.as_ref()) {
            search.chosen = installed(name, "path-override");
            return search;
        }
        for file in ["rust-toolchain", "rust-toolchain.toml"] {
            let path = directory.join(file);
            search.looked_at.push(path.clone());
            let Ok(text) = fs_err::read_to_string(&path) else { continue };
            search.chosen = match parse(&text) {
                Some(ToolchainSection { path: Some(path), .. }) => {
                    let path = normalize(&directory.join(path));
                    let name = path.to_string_lossy().into_owned();
                    Some(Chosen { name, directory: path, source: "toolchain-file" })
                }
                Some(ToolchainSection { channel: Some(name), .. }) => {
                    installed(&name, "toolchain-file")
                }
                _ => None,
            };
            return search;
        }
    }
    search.chosen = settings.default_toolchain.as_deref().and_then(|n| installed(n, "default"));
    search
}

/// A toolchain file is TOML, or in its old form a single line with a name.
fn parse(text: &str) -> Option<ToolchainSection> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    if let [line] = lines[..]
        && !line.contains(['=', '['])
    {
        return Some(ToolchainSection { channel: Some(line.to_owned()), path: None });
    }
    toml::from_str::<ToolchainFile>(text).ok().map(|f| f.toolchain)
}

/// A name may be a path, complete, or without its host triple.
fn directory_of(home: &Path, name: &str, host: Option<&str>) -> Option<(String, PathBuf)> {
    if name.contains('/') {
        let path = PathBuf::from(name);
        return path.is_dir().then(|| (name.to_owned(), path));
    }
    let toolchains = home.join("toolchains");
    let complete = toolchains.join(name);
    if complete.is_dir() {
        return Some((name.to_owned(), complete));
    }
    if let Some(host) = host {
        let name = format!("{name}-{host}");
        let path = toolchains.join(&name);
        return path.is_dir().then_some((name, path));
    }
    // Without a default host rustup uses the one it was built for: here that
    // is the only installed one, or rustup is asked.
    let is_host = |found: &str| {
        found
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|triple| triple.starts_with(std::env::consts::ARCH))
    };
    let mut found = fs_err::read_dir(&toolchains)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|found| is_host(found));
    match (found.next(), found.next()) {
        (Some(only), None) => {
            let path = toolchains.join(&only);
            Some((only, path))
        }
        _ => None,
    }
}

/// Whether `program` is one of rustup's proxies: hard or symbolic links to,
/// or copies of, the `rustup` beside it.
#[must_use]
pub fn is_proxy(program: &Path) -> bool {
    let beside = program.with_file_name("rustup");
    match (fs_err::metadata(program), fs_err::metadata(beside)) {
        (Ok(tool), Ok(rustup)) => tool.is_file() && tool.len() == rustup.len(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(cwd: &Path) -> Host {
        Host {
            env: BTreeMap::new(),
            cwd: cwd.to_owned(),
            exe: PathBuf::new(),
            larder_dir: PathBuf::new(),
            layers: None,
        }
    }

    #[test]
    fn nearest_file_wins_over_default_and_plus_over_all() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("rustup");
        for name in ["stable-x86_64-unknown-linux-gnu", "1.90.0-x86_64-unknown-linux-gnu"] {
            std::fs::create_dir_all(home.join("toolchains").join(name)).unwrap();
        }
        std::fs::write(
            home.join("settings.toml"),
            "default_toolchain = \"stable-x86_64-unknown-linux-gnu\"\n\
             default_host_triple = \"x86_64-unknown-linux-gnu\"\n",
        )
        .unwrap();
        let project = dir.path().join("a/b");
        std::fs::create_dir_all(&project).unwrap();
        let chosen = |plus| search(&host(&project), &home, plus).chosen.map(|c| c.source);
        assert_eq!(chosen(None), Some("default"));
        std::fs::write(dir.path().join("a/rust-toolchain"), "1.90.0\n").unwrap();
        assert_eq!(chosen(None), Some("toolchain-file"));
        assert_eq!(chosen(Some("stable")), Some("cli"));
        std::fs::write(project.join("rust-toolchain.toml"), "[toolchain]\nchannel = \"nightly\"\n")
            .unwrap();
        assert_eq!(chosen(None), None, "not installed: rustup has to be asked");
    }
}
