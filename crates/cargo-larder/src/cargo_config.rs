//! Cargo's configuration as far as the command line itself follows it:
//! `[term]`, and the aliases of `[alias]`. What builds read of it is the
//! planner's.

use crate::args::Split;
use crate::cargo::BUILT_IN;
use crate::env_vars::EnvVar;
use crate::host::Host;
use larder_cargo::config::Config;
use std::ffi::OsString;
use std::path::PathBuf;

/// Configuration that could be read. What is wrong with the rest is said by
/// cargo when it plans.
pub(crate) struct CargoConfig<'a> {
    host: &'a Host,
    config: Option<Config>,
}

impl<'a> CargoConfig<'a> {
    /// Reads it, with the values of `--config`.
    pub(crate) fn read(host: &'a Host, cli: &[String]) -> Self {
        let config = host.cwd.as_ref().and_then(|cwd| {
            let machine = larder_cargo::Host {
                env: host.env.clone(),
                cwd: cwd.clone(),
                exe: PathBuf::new(),
                larder_dir: PathBuf::new(),
                layers: None,
            };
            Config::load(&machine, &machine.cargo_home().ok()?, cli).ok()
        });
        Self { host, config }
    }

    /// A text: `term.color` is `["term", "color"]`, and `var` what stands for
    /// it in the environment.
    pub(crate) fn text(&self, key: &[&str], var: &EnvVar) -> Option<String> {
        match &self.config {
            Some(config) => Some(config.text(key).ok()??.value).filter(|text| !text.is_empty()),
            None => self.host.text(var).map(str::to_owned),
        }
    }

    /// A truth value.
    pub(crate) fn truth(&self, key: &[&str], var: &EnvVar) -> Option<bool> {
        match &self.config {
            Some(config) => config.truth(key).ok()?,
            None => self.host.text(var).map(|text| text == "true"),
        }
    }

    /// Whether it is set and true.
    pub(crate) fn is_true(&self, key: &[&str], var: &EnvVar) -> bool {
        self.truth(key, var) == Some(true)
    }

    /// A number.
    pub(crate) fn number(&self, key: &[&str], var: &EnvVar) -> Option<usize> {
        use larder_cargo::config::Value;
        let written = match self.config.as_ref().and_then(|config| config.file_value(key)) {
            Some(Value::Integer(number, _)) => usize::try_from(*number).ok(),
            _ => None,
        };
        written.or_else(|| self.text(key, var)?.parse().ok())
    }

    fn alias(&self, name: &str) -> Option<Vec<OsString>> {
        let words = self.config.as_ref()?.list(&["alias", name]).ok()??;
        Some(words.into_iter().map(|word| word.value.into()).collect())
    }
}

/// The command line with an alias of the configuration replaced by what it
/// stands for. One that leads nowhere, and one that hides an external
/// subcommand, stay as they are: cargo has words for them. `own` are larder's
/// commands.
pub(crate) fn without_alias(host: &Host, split: Split, own: fn() -> Vec<String>) -> Split {
    let mut expanded = split.clone();
    let mut seen = Vec::new();
    loop {
        let Some(name) = expanded.command.as_ref().and_then(|name| name.to_str()) else {
            return split;
        };
        let is_known = BUILT_IN.contains(&name) || own().iter().any(|command| command == name);
        if is_known {
            return expanded;
        }
        if host.find_program(&format!("cargo-{name}"), None).is_some() {
            return if seen.is_empty() { split } else { expanded };
        }
        if seen.contains(&name.to_owned()) {
            return split;
        }
        let configs = expanded.globals.windows(2).filter(|pair| pair[0] == "--config");
        let configs: Vec<String> =
            configs.filter_map(|pair| Some(pair[1].to_str()?.to_owned())).collect();
        let Some(words) = CargoConfig::read(host, &configs).alias(name) else { return split };
        seen.push(name.to_owned());
        let tokens: Vec<OsString> =
            expanded.globals.iter().cloned().chain(words).chain(expanded.rest.clone()).collect();
        expanded = Split { toolchain: expanded.toolchain, ..Split::new(&tokens) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_lead_to_commands() {
        let dir = tempfile::tempdir().unwrap();
        fs_err::create_dir(dir.path().join(".cargo")).unwrap();
        let config = "[alias]\nxb = 'build --release'\nbb = ['-v', 'xb', '-p a']\n\
                      one = 'two'\ntwo = 'one'\nlost = 'nowhere'\nbuild = 'check'\n";
        fs_err::write(dir.path().join(".cargo/config.toml"), config).unwrap();
        let cwd = dir.path().to_str().unwrap();
        let host = Host::fake(&[], &[("CARGO_HOME", cwd), ("CARGO_ALIAS_E", "test --lib")], cwd);
        let expand = |line: &str| {
            let tokens: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let split = without_alias(&host, Split::new(&tokens), || vec!["gc".to_owned()]);
            let words = split.tokens();
            words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(expand("+nightly xb --lib"), "build --release --lib");
        assert_eq!(expand("-q bb x"), "-q -v build --release -p a x");
        assert_eq!(expand("e"), "test --lib");
        for same in ["build", "gc", "one", "lost", "unknown", "--version"] {
            assert_eq!(expand(same), same);
        }
    }
}
