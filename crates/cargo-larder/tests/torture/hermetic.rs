//! Hermetic builds: what build scripts and proc-macros reach for without
//! having been given it is an error, prevented or not, and allowing it is the
//! way out.

use crate::table::{QUICK, all_hit, env, lines, manifest, ran, says};
use larder_schema::report::UnitReport;
use larder_test::{Output, Project, TestEnv};

/// A script that is not hermetic: its name, its code, what the error says, and
/// the rule that allows it.
const REACHING: &[(&str, &str, &str, &str)] = &[
    (
        "host_file",
        "std::fs::read(\"@ROOT@/host/file\").unwrap();",
        "it reads `@ROOT@/host/file`",
        "read = [\"@ROOT@/host\"]",
    ),
    // What it does with the refusal is its own business.
    (
        "swallows",
        "let _ = std::fs::read(\"@ROOT@/host/other\");",
        "it reads `@ROOT@/host/other`",
        "read = [\"@ROOT@/host\"]",
    ),
    // Behind a link that leads out of the package.
    (
        "linked",
        "std::fs::read(\"link\").unwrap();",
        "it reads `@ROOT@/project/linked/link`",
        "read = [\"@ROOT@/host\", \"link\"]",
    ),
    // Nothing can prevent it: it lies below `/usr`.
    (
        "os_release",
        "let _ = std::fs::read(\"/etc/os-release\");",
        "it reads `/etc/os-release`",
        "read = [\"/etc/os-release\"]",
    ),
    (
        "neighbour",
        "std::fs::read(\"../host_file/Cargo.toml\").unwrap();",
        "it reads `@ROOT@/project/host_file/Cargo.toml`",
        "read = [\"../host_file\"]",
    ),
    (
        "git_head",
        "std::fs::read(\"../.git/HEAD\").unwrap();",
        "it reads `@ROOT@/project/.git/HEAD`",
        "read = [\"../.git\"]",
    ),
    (
        "writes",
        "std::fs::write(\"generated.rs\", \"\").unwrap();",
        "it writes `@ROOT@/project/writes/generated.rs`",
        "write = [\".\"]",
    ),
    (
        "network",
        "let _ = std::net::TcpListener::bind(\"127.0.0.1:0\");",
        "it uses the network",
        "network = true",
    ),
    (
        "home_tool",
        "std::process::Command::new(\"sh\").arg(\"@ROOT@/bin/tool\").status().unwrap();",
        "it reads `@ROOT@/bin/tool`",
        "hermetic = false",
    ),
];

/// Scripts that are hermetic as they are.
const CLEAN: &[(&str, &str)] = &[
    ("own_file", "std::fs::read(\"Cargo.toml\").unwrap();"),
    (
        "declared",
        "println!(\"cargo::rerun-if-changed=../shared\");\n\
         std::fs::read(\"../shared/a.txt\").unwrap();",
    ),
    (
        "compiles",
        "let out = std::env::var(\"OUT_DIR\").unwrap();\n\
         let run = std::process::Command::new(\"cc\").args([\"-c\", \"x.c\", \"-o\"]).arg(format!(\"{out}/x.o\")).status();\n\
         assert!(run.unwrap().success());",
    ),
    (
        "temporary",
        "let dir = std::env::temp_dir().join(\"mine\");\nstd::fs::create_dir_all(&dir).unwrap();\n\
         std::fs::write(dir.join(\"x\"), \"x\").unwrap();\nstd::fs::read(dir.join(\"x\")).unwrap();",
    ),
    ("looks", "let _ = std::path::Path::new(\"@ROOT@/host/file\").exists();"),
    (
        "asks_rustc",
        "let rustc = std::env::var(\"RUSTC\").unwrap();\n\
         assert!(std::process::Command::new(rustc).arg(\"-vV\").status().unwrap().success());",
    ),
    (
        "random",
        "use std::io::Read;\nlet mut file = std::fs::File::open(\"/dev/urandom\").unwrap();\n         file.read_exact(&mut [0; 8]).unwrap();",
    ),
];

