//! What of a build context is not sent: `.dockerignore`.

/// The patterns of a `.dockerignore`, as a builder takes them. Without one,
/// what cargo builds is left out.
pub(crate) fn patterns(text: Option<&str>) -> Vec<String> {
    let Some(text) = text else { return vec!["target".into()] };
    let lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines();
    // A comment begins in the first column.
    let lines = lines.filter(|line| !line.starts_with('#')).map(str::trim);
    lines.filter_map(pattern).collect()
}

/// Relative to the root, without what changes nothing.
fn pattern(line: &str) -> Option<String> {
    let (not, path) = match line.strip_prefix('!') {
        Some(path) => ("!", path.trim()),
        None => ("", line),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    // `.` is the context itself, which cannot be left out.
    (!parts.is_empty()).then(|| format!("{not}{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_relative_and_clean() {
        let text = "# a comment\n/target\n\n ./a//b/ \n!a/b/c\nx/../y\n.\n#no\n*.log\n";
        assert_eq!(patterns(Some(text)), ["target", "a/b", "!a/b/c", "y", "*.log"]);
        assert_eq!(patterns(None), ["target"]);
        assert!(patterns(Some("")).is_empty());
    }
}
