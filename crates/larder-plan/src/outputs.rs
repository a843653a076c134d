//! Names of the files that rustc writes for a unit, and where cargo puts them
//! for the user.
//!
//! rustc's names have underscores and `-<hash>`; the user's have the target's
//! own name. Debug information in a file of its own is listed whether or not
//! this build makes it, as cargo lists it.

use crate::crate_type::{is_dynamic, is_linkable, requires_upstream_objects};
use crate::graph::{Graph, Kind, View};
use crate::input::TargetInfo;
use crate::unsupported::Unsupported;
use larder_schema::plan::{Flavor, Mode, OutputName, escape};

/// One kind of file that a crate type comes in.
struct FileType {
    prefix: String,
    suffix: String,
    flavor: Flavor,
    crate_type: &'static str,
    /// Whether its final name has underscores.
    underscores: bool,
}

/// The files of a unit.
pub(crate) fn outputs(graph: &Graph<'_>, view: &View<'_>) -> Result<Vec<OutputName>, Unsupported> {
    let types = match view.mode {
        Mode::RunCustomBuild | Mode::Doctest => return Ok(Vec::new()),
        Mode::Check | Mode::CheckTest => vec![rmeta()],
        Mode::Test => file_types(view.info, "bin", Flavor::Normal).unwrap_or_default(),
        Mode::Build => built(view),
    };
    if types.is_empty() {
        return Err(Unsupported::new(
            format!("a crate type that `{}` does not have", view.info.triple),
            view.place(),
        ));
    }
    let stem = view.crate_name();
    let extra = if has_extra_filename(view) { "-{extra}" } else { "" };
    Ok(types
        .into_iter()
        .map(|file| OutputName {
            name: format!(
                "{}{}{extra}{}",
                escape(&file.prefix),
                escape(&stem),
                escape(&file.suffix)
            ),
            flavor: file.flavor,
            uplift: uplift(graph, view, &file),
            deps_dir: deps_dir(graph, view),
        })
        .collect())
}

/// Whether names carry a hash. Not where a file's name is part of its meaning:
/// dynamic libraries of path packages, and executables that name a companion.
pub(crate) fn has_extra_filename(view: &View<'_>) -> bool {
    if view.mode == Mode::Doctest {
        return false;
    }
    if view.is_any_test() || view.is_check() {
        return true;
    }
    let triple = &view.info.triple;
    let named = view.has_library_type("dylib")
        || view.has_library_type("cdylib")
        || (view.is_executable()
            && (triple == "wasm32-unknown-emscripten" || triple.contains("msvc")));
    !(named && view.is_local())
}

fn built(view: &View<'_>) -> Vec<FileType> {
    let as_binary = ["bin".to_owned()];
    let crate_types = match view.kind {
        Kind::Lib | Kind::ExampleLib => view.crate_types(),
        _ => &as_binary[..],
    };
    let mut types = Vec::new();
    for crate_type in crate_types {
        let flavor = if is_linkable(crate_type) { Flavor::Linkable } else { Flavor::Normal };
        types.extend(file_types(view.info, crate_type, flavor).unwrap_or_default());
    }
    if !types.is_empty() && !crate_types.iter().any(|t| requires_upstream_objects(t)) {
        types.push(rmeta());
    }
    types
}

fn rmeta() -> FileType {
    FileType {
        prefix: "lib".to_owned(),
        suffix: ".rmeta".to_owned(),
        flavor: Flavor::Rmeta,
        crate_type: "",
        underscores: true,
    }
}

