//! Habits of build scripts. All of them declare their own file and nothing
//! else, so that cargo would run none of them again.

use crate::habits::{Habit, hold, said, unit, workspace};
use crate::table::{all_hit, env, lines, manifest};
use larder_schema::record::Verdict;
use larder_test::{Project, TestEnv};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

pub(crate) const HABITS: &[Habit] = &[
    Habit {
        name: "nothing",
        code: "say(\"nothing\");",
        verdict: Verdict::Portable,
        misses: &[],
        hits: &[("a file beside it", |p| p.write("nothing/unrelated.txt", "x"))],
    },
    Habit {
        name: "host_file",
        code: "say(&fs::read_to_string(\"@ROOT@/host/os-release\").unwrap());",
        verdict: Verdict::HostKeyed,
        misses: &[("its content", |p| p.write("../host/os-release", "two"), "two")],
        hits: &[("a file beside it", |p| p.write("../host/issue", "x"))],
    },
    Habit {
        name: "lists",
        code: "let mut all: Vec<_> = fs::read_dir(\"listed\").unwrap().map(|e| e.unwrap().file_name()).collect();\n\
               all.sort();\nsay(&format!(\"{all:?}\"));",
        verdict: Verdict::Portable,
        misses: &[("one more", |p| p.write("lists/listed/b", ""), "[\"a\", \"b\"]")],
        hits: &[("the content of one", |p| p.write("lists/listed/a", "x"))],
    },
    Habit {
        name: "misses_a_file",
        code: "say(if Path::new(\"maybe/later.txt\").exists() { \"there\" } else { \"missing\" });",
        verdict: Verdict::Portable,
        misses: &[("it appears", |p| p.write("misses_a_file/maybe/later.txt", ""), "there")],
        hits: &[("another one appears", |p| p.write("misses_a_file/maybe2/later.txt", ""))],
    },
    Habit {
        name: "link",
        code: "say(&fs::read_to_string(\"current/text\").unwrap());",
        verdict: Verdict::Portable,
        misses: &[("it leads elsewhere", |p| relink(p, "two"), "two")],
        hits: &[],
    },
    Habit {
        name: "tool",
        code: "say(&run(Command::new(\"my-tool\")));",
        verdict: Verdict::HostKeyed,
        misses: &[
            ("another tool", |p| script(&p.path("../bin/my-tool"), "echo two"), "two"),
            (
                "one before it in PATH",
                |p| script(&p.path("../early/my-tool"), "echo early"),
                "early",
            ),
        ],
        hits: &[("another program", |p| script(&p.path("../early/other-tool"), "true"))],
    },
    Habit {
        name: "pkg_config",
        code: "let mut c = Command::new(\"pkg-config\");\nc.args([\"--modversion\", \"thing\"]);\nsay(&run(c));",
        verdict: Verdict::HostKeyed,
        misses: &[(
            "another version",
            |p| p.write("../lib/pkgconfig/thing.pc", "Version: 2\n"),
            "2",
        )],
        hits: &[],
    },
    Habit {
        name: "headers",
        code: "let mut c = Command::new(\"cc\");\n\
               c.args([\"-E\", \"-P\", \"-I@ROOT@/include/early\", \"-I@ROOT@/include/late\", \"x.c\"]);\n\
               say(run(c).lines().last().unwrap());",
        verdict: Verdict::HostKeyed,
        misses: &[
            ("a header", |p| p.write("../include/late/level.h", "#define LEVEL two\n"), "two"),
            (
                "one that hides it",
                |p| p.write("../include/early/level.h", "#define LEVEL early\n"),
                "early",
            ),
        ],
        hits: &[("another header", |p| p.write("../include/late/other.h", ""))],
    },
    Habit {
        name: "other_package",
        code: "say(&fs::read_to_string(\"../lists/Cargo.toml\").unwrap().lines().last().unwrap());",
        verdict: Verdict::Portable,
        misses: &[("its file", |p| p.append("lists/Cargo.toml", "# end\n"), "# end")],
        hits: &[],
    },
    Habit {
        name: "threads",
        code: "let all: Vec<_> = (0..8).map(|n| std::thread::spawn(move || fs::read_to_string(format!(\"parts/{n}\")).unwrap())).collect();\n\
               say(&all.into_iter().map(|t| t.join().unwrap()).collect::<String>());",
        verdict: Verdict::Portable,
        misses: &[("one of many", |p| p.write("threads/parts/5", "x"), "01234x67")],
        hits: &[("one more", |p| p.write("threads/parts/8", "8"))],
    },
    Habit {
        name: "children",
        code: "let mut c = Command::new(\"sh\");\nc.args([\"-c\", \"sh -c 'cat deep.txt'\"]);\nsay(&run(c));",
        verdict: Verdict::HostKeyed,
        misses: &[(
            "what a child of a child reads",
            |p| p.write("children/deep.txt", "two"),
            "two",
        )],
        hits: &[],
    },
    Habit {
        name: "scratch",
        code: "let tmp = env::temp_dir().join(format!(\"scratch-{}\", std::process::id()));\n\
               fs::write(&tmp, \"x\").unwrap();\nfs::read(&tmp).unwrap();\nfs::remove_file(&tmp).unwrap();\nsay(\"x\");",
        verdict: Verdict::Portable,
        misses: &[],
        hits: &[],
    },
    Habit {
        name: "leaves_files",
        code: "fs::write(\"@ROOT@/outside/left\", \"x\").unwrap();\nsay(\"left\");",
        verdict: Verdict::Volatile,
        misses: &[("what it wrote", |p| p.write("../outside/left", "y"), "left")],
        hits: &[],
    },
    Habit {
        name: "network",
        code: "let l = std::net::TcpListener::bind(\"127.0.0.1:0\").unwrap();\n\
               std::net::TcpStream::connect(l.local_addr().unwrap()).unwrap();\nsay(\"talked\");",
        verdict: Verdict::Volatile,
        misses: &[],
        hits: &[],
    },
    Habit {
        name: "daemon",
        code: "let null = || std::process::Stdio::null();\n\
               let wait = \"while test -e @ROOT@/outside/there; do sleep 0.2; done\";\n\
               Command::new(\"sh\").args([\"-c\", wait]).stdin(null()).stdout(null()).stderr(null()).spawn().unwrap();\n\
               say(\"started\");",
        verdict: Verdict::Unobserved,
        misses: &[],
        hits: &[],
    },
    Habit {
        name: "static_helper",
        code: "let out = env::var(\"OUT_DIR\").unwrap();\n\
               let helper = format!(\"{out}/helper\");\n\
               let cc = |how: &[&str]| Command::new(\"cc\").args(how).args([\"-o\", &helper, \"helper.c\"]).status().unwrap().success();\n\
               assert!(cc(&[\"-static\"]) || cc(&[]));\n\
               let mut c = Command::new(helper);\nc.arg(\"static.txt\");\nsay(&run(c));",
        verdict: Verdict::HostKeyed,
        misses: &[(
            "what a static program reads",
            |p| p.write("static_helper/static.txt", "two"),
            "two",
        )],
        hits: &[("a file beside it", |p| p.write("static_helper/other.txt", "x"))],
    },
    Habit {
        name: "clock",
        code: "let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();\n\
               fs::write(format!(\"{}/now\", env::var(\"OUT_DIR\").unwrap()), now.as_nanos().to_string()).unwrap();\nsay(\"timed\");",
        verdict: Verdict::Volatile,
        misses: &[],
        hits: &[("a file beside it", |p| p.write("clock/other.txt", "x"))],
    },
    Habit {
        name: "random",
        code: "let n = std::collections::HashSet::from([1, 2]).len();\n\
               let mut file = fs::File::open(\"/dev/urandom\").unwrap();\n\
               std::io::Read::read_exact(&mut file, &mut [0; 8]).unwrap();\nsay(&n.to_string());",
        verdict: Verdict::Portable,
        misses: &[],
        hits: &[("a file beside it", |p| p.write("random/other.txt", "x"))],
    },
    Habit {
        name: "late",
        code: "let out = format!(\"{}/late.txt\", env::var(\"OUT_DIR\").unwrap());\n\
               Command::new(\"sh\").args([\"-c\", \"sleep 0.3; cat when.txt > $0\"]).arg(out).spawn().unwrap();\n\
               say(\"late\");",
        verdict: Verdict::HostKeyed,
        misses: &[("what it reads late", |p| p.write("late/when.txt", "two"), "late")],
        hits: &[],
    },
    Habit {
        name: "uptime",
        code: "fs::read(\"/proc/uptime\").unwrap();\nsay(\"up\");",
        verdict: Verdict::Volatile,
        misses: &[],
        hits: &[],
    },
    Habit {
        name: "processors",
        code: "std::thread::available_parallelism().unwrap();\nfs::read(\"/proc/cpuinfo\").unwrap();\nsay(\"counted\");",
        verdict: Verdict::HostKeyed,
        misses: &[],
        hits: &[],
    },
    Habit {
        name: "into_target",
        code: "let dir = Path::new(\"../target/made\");\nfs::create_dir_all(dir).unwrap();\n\
               fs::write(dir.join(\"here.txt\"), \"x\").unwrap();\nsay(\"made\");",
        verdict: Verdict::Portable,
        misses: &[("what it wrote", |p| p.write("target/made/here.txt", "y"), "made")],
        hits: &[("what it wrote is gone", |p| p.remove("target/made"))],
    },
    Habit {
        name: "out_dir",
        code: "let out = env::var(\"OUT_DIR\").unwrap();\nfs::write(format!(\"{out}/x\"), &out).unwrap();\nsay(\"embedded\");",
        verdict: Verdict::PathBound,
        misses: &[],
        hits: &[],
    },
];

