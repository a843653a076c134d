//! Why there is no image, in the form that BuildKit hands to the client.

use crate::place::Lines;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard_buildkit_proto::google;
use prost::Message as _;
use serde_json::json;

/// A failed build.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// What the builder said; it goes back with all of its details.
    #[error("{}", .0.message())]
    Builder(Box<tonic::Status>),
    /// Something in a manifest.
    #[error("{}: {text}", lines.shown())]
    Manifest {
        /// What is wrong.
        text: String,
        /// Where.
        lines: Lines,
    },
    /// Something that no line of a manifest caused.
    #[error("{0}")]
    Text(String),
    /// A request for something else than a build.
    #[error("the larder frontend builds; it has no answer to `{0}`")]
    Request(String),
}

impl From<tonic::Status> for Failure {
    fn from(status: tonic::Status) -> Self {
        Failure::Builder(Box::new(status))
    }
}

impl Failure {
    /// Without a line.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Failure::Text(text.into())
    }

    /// With the lines that caused it, if it is a manifest that did.
    pub(crate) fn at(text: impl Into<String>, lines: Option<&Lines>) -> Self {
        match lines {
            Some(lines) => Failure::Manifest { text: text.into(), lines: lines.clone() },
            None => Failure::Text(text.into()),
        }
    }

    /// As the builder takes it.
    pub(crate) fn into_status(self) -> google::rpc::Status {
        let message = self.to_string();
        // Any other code is put in front of the message, several times.
        let (code, details) = match self {
            Failure::Builder(status) => {
                let known = google::rpc::Status::decode(status.details());
                let details = known.map(|status| status.details).unwrap_or_default();
                (status.code(), details)
            }
            Failure::Manifest { lines, .. } => (tonic::Code::Unknown, vec![excerpt(&lines)]),
            Failure::Text(_) => (tonic::Code::Unknown, Vec::new()),
            Failure::Request(name) => {
                let detail = any("errdefs.Subrequest+json", &json!({ "name": name }));
                (tonic::Code::Unimplemented, vec![detail])
            }
        };
        google::rpc::Status { code: code.into(), message, details }
    }
}

/// From this, clients print the lines with their surroundings.
fn excerpt(lines: &Lines) -> google::protobuf::Any {
    let info = lines.info();
    let range = lines.range();
    let position = |position: Option<bollard_buildkit_proto::pb::Position>| json!({ "line": position.unwrap_or_default().line });
    let value = json!({
        "info": {
            "filename": info.filename,
            "data": STANDARD.encode(&info.data),
            "language": info.language,
        },
        "ranges": [{ "start": position(range.start), "end": position(range.end) }],
    });
    any("errdefs.Source+json", &value)
}

/// A detail by BuildKit's own name, whose value is JSON.
fn any(name: &str, value: &serde_json::Value) -> google::protobuf::Any {
    google::protobuf::Any {
        type_url: format!("github.com/moby/buildkit/{name}"),
        value: value.to_string().into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Manifest;
    use std::sync::Arc;

    #[test]
    fn a_failure_of_a_manifest_has_its_lines() {
        let manifest = Manifest { path: "Cargo.toml".into(), text: "a\nb = 1\n".into() };
        let lines = Lines::of(&Arc::new(manifest), 2..7);
        let status = Failure::at("`b` is wrong", Some(&lines)).into_status();
        assert_eq!(status.message, "Cargo.toml:2: `b` is wrong");
        let value: serde_json::Value = serde_json::from_slice(&status.details[0].value).unwrap();
        assert_eq!(value["ranges"][0]["start"]["line"], 2);
        assert_eq!(value["info"]["data"], STANDARD.encode("a\nb = 1\n"));
    }

    #[test]
    fn details_of_the_builder_go_back() {
        let detail = google::protobuf::Any { type_url: "x".into(), value: vec![1] };
        let sent = google::rpc::Status { code: 2, message: "m".into(), details: vec![detail] };
        let status =
            tonic::Status::with_details(tonic::Code::Unknown, "m", sent.encode_to_vec().into());
        assert_eq!(Failure::from(status).into_status(), sent);
    }
}
