//! Cooking from every kind of source, for platforms, and while the project
//! does not compile.

use crate::cook::{git, plan, project, upstream};
use crate::table::{env, label, manifest, says};
use larder_schema::Digest;
use larder_schema::report::{Outcome, Report};
use larder_test::{Mtime, Project, TestEnv};

/// Local units that were executed; no external one may have been.
#[track_caller]
fn local(report: &Report) -> Vec<String> {
    assert_eq!(report.totals.external.executed, 0, "an external unit ran");
    let mut ran: Vec<String> =
        report.units.iter().filter(|unit| unit.outcome != Outcome::Hit).map(label).collect();
    ran.sort();
    ran
}

/// With cargo's home and the store empty.
fn elsewhere(env: TestEnv) -> TestEnv {
    let (home, store) = (env.root().join("other-home"), env.root().join("other-store"));
    env.with("CARGO_HOME", home).with("LARDER_DIR", store)
}

const ALL: [&str; 4] = ["app bin", "app run", "app script", "leaf lib"];

#[test]
fn vendored_packages_lie_below_the_working_directory() {
    let env = env().online();
    let (text, config) = {
        let repository = upstream(&env);
        let project = project(&env, &repository);
        let vendored = project.cargo(&["vendor", "--locked"]);
        vendored.success();
        project.write(".cargo/config.toml", &vendored.raw_stdout);
        repository.remove("");
        (plan(&project), vendored.raw_stdout.clone())
    };
    assert!(text.contains("{workspace}/vendor/ext"), "{text}");
    let env = elsewhere(env);
    let kitchen =
        env.project("kitchen").file("plan.json", text).file(".cargo/config.toml", config).build();
    let output = kitchen.larder(&["cook", "plan.json"]);
    assert_eq!(output.status.code(), Some(101), "the packages are missing: {}", output.all());
    let project = Project::open(&env, env.root().join("project"));
    let copied = kitchen.command("cp").arg("-r").arg(project.path("vendor")).arg(".").status();
    assert!(copied.expect("cp").success());
    let (output, report) = kitchen.larder_report(&["cook", "plan.json"]);
    assert_eq!(report.totals.executed, report.totals.units, "{}", output.all());
    let (_, report) = project.larder_report(&["build", "--bin", "app"]);
    assert_eq!(local(&report), ALL);
    assert_eq!(says(&project, "app"), "generated 42 plain yes\n");
}

/// A registry in a directory: an index in git, beside it the packages.
fn registry<'a>(env: &'a TestEnv) -> (Project<'a>, String) {
    let tiny = env
        .project("tiny")
        .file("Cargo.toml", manifest("tiny", ""))
        .file("src/lib.rs", "pub fn tiny() -> &'static str {\n    \"tiny\"\n}\n")
        .build();
    tiny.cargo(&["package", "--no-verify", "--allow-dirty", "--quiet"]).success();
    let archive = tiny.path("target/package/tiny-0.1.0.crate");
    let checksum = Digest::of(&std::fs::read(archive).expect("the package")).to_string();
    let entry = format!(
        "{{\"name\":\"tiny\",\"vers\":\"0.1.0\",\"deps\":[],\"cksum\":\"{checksum}\",\
         \"features\":{{}},\"yanked\":false}}\n"
    );
    let packages = tiny.path("target/package");
    let dl = format!("{{\"dl\":\"file://{}/{{crate}}-{{version}}.crate\"}}\n", packages.display());
    let index = env.project("index").file("config.json", dl).file("ti/ny/tiny", entry).build();
    git(env, &index, &["init", "--quiet"]);
    git(env, &index, &["add", "."]);
    git(env, &index, &["commit", "--quiet", "-m", "index"]);
    (index, checksum)
}

