//! Link-time optimisation of every unit. A unit's own profile does not decide
//! it alone: a library below a binary that runs LTO needs bitcode, below one
//! that does not it needs object code, and below both it needs both.

use crate::crate_type::{can_lto, is_dynamic};
use crate::graph::{Graph, View};
use larder_schema::plan::{Lto, Mode, UnitIndex};

/// What a profile asks for.
enum Wish {
    Default,
    Off,
    Run(Option<String>),
}

fn wish(lto: &str) -> Wish {
    match lto {
        "false" => Wish::Default,
        "off" => Wish::Off,
        "true" => Wish::Run(None),
        name => Wish::Run(Some(name.to_owned())),
    }
}

/// LTO of every unit that a root reaches; `OnlyObject` for others.
pub(crate) fn lto(graph: &Graph<'_>) -> Vec<Lto> {
    let mut map: Vec<Option<Lto>> = vec![None; graph.units.len()];
    for &root in &graph.inputs.graph.roots {
        let unit = &graph.units[root];
        let wanted = match wish(&unit.profile.lto) {
            Wish::Default => Lto::OnlyObject,
            Wish::Off => Lto::Off,
            Wish::Run(_) if unit.for_host => Lto::OnlyObject,
            Wish::Run(_) if needs_object(unit.crate_types()) => with_object(unit.crate_types()),
            Wish::Run(_) => Lto::OnlyBitcode,
        };
        visit(graph, &mut map, root, &wanted);
    }
    map.into_iter().map(|lto| lto.unwrap_or(Lto::OnlyObject)).collect()
}

fn visit(graph: &Graph<'_>, map: &mut [Option<Lto>], index: UnitIndex, parent: &Lto) {
    let unit = &graph.units[index];
    let own = own(unit, parent);
    let merged = match &map[index] {
        None => own,
        Some(before) => {
            let merged = merge(own, before);
            if merged == *before {
                return;
            }
            merged
        }
    };
    map[index] = Some(merged.clone());
    for dep in &unit.unit.dependencies {
        visit(graph, map, dep.index, &merged);
    }
}

/// What a unit needs below a parent that needs `parent`.
fn own(unit: &View<'_>, parent: &Lto) -> Lto {
    let as_binary = ["bin".to_owned()];
    let crate_types = match unit.mode {
        Mode::Test | Mode::Doctest => &as_binary[..],
        _ => unit.crate_types(),
    };
    if unit.for_host {
        return Lto::OnlyObject;
    }
    if crate_types.iter().all(|t| can_lto(t)) {
        return match wish(&unit.profile.lto) {
            Wish::Default => Lto::OnlyObject,
            Wish::Off => Lto::Off,
            Wish::Run(name) => Lto::Run(name),
        };
    }
    match (parent, needs_object(crate_types)) {
        (Lto::Run(_), false) => Lto::OnlyBitcode,
        (Lto::Run(_) | Lto::OnlyBitcode, true) => with_object(crate_types),
        (other, _) => other.clone(),
    }
}

/// What serves both of two parents. Running LTO and `off` are a unit's own
/// business, so they stay.
fn merge(new: Lto, before: &Lto) -> Lto {
    match (new, before) {
        (Lto::Run(name), _) => Lto::Run(name),
        (_, Lto::Run(name)) => Lto::Run(name.clone()),
        (Lto::Off, _) | (_, Lto::Off) => Lto::Off,
        (new, before) if new == *before => new,
        _ => Lto::ObjectAndBitcode,
    }
}

fn needs_object(crate_types: &[String]) -> bool {
    crate_types.iter().any(|t| can_lto(t) || is_dynamic(t))
}

/// rustc runs no LTO over a dylib, so its bitcode would be for nothing.
fn with_object(crate_types: &[String]) -> Lto {
    if crate_types.iter().all(|t| t == "dylib") { Lto::OnlyObject } else { Lto::ObjectAndBitcode }
}

