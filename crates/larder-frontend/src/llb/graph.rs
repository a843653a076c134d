//! Vertices that name their inputs by digest, and the definition that a
//! builder is sent: an output with everything below it.
//!
//! A vertex is encoded when it is made, so equal vertices are one. Names and
//! lines of the manifest are beside it: they change no digest, hence no cache.

use crate::place::Lines;
use bollard_buildkit_proto::pb;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// An output of a vertex: a file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    vertex: String,
    index: i64,
}

impl Output {
    pub(super) fn input(&self) -> pb::Input {
        pb::Input { digest: self.vertex.clone(), index: self.index }
    }
}

/// What the progress calls a vertex, and the lines that asked for it.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    name: String,
    lines: Vec<Lines>,
}

impl Named {
    /// A name in the progress.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), lines: Vec::new() }
    }

    /// Blames these lines of a manifest if the vertex fails.
    pub(crate) fn of(mut self, lines: impl IntoIterator<Item = Lines>) -> Self {
        self.lines.extend(lines);
        self
    }
}

#[derive(Debug)]
struct Vertex {
    bytes: Vec<u8>,
    inputs: Vec<String>,
    named: Named,
}

/// All vertices that were made.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    vertices: BTreeMap<String, Vertex>,
    ignore_cache: bool,
}

impl Graph {
    /// With `ignore_cache`, every vertex is executed again.
    pub(crate) fn new(ignore_cache: bool) -> Self {
        Self { vertices: BTreeMap::new(), ignore_cache }
    }

    /// Adds a vertex; the one that is there if it is the same.
    pub(super) fn add(&mut self, op: &pb::Op, named: Named) -> Vertices {
        let bytes = op.encode_to_vec();
        let digest = digest(&bytes);
        let inputs = op.inputs.iter().map(|input| input.digest.clone()).collect();
        self.vertices.entry(digest.clone()).or_insert(Vertex { bytes, inputs, named });
        Vertices(digest)
    }

    /// What a builder needs to make `output`.
    pub(crate) fn definition(&self, output: &Output) -> pb::Definition {
        let mut order = Vec::new();
        self.visit(&output.vertex, &mut BTreeSet::new(), &mut order);
        let mut definition = pb::Definition::default();
        let mut source = pb::Source::default();
        for digest in order {
            let Some(vertex) = self.vertices.get(digest) else { continue };
            definition.def.push(vertex.bytes.clone());
            definition.metadata.insert(digest.to_owned(), self.metadata(vertex));
            let locations = vertex.named.lines.iter().map(|lines| pb::Location {
                source_index: info_index(&mut source.infos, lines),
                ranges: vec![lines.range()],
            });
            let locations: Vec<_> = locations.collect();
            if !locations.is_empty() {
                source.locations.insert(digest.to_owned(), pb::Locations { locations });
            }
        }
        // The last one says which output is meant.
        let last = pb::Op { inputs: vec![output.input()], ..pb::Op::default() };
        definition.def.push(last.encode_to_vec());
        definition.source = Some(source);
        definition
    }

    /// Inputs first.
    fn visit<'a>(
        &'a self,
        digest: &'a str,
        seen: &mut BTreeSet<&'a str>,
        order: &mut Vec<&'a str>,
    ) {
        if !seen.insert(digest) {
            return;
        }
        if let Some(vertex) = self.vertices.get(digest) {
            for input in &vertex.inputs {
                self.visit(input, seen, order);
            }
        }
        order.push(digest);
    }

    fn metadata(&self, vertex: &Vertex) -> pb::OpMetadata {
        let name = ("llb.customname".to_owned(), vertex.named.name.clone());
        pb::OpMetadata {
            ignore_cache: self.ignore_cache,
            description: BTreeMap::from([name]),
            ..pb::OpMetadata::default()
        }
    }
}

/// The outputs of one vertex.
#[derive(Debug)]
pub(super) struct Vertices(String);

impl Vertices {
    pub(super) fn output(&self, index: i64) -> Output {
        Output { vertex: self.0.clone(), index }
    }
}

fn info_index(infos: &mut Vec<pb::SourceInfo>, lines: &Lines) -> i32 {
    let info = lines.info();
    let index = infos.iter().position(|known| *known == info).unwrap_or_else(|| {
        infos.push(info);
        infos.len() - 1
    });
    i32::try_from(index).unwrap_or_default()
}

fn digest(bytes: &[u8]) -> String {
    let mut text = String::from("sha256:");
    for byte in Sha256::digest(bytes) {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llb::{Exec, image};

    #[test]
    fn a_definition_has_inputs_first_and_says_what_is_meant() {
        let mut graph = Graph::default();
        let base = image(&mut graph, "example/rust:1", None, Named::new("base"));
        let other = image(&mut graph, "example/alpine:1", None, Named::new("other"));
        let exec = Exec::new(&base, ["true"]).add(&mut graph, Named::new("run"));
        let definition = graph.definition(&exec.root());
        assert_eq!(definition.def.len(), 3);
        let ops: Vec<pb::Op> =
            definition.def.iter().map(|bytes| pb::Op::decode(bytes.as_slice()).unwrap()).collect();
        assert!(matches!(ops[0].op, Some(pb::op::Op::Source(_))));
        assert!(matches!(ops[1].op, Some(pb::op::Op::Exec(_))));
        assert_eq!(ops[1].inputs[0].digest, digest(&definition.def[0]));
        assert_eq!(
            (ops[2].op.is_none(), &ops[2].inputs[0].digest),
            (true, &digest(&definition.def[1]))
        );
        assert!(!definition.metadata.contains_key(&other.vertex));
    }

    #[test]
    fn equal_vertices_are_one_and_names_do_not_count() {
        let mut graph = Graph::default();
        let one = image(&mut graph, "example/rust:1", None, Named::new("one"));
        let two = image(&mut graph, "example/rust:1", None, Named::new("two"));
        assert_eq!(one, two);
        assert_eq!(graph.vertices.len(), 1);
    }
}
