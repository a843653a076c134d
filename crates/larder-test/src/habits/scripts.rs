//! Habits of build scripts. All of them declare their own file and nothing
//! else, so that cargo would run none of them again.

use super::habit::{Habit, manifest, workspace};
use crate::{Project, TestEnv};
use larder_schema::record::Verdict;
use std::ffi::OsStr;
use std::path::Path;

/// All of them.
pub const HABITS: &[Habit] = &[
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
               assert!(Command::new(\"cc\").args([\"-static\", \"-o\", &helper, \"helper.c\"]).status().unwrap().success());\n\
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
        name: "musl_helper",
        code: "let out = env::var(\"OUT_DIR\").unwrap();\n\
               let helper = format!(\"{out}/helper\");\n\
               assert!(Command::new(\"musl-gcc\").args([\"-static\", \"-o\", &helper, \"helper.c\"]).status().unwrap().success());\n\
               let mut c = Command::new(helper);\nc.arg(\"musl.txt\");\nsay(&run(c));",
        verdict: Verdict::HostKeyed,
        misses: &[(
            "what a program of another libc reads",
            |p| p.write("musl_helper/musl.txt", "two"),
            "two",
        )],
        hits: &[("a file beside it", |p| p.write("musl_helper/other.txt", "x"))],
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

/// Rows that leave a file elsewhere, and where: what they say does not tell
/// whether it was written again.
pub const LEFT: &[(&str, &str)] =
    &[("leaves_files", "../outside/left"), ("into_target", "target/made/here.txt")];

/// Rows that want a program which links statically.
const LINKERS: &[(&str, &str)] = &[("static_helper", "cc"), ("musl_helper", "musl-gcc")];

/// The rows that this machine can build. A row that it cannot is left out with
/// a word, or fails: see [`crate::skipped`].
pub fn rows(env: &TestEnv) -> Vec<Habit> {
    let source = env.root().join("linked.c");
    fs_err::write(&source, "int main(void) { return 0; }\n").expect("a source");
    let lacks = |habit: &Habit| {
        let linker = LINKERS.iter().find(|(name, _)| *name == habit.name)?.1;
        let mut command = env.command(linker);
        command.arg("-static").arg(&source).arg("-o").arg(env.root().join("linked"));
        let links = command.output().is_ok_and(|output| output.status.success());
        (!links).then_some(linker)
    };
    let can = |habit: &&Habit| match lacks(habit) {
        None => true,
        Some(linker) => {
            crate::skipped(&format!("the row `{}`: no `{linker} -static` here", habit.name));
            false
        }
    };
    HABITS.iter().filter(can).copied().collect()
}

/// Their workspace, with the files that they read.
pub fn project<'env>(env: &'env TestEnv, habits: &[Habit]) -> Project<'env> {
    let project = workspace(env, "habits", habits, &|project, habit, code| {
        let name = habit.name;
        project.write(format!("{name}/Cargo.toml"), &manifest(name, ""));
        project.write(
            format!("{name}/build.rs"),
            &format!(
                "{PRELUDE}fn main() {{\n    println!(\"cargo::rerun-if-changed=build.rs\");\n{code}\n}}\n"
            ),
        );
        project.write(format!("{name}/src/lib.rs"), "pub const SAID: &str = env!(\"SAID\");\n");
    });
    files(&project);
    project
}

/// The same machine with a few things of its own in front of `PATH`.
pub fn machine(env: TestEnv) -> TestEnv {
    let own = ["early", "bin"].map(|dir| env.root().join(dir));
    let path = std::env::join_paths(
        own.iter()
            .cloned()
            .chain(std::env::split_paths(env.vars().get(OsStr::new("PATH")).expect("a PATH"))),
    );
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

/// A program that shows the file which its last argument names.
const HELPER: &str = "#include <stdio.h>\nint main(int n, char **v) {\n    int c;\n    FILE *f = fopen(v[n - 1], \"r\");\n    \
                      while ((c = getc(f)) != EOF) putchar(c);\n    return 0;\n}\n";

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
        ("musl_helper/musl.txt", "one"),
        ("static_helper/helper.c", HELPER),
        ("musl_helper/helper.c", HELPER),
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
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(path, mode).expect("a mode");
}

fn relink(project: &Project<'_>, to: &str) {
    let link = project.path("link/current");
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(to, link).expect("a link");
}
