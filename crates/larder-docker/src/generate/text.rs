//! Words as a shell and as a Dockerfile write them.

pub(super) use crate::command::word as shell;

/// A value in double quotes, in which a Dockerfile expands nothing.
pub(super) fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' | '$' => text.extend(['\\', c]),
            // A Dockerfile has no way to write it.
            c if c.is_control() => text.push(' '),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

/// A `RUN` with its mounts, one to a line, and one command or several.
pub(super) fn run(mounts: &[String], commands: &[String]) -> String {
    let mounts: Vec<_> = mounts.iter().map(|mount| format!("--mount={mount}")).collect();
    let mut words = mounts.join(" \\\n    ");
    let (separator, commands) = match commands {
        [command] => (if mounts.is_empty() { "" } else { " \\\n    " }, command.clone()),
        _ => {
            let separator = if mounts.is_empty() { "" } else { " " };
            (separator, format!("<<EOF\n{}\nEOF", commands.join("\n")))
        }
    };
    words.push_str(separator);
    format!("RUN {words}{commands}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_one_word() {
        assert_eq!(shell("--features=a,b"), "--features=a,b");
        assert_eq!(shell("it's"), r"'it'\''s'");
        assert_eq!(quoted("a \"$b\"\nc"), "\"a \\\"\\$b\\\" c\"");
    }

    #[test]
    fn one_command_needs_no_document() {
        assert_eq!(run(&[], &["a".into()]), "RUN a\n");
        assert_eq!(run(&["type=x".into()], &["a".into()]), "RUN --mount=type=x \\\n    a\n");
        assert_eq!(run(&[], &["a".into(), "b".into()]), "RUN <<EOF\na\nb\nEOF\n");
    }
}
