//! What larder reads, against what cargo itself says of the same files.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test is a binary: it reads the environment once"
)]

use larder_cargo::config::{Config, Value};
use larder_cargo::manifest::{self, WorkspaceRoots};
use larder_cargo::{Host, members};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self { dir }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    fn host(&self, cwd: &str) -> Host {
        Host {
            env: std::env::vars_os().filter(|(k, _)| k != "CARGO_TARGET_DIR").collect(),
            cwd: self.root().join(cwd),
            exe: PathBuf::from("/bin/true"),
            larder_dir: self.root().join("larder"),
            layers: None,
        }
    }

    fn cargo(&self, cwd: &str, args: &[&str], env: &[(&str, &str)]) -> (String, String) {
        let output = Command::new("cargo")
            .args(args)
            .current_dir(self.root().join(cwd))
            .env_remove("CARGO_TARGET_DIR")
            .envs(env.iter().copied())
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{stderr}");
        (String::from_utf8(output.stdout).unwrap(), stderr)
    }
}

const WORKSPACE: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        "[workspace]\nmembers = [\"crates/*\", \"alone\"]\nexclude = [\"crates/out\"]\n\
         resolver = \"2\"\n\
         [workspace.package]\nversion = \"1.2.3\"\nedition = \"2021\"\nauthors = [\"A\", \"B\"]\n\
         license-file = \"LICENSE\"\nreadme = true\nrust-version = \"1.70\"\n\
         repository = \"https://r\"\n\
         [workspace.dependencies]\nalone = { path = \"alone\" }\n\
         [workspace.lints.rust]\nunused = { level = \"warn\", priority = -1 }\n\
         dead_code = \"allow\"\nunexpected_cfgs = { level = \"warn\", check-cfg = [\"cfg(x)\"] }\n\
         [workspace.lints.clippy]\nall = \"deny\"\npedantic = { level = \"warn\", priority = -2 }\n",
    ),
    ("LICENSE", "l"),
    ("README.md", "r"),
    (
        "crates/a/Cargo.toml",
        "[package]\nname = \"a\"\nversion.workspace = true\nedition.workspace = true\n\
         authors.workspace = true\nlicense-file.workspace = true\nreadme.workspace = true\n\
         rust-version.workspace = true\nrepository.workspace = true\ndescription = \"d\"\n\
         [lints]\nworkspace = true\n\
         [features]\ndefault = []\nnamed = [\"dep:hidden\"]\n\
         [dependencies]\nalone = { workspace = true, optional = true }\n\
         hidden = { path = \"../../alone\", package = \"alone\", optional = true }\n\
         deep = { path = \"deep\" }\n\
         [[test]]\nname = \"plain\"\nharness = false\n",
    ),
    ("crates/a/src/lib.rs", ""),
    ("crates/a/src/main.rs", "fn main() {}"),
    ("crates/a/src/bin/one.rs", "fn main() {}"),
    ("crates/a/src/bin/two/main.rs", "fn main() {}"),
    ("crates/a/tests/plain.rs", "fn main() {}"),
    ("crates/a/tests/other.rs", ""),
    ("crates/a/examples/e.rs", "fn main() {}"),
    ("crates/a/benches/b.rs", ""),
    ("crates/a/build.rs", "fn main() {}"),
    ("crates/a/deep/Cargo.toml", "[package]\nname = \"deep\"\nversion = \"0.1.0\"\n"),
    ("crates/a/deep/src/lib.rs", ""),
    (
        "alone/Cargo.toml",
        "[package]\nname = \"alone\"\n[lib]\nproc-macro = true\n[[bin]]\nname = \"x\"\n\
         path = \"src/x.rs\"\n[lints.rust]\nunsafe_code = \"forbid\"\nmissing_docs = \"warn\"\n",
    ),
    ("alone/src/lib.rs", ""),
    ("alone/src/x.rs", "fn main() {}"),
    ("alone/src/bin/undeclared.rs", "fn main() {}"),
    ("alone/README", "r"),
    ("crates/out/Cargo.toml", "[package]\nname = \"out\"\nversion = \"0.1.0\"\n"),
    ("crates/out/src/lib.rs", ""),
];

