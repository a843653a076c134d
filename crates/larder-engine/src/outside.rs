//! Names of paths in path sets, so that one set serves every checkout.
//!
//! A path below a root of the plan (workspace, cargo's home, target directory,
//! toolchain) is named from there. Another one may have been found from a fixed
//! place (`PATH`, `/usr`, `/etc`, a file in the home directory), or from the
//! workspace (`../proto`, a directory above that holds `.git`); nobody can see
//! which. Where both are possible it is in the set under both names: then a
//! checkout elsewhere looks at its own neighbours as well.

use crate::symbols::Symbols;
use larder_schema::plan::escape;
use std::path::{Component, Path, PathBuf};

/// Directories that programs find by their absolute names.
const FIXED: &[&str] = &[
    "/bin",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/usr/bin",
    "/usr/include",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local",
    "/usr/sbin",
    "/usr/share",
    "/var",
];

/// Names paths of one build.
#[derive(Debug)]
pub(crate) struct Names {
    symbols: Symbols,
    workspace: PathBuf,
    fixed: Vec<PathBuf>,
    home: Option<PathBuf>,
}

impl Names {
    /// `fixed` are more directories that programs find by absolute names;
    /// hidden files of `home` are such too.
    pub(crate) fn new(
        symbols: Symbols,
        workspace: &Path,
        fixed: impl IntoIterator<Item = PathBuf>,
        home: Option<PathBuf>,
    ) -> Self {
        let known = FIXED.iter().map(PathBuf::from).filter(|dir| !workspace.starts_with(dir));
        let fixed = known
            .chain(fixed.into_iter().filter(|dir| dir.components().count() > 1))
            .filter(|dir| !workspace.starts_with(dir))
            .collect();
        Self { symbols, workspace: workspace.to_owned(), fixed, home }
    }

    /// The templates of an absolute path: one or two.
    #[must_use]
    pub(crate) fn of(&self, path: &Path) -> Vec<String> {
        let mut names = vec![self.symbols.path(&path.to_string_lossy())];
        if !names[0].starts_with('{') && !self.is_fixed(path) {
            names.extend(self.relative(path));
        }
        names
    }

    fn is_fixed(&self, path: &Path) -> bool {
        let hidden = |home: &PathBuf| {
            path.strip_prefix(home).is_ok_and(|rest| rest.to_string_lossy().starts_with('.'))
        };
        self.fixed.iter().any(|dir| path.starts_with(dir)) || self.home.as_ref().is_some_and(hidden)
    }

    /// `{workspace}/../x`, where the two have a directory in common.
    fn relative(&self, path: &Path) -> Option<String> {
        let same = |(a, b): &(Component<'_>, Component<'_>)| a == b;
        let common = self.workspace.components().zip(path.components()).take_while(same).count();
        // The root directory is common to all.
        if common < 2 {
            return None;
        }
        let up = self.workspace.components().count() - common;
        let rest: PathBuf = path.components().skip(common).collect();
        let mut name = format!("{{workspace}}{}", "/..".repeat(up));
        if rest.components().next().is_some() {
            name.push('/');
            name.push_str(&escape(&rest.to_string_lossy()));
        }
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_the_workspace_have_two_names() {
        let workspace = Path::new("/people/u/src/app");
        let roots = [("workspace".to_owned(), workspace.display().to_string())];
        let names = Names::new(
            Symbols::new(roots),
            workspace,
            [PathBuf::from("/people/u/tools/bin")],
            Some("/people/u".into()),
        );
        for (path, expected) in [
            ("/people/u/src/app/a.rs", &["{workspace}/a.rs"][..]),
            ("/people/u/src/proto/x", &["/people/u/src/proto/x", "{workspace}/../proto/x"]),
            ("/people/u/src", &["/people/u/src", "{workspace}/.."]),
            ("/people/u/x{y}", &["/people/u/x{{y}}", "{workspace}/../../x{{y}}"]),
            ("/people/u/.gitconfig", &["/people/u/.gitconfig"]),
            ("/people/u/tools/bin/cc", &["/people/u/tools/bin/cc"]),
            ("/usr/include/x.h", &["/usr/include/x.h"]),
            ("/opt/x", &["/opt/x"]),
        ] {
            assert_eq!(names.of(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn a_workspace_in_a_fixed_place_has_neighbours_too() {
        let workspace = Path::new("/var/lib/ci/app");
        let names = Names::new(Symbols::new([]), workspace, [], None);
        assert_eq!(
            names.of(Path::new("/var/lib/ci/proto")),
            ["/var/lib/ci/proto", "{workspace}/../proto"]
        );
    }
}
