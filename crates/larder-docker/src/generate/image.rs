//! The image itself: what is put into it, and how it starts.

use super::builder::has_target_stages;
use super::text;
use crate::command;
use crate::layout::{BIN, CERTIFICATES, TARGET, USER};
use crate::settings::{Base, Settings};

/// Where the tree of the image is put together.
const OUT: &str = "/out";

/// The commands after the build that put the tree together.
pub(super) fn collect(settings: &Settings) -> Vec<String> {
    let profile = command::profile_directory(&settings.profile);
    let directory = if has_target_stages(settings) {
        format!("{TARGET}/$CARGO_BUILD_TARGET/{profile}")
    } else {
        format!("{TARGET}/{profile}")
    };
    let bins: String =
        settings.bins.iter().map(|bin| format!(" {directory}/{}", text::shell(bin))).collect();
    let mut commands = vec![format!("install -Dt {OUT}{BIN}{bins}")];
    if settings.base == Base::Scratch {
        commands.push(format!("install -D -m 644 {CERTIFICATES} {OUT}{CERTIFICATES}"));
    }
    // The same bytes make the same layer, whenever it is built.
    commands.push(format!("find {OUT} -exec touch -hd \"@${{SOURCE_DATE_EPOCH:-0}}\" {{}} +"));
    commands
}

/// The last stage.
pub(super) fn stage(settings: &Settings) -> String {
    let base = settings.base.image(settings.libc).unwrap_or("scratch");
    let mut stage = format!("# The image: {}.\nFROM {base}\n", contents(settings));
    stage.push_str(&format!("COPY --link --from=build {OUT}/ /\n"));
    stage.push_str(&format!("USER {USER}:{USER}\n"));
    let labels: Vec<_> = settings
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={}", text::quoted(value)))
        .collect();
    if !labels.is_empty() {
        stage.push_str(&format!("LABEL {}\n", labels.join(" \\\n      ")));
    }
    if let Some(bin) = settings.bins.first() {
        stage.push_str(&format!("ENTRYPOINT [{}]\n", text::quoted(&format!("{BIN}/{bin}"))));
    }
    stage
}

fn contents(settings: &Settings) -> String {
    let binaries = if settings.bins.len() == 1 { "the binary" } else { "the binaries" };
    match settings.base {
        Base::Scratch => format!("{binaries} and CA certificates, nothing else"),
        Base::Distroless => format!("{binaries} on distroless, which has CA certificates"),
        Base::Image(_) => binaries.to_owned(),
    }
}
