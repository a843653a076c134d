//! Debian packages without installing them: apt fetches and checks, from the
//! mirror that the machine is configured for, with a state of its own; dpkg
//! unpacks.
//!
//! Nothing on the machine changes, and no maintainer script runs.

use crate::process;
use anyhow::{Context, Result, bail};
use fs_err as fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What Debian signs its releases with, where the machine keeps it by itself.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The packages of a release.
pub(super) struct Packages {
    state: PathBuf,
    config: PathBuf,
}

/// Name of the release that this machine runs.
pub(super) fn own_release() -> Result<String> {
    let text = fs::read_to_string("/etc/os-release")?;
    let name = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    name.map(|name| name.trim_matches('"').to_owned()).context("/etc/os-release names no release")
}

impl Packages {
    /// The packages of `release`; apt's files go below `state`.
    pub(super) fn of(release: &str, state: &Path) -> Result<Packages> {
        let state = state.join(release);
        for dir in ["lists/partial", "archives/partial", "etc"] {
            fs::create_dir_all(state.join(dir))?;
        }
        let signed = if Path::new(KEYRING).exists() {
            format!(" [signed-by={KEYRING}]")
        } else {
            String::new()
        };
        let sources = format!("deb{signed} {} {release} main\n", mirror()?);
        fs::write(state.join("etc/sources.list"), sources)?;
        // An empty status: nothing counts as installed, so dependencies are complete.
        fs::write(state.join("status"), "")?;
        let config = state.join("etc/apt.conf");
        let shown = state.display();
        fs::write(
            &config,
            format!(
                "Dir::State \"{shown}\";\nDir::State::status \"{shown}/status\";\n\
                 Dir::State::lists \"{shown}/lists\";\nDir::Cache \"{shown}\";\n\
                 Dir::Etc::sourcelist \"{shown}/etc/sources.list\";\nDir::Etc::sourceparts \"-\";\n\
                 Dir::Etc::preferences \"-\";\nDir::Etc::preferencesparts \"-\";\n\
                 APT::Sandbox::User \"root\";\nAPT::Install-Recommends \"false\";\n"
            ),
        )?;
        let packages = Packages { state, config };
        process::run_quietly(packages.apt().arg("update"))
            .with_context(|| format!("could not read the packages of Debian {release}"))?;
        Ok(packages)
    }

    fn apt(&self) -> Command {
        let mut command = process::command("apt-get");
        command
            .env("APT_CONFIG", &self.config)
            .env("LC_ALL", "C")
            .arg("-q")
            .current_dir(&self.state);
        command
    }

    /// Unpacks these packages, and nothing that they depend on.
    pub(super) fn unpack(&self, names: &[&str], into: &Path) -> Result<()> {
        let debs = tempfile::tempdir_in(&self.state)?;
        let mut command = self.apt();
        process::run_quietly(command.arg("download").args(names).current_dir(debs.path()))?;
        unpack(debs.path(), into)
    }

    /// Unpacks these packages and all that they depend on.
    pub(super) fn unpack_closure(&self, names: &[&str], into: &Path) -> Result<()> {
        let debs = tempfile::tempdir_in(&self.state)?;
        fs::create_dir_all(debs.path().join("partial"))?;
        let archives = format!("Dir::Cache::archives={}", debs.path().display());
        let mut command = self.apt();
        command.args(["install", "-y", "--download-only", "-o", &archives]).args(names);
        process::run_quietly(&mut command)?;
        unpack(debs.path(), into)
    }
}

fn unpack(debs: &Path, into: &Path) -> Result<()> {
    fs::create_dir_all(into)?;
    let mut files = Vec::new();
    for entry in fs::read_dir(debs)? {
        files.push(entry?.path());
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "deb"));
    files.sort();
    if files.is_empty() {
        bail!("apt fetched no package");
    }
    for file in files {
        unpack_one(&file, into)?;
    }
    Ok(())
}

/// Not by `dpkg-deb -x`, which makes directories of `/bin` and its like where
/// they are links into `/usr`.
fn unpack_one(file: &Path, into: &Path) -> Result<()> {
    let mut deb = process::command("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(file)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start dpkg-deb")?;
    let stream = deb.stdout.take().context("dpkg-deb has no output")?;
    let mut tar = process::command("tar");
    tar.args(["-x", "--keep-directory-symlink", "-C"]).arg(into).stdin(stream);
    process::run_quietly(&mut tar)?;
    if !deb.wait()?.success() {
        bail!("could not unpack {}", file.display());
    }
    Ok(())
}

/// Where this machine gets its own release from.
fn mirror() -> Result<String> {
    let release = own_release()?;
    let mut command = process::command("apt-get");
    // What an update would fetch: known on a machine that never made one, too.
    let output = process::run_quietly(command.args(["update", "--print-uris"]))?;
    archive(&String::from_utf8_lossy(&output.stdout), &release)
        .with_context(|| format!("apt has no source for Debian {release} on this machine"))
}

/// The archive of a release among lines such as
/// `'http://host/debian/dists/bookworm/InRelease' host_debian_dists_… 0`.
/// Others may have suites of that name; Debian's own is in a directory `debian`.
fn archive(uris: &str, release: &str) -> Option<String> {
    let suffix = format!("/dists/{release}/InRelease");
    let uris = uris.lines().filter_map(|line| line.split('\'').nth(1)?.strip_suffix(&suffix));
    let all: Vec<&str> = uris.collect();
    let own = all.iter().find(|uri| uri.ends_with("/debian"));
    own.or(all.first()).map(|uri| (*uri).to_owned())
}

#[cfg(test)]
mod tests {
    use super::archive;

    #[test]
    fn debians_own_archive_is_found() {
        let uris = "'http://vendor/x/dists/bookworm/InRelease' a 0 \n\
                    'http://mirror/debian-security/dists/bookworm-security/InRelease' b 0 \n\
                    'http://mirror/debian/dists/bookworm/InRelease' c 0 \n";
        assert_eq!(archive(uris, "bookworm").as_deref(), Some("http://mirror/debian"));
        assert_eq!(archive("'http://m/d/dists/trixie/InRelease' x 0", "bookworm"), None);
    }
}