/// The files of one crate type; `None` if the platform does not have it.
fn file_types(info: &TargetInfo, crate_type: &str, flavor: Flavor) -> Option<Vec<FileType>> {
    let crate_type = match crate_type {
        "lib" | "rlib" => "rlib",
        "bin" => "bin",
        "dylib" => "dylib",
        "cdylib" => "cdylib",
        "staticlib" => "staticlib",
        "proc-macro" => "proc-macro",
        _ => return None,
    };
    let (prefix, suffix) = info.file_names.get(crate_type)?.clone()?;
    let triple = info.triple.as_str();
    let file = |prefix: &str, suffix: String, flavor, underscores| FileType {
        prefix: prefix.to_owned(),
        suffix,
        flavor,
        crate_type,
        underscores,
    };
    let is_bin = crate_type == "bin";
    let mut types = vec![file(&prefix, suffix.clone(), flavor, !is_bin)];
    if is_dynamic(crate_type) && suffix == ".dll" {
        if triple.ends_with("-windows-msvc") {
            for import in [".dll.lib", ".dll.exp"] {
                types.push(file(&prefix, import.to_owned(), Flavor::Normal, true));
            }
        } else if ["windows-gnu", "windows-gnullvm", "cygwin"].iter().any(|e| triple.ends_with(e)) {
            types.push(file("lib", ".dll.a".to_owned(), Flavor::Normal, true));
        }
    }
    if triple.starts_with("wasm32-") && is_bin && suffix == ".js" {
        types.push(file(&prefix, ".wasm".to_owned(), Flavor::Normal, true));
        types.push(file(&prefix, ".wasm.map".to_owned(), Flavor::DebugInfo, true));
    }
    if matches!(crate_type, "bin" | "dylib" | "cdylib" | "proc-macro") {
        let (debug_suffix, underscores) = if triple.contains("-apple-") {
            (if is_bin { ".dSYM" } else { ".dylib.dSYM" }.to_owned(), false)
        } else if triple.ends_with("-msvc") || triple.ends_with("-uefi") {
            (".pdb".to_owned(), true)
        } else {
            (format!("{suffix}.dwp"), !is_bin)
        };
        types.push(file(&prefix, debug_suffix, Flavor::DebugInfo, underscores));
    }
    Some(types)
}

/// Where the user finds the file, relative to the target directory: binaries
/// and dylibs always, everything else only if it was asked for. Build scripts
/// stay where they are: nobody asked for them.
fn uplift(graph: &Graph<'_>, view: &View<'_>, file: &FileType) -> Option<String> {
    if view.mode != Mode::Build
        || file.flavor == Flavor::Rmeta
        || graph.check_intent
        || view.kind == Kind::CustomBuild
        || !(view.kind == Kind::Bin || file.crate_type == "dylib" || view.root)
    {
        return None;
    }
    let name = final_name(view, file);
    let dest = graph.dest(view);
    Some(match view.kind {
        Kind::ExampleLib | Kind::ExampleBin => format!("{dest}/examples/{name}"),
        _ => format!("{dest}/{name}"),
    })
}

fn final_name(view: &View<'_>, file: &FileType) -> String {
    let stem = if file.underscores { view.crate_name() } else { view.unit.target.name.clone() };
    format!("{}{stem}{}", file.prefix, file.suffix)
}

/// The file name that a binary target called `name` is delivered under.
pub(crate) fn binary_name(info: &TargetInfo, name: &str) -> Option<String> {
    let (prefix, suffix) = info.file_names.get("bin")?.clone()?;
    Some(format!("{prefix}{name}{suffix}"))
}

