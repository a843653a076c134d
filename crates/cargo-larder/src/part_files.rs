//! The parts of a cook plan as files, for container builds that cook each one
//! in a step of its own.
//!
//! ```text
//! <directory>/plan.json         the whole plan
//! <directory>/parts.json        the parts, bottom up
//! <directory>/parts/<id>.json   the plan of one part
//! ```

use anyhow::bail;
use fs_err as fs;
use larder_plan::cook_parts::{Split, cook_parts};
use larder_schema::cook::CookPlan;
use std::path::Path;

/// The names in the directory.
const NAMES: [&str; 3] = ["plan.json", "parts.json", "parts"];

/// Writes them anew, and says how many parts there are. Refuses a directory
/// that has other things in it.
pub(crate) fn write(plan: &CookPlan, split: Split, into: &Path) -> anyhow::Result<usize> {
    fs::create_dir_all(into)?;
    for entry in fs::read_dir(into)? {
        let entry = entry?;
        if !NAMES.iter().any(|name| entry.file_name() == *name) {
            bail!(
                "`{}` is nothing that larder wrote: `-o` wants a directory of its own",
                entry.path().display()
            );
        }
    }
    let [whole, list, parts] = NAMES.map(|name| into.join(name));
    if parts.exists() {
        fs::remove_dir_all(&parts)?;
    }
    fs::create_dir_all(&parts)?;
    let (all, plans) = cook_parts(plan, split);
    for (part, plan) in all.parts.iter().zip(&plans) {
        fs::write(parts.join(format!("{}.json", part.id)), plan.to_bytes())?;
    }
    fs::write(whole, plan.to_bytes())?;
    fs::write(list, all.to_bytes())?;
    Ok(plans.len())
}
