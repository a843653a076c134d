//! A vertex that runs a command.

use super::graph::{Graph, Named, Output, Vertices};
use bollard_buildkit_proto::pb;

/// No input, no output.
const NONE: i64 = -1;

/// What a command may reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Network {
    /// The network that the builder gives.
    #[default]
    Sandbox,
    /// The builder's own.
    Host,
    /// Nothing.
    None,
}

/// A command and its mounts.
#[derive(Debug)]
pub(crate) struct Exec {
    inputs: Vec<pb::Input>,
    outputs: i64,
    op: pb::ExecOp,
}

impl Exec {
    /// A command in the file system `root`.
    pub(crate) fn new<W: Into<String>>(root: &Output, args: impl IntoIterator<Item = W>) -> Self {
        let meta = pb::Meta {
            args: args.into_iter().map(Into::into).collect(),
            cwd: "/".into(),
            // What a mount needed to be mounted on is not left in the layer.
            remove_mount_stubs_recursive: true,
            ..pb::Meta::default()
        };
        let op = pb::ExecOp { meta: Some(meta), ..pb::ExecOp::default() };
        let mut exec = Self { inputs: Vec::new(), outputs: 0, op };
        exec.output(Some(root), "/");
        exec
    }

    fn meta(&mut self) -> &mut pb::Meta {
        self.op.meta.get_or_insert_default()
    }

    /// Its working directory.
    pub(crate) fn directory(&mut self, directory: &str) -> &mut Self {
        self.meta().cwd = directory.to_owned();
        self
    }

    /// Its environment, `NAME=value` each.
    pub(crate) fn environment(&mut self, env: &[String]) -> &mut Self {
        self.meta().env = env.to_vec();
        self
    }

    /// Its proxies; they do not count for the cache.
    pub(crate) fn proxies(&mut self, proxies: Option<pb::ProxyEnv>) -> &mut Self {
        self.meta().proxy_env = proxies;
        self
    }

    /// What it may reach.
    pub(crate) fn network(&mut self, network: Network) -> &mut Self {
        let mode = match network {
            Network::Sandbox => pb::NetMode::Unset,
            Network::Host => pb::NetMode::Host,
            Network::None => pb::NetMode::None,
        };
        self.op.network = mode.into();
        self
    }

    /// A file or directory that it may read. Its content counts for the cache,
    /// not where it came from.
    pub(crate) fn read(&mut self, from: &Output, selector: &str, dest: &str) -> &mut Self {
        let input = self.input(from);
        self.mount(pb::Mount {
            input,
            selector: selector.to_owned(),
            dest: dest.to_owned(),
            output: NONE,
            readonly: true,
            ..pb::Mount::default()
        })
    }

    /// A directory that it may write to; what it writes is thrown away. Its
    /// content counts for the cache, not where it came from.
    pub(crate) fn borrow(&mut self, from: &Output, dest: &str) -> &mut Self {
        let input = self.input(from);
        self.mount(pb::Mount { input, dest: dest.to_owned(), output: NONE, ..pb::Mount::default() })
    }

    /// An empty directory that it may write to; what it writes is thrown away.
    pub(crate) fn scratch(&mut self, dest: &str) -> &mut Self {
        self.own(dest, pb::MountType::Bind, |_| {})
    }

    /// A directory whose content afterwards is an output; returns its number.
    pub(crate) fn output(&mut self, from: Option<&Output>, dest: &str) -> i64 {
        let input = from.map_or(NONE, |from| self.input(from));
        let output = self.outputs;
        self.outputs += 1;
        self.mount(pb::Mount { input, dest: dest.to_owned(), output, ..pb::Mount::default() });
        output
    }

    /// A directory of the builder that builds share.
    pub(crate) fn cache(&mut self, id: &str, dest: &str) -> &mut Self {
        let sharing = pb::CacheSharingOpt::Shared.into();
        self.own(dest, pb::MountType::Cache, |mount| {
            mount.cache_opt = Some(pb::CacheOpt { id: id.to_owned(), sharing });
        })
    }

    /// A directory in memory.
    pub(crate) fn memory(&mut self, dest: &str) -> &mut Self {
        self.own(dest, pb::MountType::Tmpfs, |mount| {
            mount.tmpfs_opt = Some(pb::TmpfsOpt::default());
        })
    }

    /// A secret as a file; absent if the one who builds gives none.
    pub(crate) fn secret_file(&mut self, id: &str, dest: &str) -> &mut Self {
        self.own(dest, pb::MountType::Secret, |mount| {
            mount.secret_opt = Some(pb::SecretOpt {
                id: id.to_owned(),
                mode: 0o400,
                optional: true,
                ..pb::SecretOpt::default()
            });
        })
    }

    /// A secret as a variable; absent if the one who builds gives none.
    pub(crate) fn secret_variable(&mut self, id: &str, name: &str) -> &mut Self {
        let secret = pb::SecretEnv { id: id.to_owned(), name: name.to_owned(), optional: true };
        self.op.secretenv.push(secret);
        self
    }

    /// The socket of an ssh agent; absent if the one who builds gives none.
    pub(crate) fn ssh(&mut self, id: &str, dest: &str) -> &mut Self {
        self.own(dest, pb::MountType::Ssh, |mount| {
            mount.ssh_opt = Some(pb::SshOpt {
                id: id.to_owned(),
                mode: 0o600,
                optional: true,
                ..pb::SshOpt::default()
            });
        })
    }

    /// A mount without input and output.
    fn own(
        &mut self,
        dest: &str,
        kind: pb::MountType,
        with: impl FnOnce(&mut pb::Mount),
    ) -> &mut Self {
        let mut mount = pb::Mount {
            input: NONE,
            dest: dest.to_owned(),
            output: NONE,
            mount_type: kind.into(),
            ..pb::Mount::default()
        };
        with(&mut mount);
        self.mount(mount)
    }

    fn mount(&mut self, mount: pb::Mount) -> &mut Self {
        self.op.mounts.push(mount);
        self
    }

    fn input(&mut self, from: &Output) -> i64 {
        let input = from.input();
        let index = self.inputs.iter().position(|known| *known == input).unwrap_or_else(|| {
            self.inputs.push(input);
            self.inputs.len() - 1
        });
        i64::try_from(index).unwrap_or(NONE)
    }

    /// Adds it to a graph.
    pub(crate) fn add(self, graph: &mut Graph, named: Named) -> Executed {
        let op = pb::Op {
            inputs: self.inputs,
            op: Some(pb::op::Op::Exec(self.op)),
            ..pb::Op::default()
        };
        Executed(graph.add(&op, named))
    }
}

/// A command in a graph.
#[derive(Debug)]
pub(crate) struct Executed(Vertices);

impl Executed {
    /// The file system that it ran in, as it left it.
    pub(crate) fn root(&self) -> Output {
        self.0.output(0)
    }

    /// An output by the number that [`Exec::output`] gave.
    pub(crate) fn output(&self, number: i64) -> Output {
        self.0.output(number)
    }
}
