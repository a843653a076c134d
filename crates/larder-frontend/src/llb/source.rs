//! Vertices that bring files from outside: images, directories of the one who
//! builds, git.

use super::graph::{Graph, Named, Output};
use bollard_buildkit_proto::pb;
use std::collections::BTreeMap;

/// An image, under its full name.
pub(crate) fn image(
    graph: &mut Graph,
    reference: &str,
    platform: Option<&pb::Platform>,
    named: Named,
) -> Output {
    source(graph, format!("docker-image://{reference}"), BTreeMap::new(), platform, named)
}

/// A directory that the client sends.
#[derive(Debug, Default)]
pub(crate) struct Local<'a> {
    /// The client's name of it.
    pub(crate) name: &'a str,
    /// The client's session.
    pub(crate) session: &'a str,
    /// Builds with the same hint send only what changed since the last one.
    pub(crate) shared_key: &'a str,
    /// Only files that match one of these; all if there is none.
    pub(crate) include: Vec<String>,
    /// No file that matches these, in `.dockerignore`'s language.
    pub(crate) exclude: Vec<String>,
}

/// A directory that the client sends.
pub(crate) fn local(graph: &mut Graph, local: &Local<'_>, named: Named) -> Output {
    let mut attributes = BTreeMap::from([
        ("local.session".to_owned(), local.session.to_owned()),
        ("local.sharedkeyhint".to_owned(), local.shared_key.to_owned()),
    ]);
    for (key, patterns) in
        [("local.includepattern", &local.include), ("local.excludepatterns", &local.exclude)]
    {
        if !patterns.is_empty() {
            // The builder reads a JSON array.
            let json = serde_json::Value::from(patterns.clone()).to_string();
            attributes.insert(key.to_owned(), json);
        }
    }
    source(graph, format!("local://{}", local.name), attributes, None, named)
}

/// A git repository: `https://…` and what is behind the `#`.
pub(crate) fn git(graph: &mut Graph, url: &str, fragment: &str, named: Named) -> Output {
    let bare = url.split_once("://").map_or(url, |(_, rest)| rest);
    let bare = bare.strip_prefix("git@").map_or(bare.to_owned(), |rest| rest.replacen(':', "/", 1));
    let identifier = if fragment.is_empty() {
        format!("git://{bare}")
    } else {
        format!("git://{bare}#{fragment}")
    };
    let attributes = BTreeMap::from([("git.fullurl".to_owned(), url.to_owned())]);
    source(graph, identifier, attributes, None, named)
}

fn source(
    graph: &mut Graph,
    identifier: String,
    attrs: BTreeMap<String, String>,
    platform: Option<&pb::Platform>,
    named: Named,
) -> Output {
    let op = pb::Op {
        op: Some(pb::op::Op::Source(pb::SourceOp { identifier, attrs })),
        platform: platform.cloned(),
        ..pb::Op::default()
    };
    graph.add(&op, named).output(0)
}
