//! Tools that put what was built into packages: maturin, cargo-deb; and
//! cargo-zigbuild, which links for older systems.

use crate::parcel::{env, fronted, parcel, plainly, prints};
use larder_test::{Project, TestEnv};

fn lines(project: &Project<'_>, command: &[&str]) -> Vec<String> {
    let output = plainly(project, command);
    let mut lines: Vec<String> = output.success().stdout.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// A Python module written in Rust.
fn wheeled<'env>(env: &'env TestEnv, name: &str) -> Project<'env> {
    let project = env
        .project(name)
        .file(
            "Cargo.toml",
            "[package]\nname = \"wheeled\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [lib]\ncrate-type = [\"cdylib\"]\n",
        )
        .file(
            "pyproject.toml",
            "[build-system]\nrequires = [\"maturin>=1\"]\nbuild-backend = \"maturin\"\n\n[project]\n\
             name = \"wheeled\"\nversion = \"0.1.0\"\ndependencies = [\"cffi\"]\n\n\
             [tool.maturin]\nbindings = \"cffi\"\n",
        )
        .file(
            "src/lib.rs",
            "#[unsafe(no_mangle)]\npub extern \"C\" fn answer() -> u32 {\n    42\n}\n",
        )
        .build();
    project.cargo(&["generate-lockfile"]).success();
    project
}

#[test]
#[ignore = "wants maturin: cargo xtask drivers"]
fn maturin_packs_what_larder_built() {
    let env = env();
    let command = ["maturin", "build", "--release", "--offline", "--out", "wheels"];
    let contents = |project: &Project<'_>| {
        plainly(project, &["sh", "-c", "python3 -m zipfile -e wheels/*.whl wheel"]).success();
        let symbols = "nm --dynamic --defined-only wheel/wheeled/libwheeled.so | cut -d ' ' -f 2-";
        (lines(project, &["find", "wheel", "-type", "f"]), lines(project, &["sh", "-c", symbols]))
    };
    let (project, plain) = (wheeled(&env, "app"), wheeled(&env, "plain"));
    fronted(&project, &command).success();
    plainly(&plain, &command).success();
    let (ours, theirs) = (contents(&project), contents(&plain));
    assert_eq!(ours, theirs);
    assert!(ours.1.iter().any(|symbol| symbol == "T answer"), "{:?}", ours.1);
    let import =
        "import sys; sys.path.insert(0, 'wheel'); import wheeled; print(wheeled.lib.answer())";
    plainly(&project, &["python3", "-c", import]).success().stdout_has("42\n");
}

#[test]
#[ignore = "wants cargo-deb: cargo xtask drivers"]
fn cargo_deb_packs_what_larder_built() {
    let env = env();
    let command = ["cargo", "deb", "--output", "parcel.deb"];
    let contents = |project: &Project<'_>| {
        let script = "mkdir deb && cd deb && ar x ../parcel.deb && tar -xf data.tar.* && find usr | sed 's/-[0-9a-f]\\{16\\}//'";
        lines(project, &["sh", "-c", script])
    };
    let (project, plain) = (parcel(&env, "app"), parcel(&env, "plain"));
    fronted(&project, &command).success();
    plainly(&plain, &command).success();
    let (ours, theirs) = (contents(&project), contents(&plain));
    assert_eq!(ours, theirs);
    assert!(ours.iter().any(|name| name.ends_with("generated.txt")), "{ours:?}");
    prints(&project, "deb/usr/bin/parcel", "42 g seen\n");
}

#[test]
#[ignore = "wants cargo-zigbuild and zig: cargo xtask drivers"]
fn zigbuild_links_what_larder_built() {
    let env = env();
    let project = parcel(&env, "app");
    let (host, oldest) = (env.host(), 17);
    let target = format!("{host}.2.{oldest}");
    fronted(&project, &["cargo", "zigbuild", "--release", "--target", &target]).success();
    let program = format!("target/{host}/release/parcel");
    prints(&project, &program, "42 g seen\n");
    for symbol in lines(&project, &["objdump", "-T", &program]) {
        let Some((_, version)) = symbol.split_once("GLIBC_2.") else { continue };
        let minor = version.split(|c: char| !c.is_ascii_digit()).next().unwrap();
        assert!(minor.parse::<u32>().unwrap() <= oldest, "{symbol}");
    }
    // The linker is zig's for these, so nothing that cargo alone links is one.
    let other = project.checkout("other");
    fronted(&other, &["cargo", "zigbuild", "--release", "--target", &target])
        .stderr_has(" 0 executed");
    other.larder(&["build", "--release", "--target", &host]).success().stderr_lacks(" 0 executed");
}
