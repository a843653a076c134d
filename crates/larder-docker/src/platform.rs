//! The platforms that a Dockerfile can be generated for, under the names that
//! each program has for them.

use std::str::FromStr;

/// A platform of Docker.
#[derive(Debug, PartialEq, Eq)]
pub struct Platform {
    /// Docker's name: `linux/arm64`.
    pub docker: &'static str,
    /// What BuildKit puts into `TARGETARCH` and `TARGETVARIANT`, joined.
    pub arch: &'static str,
    /// Debian's name of the architecture.
    pub debian: &'static str,
    /// Rust's triple with glibc.
    pub gnu: &'static str,
    /// Rust's triple with musl, where the project ships a standard library.
    pub musl: Option<&'static str>,
    /// Prefix of Debian's cross compiler: `aarch64-linux-gnu`.
    pub gcc: &'static str,
}

/// All of them.
pub const PLATFORMS: &[Platform] = &[
    Platform {
        docker: "linux/amd64",
        arch: "amd64",
        debian: "amd64",
        gnu: "x86_64-unknown-linux-gnu",
        musl: Some("x86_64-unknown-linux-musl"),
        gcc: "x86_64-linux-gnu",
    },
    Platform {
        docker: "linux/arm64",
        arch: "arm64",
        debian: "arm64",
        gnu: "aarch64-unknown-linux-gnu",
        musl: Some("aarch64-unknown-linux-musl"),
        gcc: "aarch64-linux-gnu",
    },
    Platform {
        docker: "linux/arm/v7",
        arch: "armv7",
        debian: "armhf",
        gnu: "armv7-unknown-linux-gnueabihf",
        musl: Some("armv7-unknown-linux-musleabihf"),
        gcc: "arm-linux-gnueabihf",
    },
    Platform {
        docker: "linux/386",
        arch: "386",
        debian: "i386",
        gnu: "i686-unknown-linux-gnu",
        musl: Some("i686-unknown-linux-musl"),
        gcc: "i686-linux-gnu",
    },
    Platform {
        docker: "linux/ppc64le",
        arch: "ppc64le",
        debian: "ppc64el",
        gnu: "powerpc64le-unknown-linux-gnu",
        musl: Some("powerpc64le-unknown-linux-musl"),
        gcc: "powerpc64le-linux-gnu",
    },
    Platform {
        docker: "linux/s390x",
        arch: "s390x",
        debian: "s390x",
        gnu: "s390x-unknown-linux-gnu",
        musl: None,
        gcc: "s390x-linux-gnu",
    },
    Platform {
        docker: "linux/riscv64",
        arch: "riscv64",
        debian: "riscv64",
        gnu: "riscv64gc-unknown-linux-gnu",
        musl: Some("riscv64gc-unknown-linux-musl"),
        gcc: "riscv64-linux-gnu",
    },
];

impl Platform {
    /// Debian's packages with a cross compiler and C library for it.
    pub fn cross_packages(&self) -> [String; 2] {
        // Package names have no underscores: `gcc-x86-64-linux-gnu`.
        [format!("gcc-{}", self.gcc.replace('_', "-")), format!("libc6-dev-{}-cross", self.debian)]
    }
}

/// No platform of that name.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no platform that larder knows; there are {known}", known = known())]
pub struct UnknownPlatform(String);

fn known() -> String {
    PLATFORMS.iter().map(|platform| platform.docker).collect::<Vec<_>>().join(", ")
}

impl FromStr for &'static Platform {
    type Err = UnknownPlatform;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Docker takes these two for the same platform.
        let name = text.strip_suffix("/v8").unwrap_or(text);
        PLATFORMS
            .iter()
            .find(|platform| platform.docker == name)
            .ok_or_else(|| UnknownPlatform(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dockers() {
        assert_eq!("linux/arm64/v8".parse::<&Platform>().unwrap().arch, "arm64");
        let error = "windows/amd64".parse::<&Platform>().unwrap_err().to_string();
        assert!(error.contains("`windows/amd64`") && error.contains("linux/amd64"), "{error}");
    }
}