const PRELUDE: &str = "#![allow(unused_imports, dead_code)]\n\
use std::{env, fs, path::Path, process::Command};\n\
fn say(text: &str) {\n    println!(\"cargo::rustc-env=SAID={}\", text.trim());\n}\n\
fn run(mut command: Command) -> String {\n    \
    String::from_utf8(command.output().unwrap().stdout).unwrap()\n}\n";

fn project(env: &TestEnv) -> Project<'_> {
    project_of(env, HABITS)
}

fn project_of<'env>(env: &'env TestEnv, habits: &[Habit]) -> Project<'env> {
    workspace(env, "habits", habits, &|project, habit, code| {
        let name = habit.name;
        project.write(format!("{name}/Cargo.toml"), &manifest(name, ""));
        project.write(
            format!("{name}/build.rs"),
            &format!(
                "{PRELUDE}fn main() {{\n    println!(\"cargo::rerun-if-changed=build.rs\");\n{code}\n}}\n"
            ),
        );
        project.write(format!("{name}/src/lib.rs"), "pub const SAID: &str = env!(\"SAID\");\n");
    })
}

/// A machine with a few things of its own in front of `PATH`.
fn machine() -> TestEnv {
    let env = env();
    let own = ["early", "bin"].map(|dir| env.root().join(dir));
    let path = std::env::join_paths(own.iter().cloned().chain(std::env::split_paths(
        env.vars().get(std::ffi::OsStr::new("PATH")).expect("a PATH"),
    )));
    let path = path.expect("a PATH");
    let root = env.root().to_owned();
    script(&root.join("bin/my-tool"), "echo one");
    std::fs::create_dir_all(root.join("early")).expect("a directory");
    script(
        &root.join("bin/pkg-config"),
        "while read -r key value; do test \"$key\" = Version: && echo \"$value\"; done < \"${0%/bin/*}/lib/pkgconfig/$2.pc\"",
    );
    env.with("PATH", path)
}