fn script<'a>(project: Files<'a>, name: &str, code: &str) -> Files<'a> {
    project
        .file(format!("{name}/Cargo.toml"), manifest(name, ""))
        .file(
            format!("{name}/build.rs"),
            format!(
                "fn main() {{\n    println!(\"cargo::rerun-if-changed=build.rs\");\n{code}\n}}\n"
            ),
        )
        .file(format!("{name}/src/lib.rs"), "")
}

type Files<'a> = larder_test::ProjectBuilder<'a>;

fn machine() -> TestEnv {
    let env = env();
    let config = env.root().join("config.toml");
    env.with("LARDER_CONFIG", config)
}

fn in_place(env: &TestEnv, text: &str) -> String {
    text.replace("@ROOT@", &env.root().display().to_string())
}

fn configure(env: &TestEnv, text: &str) {
    std::fs::write(env.root().join("config.toml"), in_place(env, text)).expect("a configuration");
}

fn project<'env>(env: &'env TestEnv, scripts: &[(&str, &str)]) -> Project<'env> {
    let names: Vec<String> = scripts.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let workspace =
        format!("[workspace]\nmembers = [{}]\nresolver = \"3\"\n\n{QUICK}", names.join(", "));
    let mut files = env
        .project("project")
        .file("Cargo.toml", workspace)
        .file("shared/a.txt", "a")
        .file(".git/HEAD", "abc")
        .file("../host/file", "one")
        .file("../host/other", "one")
        .file("../bin/tool", "true\n");
    for (name, code) in scripts {
        files = script(files, name, &in_place(env, code));
    }
    let project = files.build();
    let dir = |name: &str| project.path(name).is_dir();
    if dir("compiles") {
        project.write("compiles/x.c", "#include <stdio.h>\nint x;\n");
    }
    if dir("linked") {
        std::os::unix::fs::symlink("../../host/file", project.path("linked/link")).expect("a link");
    }
    project
}

/// Whether runs can be confined here. Where not, a build says so, and so does
/// the test.
fn can_confine(project: &Project<'_>) -> bool {
    let doctor = project.larder(&["doctor"]);
    let can = doctor.stdout.contains("by Landlock");
    if !can {
        let refused = project.larder(&["build", "--hermetic"]);
        refused.code(101).stderr_has("this build cannot be hermetic").stderr_has("Landlock");
        larder_test::skipped("hermetic builds: this kernel has no Landlock");
    }
    can
}

#[test]
fn what_scripts_reach_for_is_an_error_until_it_is_allowed() {
    let env = machine();
    let scripts: Vec<(&str, &str)> = REACHING
        .iter()
        .map(|(name, code, ..)| (*name, *code))
        .chain(CLEAN.iter().copied())
        .collect();
    let project = project(&env, &scripts);
    if !can_confine(&project) {
        return;
    }
    let failed = project.larder(&["build", "--hermetic", "--keep-going"]);
    failed.code(101);
    for (name, _, error, _) in REACHING {
        let text = of(&failed, name);
        assert!(text.contains(&in_place(&env, error)), "{name}: {text}\n{}", failed.all());
        assert!(text.contains(&format!("[packages.{name}]")), "{text}");
    }
    for (name, _) in CLEAN {
        failed.stderr_lacks(&format!("the build script of `{name} "));
    }
    assert!(!project.path("writes/generated.rs").exists());

    let rules: Vec<String> =
        REACHING.iter().map(|(name, _, _, rule)| format!("[packages.{name}]\n{rule}\n")).collect();
    configure(&env, &rules.concat());
    project.larder(&["build", "--hermetic"]).success();
    all_hit(&project, &["build", "--hermetic"]);
    all_hit(&project, &["build"]);

    // In the configuration it is for every build, and what is not allowed any
    // more is not taken from the store either.
    configure(&env, &format!("hermetic = true\n{}", rules[1..].concat()));
    let dry = project.larder(&["build", "--dry-run"]);
    dry.success().stderr_has("the run of the stored result was not hermetic: it reads");
    let failed = project.larder(&["build"]);
    assert!(of(&failed, "host_file").contains("host/file"), "{}", failed.all());
}

/// The error about one package.
fn of(output: &Output, name: &str) -> String {
    let all = output.raw_stderr.split("error: ");
    let of_package = |text: &&str| text.starts_with(&format!("the build script of `{name} "));
    all.into_iter()
        .find(of_package)
        .unwrap_or_else(|| panic!("nothing of {name}: {}", output.all()))
        .to_owned()
}

