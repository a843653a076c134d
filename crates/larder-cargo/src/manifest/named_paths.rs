//! Paths that a manifest or a configuration file names: what else has to be
//! there for cargo to read it.
//!
//! Found by the names of keys, wherever they stand: a path too many is looked
//! at in vain.

use toml::Value;

/// Keys whose text is a path.
const OF_TEXT: &[&str] = &["path", "directory", "local-registry", "workspace"];

/// Keys whose list is one of paths.
const OF_LIST: &[&str] = &["members", "paths"];

/// The relative paths in the text of a TOML file, as they are written.
#[must_use]
pub fn named_paths(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(table) = text.parse::<toml::Table>() {
        collect(&Value::Table(table), &mut found);
    }
    found.retain(|path| !path.starts_with('/'));
    found.sort();
    found.dedup();
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                match value {
                    Value::String(path) if OF_TEXT.contains(&key.as_str()) => {
                        found.push(path.clone());
                    }
                    Value::Array(paths) if OF_LIST.contains(&key.as_str()) => {
                        found.extend(paths.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    other => collect(other, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::named_paths;

    #[test]
    fn dependencies_patches_members_and_targets() {
        let text = "[package]\nname = 'a'\nworkspace = '../root'\n[lib]\npath = 'lib.rs'\n\
                    [dependencies]\nb.path = '../b'\nc = '1'\nd.workspace = true\n\
                    [target.'cfg(unix)'.dependencies]\ne = { path = '/e' }\n\
                    [patch.crates-io]\nf = { path = '../f' }\n[workspace]\nmembers = ['../g']\n";
        assert_eq!(named_paths(text), ["../b", "../f", "../g", "../root", "lib.rs"]);
        assert_eq!(named_paths("not toml"), [""; 0]);
    }
}
