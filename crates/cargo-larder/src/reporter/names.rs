//! Packages, targets and units by the names that cargo shows.

use larder_schema::plan::{Mode, Package, Plan, Source, Target, Template, Unit};
use std::path::{Component, Path, PathBuf};

/// The registry that needs no mention.
const DEFAULT_REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";
/// The same by its other protocol; in two halves, as nothing here connects to it.
const DEFAULT_SPARSE: &str = concat!("sparse+https://index", ".crates.io/");

/// What a target is, as far as its names go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetKind {
    /// Libraries of any crate type, procedural macros among them.
    Lib,
    /// `bin`
    Bin,
    /// `test`
    Test,
    /// `bench`
    Bench,
    /// `example`
    Example,
    /// `custom-build`
    BuildScript,
}

impl TargetKind {
    /// Of a target.
    pub(crate) fn of(target: &Target) -> Self {
        [
            ("bin", Self::Bin),
            ("test", Self::Test),
            ("bench", Self::Bench),
            ("example", Self::Example),
            ("custom-build", Self::BuildScript),
        ]
        .into_iter()
        .find(|(name, _)| target.is(name))
        .map_or(Self::Lib, |(_, kind)| kind)
    }
}

/// `serde v1.0.0`, with the source where it is not the default registry.
pub(crate) fn package(plan: &Plan, package: &Package) -> String {
    let mut text = format!("{} v{}", package.name, package.version);
    match &package.source {
        Source::Registry { url, .. } if url == DEFAULT_REGISTRY || url == DEFAULT_SPARSE => {}
        Source::Registry { url, .. } => {
            let url = url.split_once('+').map_or(url.as_str(), |(_, rest)| rest);
            text.push_str(&format!(" (registry `{url}`)"));
        }
        Source::Git { url, commit } => {
            let url = url.strip_prefix("git+").unwrap_or(url);
            let url = url.split_once('#').map_or(url, |(url, _)| url);
            let commit = commit.get(..8).unwrap_or(commit);
            text.push_str(&format!(" ({url}#{commit})"));
        }
        Source::Path { .. } => {
            text.push_str(&format!(" ({})", expand(plan, &package.root).display()));
        }
    }
    text
}

/// `lib`, `bin "rg"`, `build script`.
pub(crate) fn target(target: &Target) -> String {
    let name = &target.name;
    match TargetKind::of(target) {
        TargetKind::Lib => "lib".into(),
        TargetKind::Bin => format!("bin \"{name}\""),
        TargetKind::Test => format!("test \"{name}\""),
        TargetKind::Bench => format!("bench \"{name}\""),
        TargetKind::Example => format!("example \"{name}\""),
        TargetKind::BuildScript => "build script".into(),
    }
}

/// Whether rustc gets `--test` for a target that is not a test by itself.
pub(crate) fn is_unit_test(unit: &Unit) -> bool {
    matches!(unit.mode, Mode::Test | Mode::CheckTest)
        && !matches!(TargetKind::of(&unit.target), TargetKind::Test | TargetKind::Bench)
}

/// `` `serde` (lib test) ``
pub(crate) fn unit(package: &Package, unit: &Unit) -> String {
    let mode = if is_unit_test(unit) {
        " test"
    } else if unit.mode == Mode::Doctest {
        " doctest"
    } else {
        ""
    };
    format!("`{}` ({}{mode})", package.name, target(&unit.target))
}

/// `syn(build)`, as in the progress bar.
pub(crate) fn in_progress(package: &Package, unit: &Unit) -> String {
    let (package, target) = (&package.name, &unit.target.name);
    let kind = TargetKind::of(&unit.target);
    match unit.mode {
        Mode::RunCustomBuild => format!("{package}(build)"),
        Mode::Test | Mode::CheckTest => match kind {
            TargetKind::Bin => format!("{target}(bin test)"),
            TargetKind::Bench => format!("{target}(bench)"),
            TargetKind::Example => format!("{target}(example test)"),
            TargetKind::Lib | TargetKind::Test | TargetKind::BuildScript => {
                format!("{target}(test)")
            }
        },
        Mode::Build | Mode::Check | Mode::Doctest => match kind {
            TargetKind::Lib => package.clone(),
            TargetKind::BuildScript => format!("{package}(build.rs)"),
            TargetKind::Bin => format!("{target}(bin)"),
            TargetKind::Test => format!("{target}(test)"),
            TargetKind::Bench => format!("{target}(bench)"),
            TargetKind::Example => format!("{target}(example)"),
        },
    }
}

/// A path of the plan on this machine, without `..`.
pub(crate) fn expand(plan: &Plan, template: &Template) -> PathBuf {
    let roots = &plan.roots;
    let text = template.expand(|token| match token {
        "workspace" => roots.workspace.clone(),
        "cargo_home" => roots.cargo_home.clone(),
        "sysroot" => roots.sysroot.clone(),
        "target" => roots.target.clone(),
        "build" => roots.build.clone(),
        other => format!("{{{other}}}"),
    });
    if !text.contains("/..") {
        return text.into();
    }
    let mut path = PathBuf::new();
    for component in Path::new(&text).components() {
        match component {
            Component::ParentDir => drop(path.pop()),
            other => path.push(other),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, plan};
    use super::*;

    #[test]
    fn packages_show_where_they_come_from() {
        let mut plan = plan();
        let shown = |plan: &Plan, source: Source| {
            let mut one = plan.packages[fixture::APP_PACKAGE].clone();
            one.source = source;
            package(plan, &one)
        };
        let registry =
            |url: &str| Source::Registry { url: url.into(), checksum: None, vendored: false };
        assert_eq!(shown(&plan, registry(DEFAULT_REGISTRY)), "app v0.1.0");
        assert_eq!(shown(&plan, registry(DEFAULT_SPARSE)), "app v0.1.0");
        assert_eq!(
            shown(&plan, registry("sparse+https://reg.example/index/")),
            "app v0.1.0 (registry `https://reg.example/index/`)"
        );
        assert_eq!(
            shown(
                &plan,
                Source::Git {
                    url: "git+https://example.com/x?branch=main".into(),
                    commit: "0123456789abcdef".into()
                }
            ),
            "app v0.1.0 (https://example.com/x?branch=main#01234567)"
        );
        plan.packages[fixture::APP_PACKAGE].root = Template::from("{workspace}/../outside");
        assert_eq!(package(&plan, &plan.packages[fixture::APP_PACKAGE]), "app v0.1.0 (/outside)");
    }

    #[test]
    fn units_have_cargos_names() {
        let plan = plan();
        let names = |index: usize| {
            let one = &plan.units[index];
            let package = &plan.packages[one.package];
            (unit(package, one), in_progress(package, one))
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(names(fixture::DEP), pair("`dep` (lib)", "dep"));
        assert_eq!(names(fixture::SCRIPT), pair("`app` (build script)", "app(build.rs)"));
        assert_eq!(names(fixture::SCRIPT_RUN), pair("`app` (build script)", "app(build)"));
        assert_eq!(names(fixture::LIB_TEST), pair("`app` (lib test)", "app(test)"));
        assert_eq!(names(fixture::BIN), pair("`app` (bin \"app\")", "app(bin)"));
    }
}
