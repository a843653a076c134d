//! Names of images, as they are written and as builders want them.

/// The registry that a name without one means. Nothing here asks it: it is part
/// of the full name, of images too that only the builder has.
const REGISTRY: &str = "docker.io";

/// The full name, with registry and tag.
pub(crate) fn normalised(name: &str) -> String {
    let first = name.split_once('/').map(|(first, _)| first);
    let is_host =
        |first: &str| first.contains(['.', ':']) || first == "localhost" || first.is_empty();
    let full = match first {
        Some(host) if is_host(host) => name.to_owned(),
        Some(_) => format!("{REGISTRY}/{name}"),
        None => format!("{REGISTRY}/library/{name}"),
    };
    let last = full.rsplit('/').next().unwrap_or_default();
    if last.contains([':', '@']) { full } else { format!("{full}:latest") }
}

#[cfg(test)]
mod tests {
    use super::{REGISTRY, normalised};

    #[test]
    fn names_get_their_registry_and_tag() {
        for (name, below) in [
            ("rust", "library/rust:latest"),
            ("rust:1.95-slim", "library/rust:1.95-slim"),
            ("larder/frontend:dev", "larder/frontend:dev"),
            ("a/b@sha256:00", "a/b@sha256:00"),
        ] {
            assert_eq!(normalised(name), format!("{REGISTRY}/{below}"));
        }
        assert_eq!(normalised("localhost:5000/a/b"), "localhost:5000/a/b:latest");
        let distroless = "gcr.io/distroless/cc-debian12:nonroot";
        assert_eq!(normalised(distroless), distroless);
    }
}
