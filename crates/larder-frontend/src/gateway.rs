//! The builder, as it speaks to a frontend: gRPC over stdin and stdout, where
//! the frontend is the client.
//!
//! Only the calls that a frontend needs, all of them one question and one
//! answer. The generated client would bring a server and a router along.

use crate::failure::Failure;
use crate::options::Options;
use bollard_buildkit_proto::moby::buildkit::v1::frontend as api;
use bollard_buildkit_proto::pb;
use hyper_util::rt::TokioIo;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

/// Answers are at most this long; BuildKit's own limit.
const LONGEST: usize = 16 << 20;

/// What the builder can do.
#[derive(Debug, Default)]
pub(crate) struct Abilities {
    graph: BTreeSet<String>,
    /// The platform that commands run on.
    pub(crate) platform: pb::Platform,
}

impl Abilities {
    /// Whether it understands this of the graph.
    pub(crate) fn has(&self, capability: &str) -> bool {
        self.graph.contains(capability)
    }
}

/// Something that was solved.
#[derive(Clone, Debug)]
pub(crate) struct Solved(api::Ref);

/// What is known of an image.
#[derive(Clone, Debug)]
pub(crate) struct ImageConfig {
    /// Its name, with its digest where the builder says it.
    pub(crate) reference: String,
    /// Its configuration, as the OCI has it.
    pub(crate) config: serde_json::Value,
}

/// What is handed back: an image, or one for each platform.
#[derive(Debug)]
pub(crate) struct Answer {
    /// By platform; a single one may be without a name.
    pub(crate) results: Vec<(String, Solved)>,
    /// What exporters read.
    pub(crate) metadata: BTreeMap<String, Vec<u8>>,
    /// Whether the results are to be exported by platform.
    pub(crate) by_platform: bool,
}

/// The builder.
#[derive(Debug)]
pub(crate) struct Gateway {
    client: Grpc<Channel>,
    caches: Vec<api::CacheOptionsEntry>,
}

impl Gateway {
    /// Over stdin and stdout of this process.
    pub(crate) async fn connect() -> Result<Self, Failure> {
        let mut stdio = Some(tokio::io::join(tokio::io::stdin(), tokio::io::stdout()));
        let connector = tower::service_fn(move |_| {
            let stdio = stdio.take();
            async move {
                // There is one connection; a second one cannot be had.
                stdio
                    .map(TokioIo::new)
                    .ok_or(std::io::ErrorKind::NotConnected)
                    .map_err(std::io::Error::from)
            }
        });
        let channel = Endpoint::from_static("http://buildkit")
            .connect_with_connector(connector)
            .await
            .map_err(|error| Failure::text(format!("cannot talk to BuildKit: {error}")))?;
        let client = Grpc::new(channel).max_decoding_message_size(LONGEST);
        Ok(Self { client, caches: Vec::new() })
    }

    /// Lets every solve import these caches.
    pub(crate) fn import_caches(&mut self, options: &Options) {
        let entries = options.cache_imports.iter().map(|import| api::CacheOptionsEntry {
            r#type: import.kind.clone(),
            attrs: import.attributes.clone().into_iter().collect(),
        });
        self.caches = entries.collect();
    }