fn deps_dir(graph: &Graph<'_>, view: &View<'_>) -> String {
    match view.kind {
        Kind::CustomBuild => format!("{}/build/{}", graph.profile_dir, view.manifest.name),
        Kind::ExampleLib | Kind::ExampleBin => format!("{}/examples", graph.dest(view)),
        _ => format!("{}/deps", graph.dest(view)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Project, UnitSpec, unit};

    /// Name, and where it is delivered.
    type Names = &'static [(&'static str, Option<&'static str>)];

    fn names(spec: UnitSpec) -> Vec<(String, Option<String>)> {
        let mut project = Project::default();
        let index = project.add(spec);
        project.root(index);
        let inputs = project.inputs();
        let graph = Graph::new(&inputs).unwrap();
        outputs(&graph, &graph.units[index])
            .unwrap()
            .into_iter()
            .map(|o| (o.name, o.uplift))
            .collect()
    }

    fn pairs(list: Names) -> Vec<(String, Option<String>)> {
        list.iter().map(|(a, b)| ((*a).to_owned(), b.map(ToOwned::to_owned))).collect()
    }

    #[test]
    fn files_by_target() {
        let table: Vec<(UnitSpec, Names)> = vec![
            (
                unit("my-tool").crate_types(&["bin"]),
                &[
                    ("my_tool-{extra}", Some("debug/my-tool")),
                    ("my_tool-{extra}.dwp", Some("debug/my-tool.dwp")),
                ],
            ),
            (
                unit("my-lib"),
                &[
                    ("libmy_lib-{extra}.rlib", Some("debug/libmy_lib.rlib")),
                    ("libmy_lib-{extra}.rmeta", None),
                ],
            ),
            (
                unit("ext").crate_types(&["cdylib"]),
                &[
                    ("libext.so", Some("debug/libext.so")),
                    ("libext.so.dwp", Some("debug/libext.so.dwp")),
                ],
            ),
            (
                unit("ext").crate_types(&["cdylib"]).registry(),
                &[
                    ("libext-{extra}.so", Some("debug/libext.so")),
                    ("libext-{extra}.so.dwp", Some("debug/libext.so.dwp")),
                ],
            ),
            (
                unit("ext").crate_types(&["cdylib", "rlib"]),
                &[
                    ("libext.so", Some("debug/libext.so")),
                    ("libext.so.dwp", Some("debug/libext.so.dwp")),
                    ("libext.rlib", Some("debug/libext.rlib")),
                ],
            ),
            (unit("st").crate_types(&["staticlib"]), &[("libst-{extra}.a", Some("debug/libst.a"))]),
            (
                unit("pm").crate_types(&["proc-macro"]),
                &[
                    ("libpm-{extra}.so", Some("debug/libpm.so")),
                    ("libpm-{extra}.so.dwp", Some("debug/libpm.so.dwp")),
                ],
            ),
            (
                unit("my-example").kind("example").crate_types(&["bin"]),
                &[
                    ("my_example-{extra}", Some("debug/examples/my-example")),
                    ("my_example-{extra}.dwp", Some("debug/examples/my-example.dwp")),
                ],
            ),
            (
                unit("it").kind("test").crate_types(&["bin"]).mode("test"),
                &[("it-{extra}", None), ("it-{extra}.dwp", None)],
            ),
            (unit("my-lib").mode("check"), &[("libmy_lib-{extra}.rmeta", None)]),
            (
                unit("build-script-build").kind("custom-build").crate_types(&["bin"]),
                &[("build_script_build-{extra}", None), ("build_script_build-{extra}.dwp", None)],
            ),
        ];
        for (spec, expected) in table {
            let name = format!("{spec:?}");
            assert_eq!(names(spec), pairs(expected), "{name}");
        }
    }

    #[test]
    fn a_library_below_stays_in_deps_but_a_dylib_does_not() {
        let mut project = Project::default();
        let lib = project.add(unit("a"));
        let dylib =
            project.add(unit("b").crate_types(&["dylib"]).platform("x86_64-unknown-linux-gnu"));
        let root = project.add(unit("c").crate_types(&["bin"]).dep(lib).dep(dylib));
        project.root(root);
        let inputs = project.inputs();
        let graph = Graph::new(&inputs).unwrap();
        assert_eq!(outputs(&graph, &graph.units[lib]).unwrap()[0].uplift, None);
        assert_eq!(
            outputs(&graph, &graph.units[dylib]).unwrap()[0].uplift.as_deref(),
            Some("x86_64-unknown-linux-gnu/debug/libb.so")
        );
    }

    #[test]
    fn other_platforms() {
        let info = |triple: &str, bin: &str, lib: (&str, &str)| TargetInfo {
            triple: triple.to_owned(),
            file_names: [
                ("bin".to_owned(), Some((String::new(), bin.to_owned()))),
                ("cdylib".to_owned(), Some((lib.0.to_owned(), lib.1.to_owned()))),
                ("dylib".to_owned(), None),
            ]
            .into(),
            ..TargetInfo::default()
        };
        let suffixes = |info: &TargetInfo, crate_type: &str| -> Option<Vec<String>> {
            Some(
                file_types(info, crate_type, Flavor::Normal)?
                    .into_iter()
                    .map(|f| format!("{}*{}", f.prefix, f.suffix))
                    .collect(),
            )
        };
        let msvc = info("x86_64-pc-windows-msvc", ".exe", ("", ".dll"));
        assert_eq!(suffixes(&msvc, "bin").unwrap(), ["*.exe", "*.pdb"]);
        assert_eq!(
            suffixes(&msvc, "cdylib").unwrap(),
            ["*.dll", "*.dll.lib", "*.dll.exp", "*.pdb"]
        );
        let gnu = info("x86_64-pc-windows-gnu", ".exe", ("", ".dll"));
        assert_eq!(suffixes(&gnu, "cdylib").unwrap(), ["*.dll", "lib*.dll.a", "*.dll.dwp"]);
        let mac = info("aarch64-apple-darwin", "", ("lib", ".dylib"));
        assert_eq!(suffixes(&mac, "cdylib").unwrap(), ["lib*.dylib", "lib*.dylib.dSYM"]);
        let wasm = info("wasm32-unknown-emscripten", ".js", ("", ".wasm"));
        assert_eq!(suffixes(&wasm, "bin").unwrap(), ["*.js", "*.wasm", "*.wasm.map", "*.js.dwp"]);
        assert_eq!(suffixes(&mac, "dylib"), None);
    }
}
