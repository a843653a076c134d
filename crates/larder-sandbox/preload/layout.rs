//! The memory that observed processes and their observer share: a log of paths
//! that only grows, and a table that finds what is in it already. Compiled into
//! both sides.
//!
//! | at | holds |
//! |---|---|
//! | file 0 | one page of code: [`STUB`] |
//! | file [`PAGE`] | everything below; offsets are counted from here |
//! | 0 | [`MAGIC`], then the words at [`GENERATION`] to [`ADDRESS`] |
//! | [`TABLE`] | offsets of entries, by their hash; 0: none |
//! | [`INDEX`] | offsets of entries, in the order in which they were begun; 0: not finished |
//! | [`TEXT`] | entries |
//!
//! An entry is finished when its offset is in the index; only then its process
//! makes the call that it is about. So one that was never finished is about a
//! call that was never made.

/// Size of a page.
pub(crate) const PAGE: usize = 4096;

/// First word; of this layout.
pub(crate) const MAGIC: u32 = 0x6c64_7201;
/// Counted up when a spelling may lead elsewhere from now on. Odd: a call that
/// changes that is under way, and nothing is recorded.
pub(crate) const GENERATION: usize = 4;
/// Entries that were begun.
pub(crate) const COUNT: usize = 8;
/// Bytes of text that are taken.
pub(crate) const TAIL: usize = 12;
/// Where the page of code has to be mapped: two words.
pub(crate) const ADDRESS: usize = 16;

/// Entries at most. Whoever finds no room makes its calls as if there were no
/// log: they are observed one by one.
pub(crate) const ENTRIES: usize = 1 << 16;
pub(crate) const TABLE: usize = PAGE;
pub(crate) const INDEX: usize = TABLE + 4 * ENTRIES;
pub(crate) const TEXT: usize = INDEX + 4 * ENTRIES;
/// Bytes of text at most.
pub(crate) const TEXT_SIZE: usize = 8 << 20;
/// Size of all but the page of code.
pub(crate) const SIZE: usize = TEXT + TEXT_SIZE;

/// An entry: hash, generation, length and kind, then the path.
pub(crate) const ENTRY_HEAD: usize = 16;

/// Kinds of entries: opened for reading; asked about; asked about or read
/// without following it, if it is a link.
pub(crate) const READ: u32 = 1;
pub(crate) const PROBED: u32 = 2;
pub(crate) const LINK: u32 = 3;

/// `fn(number, five arguments) -> result`, the only code whose calls the filter
/// lets pass: `mov rax, rdi; mov rdi, rsi; mov rsi, rdx; mov rdx, rcx;
/// mov r10, r8; mov r8, r9; syscall; ret`.
pub(crate) const STUB: &[u8] = &[
    0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x48, 0x89, 0xd6, 0x48, 0x89, 0xca, 0x4d, 0x89, 0xc2, 0x4d,
    0x89, 0xc8, 0x0f, 0x05, 0xc3,
];

/// Where in it the instruction pointer stands during the call.
pub(crate) const STUB_RETURN: u64 = 20;

/// Variable with the path of the shared memory.
pub(crate) const VARIABLE: &str = "LARDER_RECORD";
