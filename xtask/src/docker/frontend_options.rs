//! What `docker build` hands to the frontend besides a directory: the frontend
//! itself, a member's manifest, secrets, an ssh agent, a git repository.

use super::buildable::{Buildable, settings, syntax};
use super::contexts::{Server, commit, init};
use super::engine::Engine;
use super::frontend_image::IMAGE;
use super::generated::executed;
use crate::process;
use anyhow::{Context, Result, ensure};
use fs_err as fs;
use std::os::unix::net::UnixListener;
use std::path::Path;

/// Says what it was given while it was built.
const SCRIPT: &str = "use std::os::unix::net::UnixStream;\n\nfn main() {\n    \
    let file = std::fs::read_to_string(\"/run/secrets/token\").unwrap_or(\"none\".into());\n    \
    // BuildKit makes an absent one empty.\n    \
    let variable = std::env::var(\"APP_KEY\").unwrap_or_default();\n    \
    let variable = if variable.is_empty() { \"none\".into() } else { variable };\n    \
    let socket = std::env::var(\"SSH_AUTH_SOCK\").unwrap_or_default();\n    \
    let agent = UnixStream::connect(socket).map_or(\"none\", |_| \"agent\");\n    \
    println!(\"cargo::rustc-env=GIVEN={} {variable} {agent}\", file.trim());\n}\n";

const MAIN: &str = "fn main() {\n    println!(\"one {}\", env!(\"GIVEN\"));\n}\n";

/// No line in any manifest: a build argument says which frontend it is.
pub(super) fn check(engine: &Engine) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    // Paths of sockets must be short.
    let project = project(engine, scratch.path())?;
    let syntax = &format!("BUILDKIT_SYNTAX={IMAGE}");
    let plain = ["--build-arg", syntax, "--build-arg", "LARDER_CACHE=mount"];
    let first = project.image(&plain)?;
    project.says("one none none none")?;
    ensure!(!first.contains("other"), "another member was built:\n{first}");

    let path = |name: &str| scratch.path().join(name).display().to_string();
    let _agent = UnixListener::bind(path("agent"))?;
    fs::write(path("token"), "word\n")?;
    fs::write(path("key"), "another")?;
    let token = format!("id=token,src={}", path("token"));
    let key = format!("id=key,src={}", path("key"));
    let agent = format!("default={}", path("agent"));
    let given = ["--secret", &token, "--secret", &key, "--ssh", &agent];
    let given = [&plain[..], &given].concat();
    // Docker's own cache does not look at secrets; an edit makes the step run.
    project.edit("crates/app/src/main.rs", "one", "two")?;
    project.image(&given)?;
    project.says("two word another agent")?;
    project.edit("crates/app/src/main.rs", "two", "one")?;
    project.image(&plain)?;
    project.says("one none none none")?;
    // What is wrong with a member's setting is shown with its line. The client
    // names the file alone, and sends its directory.
    let settings = "crates/app/Cargo.toml";
    project.edit(settings, "ssh = [\"default\"]\n", "ssh = [\"default\"]\ncache = \"remote\"\n")?;
    let log = project.failure(&plain[..2])?;
    let line = log.contains("Cargo.toml:8\n") && log.contains("larder has no remote stores");
    ensure!(line, "the setting is not shown with its line:\n{log}");
    project.edit(settings, "cache = \"remote\"\n", "")?;
    println!("frontend: a build argument names it; a member's manifest, secrets and an agent");

    repository(&project, &plain)?;
    // The workspace's manifest, of which one member has settings.
    let workspace = project.of_file("Cargo.toml");
    workspace.image(&plain)?;
    workspace.says("three none none none")?;
    println!("frontend: a workspace's manifest, and the settings of the only member that has some");
    outside(engine, scratch.path())
}

/// A workspace of two packages, of which one has settings.
fn project<'a>(engine: &'a Engine, scratch: &Path) -> Result<Buildable<'a>> {
    let workspace = format!(
        "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"3\"\n\n\
         [workspace.metadata.larder]\nuser = \"7\"\n{}",
        settings()
    );
    let package = |name: &str, more: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n{more}")
    };
    let app = package(
        "app",
        "[package.metadata.larder]\nssh = [\"default\"]\n\
         secrets = [\"token\", { id = \"key\", env = \"APP_KEY\" }]\n",
    );
    let files = [
        ("Cargo.toml", workspace.as_str()),
        ("crates/app/Cargo.toml", app.as_str()),
        ("crates/app/build.rs", SCRIPT),
        ("crates/app/src/main.rs", MAIN),
        ("crates/other/Cargo.toml", &package("other", "")),
        ("crates/other/src/main.rs", "fn main() {}\n"),
    ];
    let project = Buildable::write(engine, scratch, "options", &files)?;
    Ok(project.of_file("crates/app/Cargo.toml"))
}

/// A crate outside of the build context is one of its own.
fn outside(engine: &Engine, scratch: &Path) -> Result<()> {
    let package = |name: &str, more: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n{more}")
    };
    fs::create_dir_all(scratch.join("common/src"))?;
    fs::write(scratch.join("common/Cargo.toml"), package("common", ""))?;
    fs::write(scratch.join("common/src/lib.rs"), "pub const WORD: &str = \"common\";\n")?;
    let app = package(
        "app",
        &format!(
            "[dependencies]\ncommon.path = \"../common\"\n\n[workspace]\n\n\
             [package.metadata.larder]\n{}contexts = {{ common = \"../common\" }}\n",
            settings()
        ),
    );
    let app = format!("{}{app}", syntax());
    let main = "fn main() {\n    println!(\"{}\", common::WORD);\n}\n";
    let files = [("Cargo.toml", app.as_str()), ("src/main.rs", main)];
    let project = Buildable::write(engine, scratch, "outside", &files)?;
    let log = project.failure(&[])?;
    ensure!(log.contains("no build context `common` was given"), "{log}");
    project.image(&["--build-context", "common=../common"])?;
    project.says("common")?;
    println!("frontend: a crate outside of the build context");
    Ok(())
}

/// The repository is cloned by the engine; what a commit did not change comes
/// from the store.
fn repository(project: &Buildable<'_>, arguments: &[&str]) -> Result<()> {
    init(&project.root)?;
    let server = Server::start(project.root.parent().context("a directory above")?)?;
    let context = format!("git://127.0.0.1:{}/options#main", server.port);
    for word in ["one", "three"] {
        if word != "one" {
            project.edit("crates/app/src/main.rs", "one", word)?;
        }
        commit(&project.root)?;
        let output = process::run_quietly(&mut project.build(arguments, &context))?;
        let log = String::from_utf8_lossy(&output.stderr);
        project.says(&format!("{word} none none none"))?;
        // The first one has the files that were built before, and may not even
        // start.
        let units = executed(&log);
        // The script declares nothing, so it runs after every edit.
        let expected =
            if word == "one" { units.is_none_or(|units| units == 0) } else { units == Some(2) };
        ensure!(expected, "{word}: {units:?} units were compiled:\n{log}");
    }
    println!("frontend: a git repository as context");
    Ok(())
}