/// Results of other builds are good for hermetic ones if what was seen of
/// their runs shows that they would have been hermetic, and no others.
#[test]
fn results_of_runs_that_reached_for_nothing_are_used() {
    let env = machine();
    let project = project(&env, &[CLEAN[0], CLEAN[1], (REACHING[0].0, REACHING[0].1)]);
    if !can_confine(&project) {
        return;
    }
    project.larder(&["build"]).success();
    let dry = project.larder_report(&["build", "--hermetic", "--dry-run"]).1;
    let runs = lines(&dry);
    assert!(runs.iter().all(|line| line.starts_with("host_file ")), "{runs:?}");
    assert!(runs.contains(&"host_file run (not run): not hermetic".to_owned()), "{runs:?}");
    project.larder(&["build", "--hermetic"]).code(101).stderr_has("host/file");

    // One package alone, without the flag.
    configure(&env, "[packages.host_file]\nhermetic = true\n");
    project.larder(&["build"]).code(101).stderr_has("host/file");
    // A run that nobody saw shows nothing.
    configure(&env, "observe = \"off\"\n");
    project.write("own_file/Cargo.toml", &(manifest("own_file", "") + "# more\n"));
    project.write(
        "own_file/build.rs",
        "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); }\n",
    );
    project.larder(&["build"]).success();
    configure(&env, "[packages.host_file]\nhermetic = false\n");
    let runs = ran(&project, &["build", "--hermetic"]);
    assert!(runs.contains(&"own_file run: unobserved".to_owned()), "{runs:?}");
    assert!(runs.iter().all(|line| line.starts_with("own_file ")), "{runs:?}");
}

#[test]
fn macros_are_confined_with_their_compiler() {
    let env = machine();
    let file = in_place(&env, "@ROOT@/host/file");
    let project = env
        .project("project")
        .file(
            "Cargo.toml",
            format!("[workspace]\nmembers = [\"app\", \"made\"]\nresolver = \"3\"\n\n{QUICK}"),
        )
        .file("made/Cargo.toml", manifest("made", "[lib]\nproc-macro = true\n"))
        .file(
            "made/src/lib.rs",
            format!(
                "use proc_macro::{{Literal, TokenStream, TokenTree}};\nfn text(path: &str) -> TokenStream {{\n    \
                 let text = std::fs::read_to_string(path).unwrap_or_else(|error| error.to_string());\n    \
                 TokenTree::Literal(Literal::string(&text)).into()\n}}\n\
                 #[proc_macro]\npub fn host(_: TokenStream) -> TokenStream {{\n    text({file:?})\n}}\n\
                 #[proc_macro]\npub fn own(_: TokenStream) -> TokenStream {{\n    \
                 text(&format!(\"{{}}/text\", std::env::var(\"CARGO_MANIFEST_DIR\").unwrap()))\n}}\n"
            ),
        )
        .file("app/Cargo.toml", manifest("app", "[dependencies]\nmade.path = \"../made\"\n"))
        .file("app/text", "own")
        .file(
            "app/src/main.rs",
            "fn main() {\n    println!(\"{} {}\", made::own!(), include_str!(\"../../shared.txt\"));\n}\n",
        )
        .file("shared.txt", "shared")
        .file("../host/file", "host")
        .build();
    if !can_confine(&project) {
        return;
    }
    project.larder(&["build", "--hermetic"]).success();
    assert_eq!(says(&project, "app"), "own shared\n");
    all_hit(&project, &["build", "--hermetic"]);

    project.write("app/src/main.rs", "fn main() {\n    println!(\"{}\", made::host!());\n}\n");
    let failed = project.larder(&["build", "--hermetic"]);
    failed.code(101).stderr_has("a proc-macro (of `made`) in `app").stderr_has("host/file");
    failed.stderr_has("[packages.made]");
    configure(&env, "[packages.made]\nread = [\"@ROOT@/host\"]\n");
    project.larder(&["build", "--hermetic"]).success();
    assert_eq!(says(&project, "app"), "host\n");
}

