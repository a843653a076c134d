//! Absolute paths written with the tokens of [`Template`], so that a plan is
//! the same text in every checkout.
//!
//! Only paths that cargo itself derives are rewritten. What a user wrote
//! (flags, linkers, values of `[env]`) stays as it is.

use larder_schema::plan::{Roots, Template, escape};

/// The directories that have a token, longest first: a cargo home inside the
/// workspace is the cargo home.
pub(crate) struct Symbols {
    roots: Vec<(String, &'static str)>,
}

impl Symbols {
    pub(crate) fn new(roots: &Roots) -> Self {
        let mut list: Vec<(String, &'static str)> = [
            (&roots.workspace, "{workspace}"),
            (&roots.cargo_home, "{cargo_home}"),
            (&roots.sysroot, "{sysroot}"),
        ]
        .into_iter()
        .map(|(path, token)| (path.trim_end_matches('/').to_owned(), token))
        .filter(|(path, _)| !path.is_empty())
        .collect();
        list.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        Self { roots: list }
    }

    /// `path` with the longest matching root replaced by its token.
    pub(crate) fn template(&self, path: &str) -> Template {
        for (root, token) in &self.roots {
            if let Some(rest) = under(path, root) {
                return Template(format!("{token}{}", escape(rest)));
            }
        }
        Template::literal(path)
    }

    /// A list of paths joined by `:`, each rewritten.
    pub(crate) fn list(&self, paths: &str) -> String {
        paths.split(':').map(|path| self.template(path).0).collect::<Vec<_>>().join(":")
    }
}

/// What follows `root` in `path`: empty or starting with `/`.
pub(crate) fn under<'a>(path: &'a str, root: &str) -> Option<&'a str> {
    path.strip_prefix(root).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_root_wins_and_only_at_a_component() {
        let symbols = Symbols::new(&Roots {
            workspace: "/w".into(),
            cargo_home: "/w/.home".into(),
            sysroot: "/s".into(),
            target: "/w/target".into(),
            build: "/w/target".into(),
        });
        assert_eq!(symbols.template("/w/src/main.rs").0, "{workspace}/src/main.rs");
        assert_eq!(symbols.template("/w/.home/x").0, "{cargo_home}/x");
        assert_eq!(symbols.template("/www/{x}").0, "/www/{{x}}");
        assert_eq!(symbols.list("/s/lib:/usr/lib"), "{sysroot}/lib:/usr/lib");
    }
}
