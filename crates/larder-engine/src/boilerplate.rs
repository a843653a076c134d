//! What processes read of their host without anybody wanting to: which of it
//! is an input of a result, and as what. Pure: it looks at paths only.
//!
//! | path | counts | why |
//! |---|---|---|
//! | `/dev/null`, terminals, random devices, `/proc/self`, `/proc/<n>` | no | the same everywhere, or the process itself ([`larder_sandbox::inputs`]); randomness shows when a run is repeated |
//! | `ld.so.cache`, `ld.so.preload`, `glibc-hwcaps` | no | where the loader looks; what it finds is an input itself |
//! | `libc`, `libm`, `libgcc_s` and their like, the loader | no | "linker and libc" is in the key of every run and of all that links |
//! | `libz.so.1`, `malloc.conf` | no | rustc loads them itself; what links it reads `libz.so` |
//! | `nsswitch.conf`, locales, `gconv` | no | how users are looked up and messages are worded |
//! | limits, memory, load, number of processors (`/sys/fs/cgroup`, `/proc/meminfo`, …) | no | how much runs at a time must not change a result, as with `NUM_JOBS` |
//! | what is mounted, security modules | no | asked by every tool that copies a file |
//! | `__pycache__` | no | made from the sources beside it, which are inputs |
//! | `.git/objects` and its journal | no | named by their content: the names that lead to them are inputs |
//! | `/proc/cpuinfo` | as model and features of the processor | frequencies change at every look |
//! | the rest of `/proc/sys`, `/proc/version`, `/sys` | as any file | they change with the kernel |
//! | times of the kernel, processes, the rest of `/proc`, devices | cannot be keyed | they differ at every look |
//! | everything else (`/etc/passwd`, `/etc/localtime`, …) | as any file | |

use std::path::Path;

/// What a path of the host means for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// An input like any other file.
    Input,
    /// Nothing.
    Nothing,
    /// An input that no key can hold.
    Unkeyed,
}

/// The processor: its file has a value of its own in keys.
pub(crate) const CPU_INFO: &str = "/proc/cpuinfo";

/// Files and directories that mean nothing, with all below them.
pub(crate) const NOTHING: &[&str] = &[
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.nohwcap",
    "/etc/ld.so.preload",
    "/etc/locale.alias",
    "/etc/malloc.conf",
    "/etc/nsswitch.conf",
    "/etc/selinux",
    "/proc/cgroups",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/mounts",
    "/proc/stat",
    "/proc/swaps",
    "/proc/sys/kernel/cap_last_cap",
    "/proc/sys/kernel/ngroups_max",
    "/proc/sys/kernel/pid_max",
    "/proc/sys/kernel/seccomp",
    "/proc/sys/kernel/threads-max",
    "/proc/sys/vm",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/fs",
    "/sys/kernel/mm",
    "/sys/module/apparmor",
    "/usr/lib/locale",
    "/usr/share/locale",
    "/usr/share/locale-langpack",
];

/// Names of the C library's files and of what compilers put below it.
const OF_LIBC: &[&str] = &[
    "libanl.so",
    "libc.so",
    "libdl.so",
    "libgcc_s.so",
    "libm.so",
    "libnsl.so",
    "libnss_",
    "libpthread.so",
    "libresolv.so",
    "librt.so",
    "libutil.so",
    "libz.so.1",
    "ld-linux",
    "ld-musl",
    "ld64.so",
];

/// Names of directories that are derived from what is beside them.
const DERIVED: &[&str] = &["__pycache__", "glibc-hwcaps", "gconv"];

/// What a path means.
#[must_use]
pub(crate) fn meaning(path: &Path) -> Meaning {
    if NOTHING.iter().any(|known| path.starts_with(known)) || is_of_libc(path) {
        return Meaning::Nothing;
    }
    let names = || path.components().filter_map(|part| part.as_os_str().to_str());
    if names().any(|name| DERIVED.contains(&name)) {
        return Meaning::Nothing;
    }
    if is_in_git(path) && names().any(|name| matches!(name, "objects" | "logs")) {
        return Meaning::Nothing;
    }
    let below = |root: &str| path.starts_with(root);
    let keyed = [CPU_INFO, "/proc/version", "/proc/sys", "/sys"].iter().any(|known| below(known));
    let changes = below("/proc/sys/kernel/random") || below("/proc/sys/fs");
    if (below("/proc") && !keyed) || changes || below("/dev") {
        return Meaning::Unkeyed;
    }
    Meaning::Input
}

/// Whether a path belongs to what git keeps of a checkout.
#[must_use]
pub(crate) fn is_in_git(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == ".git")
}

fn is_of_libc(path: &Path) -> bool {
    let system = ["/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64"];
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    OF_LIBC.iter().any(|known| name.starts_with(known))
        && system.iter().any(|root| path.starts_with(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_of_the_table() {
        for (path, expected) in [
            ("/etc/ld.so.cache", Meaning::Nothing),
            ("/lib/x86_64-linux-gnu/libc.so.6", Meaning::Nothing),
            ("/lib64/ld-linux-x86-64.so.2", Meaning::Nothing),
            ("/lib/x86_64-linux-gnu/libz.so.1", Meaning::Nothing),
            ("/usr/lib/x86_64-linux-gnu/libz.so", Meaning::Input),
            ("/opt/lib/libc.so.6", Meaning::Input),
            ("/usr/lib/locale/C.utf8/LC_CTYPE", Meaning::Nothing),
            ("/sys/fs/cgroup/cpu.max", Meaning::Nothing),
            ("/usr/lib/python3/__pycache__/os.pyc", Meaning::Nothing),
            ("/w/.git/objects/pack", Meaning::Nothing),
            ("/w/.git/HEAD", Meaning::Input),
            ("/proc/cpuinfo", Meaning::Input),
            ("/proc/sys/kernel/osrelease", Meaning::Input),
            ("/proc/sys/kernel/random/uuid", Meaning::Unkeyed),
            ("/proc/uptime", Meaning::Unkeyed),
            ("/proc", Meaning::Unkeyed),
            ("/dev/sda", Meaning::Unkeyed),
            ("/etc/passwd", Meaning::Input),
            ("/etc/os-release", Meaning::Input),
        ] {
            assert_eq!(meaning(Path::new(path)), expected, "{path}");
        }
    }
}
