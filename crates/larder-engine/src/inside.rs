//! Where in a file an offset is, as people look for it: the member of an
//! archive, the section of an object.

use object::read::archive::ArchiveFile;
use object::{Object as _, ObjectSection as _};
use std::fmt;
use std::ops::Range;
use std::path::Path;

/// A part of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inside {
    /// The member, in an archive.
    pub member: Option<String>,
    /// The section, in an object.
    pub section: Option<String>,
}

impl fmt::Display for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(member) = &self.member {
            write!(f, " (member `{member}`)")?;
        }
        if let Some(section) = &self.section {
            write!(f, " (section `{section}`)")?;
        }
        Ok(())
    }
}

/// Where byte `offset` of the file at `path` is. Nothing, if it is neither
/// archive nor object, or cannot be read.
pub(crate) fn of_file(path: &Path, offset: u64) -> Inside {
    let Ok(bytes) = std::fs::read(path) else { return Inside::default() };
    of(&bytes, offset)
}

/// Where byte `offset` of `bytes` is.
pub(crate) fn of(bytes: &[u8], offset: u64) -> Inside {
    let Some(members) = members(bytes) else {
        return Inside { member: None, section: section(bytes, offset) };
    };
    members
        .into_iter()
        .find(|(_, range)| range.contains(&offset))
        .map(|(name, range)| {
            let member = slice(bytes, &range);
            Inside { member: Some(name), section: section(member, offset - range.start) }
        })
        .unwrap_or_default()
}

/// The members of an archive with their places; `None` if it is none.
pub(crate) fn members(bytes: &[u8]) -> Option<Vec<(String, Range<u64>)>> {
    let archive = ArchiveFile::parse(bytes).ok()?;
    let members = archive.members().filter_map(|member| {
        let member = member.ok()?;
        let (start, size) = member.file_range();
        Some((String::from_utf8_lossy(member.name()).into_owned(), start..start + size))
    });
    Some(members.collect())
}

/// The bytes of a range, as far as they are there.
pub(crate) fn slice<'b>(bytes: &'b [u8], range: &Range<u64>) -> &'b [u8] {
    let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    &bytes[at(range.start)..at(range.end)]
}

fn section(bytes: &[u8], offset: u64) -> Option<String> {
    let file = object::File::parse(bytes).ok()?;
    let section = file.sections().find(|section| {
        section
            .file_range()
            .is_some_and(|(start, size)| (start..start.saturating_add(size)).contains(&offset))
    })?;
    section.name().ok().map(str::to_owned)
}
