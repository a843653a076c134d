//! A difference between two cook plans, in words.

use larder_schema::cook::CookChange;

/// How many units are named before the rest is counted.
const NAMED: usize = 3;

/// One line: `serde 1.0.1 → 1.0.2`, `feature std added: memchr 2.7.4 (lib)`.
pub(crate) fn cook_change(change: &CookChange) -> String {
    match change {
        CookChange::Toolchain { what, old, new } => {
            let what = match what.as_str() {
                "content" => "the files of the compiler",
                "name" => "the toolchain",
                "cargo" => "cargo",
                "host" => "the host",
                "platforms" => "the platforms",
                _ => "clippy's driver",
            };
            format!("{what} changed: {} → {}", or_none(old), or_none(new))
        }
        CookChange::Profile { old, new } => format!("the profile changed: {old} → {new}"),
        CookChange::Added { package, version } => format!("{package} {version} was added"),
        CookChange::Removed { package, version } => format!("{package} {version} was removed"),
        CookChange::Version { package, old, new } => {
            format!("{package} has another version: {old} → {new}")
        }
        CookChange::Source { package, version, old, new } => {
            format!("{package} {version} comes from elsewhere: {old} → {new}")
        }
        CookChange::Units { package, version, removed, added } => {
            let mut parts = Vec::new();
            if !added.is_empty() {
                parts.push(format!("now also {}", added.join(", ")));
            }
            if !removed.is_empty() {
                parts.push(format!("no longer {}", removed.join(", ")));
            }
            format!("{package} {version} is built otherwise: {}", parts.join("; "))
        }
        CookChange::Features { added, removed, units } => {
            let sides = sides("feature", added, removed);
            format!("{sides}: {}", some(units))
        }
        CookChange::Setting { setting, old, new, units } => {
            format!("{setting} changed, {old} → {new}: {}", some(units))
        }
        CookChange::Flags { added, removed, units } => {
            let what = sides("flag", added, removed);
            format!("{what}: {}", some(units))
        }
        CookChange::Variable { name, old, new, units } => {
            let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "unset".into());
            format!("{name} changed, {} → {}: {}", value(old), value(new), some(units))
        }
        CookChange::Dependencies { units } => {
            format!("other dependencies: {}", some(units))
        }
    }
}

fn sides(what: &str, added: &[String], removed: &[String]) -> String {
    let side = |list: &[String], verb: &str| {
        let plural = if list.len() == 1 { "" } else { "s" };
        (!list.is_empty()).then(|| format!("{what}{plural} {} {verb}", list.join(" ")))
    };
    let sides: Vec<String> =
        [side(added, "added"), side(removed, "removed")].into_iter().flatten().collect();
    if sides.is_empty() { format!("the order of {what}s changed") } else { sides.join(", ") }
}

fn some(units: &[String]) -> String {
    let named = units.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match units.len().checked_sub(NAMED) {
        None | Some(0) => named,
        Some(more) => format!("{named}, and {more} more"),
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_read_like_sentences() {
        let text = |list: &[&str]| list.iter().map(|&s| s.to_owned()).collect::<Vec<_>>();
        let features = CookChange::Features {
            added: text(&["std"]),
            removed: text(&["alloc", "rc"]),
            units: text(&["a 1.0.0 (lib)", "b 1.0.0 (lib)", "c 1.0.0 (lib)", "d 1.0.0 (lib)"]),
        };
        assert_eq!(
            cook_change(&features),
            "feature std added, features alloc rc removed: \
             a 1.0.0 (lib), b 1.0.0 (lib), c 1.0.0 (lib), and 1 more"
        );
        let setting = CookChange::Setting {
            setting: "opt-level".into(),
            old: "3".into(),
            new: "z".into(),
            units: text(&["a 1.0.0 (lib)"]),
        };
        assert_eq!(cook_change(&setting), "opt-level changed, 3 → z: a 1.0.0 (lib)");
    }
}
