//! The seam to the engine for cook plans.

use crate::session::{Wired, explained};
use anyhow::Context as _;
use larder_cargo::single::Wanted;
use larder_engine::cook::{self, CookLayers, CookRequest};
use larder_engine::event::Reporter;
use larder_engine::request::{BuildRequest, Outcome};
use larder_schema::Digest;
use larder_schema::cook::CookPlan;
use larder_store::{DiskStore, Packed};
use std::collections::BTreeSet;
use std::path::Path;

impl Wired<'_> {
    /// The cook plan of a command. Errors are those of
    /// [`crate::session::Session::build`].
    pub(crate) fn cook_plan(
        &self,
        request: &BuildRequest,
        reporter: &dyn Reporter,
    ) -> anyhow::Result<CookPlan> {
        cook::cook_plan(&self.machine()?, request, reporter).map_err(explained)
    }

    /// The cook plans of a command: of external crates, then of `count` layers
    /// of workspace crates.
    pub(crate) fn cook_layers(
        &self,
        request: &BuildRequest,
        count: usize,
        reporter: &dyn Reporter,
    ) -> anyhow::Result<CookLayers> {
        cook::cook_layers(&self.machine()?, request, count, reporter).map_err(explained)
    }

    /// The cook plan of a command where sources may be missing.
    pub(crate) fn cook_plan_of_manifests(
        &self,
        request: &BuildRequest,
        reporter: &dyn Reporter,
    ) -> anyhow::Result<CookPlan> {
        cook::cook_plan_of_manifests(&self.machine()?, request, reporter).map_err(explained)
    }

    /// The cook plan of one dependency of a lock file.
    pub(crate) fn cook_plan_of_lock(
        &self,
        request: &BuildRequest,
        lock: &Path,
        wanted: &Wanted,
        reporter: &dyn Reporter,
    ) -> anyhow::Result<CookPlan> {
        cook::cook_plan_of_lock(&self.machine()?, request, lock, wanted, reporter)
            .map_err(explained)
    }

    /// Executes a cook plan; `None` if only sources were asked for.
    pub(crate) fn cook(
        &self,
        request: &CookRequest,
        reporter: &dyn Reporter,
    ) -> anyhow::Result<Option<Outcome>> {
        cook::cook(&self.machine()?, request, reporter).map_err(explained)
    }

    /// Packs the results under `keys` into the store at `to`, with all processors.
    pub(crate) fn pack(&self, keys: &BTreeSet<Digest>, to: &Path) -> anyhow::Result<Packed> {
        let here = self.store()?;
        let there = DiskStore::open(to)
            .with_context(|| format!("could not open the store `{}`", to.display()))?;
        let packed = packed(&here, &there, Some(keys));
        packed.with_context(|| format!("could not pack into `{}`", to.display()))
    }

    /// Takes all results of the packed store at `from`.
    pub(crate) fn import_packed(&self, from: &Path) -> anyhow::Result<Packed> {
        anyhow::ensure!(
            DiskStore::is_at(from),
            "there is no store in it; `cargo larder cook --pack DIR` makes one"
        );
        packed(&DiskStore::open(from)?, &self.store()?, None)
    }
}

fn packed(
    from: &DiskStore,
    to: &DiskStore,
    keys: Option<&BTreeSet<Digest>>,
) -> anyhow::Result<Packed> {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let packed = from.pack_into(to, keys, jobs)?;
    // What programs mention costs reading them, packed as they are.
    cook::share_memo(from.root(), to.root())?;
    Ok(packed)
}
