//! The generated text over all combinations of settings.

use super::{dockerfile, dockerignore};
use crate::platform::Platform;
use crate::settings::{Base, Cache, LarderFrom, Libc, Rust, Settings, SettingsError, Size};

/// The plainest settings.
pub(crate) fn plain() -> Settings {
    Settings {
        written_by: "cargo larder dockerfile".into(),
        file: "Dockerfile".into(),
        bins: vec!["app".into()],
        flags: Vec::new(),
        profile: "release".into(),
        platforms: Vec::new(),
        libc: Libc::Gnu,
        cache: Cache::Auto,
        layers: 0,
        base: Base::Distroless,
        larder: LarderFrom::Context,
        rust: Rust { version: "1.95".into(), file: None },
        builder: None,
        packages: Vec::new(),
        hints: Vec::new(),
        compiles_c: false,
        size: Size::default(),
        labels: Vec::new(),
        outside: Vec::new(),
    }
}

/// All combinations that make a Dockerfile.
pub(crate) fn matrix() -> Vec<Settings> {
    let two: Vec<&'static Platform> =
        vec!["linux/amd64".parse().unwrap(), "linux/arm64".parse().unwrap()];
    let mut all = Vec::new();
    for cache in [Cache::Layers, Cache::Mount, Cache::Auto] {
        for libc in [Libc::Gnu, Libc::Musl] {
            for platforms in [Vec::new(), vec![two[1]], two.clone()] {
                for base in
                    [Base::Scratch, Base::Distroless, Base::Image("debian:bookworm-slim".into())]
                {
                    for larder in
                        ["context", "install", "install=--git=x", "./bin/cargo larder", "larder:1"]
                    {
                        for file in [None, Some("rust-toolchain.toml"), Some("rust-toolchain")] {
                            for rich in [false, true] {
                                all.push(settings(
                                    cache, libc, &platforms, &base, larder, file, rich,
                                ));
                            }
                        }
                    }
                }
            }
        }
    }
    all.retain(|settings| settings.check().is_ok());
    all
}

fn settings(
    cache: Cache,
    libc: Libc,
    platforms: &[&'static Platform],
    base: &Base,
    larder: &str,
    file: Option<&str>,
    rich: bool,
) -> Settings {
    let mut settings = Settings {
        cache,
        libc,
        platforms: platforms.to_vec(),
        base: base.clone(),
        larder: larder.parse().unwrap(),
        rust: Rust { version: "1.95".into(), file: file.map(str::to_owned) },
        ..plain()
    };
    if rich {
        settings.bins.push("tool".into());
        settings.flags = vec!["--no-default-features".into(), "--features".into(), "a b".into()];
        settings.profile = "dist".into();
        settings.packages = vec!["cmake".into()];
        settings.layers = if cache == Cache::Mount { 0 } else { 2 };
        settings.compiles_c = true;
        settings.size = Size {
            strip: true,
            lto: Some("thin".into()),
            opt_level: Some("z".into()),
            panic_abort: true,
        };
        settings.labels = vec![("org.opencontainers.image.title".into(), "a \"$b\"".into())];
    }
    settings
}

#[test]
fn all_of_them_are_dockerfiles() {
    let all = matrix();
    assert!(all.len() > 800, "{}", all.len());
    for settings in all {
        let text = dockerfile(&settings).unwrap();
        let parsed = parse_dockerfile::parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let last = parsed.stages().last().unwrap();
        assert!(last.from.as_.is_none(), "{text}");
    }
}

#[test]
fn every_stage_builds_with_the_same_flags() {
    for settings in matrix() {
        let text = dockerfile(&settings).unwrap();
        let flags = |line: &'_ str| {
            let after = line.split_once("cargo larder ").unwrap().1;
            after.rsplit("-- ").next().unwrap().to_owned()
        };
        let mut commands: Vec<_> = text
            .lines()
            .filter(|line| line.contains(" build --locked") && !line.starts_with('#'))
            .map(flags)
            .collect();
        commands.dedup();
        assert_eq!(commands.len(), 1, "{text}");
    }
}

#[test]
fn each_layer_is_cooked_on_the_one_below() {
    let text = dockerfile(&Settings { layers: 2, ..plain() }).unwrap();
    let stages: Vec<_> = text.lines().filter(|line| line.starts_with("FROM ")).collect();
    assert_eq!(
        stages[1..6],
        [
            "FROM target AS plan",
            "FROM target AS cook-0",
            "FROM cook-0 AS cook-1",
            "FROM cook-1 AS cook",
            "FROM target AS build-layers"
        ]
    );
    // Each layer takes what those below have, and only the last one has all.
    let import = "cargo larder import /packed && cargo larder cook --pack /packed /plan.json";
    assert_eq!(text.matches(import).count(), 2);
    assert!(text.contains("type=bind,from=cook,source=/packed,target=/packed,rw"));
    assert!(text.contains("plan --layers 2 -o /plans -- build --locked --release --bin app"));
}

#[test]
fn what_cannot_start_is_refused() {
    let settings = Settings { base: Base::Scratch, ..plain() };
    assert!(matches!(dockerfile(&settings), Err(SettingsError::GnuOnScratch)));
    let settings = Settings { cache: Cache::Mount, layers: 1, ..plain() };
    assert!(matches!(dockerfile(&settings), Err(SettingsError::LayersInMount)));
    let s390x = vec!["linux/s390x".parse().unwrap()];
    let settings = Settings { libc: Libc::Musl, platforms: s390x, ..plain() };
    assert!(matches!(dockerfile(&settings), Err(SettingsError::NoMusl(_))));
    let settings = Settings { bins: vec!["a\nRUN evil".into()], ..plain() };
    assert!(matches!(dockerfile(&settings), Err(SettingsError::Unwritable(_))));
}

#[test]
fn size_and_packages_are_not_imposed() {
    let text = dockerfile(&plain()).unwrap();
    for word in ["CARGO_PROFILE", "apt-get", "rustup", "CARGO_BUILD_TARGET", "ARG TARGETARCH"] {
        assert!(!text.contains(word), "{word}\n{text}");
    }
}

#[test]
fn only_the_roots_target_is_ignored() {
    let text = dockerignore("Dockerfile");
    assert!(text.lines().any(|line| line == "/target"));
    assert!(!text.contains("**/target"));
}

#[test]
fn crates_outside_of_the_workspace_are_build_contexts() {
    let outside = crate::outside::outside("/w/app", ["/w/common"]);
    let settings = Settings { outside, layers: 1, ..plain() };
    let text = dockerfile(&settings).unwrap();
    assert!(text.contains("--build-context crate-common=../common"), "{text}");
    // Where something is planned or built, but not where crates are cooked.
    let mount = "type=bind,from=crate-common,target=/common,rw";
    assert_eq!(text.matches(mount).count(), 3, "{text}");
    let outside = crate::outside::outside("/w/app", ["/w/a b"]);
    let error = dockerfile(&Settings { outside, ..plain() }).unwrap_err();
    assert!(matches!(error, SettingsError::Outside(_)), "{error}");
}
