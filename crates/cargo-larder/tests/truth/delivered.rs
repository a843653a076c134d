//! Delivered files: `target/` is the user's; the store does not care what
//! happens in it.

use crate::table::{QUICK, all_hit, env, manifest, says};
use std::os::unix::fs::MetadataExt;

#[test]
fn the_target_directory_may_lose_anything() {
    let env = env();
    let project = env
        .project("delivered")
        .file("Cargo.toml", manifest("delivered", QUICK))
        .file("src/main.rs", "fn main() {\n    println!(\"{}\", delivered::text());\n}\n")
        .file("src/lib.rs", "pub fn text() -> &'static str {\n    \"hello\"\n}\n")
        .build();
    project.larder(&["build"]).success();
    let program = project.path("target/debug/delivered");
    let original = std::fs::read(&program).expect("a program");
    assert_eq!(std::fs::metadata(&program).expect("a program").nlink(), 1);

    let strip = || {
        env.run(env.command("strip").arg(&program)).success();
        assert_ne!(std::fs::read(&program).expect("a program"), original);
    };
    let overwrite = || std::fs::write(&program, "#!/bin/sh\necho wrong\n").expect("a file");
    let same_size = || {
        let mut bytes = original.clone();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&program, bytes).expect("a file");
    };
    let remove = || std::fs::remove_file(&program).expect("a file");
    let not_executable = || {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    };
    let everything = || project.remove("target");
    let library = || project.remove("target/debug/libdelivered.rlib");
    let dangling = || {
        remove();
        std::os::unix::fs::symlink("nowhere", &program).expect("a link");
    };
    let changes: [(&str, &dyn Fn()); 8] = [
        ("stripped", &strip),
        ("overwritten", &overwrite),
        ("one bit", &same_size),
        ("removed", &remove),
        ("mode", &not_executable),
        ("target", &everything),
        ("library", &library),
        ("link", &dangling),
    ];
    for (what, change) in changes {
        change();
        all_hit(&project, &["build"]);
        assert_eq!(std::fs::read(&program).expect("a program"), original, "{what}");
        assert_eq!(says(&project, "delivered"), "hello\n", "{what}");
        assert!(project.path("target/debug/libdelivered.rlib").exists(), "{what}");
    }
    // What was done to delivered files did not reach the store.
    let second = project.checkout("second");
    all_hit(&second, &["build"]);
    assert_eq!(says(&second, "delivered"), "hello\n");
}
