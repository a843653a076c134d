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
        MissReason::Unobserved { detail } => {
            format!("nobody saw what the stored result was made from: {detail}")
        }
        MissReason::NotHermetic { detail } => {
            format!("the run of the stored result was not hermetic: {detail}")
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
    let (kind, rest) = change.input.split_once(' ').unwrap_or((&change.input, ""));
    let place = shown(rest);
    match kind {
        "env" => {
            let name = rest.strip_suffix(" (mentioned)").unwrap_or(rest);
            format!("the environment variable {name} changed")
        }
        "cargo" => format!("{} changed", rest.replacen("env ", "cargo's variable ", 1)),
        "file" if change.new.is_none() => format!("the file `{place}` is missing"),
        "file" if change.old.is_none() => format!("the file `{place}` is new"),
        "file" => format!("the file `{place}` has changed"),
        "tree" => format!("files below `{place}` have changed"),
        "package" => "files of the package have changed".into(),
        "listing" => format!("the list of files in `{place}` changed"),
        "presence" => format!("`{place}` appeared or disappeared"),
        "link" => format!("the link `{place}` leads elsewhere"),
        "location" => format!("the location of `{place}` changed"),
        "argv" => "the arguments changed".into(),
        "remap" => "the remapped paths changed".into(),
        _ => format!("the {} changed", change.input),
    }
}

/// A symbolic path as people know it: those of the workspace relative to it.
fn shown(path: &str) -> &str {
    match path.strip_prefix("{workspace}") {
        Some("") => ".",
        Some(rest) => rest.strip_prefix('/').unwrap_or(path),
        None => path,
    }
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
            inputs(vec![changed("file {workspace}/src/lib.rs", Some("1"), Some("2"))]),
            "the file `src/lib.rs` has changed"
        );
        assert_eq!(
            inputs(vec![
                changed("env HOME (mentioned)", Some("/a"), Some("/b")),
                changed("argv", None, None)
            ]),
            "the environment variable HOME changed, and 1 more input"
        );
        assert_eq!(inputs(vec![changed("file a", Some("1"), None)]), "the file `a` is missing");
        assert_eq!(
            inputs(vec![changed("toolchain", Some("1"), Some("2"))]),
            "the toolchain changed"
        );
        assert_eq!(inputs(vec![changed("argv", None, None)]), "the arguments changed");
        assert_eq!(
            inputs(vec![changed("cargo env CARGO_CFG_UNIX", None, Some("1"))]),
            "cargo's variable CARGO_CFG_UNIX changed"
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
