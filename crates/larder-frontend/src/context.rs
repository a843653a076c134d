//! The build context: what the one who builds sends, and the files of it that
//! decide how it is built.

use crate::failure::Failure;
use crate::gateway::{Gateway, Solved};
use crate::ignore;
use crate::llb::{Graph, Local, Named, Output, git, local};
use crate::members;
use crate::options::Options;
use crate::place::{Lines, Manifest};
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
    /// The manifests of the workspace's members, if it is the workspace that is
    /// built.
    pub(crate) members: Vec<Arc<Manifest>>,
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
        let members = match &root_manifest {
            None => members::read(gateway, &root, &built).await?,
            Some(_) => Vec::new(),
        };
        let own = root.text(gateway, &format!("{file}.dockerignore")).await?;
        let ignored = match own {
            Some(text) => Some(text),
            None => root.text(gateway, ".dockerignore").await?,
        };
        Ok(Self {
            built: Arc::new(Manifest { path: file.to_owned(), text: built }),
            root: root_manifest,
            members,
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
    // Those of members.
    include.push("**/Cargo.toml".into());
    let source = Local {
        name: &options.context_name,
        session: &options.session,
        shared_key: "larder-manifests",
        include,
        exclude: ["**/target", "**/.git", "**/node_modules"].map(str::to_owned).to_vec(),
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

/// A build context with a name: a directory of the client, or a repository.
pub(crate) fn named(
    graph: &mut Graph,
    options: &Options,
    name: &str,
    at: Option<&Lines>,
) -> Result<Output, Failure> {
    let given = options.contexts.get(name).ok_or_else(|| {
        Failure::at(format!("no build context `{name}` was given: --build-context {name}=PATH"), at)
    })?;
    let Some(directory) = given.strip_prefix("local:") else {
        return remote(graph, given).map_err(|failure| Failure::at(failure.to_string(), at));
    };
    let source = Local {
        name: directory,
        session: &options.session,
        shared_key: &format!("larder-context-{name}"),
        include: Vec::new(),
        exclude: ignore::patterns(None),
    };
    Ok(local(graph, &source, Named::new(format!("[larder] load {name}")).of(at.cloned())))
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
pub(crate) struct Files {
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

    /// The names in a directory; none where there is no directory.
    pub(crate) async fn names(&self, gateway: &mut Gateway, directory: &str) -> Vec<String> {
        let path = format!("/{directory}");
        gateway.names(&self.solved, &path).await.unwrap_or_default()
    }

    /// A directory and all those below it.
    pub(crate) async fn below(&self, gateway: &mut Gateway, directory: &str) -> Vec<String> {
        let mut all = vec![directory.to_owned()];
        let mut at = 0;
        while let Some(directory) = all.get(at).cloned() {
            // A file has no names in it.
            let names = self.names(gateway, &directory).await;
            let plain = names.iter().filter(|name| *name != "Cargo.toml");
            all.extend(plain.map(|name| members::joined(&directory, name)));
            at += 1;
        }
        all
    }

    /// A file of it, if it is there. Only the names in its root are known: of
    /// deeper ones BuildKit says it.
    pub(crate) async fn text(
        &self,
        gateway: &mut Gateway,
        path: &str,
    ) -> Result<Option<String>, Failure> {
        if !path.contains('/') && !self.has(path) {
            return Ok(None);
        }
        let bytes = match gateway.read(&self.solved, path).await {
            Err(failure) if failure.to_string().contains("no such file or directory") => {
                return Ok(None);
            }
            read => read?,
        };
        String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| Failure::text(format!("`{path}` is not UTF-8")))
    }
}
