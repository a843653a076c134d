//! Habits of proc-macros.

use super::habit::{Habit, manifest, workspace};
use crate::{Mtime, Project, TestEnv};
use larder_schema::record::Verdict;

/// All of them.
pub const HABITS: &[Habit] = &[
    Habit {
        name: "nothing",
        code: "\"nothing\".into()",
        verdict: Verdict::Portable,
        misses: &[],
        hits: &[("a file beside it", |p| p.write("nothing/unrelated.txt", "x"))],
    },
    Habit {
        name: "composed",
        code: "std::fs::read_to_string(here().join([\"da\", \"ta\"].concat()).join(format!(\"{}.txt\", 1 + 1))).unwrap()",
        verdict: Verdict::Portable,
        misses: &[("the file", |p| p.write("composed/data/2.txt", "two"), "two")],
        hits: &[("another one", |p| p.write("composed/data/1.txt", "x"))],
    },
    Habit {
        name: "git_head",
        code: "std::fs::read_to_string(here().join(\"../.git/HEAD\")).unwrap()",
        verdict: Verdict::Portable,
        misses: &[("a commit", |p| p.write(".git/HEAD", "def"), "def")],
        hits: &[("an object", |p| p.write(".git/objects/ab/cd", ""))],
    },
    Habit {
        name: "lock_file",
        code: "std::fs::read_to_string(here().join(\"../Cargo.lock\")).unwrap().matches(\"0.2.0\").count().to_string()",
        verdict: Verdict::Portable,
        misses: &[(
            "another version",
            |p| p.replace("app/Cargo.toml", "0.1.0", "0.2.0", Mtime::Now),
            "1",
        )],
        hits: &[],
    },
    Habit {
        name: "lists",
        code: "std::fs::read_dir(here().join(\"migrations\")).unwrap().count().to_string()",
        verdict: Verdict::Portable,
        misses: &[("one more", |p| p.write("lists/migrations/2.sql", ""), "2")],
        hits: &[("the content of one", |p| p.write("lists/migrations/1.sql", "x"))],
    },
    Habit {
        name: "misses_a_file",
        code: "here().join(\"later\").exists().to_string()",
        verdict: Verdict::Portable,
        misses: &[("it appears", |p| p.write("misses_a_file/later", ""), "true")],
        hits: &[],
    },
    Habit {
        name: "host_file",
        code: "std::fs::read_to_string(\"@ROOT@/host/zone\").unwrap()",
        verdict: Verdict::HostKeyed,
        misses: &[("its content", |p| p.write("../host/zone", "two"), "two")],
        hits: &[("a file beside it", |p| p.write("../host/other", "x"))],
    },
    Habit {
        name: "runs",
        code: "String::from_utf8(std::process::Command::new(\"cat\").arg(here().join(\"text\")).output().unwrap().stdout).unwrap()",
        verdict: Verdict::HostKeyed,
        misses: &[("what a child reads", |p| p.write("runs/text", "two"), "two")],
        hits: &[],
    },
    Habit {
        name: "network",
        code: "std::net::TcpListener::bind(\"127.0.0.1:0\").unwrap();\n\"listened\".into()",
        verdict: Verdict::Volatile,
        misses: &[],
        hits: &[],
    },
    Habit {
        name: "writes",
        code: "std::fs::write(here().join(\"made.txt\"), \"x\").unwrap();\n\"made\".into()",
        verdict: Verdict::Portable,
        misses: &[("what it wrote", |p| p.write("writes/made.txt", "y"), "made")],
        hits: &[("what it wrote is gone", |p| p.remove("writes/made.txt"))],
    },
];

/// Rows that leave a file elsewhere, and where.
pub const LEFT: &[(&str, &str)] = &[("writes", "writes/made.txt")];

fn write(project: &Project<'_>, habit: &Habit, code: &str) {
    let name = habit.name;
    let depends = format!("[dependencies]\n{name}_macro.path = \"macro\"\n");
    project.write(format!("{name}/Cargo.toml"), &manifest(name, &depends));
    project.write(
        format!("{name}/src/lib.rs"),
        &format!("pub const SAID: &str = {name}_macro::said!();\n"),
    );
    project.write(
        format!("{name}/macro/Cargo.toml"),
        &manifest(&format!("{name}_macro"), "[lib]\nproc-macro = true\n"),
    );
    project.write(
        format!("{name}/macro/src/lib.rs"),
        &format!(
            "use proc_macro::{{Literal, TokenStream, TokenTree}};\n\
             fn here() -> std::path::PathBuf {{\n    std::env::var_os(\"CARGO_MANIFEST_DIR\").unwrap().into()\n}}\n\
             fn text() -> String {{\n{code}\n}}\n\
             #[proc_macro]\npub fn said(_: TokenStream) -> TokenStream {{\n    let _ = here();\n    \
             TokenTree::Literal(Literal::string(text().trim())).into()\n}}\n"
        ),
    );
}

/// Their workspace, with the files that they read.
pub fn project<'env>(env: &'env TestEnv, habits: &[Habit]) -> Project<'env> {
    let project = workspace(env, "habits", habits, &write);
    for (file, text) in [
        ("composed/data/2.txt", "one"),
        (".git/HEAD", "abc"),
        ("lists/migrations/1.sql", ""),
        ("../host/zone", "one"),
        ("runs/text", "one"),
    ] {
        project.write(file, text);
    }
    project
}
