//! Where in a manifest something is written.

use bollard_buildkit_proto::pb;
use std::ops::Range;
use std::sync::Arc;

/// A manifest that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Its path in the build context.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

/// Lines of a manifest, counted from one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lines {
    manifest: Arc<Manifest>,
    first: usize,
    last: usize,
}

impl Lines {
    /// The lines that these bytes are in.
    pub(crate) fn of(manifest: &Arc<Manifest>, bytes: Range<usize>) -> Self {
        let line = |at: usize| {
            let before = manifest.text.as_bytes().iter().take(at);
            before.filter(|byte| **byte == b'\n').count() + 1
        };
        let first = line(bytes.start);
        let last = line(bytes.end.saturating_sub(1)).max(first);
        Self { manifest: manifest.clone(), first, last }
    }

    /// `Cargo.toml:7`.
    pub(crate) fn shown(&self) -> String {
        format!("{}:{}", self.manifest.path, self.first)
    }

    /// The lines as a builder counts them, from one.
    pub(crate) fn range(&self) -> pb::Range {
        let position = |line: usize| {
            Some(pb::Position { line: i32::try_from(line).unwrap_or_default(), character: 0 })
        };
        pb::Range { start: position(self.first), end: position(self.last) }
    }

    /// The manifest as a builder shows it.
    pub(crate) fn info(&self) -> pb::SourceInfo {
        pb::SourceInfo {
            filename: self.manifest.path.clone(),
            data: self.manifest.text.clone().into_bytes(),
            language: "TOML".into(),
            ..pb::SourceInfo::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_in_lines() {
        let text = "a\nbcd\n\ne\n".to_owned();
        let manifest = Arc::new(Manifest { path: "Cargo.toml".into(), text });
        for (bytes, lines) in [(0..1, (1, 1)), (2..5, (2, 2)), (2..6, (2, 2)), (3..8, (2, 4))] {
            let found = Lines::of(&manifest, bytes.clone());
            assert_eq!((found.first, found.last), lines, "{bytes:?}");
        }
        assert_eq!(Lines::of(&manifest, 7..8).shown(), "Cargo.toml:4");
    }
}