fn text(value: &Json) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[test]
fn manifests_and_members_as_in_cargo_metadata() {
    let project = Project::new(WORKSPACE);
    let args = ["metadata", "--offline", "--no-deps", "--format-version", "1"];
    let (json, _) = project.cargo(".", &args, &[]);
    let metadata: Json = serde_json::from_str(&json).unwrap();
    let roots = WorkspaceRoots::new(Path::new("/nowhere"));
    let workspace = members::workspace(&project.root().join("crates/a"), None, &roots).unwrap();
    assert_eq!(workspace.root, project.root());
    let packages = metadata["packages"].as_array().unwrap();
    let theirs: BTreeSet<PathBuf> =
        packages.iter().map(|p| PathBuf::from(p["manifest_path"].as_str().unwrap())).collect();
    assert_eq!(workspace.members, theirs);
    for package in packages {
        let path = PathBuf::from(package["manifest_path"].as_str().unwrap());
        let ours = manifest::read(&path, &roots).unwrap().manifest;
        let name = &ours.name;
        assert_eq!(Some(&ours.name), text(&package["name"]).as_ref());
        assert_eq!(Some(&ours.version), text(&package["version"]).as_ref(), "{name}");
        assert_eq!(Some(&ours.edition), text(&package["edition"]).as_ref(), "{name}");
        for (ours, key) in [
            (&ours.description, "description"),
            (&ours.license, "license"),
            (&ours.license_file, "license_file"),
            (&ours.readme, "readme"),
            (&ours.repository, "repository"),
            (&ours.homepage, "homepage"),
            (&ours.rust_version, "rust_version"),
            (&ours.links, "links"),
        ] {
            assert_eq!(*ours, text(&package[key]), "{key} of {name}");
        }
        let authors: Vec<_> =
            package["authors"].as_array().unwrap().iter().filter_map(text).collect();
        assert_eq!(ours.authors, authors);
        let features: Vec<_> = package["features"].as_object().unwrap().keys().collect();
        assert_eq!(ours.features.iter().collect::<Vec<_>>(), features, "{name}");
        let targets: BTreeSet<(String, String)> = package["targets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| {
                let kind = match t["kind"][0].as_str().unwrap() {
                    "proc-macro" => "lib",
                    kind => kind,
                };
                (kind.to_owned(), text(&t["name"]).unwrap())
            })
            .collect();
        let ours: BTreeSet<_> =
            ours.targets.iter().map(|t| (t.kind.clone(), t.name.clone())).collect();
        assert_eq!(ours, targets, "{name}");
    }
}

#[test]
fn lints_and_features_as_cargo_passes_them() {
    let project = Project::new(WORKSPACE);
    let (_, stderr) = project.cargo(".", &["check", "-v", "--offline", "--workspace"], &[]);
    let roots = WorkspaceRoots::new(Path::new("/nowhere"));
    for (name, path) in [("a", "crates/a"), ("alone", "alone"), ("deep", "crates/a/deep")] {
        let manifest = project.root().join(path).join("Cargo.toml");
        let ours = manifest::read(&manifest, &roots).unwrap().manifest;
        let running = format!("rustc --crate-name {name} ");
        let line = stderr.lines().find(|l| l.contains(&running)).unwrap();
        let mut lints = ours.lint_flags.join(" ");
        for check in &ours.lint_check_cfgs {
            lints.push_str(&format!(" --check-cfg '{check}'"));
        }
        // Cargo quotes arguments for a shell.
        let (line, lints) = (line.replace('\'', ""), lints.replace('\'', ""));
        assert!(line.contains(&lints), "{lints}\n{line}");
        if lints.is_empty() {
            assert!(!line.contains("--warn="), "{line}");
        }
        let values: Vec<_> = ours.features.iter().map(|f| format!("\"{f}\"")).collect();
        let check = format!("cfg(feature, values({}))", values.join(", "));
        assert!(line.contains(&check), "{check}\n{line}");
    }
}

