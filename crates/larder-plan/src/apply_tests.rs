//! What directives add, and in which order.

use super::*;
use crate::fixture::{Project, unit};
use crate::plan;
use std::collections::BTreeMap;

fn said(paths: &[&str], links: &[&str]) -> Directives {
    Directives {
        library_paths: paths.iter().map(|p| (*p).to_owned()).collect(),
        library_links: links.iter().map(|l| (*l).to_owned()).collect(),
        ..Directives::default()
    }
}

#[test]
fn own_directories_come_before_those_of_the_system() {
    let mut project = Project::default();
    let (a_run, a) = project.with_script("a-sys");
    let (run, root) = project.with_script_and("root", &[a]);
    project.root(root);
    let plan = plan(&project.inputs()).unwrap();
    let table = BTreeMap::from([
        (a_run, (said(&["/usr/lib", "native=/out/a/lib"], &["a"]), "/out/a")),
        (run, (said(&["/opt", "/out/root"], &["r"]), "/out/root")),
    ]);
    let runs =
        |i: UnitIndex| table.get(&i).map(|(directives, out_dir)| RunResult { directives, out_dir });
    let additions = rustc_additions(&plan, root, &runs);
    assert_eq!(
        additions.args.join(" "),
        "-L /out/root -L native=/out/a/lib -L /opt -L /usr/lib -l r"
    );
    assert!(additions.dylib_dirs.is_empty());
}

#[test]
fn link_arguments_of_dependencies_reach_cdylibs_only() {
    let mut project = Project::default();
    let (a_run, a) = project.with_script("a-sys");
    let cdylib = project.add(unit("ext").crate_types(&["cdylib"]).dep(a));
    let bin = project.add(unit("bin").crate_types(&["bin"]).dep(a));
    project.root(cdylib);
    project.root(bin);
    let plan = plan(&project.inputs()).unwrap();
    let directives = Directives {
        linker_args: vec![
            (LinkArgTarget::All, "-all".into()),
            (LinkArgTarget::Cdylib, "-cdylib".into()),
        ],
        ..Directives::default()
    };
    let runs = |i: UnitIndex| {
        (i == a_run).then_some(RunResult { directives: &directives, out_dir: "/out/a" })
    };
    assert_eq!(rustc_additions(&plan, cdylib, &runs).args, ["-C", "link-arg=-cdylib"]);
    assert!(rustc_additions(&plan, bin, &runs).args.is_empty());
    assert_eq!(rustc_additions(&plan, a, &runs).args, ["-C", "link-arg=-all"]);
}

#[test]
fn a_binary_beside_a_library_leaves_linking_to_it() {
    let mut project = Project::default();
    let (run, lib) = project.with_script("both");
    let bin = project.add(unit("both").target("tool").crate_types(&["bin"]).dep(run).dep(lib));
    project.root(bin);
    let plan = plan(&project.inputs()).unwrap();
    let directives = Directives {
        cfgs: vec!["x".into()],
        check_cfgs: vec!["cfg(x)".into()],
        env: vec![("A".into(), "1".into())],
        ..said(&["/out/both"], &["static=z"])
    };
    let runs = |i: UnitIndex| {
        (i == run).then_some(RunResult { directives: &directives, out_dir: "/out/both" })
    };
    let tail = "--cfg x --check-cfg cfg(x)";
    let additions = rustc_additions(&plan, bin, &runs);
    assert_eq!(additions.args.join(" "), format!("-L /out/both {tail}"));
    assert_eq!(additions.env, [("A".to_owned(), "1".to_owned())]);
    let additions = rustc_additions(&plan, lib, &runs);
    assert_eq!(additions.args.join(" "), format!("-L /out/both -l static=z {tail}"));
}

#[test]
fn metadata_reaches_scripts_of_direct_dependents() {
    let mut project = Project::default();
    let (native_run, native) = project.with_script("z-lib");
    let script = project
        .add(unit("user").target("build-script-build").kind("custom-build").crate_types(&["bin"]));
    let run = project.add(
        unit("user")
            .target("build-script-build")
            .kind("custom-build")
            .crate_types(&["bin"])
            .mode("run-custom-build")
            .dep(script)
            .dep(native_run),
    );
    let root = project.add(unit("user").dep(run).dep(native));
    project.root(root);
    let plan = plan(&project.inputs()).unwrap();
    let directives =
        Directives { metadata: vec![("include-dir".into(), "/i".into())], ..Directives::default() };
    let runs = |_: UnitIndex| Some(RunResult { directives: &directives, out_dir: "/out" });
    let additions = run_additions(&plan, run, &runs);
    assert_eq!(additions.env, [("DEP_Z_LIB_INCLUDE_DIR".to_owned(), "/i".to_owned())]);
}

#[test]
fn libraries_of_plugins_are_found_if_a_script_made_them() {
    let mut project = Project::default();
    let (run, native) = project.with_script("n-sys");
    let pm = project.add(unit("pm").crate_types(&["proc-macro"]).dep(native));
    let root = project.add(unit("root").crate_types(&["bin"]).dep(pm));
    project.root(root);
    let plan = plan(&project.inputs()).unwrap();
    let directives = said(&["native=/out/n/lib", "/usr/lib"], &[]);
    let runs = |i: UnitIndex| {
        (i == run).then_some(RunResult { directives: &directives, out_dir: "/out/n" })
    };
    let additions = rustc_additions(&plan, root, &runs);
    assert_eq!(additions.dylib_dirs, ["/out/n/lib"]);
    assert!(additions.args.is_empty());
}

#[test]
fn programs_load_what_scripts_made_for_their_platform() {
    let triple = "x86_64-unknown-linux-gnu";
    let of = |mode: &str| {
        unit("n").target("build-script-build").kind("custom-build").crate_types(&["bin"]).mode(mode)
    };
    let loaded = |platform: Option<&str>| {
        let on = |spec: crate::fixture::UnitSpec| match platform {
            Some(platform) => spec.platform(platform),
            None => spec,
        };
        let mut project = Project::default();
        let script = project.add(of("build"));
        let run = project.add(on(of("run-custom-build").dep(script)));
        let doctest = project.add(on(unit("n").mode("doctest").dep(run)));
        let test = project.add(on(unit("n").mode("test").dep(run)));
        project.root(doctest);
        project.root(test);
        let plan = plan(&project.inputs()).unwrap();
        let directives = said(&["/out/n/lib", "/usr/lib"], &[]);
        let runs = |i: UnitIndex| {
            (i == run).then_some(RunResult { directives: &directives, out_dir: "/out/n" })
        };
        let settings = crate::doctest::Settings {
            color: "auto",
            test_args: &[],
            quiet: false,
            error_format: "human",
        };
        let doctest = crate::doctest::call(&plan, doctest, &runs, &settings).unwrap();
        let test = crate::execute::execution(&plan, test, &runs);
        (doctest.dylib_dirs, test.dylib_dirs[0].0.clone())
    };
    assert_eq!(loaded(None), (vec!["/out/n/lib".to_owned()], "/out/n/lib".to_owned()));
    // rustdoc is told of the host's only.
    assert_eq!(loaded(Some(triple)), (Vec::new(), "/out/n/lib".to_owned()));
}
