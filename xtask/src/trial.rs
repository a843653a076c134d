//! What is tried: which larder, on which applications of the corpus.

use crate::{corpus, demo};
use anyhow::Result;
use std::path::PathBuf;

/// Arguments of the commands that try larder on applications.
#[derive(clap::Args)]
pub(crate) struct Trial {
    /// Applications of the corpus (all without names).
    names: Vec<String>,
    /// This binary of larder instead of the workspace's.
    #[arg(long)]
    larder: Option<PathBuf>,
}

impl Trial {
    /// The binary; builds the workspace's where no other one is named.
    pub(crate) fn larder(&self) -> Result<PathBuf> {
        demo::larder(self.larder.as_deref())
    }

    /// Names of the applications, in the order asked for.
    pub(crate) fn apps(&self) -> Result<Vec<String>> {
        if self.names.is_empty() {
            return Ok(corpus::apps()?.into_iter().map(|app| app.name).collect());
        }
        Ok(self.names.clone())
    }
}
