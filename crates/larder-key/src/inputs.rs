//! The inputs of an action, as named values: the key is the digest over them,
//! and a miss is explained by comparing them.
//!
//! | input | in the key | as |
//! |---|---|---|
//! | identity | yes | digest |
//! | program, arguments, larder's remap flags, working directory | yes | templates: symbolic paths |
//! | wrappers of the compiler | yes | arguments, and their content |
//! | `--diagnostic-width`, colour | no | added when running; replay may be wrapped at another width |
//! | keys of dependencies | yes | digest each; for build scripts the key of the run |
//! | output digests of dependencies | no | in the result, checked when it is used (E0460) |
//! | files of the path set | yes | content, absence, tree, listing or location |
//! | variables of the path set | yes | value or absence |
//! | variables that rustc and linkers read themselves ([`RUSTC_VARIABLES`], [`LINKER_VARIABLES`]) | yes | value or absence |
//! | cargo's variables of a build-script run | yes | templates |
//! | the user's variables of a build-script run | by mention | see [`crate::mention`] |
//! | linker, libc | if a linker runs | digest of the host's tools |
//! | `NUM_JOBS`, `CARGO_MAKEFLAGS`, jobserver variables | no | must not change results |
//! | mtimes | no | never decide |

use crate::Identities;
use larder_schema::plan::{Plan, Template, UnitIndex};
use larder_schema::{Digest, Framed};

/// Variables that rustc reads without saying so in dep-info.
pub const RUSTC_VARIABLES: &[&str] = &[
    "RUSTC_BOOTSTRAP",
    "RUSTC_FORCE_RUSTC_VERSION",
    "RUSTC_OVERRIDE_VERSION_STRING",
    "RUST_TARGET_PATH",
    "SOURCE_DATE_EPOCH",
];

/// Variables that linkers and their drivers read.
pub const LINKER_VARIABLES: &[&str] = &[
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
    "LD_RUN_PATH",
    "LDEMULATION",
    "LIBRARY_PATH",
    "MACOSX_DEPLOYMENT_TARGET",
    "SDKROOT",
    "ZERO_AR_DATE",
];

/// Variables of an action that never count: they must not change results.
pub const IGNORED_VARIABLES: &[&str] =
    &["NUM_JOBS", "CARGO_MAKEFLAGS", "MAKEFLAGS", "MFLAGS", "CARGO_BUILD_JOBS"];

/// Named values, in a fixed order.
pub type Inputs = Vec<(String, String)>;

/// The inputs of a unit's action that are known from the plan alone.
#[must_use]
pub fn of_action(plan: &Plan, identities: &Identities, unit: UnitIndex) -> Inputs {
    let u = &plan.units[unit];
    let mut inputs: Inputs = Vec::with_capacity(8);
    inputs.push(("identity".into(), identities.of_unit(unit).to_string()));
    if let Some(directives) = &u.overridden {
        inputs.push(("override".into(), format!("{directives:?}")));
    }
    let Some(action) = &u.action else { return inputs };
    let text = |template: &Template| symbolic(plan, identities, template);
    inputs.push(("program".into(), text(&action.program)));
    let args: Vec<String> = action.args.iter().map(text).collect();
    inputs.push(("argv".into(), args.join("\n")));
    if !action.extra_args.is_empty() {
        let args: Vec<String> = action.extra_args.iter().map(text).collect();
        inputs.push(("remap".into(), args.join("\n")));
    }
    inputs.push(("cwd".into(), text(&action.cwd)));
    if u.is_run() {
        for var in &action.env {
            if IGNORED_VARIABLES.contains(&var.name.as_str()) {
                continue;
            }
            let value = var.value.as_ref().map_or_else(|| "<removed>".into(), text);
            inputs.push((format!("cargo env {}", var.name), value));
        }
    }
    inputs
}

/// A template with its unit tokens replaced by identities: equal on every
/// machine and for every numbering of units.
#[must_use]
pub fn symbolic(plan: &Plan, identities: &Identities, template: &Template) -> String {
    if !template.0.contains('{') {
        return template.0.clone();
    }
    template.expand(|token| {
        let mut fields = token.split(':');
        let (kind, unit, rest) = (fields.next(), fields.next(), fields.next());
        match (kind, unit.and_then(|u| u.parse::<usize>().ok())) {
            (Some(kind), Some(unit)) if unit < plan.units.len() => {
                let name = rest
                    .and_then(|k| k.parse::<usize>().ok())
                    .and_then(|k| plan.units[unit].outputs.get(k))
                    .map_or("", |output| output.name.as_str());
                format!("{{{kind}:{}:{name}}}", identities.of_unit(unit))
            }
            _ => format!("{{{token}}}"),
        }
    })
}

/// The key: the digest over all inputs, in order, and the keys of the
/// dependencies, sorted by identity.
#[must_use]
pub fn key<'a>(
    action: impl IntoIterator<Item = &'a (String, String)>,
    dependencies: &mut [(Digest, Digest)],
    values: impl IntoIterator<Item = &'a (String, String)>,
) -> Digest {
    let base = base(action, dependencies);
    key_from_base(&base, values)
}

/// The part of the key that does not depend on a path set.
#[must_use]
pub fn base<'a>(
    action: impl IntoIterator<Item = &'a (String, String)>,
    dependencies: &mut [(Digest, Digest)],
) -> Digest {
    let mut f = Framed::new("larder base 1");
    for (name, value) in action {
        f.text("name", name).text("value", value);
    }
    dependencies.sort_unstable();
    f.number("dependencies", dependencies.len() as u64);
    for (identity, key) in dependencies.iter() {
        f.digest("identity", identity).digest("key", key);
    }
    f.finish()
}

/// The key from the digest of the inputs that the plan knows and the values
/// of a path set.
#[must_use]
pub fn key_from_base<'a>(
    base: &Digest,
    values: impl IntoIterator<Item = &'a (String, String)>,
) -> Digest {
    let mut f = Framed::new("larder key 1");
    f.digest("base", base);
    for (name, value) in values {
        f.text("name", name).text("value", value);
    }
    f.finish()
}
