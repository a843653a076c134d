//! Vertices that put files together without running anything.

use super::graph::{Graph, Named, Output};
use bollard_buildkit_proto::pb;

/// A file or directory that is copied to a path.
#[derive(Debug)]
pub(crate) struct Copy<'a> {
    /// Where from.
    pub(crate) from: &'a Output,
    /// Its path there.
    pub(crate) source: String,
    /// Its path afterwards.
    pub(crate) dest: String,
}

/// `onto` (nothing: an empty file system) with these files, owned by root, all
/// of the same time, in seconds.
pub(crate) fn copy(
    graph: &mut Graph,
    onto: Option<&Output>,
    copies: &[Copy<'_>],
    seconds: i64,
    named: Named,
) -> Output {
    let mut inputs: Vec<pb::Input> = onto.iter().map(|output| output.input()).collect();
    for copy in copies {
        let input = copy.from.input();
        if !inputs.contains(&input) {
            inputs.push(input);
        }
    }
    let index = |wanted: &pb::Input| inputs.iter().position(|input| input == wanted);
    let number = |index: usize| i64::try_from(index).unwrap_or(-1);
    let mut actions = Vec::new();
    for (position, copy) in copies.iter().enumerate() {
        let root = || pb::UserOpt { user: Some(pb::user_opt::User::ById(0)) };
        let action = pb::FileActionCopy {
            src: copy.source.clone(),
            dest: copy.dest.clone(),
            owner: Some(pb::ChownOpt { user: Some(root()), group: Some(root()) }),
            mode: -1,
            create_dest_path: true,
            timestamp: seconds.saturating_mul(1_000_000_000),
            ..pb::FileActionCopy::default()
        };
        let is_last = position + 1 == copies.len();
        actions.push(pb::FileAction {
            // The first one starts from the input, each other from the one before.
            input: match (position, onto) {
                (0, Some(_)) => 0,
                (0, None) => -1,
                _ => number(inputs.len() + position - 1),
            },
            secondary_input: index(&copy.from.input()).map_or(-1, number),
            output: if is_last { 0 } else { -1 },
            action: Some(pb::file_action::Action::Copy(action)),
        });
    }
    let op =
        pb::Op { op: Some(pb::op::Op::File(pb::FileOp { actions })), inputs, ..pb::Op::default() };
    graph.add(&op, named).output(0)
}

/// One file system over another, for builders that can.
pub(crate) fn merge(graph: &mut Graph, lower: &Output, upper: &Output, named: Named) -> Output {
    let inputs = vec![lower.input(), upper.input()];
    let merged = (0..2).map(|input| pb::MergeInput { input }).collect();
    let op = pb::Op {
        op: Some(pb::op::Op::Merge(pb::MergeOp { inputs: merged })),
        inputs,
        ..pb::Op::default()
    };
    graph.add(&op, named).output(0)
}
