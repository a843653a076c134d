//! A workspace that uses every feature of cargo which larder supports, without
//! a network.
//!
//! Its files lie in `fixtures/synthetic`; what depends on the place (the host's
//! triple, git repositories, a registry, the lock file) is made by [`write`].
//!
//! | feature | where |
//! |---|---|
//! | members by glob, exclusion, inheritance, virtual or rooted | `Cargo.toml` |
//! | two units that differ only in their dependencies' features | `mid`, for `macros` and `scripted`'s script on one hand, `app` on the other |
//! | build scripts: older spelling, link arguments by kind, `DEP_*` | `scripted` |
//! | build scripts: newer spelling, C, a static library, metadata | `native-sys` |
//! | a build script without any rerun-if | `undeclared` |
//! | `links` override in configuration | `overridden-sys`, whose script panics |
//! | cdylib, staticlib, rlib; dylib; cdylib link arguments | `exported`; `dynamic-alone`, `../dynamic`, `dynamic-user` |
//! | tests, custom harness, benches, examples, required features, doctests | `app` |
//! | renamed, optional, weak, target-specific, development dependencies | `app` |
//! | a path outside the root; `[patch]`; vendored sources | `../common`, `patches`, `vendor` |
//! | git with a submodule; a registry of its own | `../git`, `../registry` |
//! | configuration: parent, nested, included; `[env]`, rustflags, linker, runner | `.cargo` |
//! | profiles: `small` aborts, so it is for `-p app`, not for the dylib | `Cargo.toml` |

use crate::{Project, TestEnv};
use fs_err as fs;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// How the workspace is shaped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// The root manifest is no package.
    #[default]
    Virtual,
    /// The root manifest is a package too.
    Rooted,
}

/// Writes the workspace below `<root>/<name>` of the environment, lock file
/// included; the project is its root, `<name>/workspace`. The environment must
/// be [`TestEnv::online`], for the lock file and the first build: sources with
/// `file://` addresses count as network.
pub fn write<'env>(env: &'env TestEnv, name: &str, shape: Shape) -> Project<'env> {
    let place = env.root().join(name);
    let url = |path: &str| format!("file://{}", place.join(path).display());
    let values = [
        ("@HOST@", env.host()),
        ("@GIT@", url("git/from-git")),
        ("@REGISTRY@", url("registry/index")),
        (
            "@ROOT_PACKAGE@",
            if shape == Shape::Rooted { ROOT_PACKAGE.to_owned() } else { String::new() },
        ),
    ];
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/synthetic");
    for file in crate::project::files(&fixture) {
        let relative = file.strip_prefix(&fixture).expect("a file of the fixture");
        let copy = place.join(relative);
        fs::create_dir_all(copy.parent().expect("a parent")).expect("a directory");
        // Copied first: scripts keep their mode.
        fs::copy(&file, &copy).expect("a copy");
        let text = fs::read_to_string(&file).expect("a text file");
        let filled = values.iter().fold(text, |text, (name, value)| text.replace(name, value));
        fs::write(&copy, filled).expect("a file");
    }
    write_git(env, &place.join("git"));
    write_registry(env, &place.join("registry"));
    let project = Project::open(env, place.join("workspace"));
    project.cargo(&["generate-lockfile"]).success();
    project
}

const ROOT_PACKAGE: &str = "[package]\nname = \"rooted\"\nversion.workspace = true\nedition.workspace = true\n\n\
    [[bin]]\nname = \"rooted\"\npath = \"root-src/main.rs\"\n\n";

/// Runs git in a directory that may become a repository.
fn git(env: &TestEnv, dir: &Path, args: &[&str]) {
    env.run(env.command("git").args(args).current_dir(dir)).success();
}

fn commit(env: &TestEnv, dir: &Path) {
    git(env, dir, &["add", "--all", "."]);
    git(env, dir, &["commit", "--quiet", "--message", "all"]);
}

fn write_git(env: &TestEnv, place: &Path) {
    let (package, submodule) = (place.join("from-git"), place.join("submodule"));
    for dir in [&submodule, &package] {
        git(env, dir, &["init", "--quiet"]);
    }
    commit(env, &submodule);
    let url = format!("file://{}", submodule.display());
    git(env, &package, &["submodule", "--quiet", "add", &url, "submodule"]);
    commit(env, &package);
}

/// Packs the package and writes the index that leads to it.
fn write_registry(env: &TestEnv, place: &Path) {
    let package = place.join("alternative");
    let args = ["package", "--quiet", "--no-verify", "--allow-dirty", "--offline"];
    env.run(env.command("cargo").args(args).current_dir(&package)).success();
    let packed: PathBuf = package.join("target/package/alternative-1.4.0.crate");
    let bytes = fs::read(&packed).expect("a packed package");
    let checksum: String =
        Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    fs::create_dir_all(place.join("crates")).expect("a directory");
    fs::rename(&packed, place.join("crates/alternative-1.4.0.crate")).expect("the package");
    fs::remove_dir_all(package.join("target")).expect("the target directory");

    let index = place.join("index");
    let entry = index.join("al/te/alternative");
    fs::create_dir_all(entry.parent().expect("a parent")).expect("a directory");
    let line = serde_json::json!({
        "name": "alternative", "vers": "1.4.0", "deps": [], "features": {}, "cksum": checksum, "yanked": false,
    });
    fs::write(entry, format!("{line}\n")).expect("an index entry");
    let crates = place.join("crates");
    let config = serde_json::json!({ "dl": format!("file://{}/{{crate}}-{{version}}.crate", crates.display()) });
    fs::write(index.join("config.json"), config.to_string()).expect("the index configuration");
    git(env, &index, &["init", "--quiet"]);
    commit(env, &index);
}