/// The arguments of rustc for it.
pub(crate) fn arguments(lto: &Lto) -> Vec<String> {
    let codegen = |option: &str| vec!["-C".to_owned(), option.to_owned()];
    match lto {
        Lto::Run(None) => codegen("lto"),
        Lto::Run(Some(name)) => codegen(&format!("lto={name}")),
        Lto::Off => [codegen("lto=off"), codegen("embed-bitcode=no")].concat(),
        Lto::ObjectAndBitcode => Vec::new(),
        Lto::OnlyBitcode => codegen("linker-plugin-lto"),
        Lto::OnlyObject => codegen("embed-bitcode=no"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Project, unit};

    /// LTO of a root and of a library below it.
    fn pair(root_types: &[&str], root_lto: &str, lib_types: &[&str]) -> (Lto, Lto) {
        let mut project = Project::default();
        let lib = project.add(unit("dep").crate_types(lib_types).lto(root_lto));
        let root = project.add(unit("root").crate_types(root_types).lto(root_lto).dep(lib));
        project.root(root);
        let inputs = project.inputs();
        let graph = Graph::new(&inputs).unwrap();
        let map = lto(&graph);
        (map[root].clone(), map[lib].clone())
    }

    /// Crate types and `lto` of a root, crate types of a library below it;
    /// what the two get.
    type Row = (&'static [&'static str], &'static str, &'static [&'static str], Lto, Lto);

    #[test]
    fn every_combination_of_root_and_library() {
        use Lto::{ObjectAndBitcode, Off, OnlyBitcode, OnlyObject, Run};
        let fat = Run(None);
        let thin = Run(Some("thin".into()));
        let table: &[Row] = &[
            (&["bin"], "false", &["lib"], OnlyObject, OnlyObject),
            (&["bin"], "off", &["lib"], Off, Off),
            (&["bin"], "true", &["lib"], fat.clone(), OnlyBitcode),
            (&["bin"], "thin", &["lib"], thin.clone(), OnlyBitcode),
            (&["bin"], "true", &["dylib"], fat.clone(), OnlyObject),
            (&["bin"], "true", &["lib", "dylib"], fat.clone(), ObjectAndBitcode),
            (&["bin"], "true", &["lib", "cdylib"], fat.clone(), ObjectAndBitcode),
            (&["bin"], "true", &["cdylib"], fat.clone(), fat.clone()),
            (&["bin"], "true", &["staticlib"], fat.clone(), fat.clone()),
            (&["bin"], "off", &["dylib"], Off, Off),
            (&["bin"], "true", &["proc-macro"], fat.clone(), OnlyObject),
            (&["lib"], "true", &["lib"], OnlyBitcode, OnlyBitcode),
            (&["lib"], "true", &["dylib"], OnlyBitcode, OnlyObject),
            (&["lib"], "true", &["lib", "cdylib"], OnlyBitcode, ObjectAndBitcode),
            (&["dylib"], "true", &["lib"], OnlyObject, OnlyObject),
            (&["lib", "cdylib"], "true", &["lib"], ObjectAndBitcode, ObjectAndBitcode),
            (&["lib", "staticlib"], "true", &["lib"], ObjectAndBitcode, ObjectAndBitcode),
            (&["cdylib"], "true", &["lib"], fat.clone(), OnlyBitcode),
            (&["cdylib", "staticlib"], "thin", &["lib"], thin.clone(), OnlyBitcode),
            (&["proc-macro"], "true", &["lib"], OnlyObject, OnlyObject),
        ];
        for (root_types, profile, lib_types, root, lib) in table {
            let got = pair(root_types, profile, lib_types);
            assert_eq!(got, (root.clone(), lib.clone()), "{root_types:?} {profile} {lib_types:?}");
        }
    }

    #[test]
    fn a_library_below_lto_and_no_lto_gets_both() {
        let mut project = Project::default();
        let lib = project.add(unit("dep").lto("true"));
        let host = project.add(unit("macro").crate_types(&["proc-macro"]).lto("true").dep(lib));
        let root = project.add(unit("root").crate_types(&["bin"]).lto("true").dep(lib).dep(host));
        project.root(root);
        let inputs = project.inputs();
        let graph = Graph::new(&inputs).unwrap();
        assert_eq!(lto(&graph)[lib], Lto::ObjectAndBitcode);
        assert_eq!(lto(&graph)[host], Lto::OnlyObject);
    }

    #[test]
    fn a_test_is_a_binary() {
        let mut project = Project::default();
        let lib = project.add(unit("dep").lto("thin"));
        let root = project.add(unit("root").mode("test").lto("thin").dep(lib));
        project.root(root);
        let inputs = project.inputs();
        let graph = Graph::new(&inputs).unwrap();
        assert_eq!(lto(&graph)[root], Lto::Run(Some("thin".into())));
        assert_eq!(lto(&graph)[lib], Lto::OnlyBitcode);
    }

    #[test]
    fn merging_is_a_join() {
        use Lto::{ObjectAndBitcode, Off, OnlyBitcode, OnlyObject, Run};
        let all = [Run(None), Off, OnlyBitcode, ObjectAndBitcode, OnlyObject];
        for a in &all {
            assert_eq!(merge(a.clone(), a), *a);
            for b in &all {
                assert_eq!(merge(a.clone(), b), merge(b.clone(), a));
            }
        }
        assert_eq!(merge(OnlyObject, &OnlyBitcode), ObjectAndBitcode);
        assert_eq!(merge(Off, &ObjectAndBitcode), Off);
    }

    #[test]
    fn arguments_of_each() {
        assert_eq!(arguments(&Lto::Run(None)), ["-C", "lto"]);
        assert_eq!(arguments(&Lto::Run(Some("fat".into()))), ["-C", "lto=fat"]);
        assert_eq!(arguments(&Lto::Off), ["-C", "lto=off", "-C", "embed-bitcode=no"]);
        assert_eq!(arguments(&Lto::OnlyBitcode), ["-C", "linker-plugin-lto"]);
        assert_eq!(arguments(&Lto::OnlyObject), ["-C", "embed-bitcode=no"]);
        assert!(arguments(&Lto::ObjectAndBitcode).is_empty());
    }
}
