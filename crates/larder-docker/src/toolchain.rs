//! The toolchain that a project asks for: `rust-toolchain.toml`, or the older
//! file that may be nothing but a channel.

/// A toolchain file that names a directory, which no image has.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("it names a directory, which is not in an image")]
pub struct NamesDirectory;

/// The channel that a toolchain file names, if it names one.
pub fn channel(text: &str) -> Result<Option<String>, NamesDirectory> {
    let Ok(table) = toml::from_str::<toml::Table>(text) else {
        let text = text.trim();
        return Ok((!text.is_empty()).then(|| text.to_owned()));
    };
    let toolchain = table.get("toolchain").and_then(toml::Value::as_table);
    if toolchain.is_some_and(|toolchain| toolchain.contains_key("path")) {
        return Err(NamesDirectory);
    }
    Ok(toolchain.and_then(|toolchain| toolchain.get("channel")?.as_str()).map(str::to_owned))
}

/// The version, if the channel is one: images are named by versions.
pub fn version(channel: &str) -> Option<&str> {
    let is_version = channel.starts_with(|c: char| c.is_ascii_digit())
        && channel.chars().all(|c| c.is_ascii_digit() || c == '.');
    is_version.then_some(channel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_file_have_a_channel() {
        assert_eq!(
            channel("[toolchain]\nchannel = '1.95.0'\n").unwrap().as_deref(),
            Some("1.95.0")
        );
        assert_eq!(channel("stable\n").unwrap().as_deref(), Some("stable"));
        assert_eq!(channel("[toolchain]\nprofile = 'minimal'\n").unwrap(), None);
        assert_eq!(channel("[toolchain]\npath = '/x'\n"), Err(NamesDirectory));
        assert_eq!((version("1.95.0"), version("nightly-2026-01-01")), (Some("1.95.0"), None));
    }
}
