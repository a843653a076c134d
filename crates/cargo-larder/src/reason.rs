//! The reason of a miss in words.

use larder_schema::report::{Change, MissReason};

/// One line, in the words of cargo's `Dirty` lines where it has some.
pub(crate) fn line(reason: &MissReason) -> String {
    match reason {
        MissReason::NeverBuilt => "never built here".into(),
        MissReason::InputsChanged { changes } => match changes.as_slice() {
            [] => "an input changed".into(),
            [only] => change(only),
            [first, rest @ ..] => {
                let others = if rest.len() == 1 { "input" } else { "inputs" };
                format!("{}, and {} more {others}", change(first), rest.len())
            }
        },
        MissReason::DependencyChanged { dependencies } => {
            format!(
                "the {} rebuilt",
                listed(dependencies, "dependency", "dependencies", "was", "were")
            )
        }
        MissReason::DepOutputDiffers { dependencies } => format!(
            "it was built against other outputs of the {}",
            listed(dependencies, "dependency", "dependencies", "", "").trim_end()
        ),
        MissReason::Damaged { detail } => format!("the stored result is damaged: {detail}"),
        MissReason::Collected => "the stored result was garbage collected".into(),
        MissReason::SideOutputChanged { path } => {
            format!("the file `{path}`, which it writes, is not as it left it")
        }
        MissReason::Uncacheable { detail } => format!("it cannot be stored: {detail}"),
    }
}

/// The lines of `explain`: every change with its old and new value.
pub(crate) fn details(reason: &MissReason) -> Vec<String> {
    let mut lines = vec![line(reason)];
    if let MissReason::InputsChanged { changes } = reason {
        lines.clear();
        for one in changes {
            lines.push(change(one));
            lines.push(format!("  was: {}", one.old.as_deref().unwrap_or("(not there)")));
            lines.push(format!("  now: {}", one.new.as_deref().unwrap_or("(not there)")));
        }
    }
    lines
}

fn change(change: &Change) -> String {
    let subject = if let Some(name) = change.input.strip_prefix("env ") {
        format!("the environment variable {name}")
    } else if let Some(file) = change.input.strip_prefix("file ") {
        if change.new.is_none() {
            return format!("the file `{file}` is missing");
        }
        if change.old.is_none() {
            return format!("the file `{file}` is new");
        }
        return format!("the file `{file}` has changed");
    } else if let Some(dir) = change.input.strip_prefix("dir ") {
        format!("the list of files in `{dir}`")
    } else {
        format!("the {}", change.input)
    };
    format!("{subject} changed")
}

fn listed(names: &[String], one: &str, many: &str, is: &str, are: &str) -> String {
    match names {
        [name] => format!("{one} `{name}` {is}"),
        [first, second] => format!("{many} `{first}` and `{second}` {are}"),
        [first, rest @ ..] => format!("{many} `{first}` and {} more {are}", rest.len()),
        [] => format!("{many} {are}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(input: &str, old: Option<&str>, new: Option<&str>) -> Change {
        Change { input: input.into(), old: old.map(Into::into), new: new.map(Into::into) }
    }

    #[test]
    fn says_what_changed() {
        let inputs = |changes| line(&MissReason::InputsChanged { changes });
        assert_eq!(
            inputs(vec![changed("file src/lib.rs", Some("1"), Some("2"))]),
            "the file `src/lib.rs` has changed"
        );
        assert_eq!(
            inputs(vec![changed("env HOME", Some("/a"), Some("/b")), changed("argv", None, None)]),
            "the environment variable HOME changed, and 1 more input"
        );
        assert_eq!(inputs(vec![changed("file a", Some("1"), None)]), "the file `a` is missing");
        assert_eq!(
            inputs(vec![changed("toolchain", Some("1"), Some("2"))]),
            "the toolchain changed"
        );
        let dependencies = vec!["serde".to_owned()];
        assert_eq!(
            line(&MissReason::DependencyChanged { dependencies: dependencies.clone() }),
            "the dependency `serde` was rebuilt"
        );
        assert_eq!(
            line(&MissReason::DepOutputDiffers { dependencies }),
            "it was built against other outputs of the dependency `serde`"
        );
    }

    #[test]
    fn details_show_both_values() {
        let reason = MissReason::InputsChanged { changes: vec![changed("env A", None, Some("1"))] };
        assert_eq!(
            details(&reason),
            ["the environment variable A changed", "  was: (not there)", "  now: 1"]
        );
    }
}