#[test]
fn another_registry_and_the_checksum_of_the_plan() {
    let env = env().online();
    let (text, checksum) = {
        let (index, checksum) = registry(&env);
        let other = format!("[registries.other]\nindex = \"file://{}\"\n", index.root().display());
        let more = "[dependencies]\ntiny = { version = \"0.1\", registry = \"other\" }\n";
        let project = env
            .project("project")
            .file("Cargo.toml", manifest("app", more))
            .file(".cargo/config.toml", other)
            .file("src/main.rs", "fn main() {\n    println!(\"{}\", tiny::tiny());\n}\n")
            .build();
        project.cargo(&["generate-lockfile"]).success();
        (project.larder(&["plan", "--", "build"]).success().raw_stdout.clone(), checksum)
    };
    let false_sum: String = checksum.chars().rev().collect();
    let env = elsewhere(env);
    // No configuration of the registry: the plan has its address.
    let kitchen = env
        .project("kitchen")
        .file("plan.json", text.clone())
        .file("wrong.json", text.replace(&checksum, &false_sum))
        .build();
    let output = kitchen.larder(&["cook", "wrong.json"]);
    assert_eq!(output.status.code(), Some(101), "{}", output.all());
    assert!(output.stderr.contains("changed between lock files"), "{}", output.all());
    let (output, report) = kitchen.larder_report(&["cook", "plan.json"]);
    assert_eq!(report.totals.executed, 1, "{}", output.all());

    // The package is here now, but not what the plan wants.
    let output = kitchen.larder(&["cook", "wrong.json"]);
    assert_eq!(output.status.code(), Some(101), "{}", output.all());
    let message = "does not have the checksum that the plan has for tiny v0.1.0";
    assert!(output.stderr.contains(message), "{}", output.all());

    let project = Project::open(&env, env.root().join("project"));
    assert_eq!(local(&project.larder_report(&["build"]).1), ["app bin"]);
    assert_eq!(says(&project, "app"), "tiny\n");
}

#[test]
fn cargo_says_nothing_of_crates_that_are_not_fetched() {
    let env = env().online();
    let repository = upstream(&env);
    // What only another platform needs is resolved, but nobody's business.
    let more = "\n[target.'cfg(windows)'.dependencies]\next-gen.path = \"../ext-gen\"\n";
    repository.append("plain/Cargo.toml", more);
    git(&env, &repository, &["commit", "--quiet", "-am", "more"]);
    let text = {
        let project = project(&env, &repository);
        project.larder(&["plan", "--", "build", "-p", "leaf"]).success().raw_stdout.clone()
    };
    assert!(!text.contains("\"name\": \"ext-gen\""), "{text}");
    let env = elsewhere(env);
    let kitchen = env.project("kitchen").file("plan.json", text).build();
    let output = kitchen.larder(&["cook", "plan.json"]);
    output.success();
    for word in ["Locking", "Adding", "larder-fetch", "ext-gen"] {
        assert!(!output.stderr.contains(word), "{word}: {}", output.all());
    }
    assert!(output.stderr.contains("Compiling plain"), "{}", output.all());
}

/// One platform twice, which is the host's: its crates are compiled for the
/// host and, as for any other target, once more.
#[test]
fn a_platform_that_is_named_twice() {
    let env = env().online();
    let repository = upstream(&env);
    let project = project(&env, &repository);
    let host = env.host();
    let build = ["build", "--target", &host, "--target", &host, "--bin", "app"];
    let mut command = vec!["plan", "--"];
    command.extend(build);
    let text = project.larder(&command).success().raw_stdout.clone();
    let once = ["plan", "--", "build", "--target", &host, "--bin", "app"];
    assert_eq!(project.larder(&once).success().raw_stdout, text);
    let kitchen = env.project("kitchen").file("plan.json", text).build();
    let (_, report) = kitchen.larder_report(&["cook", "plan.json"]);
    assert_eq!(report.totals.executed, report.totals.units);
    assert_eq!(local(&project.larder_report(&build).1), ALL);
}

/// Dependencies are checked while a member does not even parse, with a plan
/// and without one.
#[test]
fn dependencies_are_checked_while_the_project_is_broken() {
    let env = env().online();
    let repository = upstream(&env);
    let project = project(&env, &repository);
    let whole = project.read("crates/leaf/src/lib.rs");
    project.write("crates/leaf/src/lib.rs", "pub fn leaf( {\n");
    project.append("crates/app/src/main.rs", "let let;\n");
    let text = project.larder(&["plan", "--", "check"]).success().raw_stdout.clone();
    let (output, first) = project.larder_report(&["cook", "--", "check"]);
    assert_eq!(first.totals.executed, first.totals.units, "{}", output.all());
    assert!(first.units.iter().any(|unit| unit.mode == "check" && unit.package == "plain"));
    let kitchen = env.project("kitchen").file("plan.json", text).build();
    let (_, report) = kitchen.larder_report(&["cook", "plan.json"]);
    assert_eq!((report.totals.hits, report.totals.units), (first.totals.units, first.totals.units));
    assert_eq!(project.larder(&["check"]).status.code(), Some(101));
    project.write("crates/leaf/src/lib.rs", &whole);
    project.replace("crates/app/src/main.rs", "let let;\n", "", Mtime::Now);
    // The failed check has compiled the build script.
    let ran = local(&project.larder_report(&["check"]).1);
    assert_eq!(ran, ["app bin", "app run", "leaf lib"]);
}