fn files(project: &Project<'_>) {
    for (file, text) in [
        ("../host/os-release", "one"),
        ("../outside/there", ""),
        ("../lib/pkgconfig/thing.pc", "Version: 1\n"),
        ("../include/late/level.h", "#define LEVEL one\n"),
        ("headers/x.c", "#include <stddef.h>\n#include <level.h>\nLEVEL\n"),
        ("lists/listed/a", ""),
        ("misses_a_file/maybe/other.txt", ""),
        ("link/one/text", "one"),
        ("link/two/text", "two"),
        ("children/deep.txt", "one"),
        ("late/when.txt", "one"),
        ("static_helper/static.txt", "one"),
        (
            "static_helper/helper.c",
            "#include <stdio.h>\nint main(int n, char **v) {\n    int c;\n    FILE *f = fopen(v[n - 1], \"r\");\n    \
             while ((c = getc(f)) != EOF) putchar(c);\n    return 0;\n}\n",
        ),
    ] {
        project.write(file, text);
    }
    std::fs::create_dir_all(project.path("../include/early")).expect("a directory");
    for n in 0..8 {
        project.write(format!("threads/parts/{n}"), &n.to_string());
    }
    relink(project, "one");
}

fn script(path: &Path, line: &str) {
    let dir = path.parent().expect("a directory");
    std::fs::create_dir_all(dir).expect("a directory");
    std::fs::write(path, format!("#!/bin/sh\n{line}\n")).expect("a script");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
}

