//! Where everything lies.
//!
//! ```text
//! <root>/
//!   CACHEDIR.TAG                    backup programs leave caches out
//!   v1/                             one bucket per format of the store
//!     FORMAT                        says which format the bucket has
//!     PACKED                        there if results were packed into the bucket
//!     records/<aa>/<key>.json       ResultRecord; its presence publishes a result
//!     out/<aa>/<key16>-<nonce>/     files of a result, under rustc's own names
//!     out/<aa>/<place32>/…/         files of a build-script run: a place that is
//!                                   a function of its inputs, because its text
//!                                   is visible in what is built from it
//!     out/<aa>/<place32>/.larder-key  the key that was published there
//!     out/<aa>/<either>/.larder-kept/<digest>  content of a side output
//!     out/<aa>/<either>/.larder-packed  the files, compressed; see `packed.rs`
//!     pathsets/<aa>/<identity>.json PathSets of a unit
//!     inputs/<aa>/<key>.json        KeyInputs, for explaining misses
//!     inputs/<aa>/<identity>.latest the keys that the unit had most recently
//!     plans/<aa>/<digest>           opaque plans, for the plan cache
//!     memo/stat                     digests of files whose stat is unchanged
//!     memo/durations                how long units took
//!     run/keys/<key32>              single flight: one lock per key, place or session being used
//!     run/epoch -> <epoch>          the current epoch: see `hold.rs`
//!     run/holds/<epoch>             shared locks of running builds
//!     run/gc                        one garbage collection at a time
//!     run/observer.so               loaded into observed processes, to record what they read
//!     trash/<key>.json              records on their way out; asked for, they return
//!     trash/sealed-<epoch>          builds older than this may still use the trash
//!     trash/leftovers               unreferenced directories seen at that time
//!     trash/dropped-<directory>     record of a damaged result: builds of later
//!                                   epochs than the seal's may still read its files
//!     tmp/                          files before their rename
//! ```
//!
//! `<aa>` are the first two hex digits, so that no directory grows beyond a
//! few hundred entries. Modification times of small files say when they were
//! last used, for garbage collection only.
//!
//! Nothing here is flushed to the platter: after a power loss a file may be
//! shorter than its record says, which the check of every hit finds.

use larder_schema::Digest;
use std::path::{Path, PathBuf};

/// Version of the bucket.
pub(crate) const BUCKET: &str = "v1";

/// What `FORMAT` says.
pub(crate) const FORMAT: &str = "larder-store 1\n";

/// Begins the name of a dropped record in the trash.
pub(crate) const DROPPED: &str = "dropped-";

/// The paths of one store.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
    bucket: PathBuf,
}

/// `<aa>` of a hex name.
pub(crate) fn shard(name: &str) -> &str {
    name.get(..2).unwrap_or("00")
}

/// The 32 hex digits that name a lock and a fixed directory: enough that two
/// keys never meet, and short enough for long paths below.
pub(crate) fn stem(key: &Digest) -> String {
    let mut text = key.to_string();
    text.truncate(32);
    text
}

impl Layout {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), bucket: root.join(BUCKET) }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn cachedir_tag(&self) -> PathBuf {
        self.root.join("CACHEDIR.TAG")
    }

    pub(crate) fn format(&self) -> PathBuf {
        self.bucket.join("FORMAT")
    }

    /// A directory directly inside the bucket.
    pub(crate) fn area(&self, name: &str) -> PathBuf {
        self.bucket.join(name)
    }

    fn sharded(&self, area: &str, digest: &Digest, suffix: &str) -> PathBuf {
        let name = digest.to_string();
        // One allocation instead of four: this is the hot path of a lookup.
        let mut path = String::with_capacity(area.len() + name.len() + suffix.len() + 4);
        path.push_str(area);
        path.push('/');
        path.push_str(shard(&name));
        path.push('/');
        path.push_str(&name);
        path.push_str(suffix);
        self.bucket.join(path)
    }

    pub(crate) fn record(&self, key: &Digest) -> PathBuf {
        self.sharded("records", key, ".json")
    }

    pub(crate) fn path_sets(&self, identity: &Digest) -> PathBuf {
        self.sharded("pathsets", identity, ".json")
    }

    pub(crate) fn inputs(&self, key: &Digest) -> PathBuf {
        self.sharded("inputs", key, ".json")
    }

    pub(crate) fn latest(&self, identity: &Digest) -> PathBuf {
        self.sharded("inputs", identity, ".latest")
    }

    pub(crate) fn plan(&self, digest: &Digest) -> PathBuf {
        self.sharded("plans", digest, "")
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.area("out")
    }

    pub(crate) fn packed(&self) -> PathBuf {
        self.area("PACKED")
    }

    pub(crate) fn trash(&self) -> PathBuf {
        self.area("trash")
    }

    pub(crate) fn trashed(&self, key: &Digest) -> PathBuf {
        self.trash().join(format!("{key}.json"))
    }

    /// Where the record of a damaged result goes whose directory is `root`.
    pub(crate) fn dropped(&self, root: &Path) -> PathBuf {
        let name = root.file_name().unwrap_or_default().to_string_lossy();
        self.trash().join(format!("{DROPPED}{name}"))
    }

    pub(crate) fn tmp(&self) -> PathBuf {
        self.area("tmp")
    }

    pub(crate) fn run(&self) -> PathBuf {
        self.area("run")
    }

    pub(crate) fn holds(&self) -> PathBuf {
        self.bucket.join("run/holds")
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.bucket.join("run/keys")
    }

    pub(crate) fn epoch(&self) -> PathBuf {
        self.bucket.join("run/epoch")
    }

    pub(crate) fn next_epoch(&self) -> PathBuf {
        self.bucket.join("run/next-epoch")
    }

    pub(crate) fn gc_lock(&self) -> PathBuf {
        self.bucket.join("run/gc")
    }

    pub(crate) fn stat_memo(&self) -> PathBuf {
        self.bucket.join("memo/stat")
    }

    pub(crate) fn durations(&self) -> PathBuf {
        self.bucket.join("memo/durations")
    }

    /// Every directory that a fresh store starts with.
    pub(crate) fn areas(&self) -> [PathBuf; 10] {
        [
            self.area("records"),
            self.area("pathsets"),
            self.area("inputs"),
            self.area("plans"),
            self.area("memo"),
            self.out(),
            self.trash(),
            self.tmp(),
            self.holds(),
            self.keys(),
        ]
    }
}
