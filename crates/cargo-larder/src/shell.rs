//! Command lines as cargo prints them.

use std::borrow::Cow;
use std::ffi::OsStr;

/// An argument, quoted for a POSIX shell where it needs to be. Cargo leaves
/// the same set of characters bare.
pub(crate) fn escape(argument: &OsStr) -> Cow<'_, str> {
    let text = argument.to_string_lossy();
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_=/,.+".contains(c);
    if !text.is_empty() && text.chars().all(bare) {
        return text;
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        if matches!(c, '\'' | '!') {
            quoted.push_str("'\\");
            quoted.push(c);
            quoted.push('\'');
        } else {
            quoted.push(c);
        }
    }
    quoted.push('\'');
    quoted.into()
}

#[cfg(test)]
mod tests {
    use super::escape;
    use std::ffi::OsStr;

    #[test]
    fn quotes_only_what_needs_it() {
        assert_eq!(escape(OsStr::new("--a=b/c,d.e+f_g")), "--a=b/c,d.e+f_g");
        assert_eq!(escape(OsStr::new("")), "''");
        assert_eq!(escape(OsStr::new("a b")), "'a b'");
        assert_eq!(escape(OsStr::new("it's")), r"'it'\''s'");
    }
}
