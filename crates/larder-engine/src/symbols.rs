//! Real paths to symbolic text and back, for what is stored with a result:
//! build-script directives and diagnostics. So a result serves every checkout.

use larder_schema::plan::{Template, escape};

/// Directories with the tokens that stand for them, longest first.
#[derive(Clone, Debug)]
pub(crate) struct Symbols {
    roots: Vec<(String, String)>,
}

impl Symbols {
    /// From pairs of token (`workspace`) and absolute directory. Directories
    /// that are no proper place (empty, `/`) are left out.
    pub(crate) fn new(roots: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut roots: Vec<_> =
            roots.into_iter().filter(|(_, path)| path.len() > 1 && path.starts_with('/')).collect();
        roots.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.cmp(b)));
        Self { roots }
    }

    /// `text` with every root that is a path of its own replaced by its token.
    #[must_use]
    pub(crate) fn symbolic(&self, text: &str) -> String {
        if !self.roots.iter().any(|(_, path)| text.contains(path.as_str())) {
            return escape(text).into_owned();
        }
        let mut symbolic = String::with_capacity(text.len());
        let mut literal = 0;
        let mut at = 0;
        while let Some(found) = text[at..].find('/') {
            let start = at + found;
            let hit = self.roots.iter().find(|(_, path)| {
                text[start..].starts_with(path.as_str())
                    && begins_path(&text[..start])
                    && ends_path(&text[start + path.len()..])
            });
            match hit {
                Some((token, path)) => {
                    symbolic.push_str(&escape(&text[literal..start]));
                    symbolic.push_str(&format!("{{{token}}}"));
                    literal = start + path.len();
                    at = literal;
                }
                None => at = start + 1,
            }
        }
        symbolic.push_str(&escape(&text[literal..]));
        symbolic
    }

    /// Symbolic text with every token replaced by its directory.
    #[must_use]
    pub(crate) fn real(&self, text: &str) -> String {
        if !text.contains(['{', '}']) {
            return text.to_owned();
        }
        Template::from(text).expand(|token| {
            let root = self.roots.iter().find(|(name, _)| name == token);
            root.map_or_else(|| format!("{{{token}}}"), |(_, path)| path.clone())
        })
    }

    /// A path as a template.
    #[must_use]
    pub(crate) fn path(&self, path: &str) -> String {
        for (token, root) in &self.roots {
            let rest = path.strip_prefix(root.as_str());
            if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with('/')) {
                return format!("{{{token}}}{}", escape(rest));
            }
        }
        escape(path).into_owned()
    }
}

/// Whether a path can begin after `before`: not in the middle of another one.
/// A letter may stand before it only as a flag does (`-L/path`).
fn begins_path(before: &str) -> bool {
    let mut back = before.chars().rev();
    match back.next() {
        None => true,
        Some(c) if c.is_alphabetic() => back.next() == Some('-') && back.next() != Some('-'),
        Some(c) => !(c.is_alphanumeric() || "._-/~+".contains(c)),
    }
}

fn ends_path(after: &str) -> bool {
    !after.starts_with(|c: char| c.is_alphanumeric() || "._-~+".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols() -> Symbols {
        Symbols::new([
            ("workspace".to_owned(), "/w/app".to_owned()),
            ("own_out_dir".to_owned(), "/w/app/target/out".to_owned()),
            ("none".to_owned(), String::new()),
        ])
    }

    #[test]
    fn paths_become_tokens_and_come_back() {
        for (real, symbolic) in [
            (
                "cargo:rustc-link-search=native=/w/app/lib",
                "cargo:rustc-link-search=native={workspace}/lib",
            ),
            ("/w/app/target/out/gen.rs", "{own_out_dir}/gen.rs"),
            ("-L/w/app x{y}", "-L{workspace} x{{y}}"),
            ("\"/w/app\"", "\"{workspace}\""),
        ] {
            assert_eq!(symbols().symbolic(real), symbolic);
            assert_eq!(symbols().real(symbolic), real);
        }
    }

    #[test]
    fn parts_of_other_paths_stay() {
        for text in ["/w/application", "/data/w/app", "/w/app-2/x", "a/w/app"] {
            assert_eq!(symbols().symbolic(text), text);
        }
    }
}
