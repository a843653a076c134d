//! The configuration of the image: the base's, and what the settings say.

use larder_docker::platform::Platform;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What an image is given.
#[derive(Debug, Default)]
pub(crate) struct Image {
    /// Its user.
    pub(crate) user: Option<String>,
    /// Its working directory.
    pub(crate) workdir: Option<String>,
    /// What it starts.
    pub(crate) entrypoint: Vec<String>,
    /// With these arguments by default.
    pub(crate) args: Vec<String>,
    /// Variables.
    pub(crate) env: BTreeMap<String, String>,
    /// Ports.
    pub(crate) ports: Vec<String>,
    /// Volumes.
    pub(crate) volumes: Vec<String>,
    /// Labels.
    pub(crate) labels: BTreeMap<String, String>,
    /// The signal that stops it.
    pub(crate) stop_signal: Option<String>,
    /// The steps on top of the base, for its history.
    pub(crate) steps: Vec<String>,
}

impl Image {
    /// The configuration, on top of that of the base.
    pub(crate) fn config(&self, base: Option<&Value>, platform: &Platform, seconds: i64) -> Value {
        let mut whole = match base {
            Some(Value::Object(base)) => base.clone(),
            _ => Map::new(),
        };
        let mut parts = platform.docker.split('/');
        whole.insert("os".into(), json!(parts.next()));
        whole.insert("architecture".into(), json!(parts.next()));
        if let Some(variant) = parts.next() {
            whole.insert("variant".into(), json!(variant));
        }
        let created = json!(timestamp(seconds));
        whole.insert("created".into(), created.clone());
        whole.entry("rootfs").or_insert_with(|| json!({ "type": "layers", "diff_ids": [] }));
        let history = whole.entry("history").or_insert_with(|| json!([]));
        if let Value::Array(history) = history {
            let step =
                |step| json!({ "created": created, "created_by": step, "comment": "larder" });
            history.extend(self.steps.iter().map(step));
        }
        let config = match whole.remove("config") {
            Some(Value::Object(config)) => config,
            _ => Map::new(),
        };
        whole.insert("config".into(), Value::Object(self.run(config)));
        Value::Object(whole)
    }

    /// How it runs.
    fn run(&self, mut config: Map<String, Value>) -> Map<String, Value> {
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                config.insert(key.to_owned(), value);
            }
        };
        set("User", self.user.clone().map(Value::from));
        set("WorkingDir", self.workdir.clone().map(Value::from));
        set("StopSignal", self.stop_signal.clone().map(Value::from));
        // The base's arguments are those of the program that the base starts.
        set("Entrypoint", Some(json!(self.entrypoint)));
        set("Cmd", Some(if self.args.is_empty() { Value::Null } else { json!(self.args) }));
        let mut env: Vec<String> = strings(config.get("Env"));
        for (name, value) in &self.env {
            env.retain(|known| known.split('=').next() != Some(name));
            env.push(format!("{name}={value}"));
        }
        if !env.iter().any(|known| known.starts_with("PATH=")) {
            let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
            env.insert(0, format!("PATH={path}"));
        }
        config.insert("Env".into(), json!(env));
        for (key, names) in [("ExposedPorts", &self.ports), ("Volumes", &self.volumes)] {
            let entries = names.iter().map(|name| (name.clone(), json!({})));
            extend(&mut config, key, entries);
        }
        let labels = self.labels.iter().map(|(name, value)| (name.clone(), json!(value)));
        extend(&mut config, "Labels", labels);
        config
    }
}

/// Adds to a map of the configuration, which may not be there yet.
fn extend(
    config: &mut Map<String, Value>,
    key: &str,
    entries: impl IntoIterator<Item = (String, Value)>,
) {
    let mut entries = entries.into_iter().peekable();
    if entries.peek().is_none() {
        return;
    }
    let mut map = match config.remove(key) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    };
    map.extend(entries);
    config.insert(key.to_owned(), Value::Object(map));
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let array = value.and_then(Value::as_array).into_iter().flatten();
    array.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// `1970-01-01T00:00:00Z`, by the days of the civil calendar.
fn timestamp(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Years begin in March, so that the leap day is the last one; 400 years
    // are 146,097 days, and day 0 is 719,468 days after 0000-03-01.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amd64() -> &'static Platform {
        "linux/amd64".parse().unwrap()
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_767_225_600, "2026-01-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(timestamp(seconds), text);
        }
    }

    #[test]
    fn the_base_stays_where_settings_say_nothing() {
        let base = json!({
            "architecture": "amd64", "os": "linux",
            "config": {"Env": ["PATH=/x", "A=1"], "Cmd": ["/bin/sh"], "User": "65532",
                       "WorkingDir": "/home", "Labels": {"old": "1"}},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:0"]},
            "history": [{"created_by": "base"}],
        });
        let image = Image {
            entrypoint: vec!["/app".into()],
            env: BTreeMap::from([("A".to_owned(), "2".to_owned())]),
            ports: vec!["80/tcp".into()],
            labels: BTreeMap::from([("new".to_owned(), "2".to_owned())]),
            steps: vec!["COPY app".into()],
            ..Image::default()
        };
        let config = image.config(Some(&base), amd64(), 0);
        assert_eq!(config["config"]["Env"], json!(["PATH=/x", "A=2"]));
        assert_eq!(config["config"]["User"], "65532");
        assert_eq!(config["config"]["Cmd"], Value::Null);
        assert_eq!(config["config"]["Labels"], json!({"old": "1", "new": "2"}));
        assert_eq!(config["config"]["ExposedPorts"], json!({"80/tcp": {}}));
        assert_eq!(config["rootfs"]["diff_ids"][0], "sha256:0");
        assert_eq!(config["history"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn an_empty_base_makes_a_whole_configuration() {
        let image = Image { args: vec!["x".into()], ..Image::default() };
        let arm = "linux/arm/v7".parse().unwrap();
        let config = image.config(None, arm, 0);
        assert_eq!((&config["architecture"], &config["variant"]), (&json!("arm"), &json!("v7")));
        assert_eq!(config["config"]["Cmd"], json!(["x"]));
        assert!(config["config"]["Env"][0].as_str().unwrap().starts_with("PATH=/usr/local/sbin"));
    }
}
