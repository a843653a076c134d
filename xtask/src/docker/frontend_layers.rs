//! How the frontend divides external units, with a dependency bumped: which of
//! them run again.
//!
//! | crate | needs |
//! |---|---|
//! | `app` | `form_urlencoded`, `quote`, `itoa` |
//! | `form_urlencoded` | `percent-encoding` |
//! | `quote` | `proc-macro2` (with a build script), which needs `unicode-ident` |

use super::buildable::{Buildable, settings, syntax};
use super::engine::Engine;
use super::generated::{executed, was_reused};
use anyhow::{Result, ensure};

const MAIN: &str = "fn main() {\n    let url: String = form_urlencoded::byte_serialize(b\"a b\").collect();\n    \
                    let code = quote::quote!(x + 1).to_string();\n    \
                    println!(\"one {} {url} {code}\", itoa::Buffer::new().format(42));\n}\n";

/// The crate that is bumped, what depends on it, and what does not.
const BUMPED: &str = "percent-encoding";
const ABOVE: &[&str] = &["form_urlencoded"];
const BESIDE: &[&str] = &["itoa", "unicode-ident", "proc-macro2", "quote"];

/// A layer for each crate; two layers; a cache mount; one layer.
pub(super) fn check(engine: &Engine) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let manifest = format!(
        "{}[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [dependencies]\nform_urlencoded = \"=1.2.1\"\nquote = \"=1.0.40\"\nitoa = \"=1.0.11\"\n\n\
         [package.metadata.larder]\n{}layers = \"crates\"\n",
        syntax(),
        settings()
    );
    let files = [("Cargo.toml", manifest.as_str()), ("src/main.rs", MAIN)];
    let project = Buildable::write(engine, scratch.path(), "layers", &files)?;
    bump(&project, "2.3.0")?;
    crates(&project)?;
    two(&project)?;
    mount(&project)?;
    one(&project)
}

fn bump(project: &Buildable<'_>, version: &str) -> Result<()> {
    project.cargo(&["update", "--package", BUMPED, "--precise", version])
}

/// `layers = "crates"`: exactly the bumped crate and its dependents run.
fn crates(project: &Buildable<'_>) -> Result<()> {
    project.image(&[])?;
    project.says("one 42 a+b x + 1")?;
    project.edit("src/main.rs", "one", "two")?;
    let edited = project.image(&[])?;
    project.says("two 42 a+b x + 1")?;
    for name in [&[BUMPED], ABOVE, BESIDE].concat() {
        ensure!(is_cached(&edited, name), "an edit cooks {name} again:\n{edited}");
    }
    ensure!(executed(&edited) == Some(1), "an edit compiles more than the binary:\n{edited}");

    bump(project, "2.3.1")?;
    let bumped = project.image(&[])?;
    project.says("two 42 a+b x + 1")?;
    for name in BESIDE {
        ensure!(is_cached(&bumped, name), "{name} is cooked again:\n{bumped}");
    }
    for name in [&[BUMPED], ABOVE].concat() {
        ensure!(!is_cached(&bumped, name), "{name} is not cooked again:\n{bumped}");
    }
    ensure!(executed(&bumped) == Some(1), "the build compiles external crates:\n{bumped}");
    println!("frontend: a layer for each crate; a bump cooks that crate and its dependents");
    Ok(())
}

/// Whether the step that cooks a crate came from the builder's cache.
fn is_cached(log: &str, name: &str) -> bool {
    was_reused(log, &format!("[cook] {name} "))
}

/// Two layers: what is bumped is in the first one, which holds what others need.
/// A crate of the last one is bumped without the first one.
fn two(project: &Buildable<'_>) -> Result<()> {
    let two = ["--build-arg", "LARDER_LAYERS=2"];
    let first = project.image(&two)?;
    project.says("two 42 a+b x + 1")?;
    ensure!(executed(&first) == Some(1), "the build compiles external crates:\n{first}");
    project.edit("Cargo.toml", "itoa = \"=1.0.11\"", "itoa = \"=1.0.10\"")?;
    project.cargo(&["update", "--package", "itoa"])?;
    let bumped = project.image(&two)?;
    ensure!(was_reused(&bumped, "[cook] layer 1"), "the first layer is cooked again:\n{bumped}");
    ensure!(!was_reused(&bumped, "[cook] layer 2"), "the last layer is not cooked:\n{bumped}");
    ensure!(executed(&bumped) == Some(1), "the build compiles external crates:\n{bumped}");
    println!("frontend: two layers; a bump leaves the one below as it is");
    Ok(())
}

/// A cache mount holds all units: the bumped crate, its dependents and `app`.
fn mount(project: &Buildable<'_>) -> Result<()> {
    let mount = ["--build-arg", "LARDER_CACHE=mount"];
    project.image(&mount)?;
    project.says("two 42 a+b x + 1")?;
    bump(project, "2.3.2")?;
    let bumped = project.image(&mount)?;
    project.says("two 42 a+b x + 1")?;
    ensure!(executed(&bumped) == Some(3), "not three units were compiled:\n{bumped}");
    println!("frontend: a cache mount; a bump compiles that crate, its dependents and the binary");
    Ok(())
}

/// One layer, on a builder that stays: the layer is new, and what did not change
/// comes from the cache mount.
fn one(project: &Buildable<'_>) -> Result<()> {
    let one = ["--build-arg", "LARDER_LAYERS=1"];
    project.image(&one)?;
    project.says("two 42 a+b x + 1")?;
    // A version that the mount has not seen in the tests before.
    bump(project, "2.3.0")?;
    let bumped = project.image(&one)?;
    project.says("two 42 a+b x + 1")?;
    let cooked = bumped.lines().find(|line| line.contains(" from the store, "));
    ensure!(
        executed(cooked.unwrap_or_default()) == Some(2),
        "not two units were cooked:\n{bumped}"
    );
    ensure!(executed(&bumped) == Some(1), "the build compiles external crates:\n{bumped}");
    println!("frontend: one layer; a bump makes it new from what the builder has");
    Ok(())
}