/// `TMPDIR` is another directory in a hermetic run, and the key holds the
/// outer one: what such a run leaves with that name in it was once a hit for
/// builds in which it leads nowhere.
#[test]
fn a_hermetic_temporary_directory_is_in_no_other_build() {
    let env = machine();
    let said = "println!(\"cargo::rustc-env=TEMPORARY={}\", std::env::temp_dir().display());";
    let written = "let out = std::env::var(\"OUT_DIR\").unwrap();\n\
        std::fs::write(format!(\"{out}/name\"), std::env::temp_dir().display().to_string()).unwrap();";
    let declared = "println!(\"cargo::rerun-if-env-changed=TMPDIR\");";
    let names = ["said", "written", "declared"];
    let project =
        project(&env, &[("said", said), ("written", written), ("declared", declared), CLEAN[3]]);
    project
        .write("said/src/main.rs", "fn main() {\n    println!(\"{}\", env!(\"TEMPORARY\"));\n}\n");
    if !can_confine(&project) {
        return;
    }
    let report = project.larder_report(&["build", "--hermetic"]).1;
    for name in names {
        let used_once = |unit: &UnitReport| {
            let of_run = unit.package == name && unit.mode == "run-custom-build";
            of_run && unit.evidence.iter().any(|why| why.contains("`TMPDIR`, which is another"))
        };
        assert!(report.units.iter().any(used_once), "{name}: {:#?}", report.units);
    }
    // There as long as the build, and in nothing that is kept.
    let inner = says(&project, "said");
    assert!(inner.contains("/store/") && !std::path::Path::new(inner.trim()).exists(), "{inner}");
    let again = ran(&project, &["build", "--hermetic"]);
    assert!(!again.iter().any(|line| line.starts_with("temporary ")), "{again:?}");
    for name in names {
        let run = format!("{name} run: never built");
        assert!(again.contains(&run), "{again:?}");
    }
    project.larder(&["build"]).success();
    assert_eq!(says(&project, "said").trim(), in_place(&env, "@ROOT@/tmp"));
    all_hit(&project, &["build"]);
}

/// The same of a macro, whose compiler has such a directory, too.
#[test]
fn a_hermetic_temporary_directory_in_a_macro_is_in_no_other_build() {
    let env = machine();
    let project = env
        .project("project")
        .file(
            "Cargo.toml",
            format!("[workspace]\nmembers = [\"app\", \"made\"]\nresolver = \"3\"\n\n{QUICK}"),
        )
        .file("made/Cargo.toml", manifest("made", "[lib]\nproc-macro = true\n"))
        .file(
            "made/src/lib.rs",
            "use proc_macro::{Literal, TokenStream, TokenTree};\n#[proc_macro]\n\
             pub fn temporary(_: TokenStream) -> TokenStream {\n    \
             let text = std::env::temp_dir().display().to_string();\n    \
             TokenTree::Literal(Literal::string(&text)).into()\n}\n",
        )
        .file("app/Cargo.toml", manifest("app", "[dependencies]\nmade.path = \"../made\"\n"))
        .file("app/src/main.rs", "fn main() {\n    println!(\"{}\", made::temporary!());\n}\n")
        .build();
    if !can_confine(&project) {
        return;
    }
    project.larder(&["build", "--hermetic"]).success();
    assert!(says(&project, "app").contains("/store/"));
    assert_eq!(ran(&project, &["build", "--hermetic"]), ["app bin: never built"]);
    project.larder(&["build"]).success();
    assert_eq!(says(&project, "app").trim(), in_place(&env, "@ROOT@/tmp"));
    all_hit(&project, &["build"]);
}

/// Where it cannot be had it is refused, and never left out in silence.
#[test]
fn what_cannot_be_hermetic_is_refused() {
    let env = machine();
    let project = project(&env, &[CLEAN[0]]);
    configure(&env, "observe = \"off\"\n");
    let refused = project.larder(&["build", "--hermetic"]);
    refused.code(101).stderr_has("this build cannot be hermetic: observation is switched off");
    project.larder(&["doctor"]).stdout_has("hermetic");
    configure(&env, "hermetic = true\n");
    let refused = project.larder(&["build", "--timings"]);
    refused.code(101).stderr_has("cargo has no `--hermetic`");
    let refused = project.larder(&["build", "--hermetic", "--unit-graph"]);
    refused.code(101).stderr_has("cargo has no `--hermetic`");
}
