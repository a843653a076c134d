//! What `cargo metadata --no-deps` tells of a project: binaries and labels.

use serde::Deserialize;

/// A project.
#[derive(Clone, Debug)]
pub struct Project {
    /// The workspace's root.
    pub root: String,
    packages: Vec<Package>,
    defaults: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: String,
    #[serde(default)]
    workspace_default_members: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    #[serde(default)]
    manifest_path: String,
    #[serde(default)]
    dependencies: Vec<Dependency>,
    default_run: Option<String>,
    description: Option<String>,
    license: Option<String>,
    repository: Option<String>,
    targets: Vec<Target>,
}

#[derive(Clone, Debug, Deserialize)]
struct Dependency {
    kind: Option<String>,
    path: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
    #[serde(default, rename = "required-features")]
    required_features: Vec<String>,
}

/// Binaries that cannot be chosen.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoBinary {
    /// No binary at all.
    #[error("this project has no binaries, and an image wants one")]
    None,
    /// None of that name.
    #[error("there is no binary `{wanted}`; there are: {known}")]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: String,
    },
    /// Some, but none that is built unasked.
    #[error("no binary is built by default; choose from: {0}")]
    Choose(String),
}

impl Package {
    /// The one that runs first.
    fn bins(&self) -> impl Iterator<Item = &Target> {
        let bins =
            self.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "bin"));
        let mut bins: Vec<&Target> = bins.collect();
        bins.sort_by_key(|bin| Some(&bin.name) != self.default_run.as_ref());
        bins.into_iter()
    }

    /// Those that are built without any feature.
    fn default_bins(&self) -> Vec<String> {
        let bins = self.bins().filter(|target| target.required_features.is_empty());
        bins.map(|target| target.name.clone()).collect()
    }
}

impl Project {
    /// From cargo's JSON.
    pub fn from_json(json: &[u8]) -> serde_json::Result<Self> {
        let metadata: Metadata = serde_json::from_slice(json)?;
        Ok(Self {
            root: metadata.workspace_root,
            packages: metadata.packages,
            defaults: metadata.workspace_default_members,
        })
    }

    /// The packages that a command without `--package` builds, or the one of
    /// this name.
    fn chosen(&self, package: Option<&str>) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(move |candidate| match package {
            Some(name) => candidate.name == name,
            None => self.defaults.contains(&candidate.id),
        })
    }

    /// The binaries that were asked for, or those that are built unasked, of
    /// all default members or of one package.
    pub fn binaries(
        &self,
        package: Option<&str>,
        asked: &[String],
    ) -> Result<Vec<String>, NoBinary> {
        let all = || self.packages.iter().flat_map(Package::bins);
        let known = || all().map(|bin| bin.name.as_str()).collect::<Vec<_>>().join(", ");
        if all().next().is_none() {
            return Err(NoBinary::None);
        }
        if let Some(wanted) = asked.iter().find(|name| all().all(|bin| bin.name != **name)) {
            return Err(NoBinary::Unknown { wanted: wanted.clone(), known: known() });
        }
        if !asked.is_empty() {
            return Ok(asked.to_vec());
        }
        let bins: Vec<String> = self.chosen(package).flat_map(Package::default_bins).collect();
        if bins.is_empty() { Err(NoBinary::Choose(known())) } else { Ok(bins) }
    }

    /// Directories that members depend on by their paths. With a manifest, those
    /// of its package alone, and without what only its own tests need: cargo
    /// asks for no more of a package that is no member.
    pub fn paths(&self, manifest: Option<&str>) -> Vec<String> {
        let packages = self
            .packages
            .iter()
            .filter(|package| manifest.is_none_or(|manifest| package.manifest_path == manifest));
        let dependencies = packages.flat_map(|package| &package.dependencies);
        let counts = |dependency: &&Dependency| {
            manifest.is_none() || dependency.kind.as_deref() != Some("dev")
        };
        dependencies.filter(counts).filter_map(|dependency| dependency.path.clone()).collect()
    }

    /// Labels of an image: those of the one package that has binaries.
    pub fn labels(&self, package: Option<&str>) -> Vec<(String, String)> {
        let mut with_bins = self.chosen(package).filter(|package| package.bins().next().is_some());
        let (Some(package), None) = (with_bins.next(), with_bins.next()) else {
            return Vec::new();
        };
        [
            ("title", Some(&package.name)),
            ("description", package.description.as_ref()),
            ("licenses", package.license.as_ref()),
            ("source", package.repository.as_ref()),
        ]
        .into_iter()
        .filter_map(|(key, value)| {
            Some((format!("org.opencontainers.image.{key}"), value?.trim().to_owned()))
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> Project {
        let json = r#"{"workspace_root": "/src", "workspace_default_members": ["a"], "packages": [
            {"id": "a", "name": "app", "default_run": "main", "description": " Says hello ",
             "license": null, "repository": null, "targets": [
                {"kind": ["lib"], "name": "app"}, {"kind": ["bin"], "name": "extra"},
                {"kind": ["bin"], "name": "main"},
                {"kind": ["bin"], "name": "gated", "required-features": ["x"]}]},
            {"id": "b", "name": "other", "default_run": null, "description": null, "license": "MIT",
             "manifest_path": "/src/b/Cargo.toml", "dependencies": [
                {"kind": null, "path": "/common"}, {"kind": "dev", "path": "/tests"},
                {"kind": null, "path": null}],
             "repository": null, "targets": [{"kind": ["bin"], "name": "tool"}]}]}"#;
        Project::from_json(json.as_bytes()).unwrap()
    }

    #[test]
    fn binaries_are_those_of_a_build_or_those_asked_for() {
        let project = project();
        assert_eq!(project.binaries(None, &[]).unwrap(), ["main", "extra"]);
        assert_eq!(project.binaries(Some("other"), &[]).unwrap(), ["tool"]);
        assert_eq!(project.binaries(None, &["gated".into()]).unwrap(), ["gated"]);
        let error = project.binaries(None, &["none".into()]).unwrap_err().to_string();
        assert!(error.contains("`none`") && error.contains("tool"), "{error}");
    }

    #[test]
    fn paths_are_those_that_cargo_needs() {
        assert_eq!(project().paths(None), ["/common", "/tests"]);
        assert_eq!(project().paths(Some("/src/b/Cargo.toml")), ["/common"]);
        assert!(project().paths(Some("/src/a/Cargo.toml")).is_empty());
    }

    #[test]
    fn labels_are_of_one_package() {
        let labels = project().labels(None);
        assert_eq!(labels[1].0, "org.opencontainers.image.description");
        assert_eq!(labels[1].1, "Says hello");
        assert_eq!(labels.len(), 2);
        assert_eq!(project().labels(Some("other")).len(), 2);
    }
}