const CONFIG: &[(&str, &str)] = &[
    ("Cargo.toml", "[package]\nname = \"c\"\nversion = \"0.1.0\"\n"),
    ("src/lib.rs", ""),
    (
        ".cargo/config.toml",
        "include = [\"more.toml\", { path = \"absent.toml\", optional = true }]\n\
         [build]\nrustflags = [\"--cfg\", \"outer\"]\njobs = 3\ntarget-dir = \"outer-target\"\n\
         [target.x86_64-unknown-linux-gnu]\nrunner = [\"outer\", \"arg\"]\nlinker = \"bin/ld\"\n\
         [env]\nA = \"outer\"\n",
    ),
    (
        ".cargo/more.toml",
        "[build]\nrustflags = [\"--cfg\", \"included\"]\njobs = 2\n[env]\n\
         B = { value = \"rel\", relative = true, force = true }\n",
    ),
    (
        "inner/.cargo/config.toml",
        "[build]\nrustflags = [\"--cfg\", \"inner\"]\njobs = 4\n\
         [target.x86_64-unknown-linux-gnu]\nrunner = [\"inner\"]\n[env]\nA = \"inner\"\n",
    ),
    ("given.toml", "[build]\nrustflags = [\"--cfg\", \"given\"]\n"),
];

fn toml_of(value: &Value) -> toml::Value {
    match value {
        Value::Integer(n, _) => toml::Value::Integer(*n),
        Value::Text(text, _) => toml::Value::String(text.clone()),
        Value::Bool(truth, _) => toml::Value::Boolean(*truth),
        Value::List(items, _) => toml::Value::Array(items.iter().map(toml_of).collect()),
        Value::Table(table, _) => {
            toml::Value::Table(table.iter().map(|(k, v)| (k.clone(), toml_of(v))).collect())
        }
    }
}

#[test]
fn configuration_merges_as_in_cargo_config_get() {
    let project = Project::new(CONFIG);
    let home = project.root().join("home");
    let cli = ["../given.toml".to_owned(), "build.jobs=7".to_owned()];
    let mut args = vec!["config", "get", "-Z", "unstable-options", "--format", "json-value"];
    for argument in &cli {
        args.extend(["--config", argument]);
    }
    let env = [("RUSTC_BOOTSTRAP", "1"), ("CARGO_HOME", home.to_str().unwrap())];
    let host = project.host("inner");
    let config = Config::load(&host, &home, &cli).unwrap();
    // Not `target.*.runner`: cargo 1.95 joins or replaces these lists by the
    // order of a hash map, so its answer differs from run to run.
    for table in ["build", "target.x86_64-unknown-linux-gnu.linker", "env"] {
        let key: Vec<&str> = table.split('.').collect();
        let mut args = args.clone();
        args.push(table);
        let (json, _) = project.cargo("inner", &args, &env);
        let theirs: Json = serde_json::from_str(&json).unwrap();
        let ours = serde_json::to_value(toml_of(config.file_value(&key).unwrap())).unwrap();
        assert_eq!(ours, theirs, "{table}");
    }
    let target = config.target("x86_64-unknown-linux-gnu", &[]).unwrap();
    assert_eq!(target.runner.unwrap(), (PathBuf::from("inner"), Vec::new()), "as documented");
    let looked: Vec<_> = config.looked_at().iter().filter(|p| p.ends_with("absent.toml")).collect();
    assert_eq!(looked.len(), 1, "absent files count");
}

#[test]
fn variables_join_lists_and_replace_values() {
    let project = Project::new(CONFIG);
    let home = project.root().join("home");
    let mut host = project.host("inner");
    for (name, value) in [
        ("CARGO_BUILD_RUSTFLAGS", "-C env"),
        ("CARGO_BUILD_JOBS", "9"),
        ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", "env run"),
        ("A", "inherited"),
    ] {
        host.env.insert(name.into(), value.into());
    }
    let config = Config::load(&host, &home, &[]).unwrap();
    let flags = config.build_flags("rustflags").unwrap().unwrap();
    assert_eq!(
        flags,
        ["--cfg", "included", "--cfg", "outer", "--cfg", "inner", "-C", "env"],
        "outer files first, the environment last"
    );
    assert_eq!(config.jobs().unwrap().resolve(2), 9);
    let target = config.target("x86_64-unknown-linux-gnu", &[]).unwrap();
    assert_eq!(target.runner.unwrap(), (PathBuf::from("env"), vec!["run".to_owned()]));
    assert_eq!(target.linker.unwrap(), project.root().join("bin/ld"));
    assert_eq!(config.target_dir().unwrap().unwrap(), project.root().join("outer-target"));
    let env = config.env().unwrap();
    let applies: Vec<_> =
        env.iter().filter(|e| e.applies(&host)).map(|e| (&*e.name, &*e.value)).collect();
    let relative = project.root().join("rel");
    assert_eq!(applies, [("B", relative.to_str().unwrap())], "A is inherited");
}
