//! How processes of a build are observed, and the places that observations
//! are understood by.

use crate::outside::Names;
use larder_sandbox::capabilities::Capabilities;
use larder_sandbox::observation::{Gap, Mechanism, Observation, Unobserved};
use larder_sandbox::watch::{self, Observe, Watch};
use larder_schema::pathset::{PathSet, Unseen};
use larder_schema::plan::{Plan, Source};
use larder_store::DiskStore;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What does not change during a build.
#[derive(Debug)]
pub(crate) struct Observing {
    /// How it is asked for.
    pub observe: Observe,
    works: OnceLock<bool>,
    library: OnceLock<Option<PathBuf>>,
    /// Names in path sets.
    pub names: Names,
    /// Directories of temporary files.
    pub temporary: Vec<PathBuf>,
    /// The directories of `PATH`.
    pub search: Vec<PathBuf>,
    /// The store.
    pub store: PathBuf,
}

impl Observing {
    /// For a build with this environment.
    pub(crate) fn new(
        observe: Observe,
        plan: &Plan,
        env: &BTreeMap<OsString, OsString>,
        store: &Path,
    ) -> Self {
        let var = |name: &str| env.get(OsStr::new(name));
        let dirs = |name: &str| {
            let all = var(name).map(std::env::split_paths);
            all.into_iter().flatten().filter(|dir| dir.is_absolute()).collect::<Vec<_>>()
        };
        let search = dirs("PATH");
        let workspace = Path::new(&plan.roots.workspace);
        // A workspace among temporary files is no reason to take what lies
        // beside it for temporary too.
        let usual = ["/tmp", "/var/tmp"].map(PathBuf::from);
        let usual = usual.into_iter().filter(|dir| !workspace.starts_with(dir));
        let temporary: Vec<PathBuf> = dirs("TMPDIR").into_iter().chain(usual).collect();
        // Path packages outside of the workspace: arguments name them.
        let packages = plan.packages.iter().filter_map(|package| {
            let outside = package.root.0.starts_with('/');
            let is_path = matches!(package.source, Source::Path { .. });
            (outside && is_path).then(|| PathBuf::from(&package.root.0))
        });
        let fixed = search
            .iter()
            .cloned()
            .chain(dirs("TMPDIR"))
            .chain(dirs("RUSTUP_HOME"))
            .chain(Path::new(&plan.roots.sysroot).parent().map(Path::to_owned))
            .chain([store.to_owned()])
            .chain(packages);
        let symbols = crate::build::root_symbols(plan);
        let names = Names::new(symbols, workspace, fixed, var("HOME").map(PathBuf::from));
        Self {
            observe,
            works: OnceLock::new(),
            library: OnceLock::new(),
            names,
            temporary,
            search,
            store: store.to_owned(),
        }
    }

    /// Whether processes are observed here. Found out by trying, once.
    pub(crate) fn works(&self) -> bool {
        *self.works.get_or_init(|| match self.observe {
            Observe::No => false,
            Observe::Best => Capabilities::probe().observes().is_some(),
            Observe::Only(Mechanism::Notify) => Capabilities::probe().notify.is_ok(),
            Observe::Only(_) => Capabilities::probe().trace.is_ok(),
        })
    }

    /// How a process that runs foreign code is started.
    pub(crate) fn watch(&self) -> Watch {
        Watch { observe: self.observe, ..Watch::default() }
    }

    /// The library that observed processes load, where nobody asked for a mechanism
    /// of his own; without it they are observed at a higher price.
    pub(crate) fn library(&self, store: &DiskStore) -> Option<PathBuf> {
        if self.observe != Observe::Best {
            return None;
        }
        let install = || watch::library(&store.run_directory()).ok().flatten();
        self.library.get_or_init(install).clone()
    }

    /// Why something of a run may be unknown, if so.
    pub(crate) fn unseen(&self, seen: Result<&Observation, &Unobserved>) -> Option<Unseen> {
        let failed = |gap: &Gap| matches!(gap, Gap::Failed(_));
        match seen {
            Ok(seen) if seen.gaps.iter().any(failed) => Some(Unseen::Failed),
            Ok(seen) => (!seen.gaps.is_empty()).then_some(Unseen::Hides),
            Err(_) if self.observe == Observe::No => Some(Unseen::SwitchedOff),
            Err(_) if !self.works() => Some(Unseen::Impossible),
            Err(_) => Some(Unseen::Failed),
        }
    }

    /// Whether a result with this path set is too little for this build: it
    /// would see more of the run than was seen.
    pub(crate) fn refuses(&self, set: &PathSet) -> Option<Unseen> {
        set.unseen.filter(|unseen| unseen.may_be_seen() && self.works())
    }

    /// Where `PATH` leads for a name.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        self.search.iter().map(|dir| dir.join(name)).find(|file| file.is_file())
    }
}