fn relink(project: &Project<'_>, to: &str) {
    let link = project.path("link/current");
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(to, link).expect("a link");
}

#[test]
fn the_table_of_scripts() {
    let env = machine();
    let project = project(&env);
    files(&project);
    hold(&project, HABITS, "run-custom-build");
}

/// What ptrace sees is what notification sees.
#[test]
fn the_table_under_ptrace() {
    let env = machine().with("LARDER_OBSERVE", "ptrace");
    let of_interest = [
        "host_file",
        "lists",
        "misses_a_file",
        "link",
        "tool",
        "threads",
        "children",
        "network",
        "daemon",
        "static_helper",
        "late",
    ];
    let habits: Vec<Habit> =
        HABITS.iter().filter(|habit| of_interest.contains(&habit.name)).copied().collect();
    assert_eq!(habits.len(), of_interest.len());
    let project = project_of(&env, &habits);
    files(&project);
    hold(&project, &habits, "run-custom-build");
}

/// Another directory of the same project runs nothing, whatever the habits.
#[test]
fn a_second_directory_runs_nothing() {
    let env = machine();
    let one = project(&env);
    files(&one);
    let report = one.larder_report(&["build"]).1;
    let second = one.checkout("second");
    // Whose text is in the results is each checkout's own business.
    let runs = lines(&second.larder_report(&["build"]).1);
    assert!(runs.is_empty(), "{runs:?}");
    assert_eq!(second.read("target/made/here.txt"), "x");

    // What nobody declared is in the report, with whose code it was.
    let undeclared = unit(&report, "host_file", "run-custom-build").undeclared.clone();
    let undeclared = undeclared.expect("something undeclared");
    assert_eq!(undeclared.by, ["host_file"]);
    assert_eq!(undeclared.paths, [env.root().join("host/os-release").display().to_string()]);
    assert!(unit(&report, "nothing", "run-custom-build").undeclared.is_none());
    let explained = one.larder(&["explain", "host_file"]);
    explained.success().stdout_has("read without being declared").stdout_has("host/os-release");
}

/// Of all files that were seen, any one alone makes its own script run, and
/// what else lies about makes none run.
#[test]
fn each_observed_file_alone() {
    let env = machine();
    let project = project(&env);
    files(&project);
    let report = project.larder_report(&["build"]).1;
    let mut tried = 0;
    for habit in HABITS {
        let unit = unit(&report, habit.name, "run-custom-build");
        for path in unit.undeclared.iter().flat_map(|undeclared| &undeclared.paths) {
            let real = path.replace("{workspace}", &project.root().display().to_string());
            // The tools are the machine's.
            let real = Path::new(&real);
            if !real.starts_with(env.root()) || !real.is_file() || real.ends_with("Cargo.toml") {
                continue;
            }
            let before = std::fs::read(real).expect("a file");
            let is_c = real.extension().is_some_and(|extension| extension == "c");
            let comment: &[u8] = if is_c { b"// more\n" } else { b"\n#more\n" };
            let more = [&before, comment].concat();
            std::fs::write(real, more).expect("a file");
            let runs = lines(&project.larder_report(&["build"]).1);
            let own = format!("{} run: ", habit.name);
            assert!(runs.iter().any(|line| line.starts_with(&own)), "{path}: {runs:?}");
            let others = |line: &&String| {
                !line.starts_with(&format!("{} ", habit.name)) && !line.starts_with("app ")
            };
            assert!(!runs.iter().any(|line| others(&line)), "{path}: {runs:?}");
            std::fs::write(real, before).expect("a file");
            all_hit(&project, &["build"]);
            tried += 1;
        }
    }
    assert!(tried >= 14, "only {tried} files were tried");
}

/// Without observation the verdict says so, and only what is declared counts.
#[test]
fn observation_can_be_switched_off() {
    let env = machine().with("LARDER_OBSERVE", "off");
    let project = project(&env);
    files(&project);
    let report = project.larder_report(&["build"]).1;
    let unit = unit(&report, "host_file", "run-custom-build");
    assert_eq!(unit.verdict, Some(Verdict::Unobserved), "{:?}", unit.evidence);
    project.write("../host/os-release", "two");
    all_hit(&project, &["build"]);
    assert_eq!(said(&project, "host_file"), "one");
    project.larder(&["doctor"]).stdout_has("switched off");
}
