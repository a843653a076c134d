//! The build context: what the one who builds sends, and the files of it that
//! decide how it is built.

use crate::failure::Failure;
use crate::gateway::{Gateway, Solved};
use crate::ignore;
use crate::llb::{Graph, Local, Named, Output, git, local};
use crate::options::Options;
use crate::place::Manifest;
use std::sync::Arc;

/// Files in the root that are read before anything is built.
const READ: &[&str] =
    &["Cargo.toml", "Cargo.lock", "rust-toolchain", "rust-toolchain.toml", ".dockerignore"];

/// A build context.
#[derive(Debug)]
pub(crate) struct Context {
    /// The manifest that `docker build -f` names.
    pub(crate) built: Arc<Manifest>,
    /// The manifest of the context's root, where that is another one.
    pub(crate) root: Option<Arc<Manifest>>,
    /// Name of the toolchain file and what it says.
    pub(crate) toolchain: Option<(String, String)>,
    /// All sources.
    pub(crate) sources: Output,
}

impl Context {
    /// Reads it.
    pub(crate) async fn read(
        gateway: &mut Gateway,
        graph: &mut Graph,
        options: &Options,
    ) -> Result<Self, Failure> {
        let file = options.filename.as_str();
        if std::path::Path::new(file).extension().is_none_or(|extension| extension != "toml") {
            return Err(Failure::text(format!(
                "larder builds manifests, and `{file}` is none: docker build -f Cargo.toml ."
            )));
        }
        let manifests = manifests(graph, options)?;
        let root = Files::solve(gateway, graph, &manifests).await?;
        let built = match &options.remote {
            Some(_) => root.text(gateway, file).await?,
            // It comes in a directory of its own, wherever it is.
            None => {
                let source = Local {
                    name: &options.manifest_name,
                    session: &options.session,
                    shared_key: "larder-manifest",
                    include: vec![file.to_owned()],
                    exclude: Vec::new(),
                };
                let output = local(graph, &source, Named::new(format!("[larder] load {file}")));
                let beside = Files::solve(gateway, graph, &output).await?;
                beside.text(gateway, file).await?
            }
        };
        let missing = |name: &str| {
            Failure::text(format!(
                "there is no {name} in the root of the build context; the workspace's root is \
                 what is sent: docker build -f {file} WORKSPACE"
            ))
        };
        let built = built.ok_or_else(|| missing(file))?;
        let text = root.text(gateway, "Cargo.toml").await?.ok_or_else(|| missing("Cargo.toml"))?;
        let root_manifest =
            (text != built).then(|| Arc::new(Manifest { path: "Cargo.toml".into(), text }));
        if !root.has("Cargo.lock") {
            return Err(Failure::text(
                "there is no Cargo.lock in the build context: run `cargo generate-lockfile`, and \
                 see that .dockerignore keeps it",
            ));
        }
        let mut toolchain = None;
        for name in ["rust-toolchain", "rust-toolchain.toml"] {
            if toolchain.is_none() {
                toolchain = root.text(gateway, name).await?.map(|text| (name.to_owned(), text));
            }
        }
        let own = root.text(gateway, &format!("{file}.dockerignore")).await?;
        let ignored = match own {
            Some(text) => Some(text),
            None => root.text(gateway, ".dockerignore").await?,
        };
        Ok(Self {
            built: Arc::new(Manifest { path: file.to_owned(), text: built }),
            root: root_manifest,
            toolchain,
            sources: sources(graph, options, ignore::patterns(ignored.as_deref())),
        })
    }
}

/// The files that are read, and nothing else.
fn manifests(graph: &mut Graph, options: &Options) -> Result<Output, Failure> {
    if let Some(url) = &options.remote {
        return remote(graph, url);
    }
    let mut include: Vec<String> = READ.iter().map(|name| (*name).to_owned()).collect();
    include.push(format!("{}.dockerignore", options.filename));
    let source = Local {
        name: &options.context_name,
        session: &options.session,
        shared_key: "larder-manifests",
        include,
        exclude: Vec::new(),
    };
    Ok(local(graph, &source, Named::new("[larder] load manifests")))
}

fn sources(graph: &mut Graph, options: &Options, exclude: Vec<String>) -> Output {
    if let Some(url) = &options.remote
        && let Ok(output) = remote(graph, url)
    {
        return output;
    }
    let source = Local {
        name: &options.context_name,
        session: &options.session,
        shared_key: "larder-sources",
        include: Vec::new(),
        exclude,
    };
    local(graph, &source, Named::new("[larder] load sources"))
}

/// A repository; archives behind a URL are not unpacked.
fn remote(graph: &mut Graph, url: &str) -> Result<Output, Failure> {
    let (place, fragment) = url.split_once('#').unwrap_or((url, ""));
    let is_git = place.ends_with(".git")
        || place.starts_with("git@")
        || place.starts_with("git://")
        || place.starts_with("ssh://")
        || place.contains("github.com/");
    if !is_git {
        return Err(Failure::text(format!(
            "`{url}` is no build context that larder knows: a directory, or a git repository"
        )));
    }
    Ok(git(graph, place, fragment, Named::new(format!("[larder] load {place}"))))
}

/// A directory that was loaded, and the names in it.
struct Files {
    solved: Solved,
    names: Vec<String>,
}

impl Files {
    async fn solve(gateway: &mut Gateway, graph: &Graph, output: &Output) -> Result<Self, Failure> {
        let solved = gateway.solve(graph.definition(output), true).await?;
        let names = gateway.names(&solved, "/").await?;
        Ok(Self { solved, names })
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// A file of it, if it is there; of deeper ones it is not known.
    async fn text(&self, gateway: &mut Gateway, path: &str) -> Result<Option<String>, Failure> {
        if !path.contains('/') && !self.has(path) {
            return Ok(None);
        }
        let bytes = gateway.read(&self.solved, path).await?;
        String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| Failure::text(format!("`{path}` is not UTF-8")))
    }
}
