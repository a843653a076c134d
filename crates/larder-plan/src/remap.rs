//! placeholder
use crate::graph::Graph;
use larder_schema::plan::{Source, Template};

pub(crate) fn arguments(
    _source: &Source,
    _root: &str,
    _graph: &Graph<'_>,
    _args: &[Template],
) -> Vec<Template> {
    Vec::new()
}