    async fn call<Q, A>(&mut self, method: &'static str, question: Q) -> Result<A, tonic::Status>
    where
        Q: prost::Message + Send + Sync + 'static,
        A: prost::Message + Default + Send + Sync + 'static,
    {
        self.client
            .ready()
            .await
            .map_err(|error| tonic::Status::unavailable(format!("BuildKit is gone: {error}")))?;
        let path = PathAndQuery::from_static(method);
        let codec: ProstCodec<Q, A> = ProstCodec::default();
        Ok(self.client.unary(tonic::Request::new(question), path, codec).await?.into_inner())
    }

    /// What it can do.
    pub(crate) async fn abilities(&mut self) -> Result<Abilities, Failure> {
        let pong: api::PongResponse =
            self.call("/moby.buildkit.v1.frontend.LLBBridge/Ping", api::PingRequest {}).await?;
        let enabled = pong.llb_caps.into_iter().filter(|cap| cap.enabled);
        let workers = pong.workers.into_iter().next();
        let platform = workers.and_then(|worker| worker.platforms.into_iter().next());
        Ok(Abilities {
            graph: enabled.map(|cap| cap.id).collect(),
            platform: platform.unwrap_or_default(),
        })
    }

    /// Makes what a definition describes; with `now`, before this returns.
    pub(crate) async fn solve(
        &mut self,
        definition: pb::Definition,
        now: bool,
    ) -> Result<Solved, Failure> {
        let request = api::SolveRequest {
            definition: Some(definition),
            allow_result_return: true,
            allow_result_array_ref: true,
            cache_imports: self.caches.clone(),
            evaluate: now,
            ..api::SolveRequest::default()
        };
        let response: api::SolveResponse =
            self.call("/moby.buildkit.v1.frontend.LLBBridge/Solve", request).await?;
        match response.result.and_then(|result| result.result) {
            Some(api::result::Result::Ref(reference)) => Ok(Solved(reference)),
            _ => Err(Failure::text("BuildKit answered a build without a result")),
        }
    }

    /// Names in a directory.
    pub(crate) async fn names(&mut self, of: &Solved, dir: &str) -> Result<Vec<String>, Failure> {
        let request = api::ReadDirRequest {
            r#ref: of.0.id.clone(),
            dir_path: dir.to_owned(),
            ..api::ReadDirRequest::default()
        };
        let response: api::ReadDirResponse =
            self.call("/moby.buildkit.v1.frontend.LLBBridge/ReadDir", request).await?;
        Ok(response.entries.into_iter().map(|entry| entry.path).collect())
    }

    /// A file's content.
    pub(crate) async fn read(&mut self, of: &Solved, path: &str) -> Result<Vec<u8>, Failure> {
        let request = api::ReadFileRequest {
            r#ref: of.0.id.clone(),
            file_path: path.to_owned(),
            ..api::ReadFileRequest::default()
        };
        let response: api::ReadFileResponse =
            self.call("/moby.buildkit.v1.frontend.LLBBridge/ReadFile", request).await?;
        Ok(response.data)
    }

    /// What an image is, by its full name.
    pub(crate) async fn image_config(
        &mut self,
        reference: &str,
        platform: Option<&pb::Platform>,
        resolve_mode: &str,
        log_name: String,
    ) -> Result<ImageConfig, Failure> {
        let request = api::ResolveImageConfigRequest {
            r#ref: reference.to_owned(),
            platform: platform.cloned(),
            resolve_mode: resolve_mode.to_owned(),
            log_name,
            ..api::ResolveImageConfigRequest::default()
        };
        let method = "/moby.buildkit.v1.frontend.LLBBridge/ResolveImageConfig";
        let response: api::ResolveImageConfigResponse = self.call(method, request).await?;
        let config = serde_json::from_slice(&response.config).map_err(|error| {
            Failure::text(format!("{reference} has no readable config: {error}"))
        })?;
        let reference = if response.digest.is_empty() || reference.contains('@') {
            reference.to_owned()
        } else {
            format!("{reference}@{}", response.digest)
        };
        Ok(ImageConfig { reference, config })
    }

    /// Hands the image back, or why there is none; nothing can be asked afterwards.
    pub(crate) async fn finish(&mut self, outcome: Result<Answer, Failure>) -> Result<(), Failure> {
        let request = match outcome {
            Ok(answer) => api::ReturnRequest { result: Some(result(answer)), error: None },
            Err(failure) => api::ReturnRequest { result: None, error: Some(failure.into_status()) },
        };
        let _: api::ReturnResponse =
            self.call("/moby.buildkit.v1.frontend.LLBBridge/Return", request).await?;
        Ok(())
    }
}

fn result(answer: Answer) -> api::Result {
    let metadata: HashMap<String, Vec<u8>> = answer.metadata.into_iter().collect();
    let mut results = answer.results;
    let result = if answer.by_platform {
        let refs = results.into_iter().map(|(platform, solved)| (platform, solved.0)).collect();
        Some(api::result::Result::Refs(api::RefMap { refs }))
    } else {
        results.pop().map(|(_, solved)| api::result::Result::Ref(solved.0))
    };
    api::Result { result, metadata, ..api::Result::default() }
}
