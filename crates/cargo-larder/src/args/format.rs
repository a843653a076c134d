//! `--message-format`, resolved.

/// How diagnostics and events are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum MessageFormat {
    /// For people.
    #[default]
    Human,
    /// For people, a line per diagnostic.
    Short,
    /// Cargo's machine messages.
    Json {
        /// Diagnostics are rendered to standard error instead of being messages.
        render: bool,
        /// Their `rendered` text is the short one.
        short: bool,
        /// Their `rendered` text keeps its colours.
        ansi: bool,
    },
}

impl MessageFormat {
    /// Combines the values as cargo does: the `json-…` ones add to `json`.
    pub(crate) fn resolve(values: &[String]) -> anyhow::Result<Self> {
        let mut format = None;
        for value in values {
            let value = value.to_ascii_lowercase();
            let plain = match value.as_str() {
                "human" => Some(Self::Human),
                "short" => Some(Self::Short),
                "json" => Some(Self::JSON),
                _ => None,
            };
            match (plain, &mut format) {
                (Some(plain), None) => format = Some(plain),
                (None, none @ None) => {
                    let mut json = Self::JSON;
                    json.add(&value);
                    *none = Some(json);
                }
                (None, Some(json @ Self::Json { .. })) => json.add(&value),
                _ => anyhow::bail!("cannot specify two kinds of `message-format` arguments"),
            }
        }
        Ok(format.unwrap_or_default())
    }

    const JSON: Self = Self::Json { render: false, short: false, ansi: false };

    fn add(&mut self, value: &str) {
        if let Self::Json { render, short, ansi } = self {
            match value {
                "json-render-diagnostics" => *render = true,
                "json-diagnostic-short" => *short = true,
                "json-diagnostic-rendered-ansi" => *ansi = true,
                _ => {}
            }
        }
    }

    /// Whether machine messages are printed.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Self::Json { .. })
    }

    /// Whether rustc is asked for short diagnostics.
    pub(crate) fn is_short(self) -> bool {
        matches!(self, Self::Short | Self::Json { short: true, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::MessageFormat;

    fn resolve(values: &[&str]) -> Option<MessageFormat> {
        MessageFormat::resolve(&values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>()).ok()
    }

    #[test]
    fn combines_like_cargo() {
        let json = |render, short, ansi| Some(MessageFormat::Json { render, short, ansi });
        assert_eq!(resolve(&[]), Some(MessageFormat::Human));
        assert_eq!(resolve(&["SHORT"]), Some(MessageFormat::Short));
        assert_eq!(resolve(&["json"]), json(false, false, false));
        assert_eq!(resolve(&["json", "json-diagnostic-short"]), json(false, true, false));
        assert_eq!(
            resolve(&["json-diagnostic-rendered-ansi", "json-render-diagnostics"]),
            json(true, false, true)
        );
        assert_eq!(resolve(&["human", "short"]), None);
        assert_eq!(resolve(&["json-diagnostic-short", "json"]), None);
        assert_eq!(resolve(&["short", "json-diagnostic-short"]), None);
    }
}
