//! Starting programs: compilers, linkers, and what starts those, get the library
//! as well. No other program does; what it does is seen call by call.

use crate::begin::{self, LOADED};
use crate::kernel::{self, EXECUTE};
use crate::layout::VARIABLE;
use crate::libc::{Next, environ, result, text};
use crate::log;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::sync::atomic::{AtomicUsize, Ordering};

/// Names without the target in front and the version behind
/// (`aarch64-linux-gnu-gcc-12`).
const NAMES: &[&str] = &[
    "c++",
    "cc",
    "clang",
    "clang++",
    "cpp",
    "g++",
    "gcc",
    "cc1",
    "cc1plus",
    "lto1",
    "lto-wrapper",
    "collect2",
    "as",
    "ld",
    "ld.bfd",
    "ld.gold",
    "ld.lld",
    "lld",
    "mold",
    "ar",
    "ranlib",
    "nm",
    "objcopy",
    "strip",
    "sh",
    "dash",
    "bash",
    "make",
    "gmake",
    "cmake",
    "ninja",
    "rustc",
];

/// Most variables of an environment that is copied, on the stack.
const MOST: usize = 500;

const LONGEST: usize = 4096;

/// `LD_PRELOAD=…` and our own variable, as the environment had them, and the
/// length of the first with its zero; 0: there is none.
static mut OWN: [u8; LONGEST] = [0; LONGEST];
static SECOND: AtomicUsize = AtomicUsize::new(0);

/// Remembers both variables. Called once, before the program.
pub(crate) unsafe fn remember(library: &CStr, memory: &CStr) -> bool {
    let (library, memory) = (library.to_bytes_with_nul(), memory.to_bytes_with_nul());
    // SAFETY: nobody else is there yet.
    let Some(own) = (unsafe { (&raw mut OWN).as_mut() }) else { return false };
    let Some(first) = own.get_mut(..library.len()) else { return false };
    first.copy_from_slice(library);
    let Some(second) = own.get_mut(library.len()..library.len() + memory.len()) else {
        return false;
    };
    second.copy_from_slice(memory);
    SECOND.store(library.len(), Ordering::Release);
    true
}

static EXECVPE: Next = Next::new(c"execvpe");
static SPAWN: Next = Next::new(c"posix_spawn");
static SPAWNP: Next = Next::new(c"posix_spawnp");

pub(crate) fn find_next() {
    for next in [&EXECVPE, &SPAWN, &SPAWNP] {
        next.get();
    }
}

fn is_listed(program: &[u8]) -> bool {
    let name = program.rsplit(|byte| *byte == b'/').next().unwrap_or(program);
    let listed = |name: &[u8]| NAMES.iter().any(|known| known.as_bytes() == name);
    let version = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let digits = name.iter().rev().take_while(|byte| version(byte)).count();
    let bare = &name[..name.len() - digits];
    let bare = bare.strip_suffix(b"-").unwrap_or(bare);
    let last = |name: &[u8]| name.rsplit(|byte| *byte == b'-').next().is_some_and(listed);
    listed(name) || last(name) || last(bare)
}

type Strings = *const *const c_char;

/// An environment, with our variables in it if the program is to have them.
struct Environment {
    copy: [*const c_char; MOST + 3],
}

impl Environment {
    fn new() -> Self {
        Self { copy: [core::ptr::null(); MOST + 3] }
    }

    unsafe fn of(&mut self, program: *const c_char, env: Strings) -> Strings {
        let second = SECOND.load(Ordering::Acquire);
        // SAFETY: as for `execve`: C strings, and an array that ends with null.
        unsafe {
            if !log::is_open() || second == 0 || env.is_null() || program.is_null() {
                return env;
            }
            if !is_listed(text(program)) {
                return env;
            }
            let mut count = 0;
            while !(*env.add(count)).is_null() {
                let entry = *env.add(count);
                if count == MOST || begin::is(entry, LOADED) || begin::is(entry, VARIABLE) {
                    return env;
                }
                self.copy[count] = entry;
                count += 1;
            }
            let own: *const c_char = (&raw const OWN).cast();
            self.copy[count] = own;
            self.copy[count + 1] = own.add(second);
            self.copy.as_ptr()
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn execve(path: *const c_char, args: Strings, env: Strings) -> c_int {
    let mut own = Environment::new();
    // SAFETY: as the C library's function.
    unsafe {
        let env = own.of(path, env);
        result(kernel::call(EXECUTE, [path.addr(), args.addr(), env.addr(), 0, 0])) as c_int
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn execv(path: *const c_char, args: Strings) -> c_int {
    // SAFETY: as the C library's function.
    unsafe { execve(path, args, environ) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn execvp(file: *const c_char, args: Strings) -> c_int {
    // SAFETY: as the C library's function.
    unsafe { execvpe(file, args, environ) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn execvpe(file: *const c_char, args: Strings, env: Strings) -> c_int {
    type Real = unsafe extern "C" fn(*const c_char, Strings, Strings) -> c_int;
    let mut own = Environment::new();
    // SAFETY: as the C library's function, which this is the type of.
    unsafe {
        let env = own.of(file, env);
        core::mem::transmute::<*mut c_void, Real>(EXECVPE.get())(file, args, env)
    }
}

type Spawn = unsafe extern "C" fn(
    *mut c_int,
    *const c_char,
    *const c_void,
    *const c_void,
    Strings,
    Strings,
) -> c_int;

/// Two functions that differ in where they look for the program.
macro_rules! spawns {
    ($($name:ident = $next:ident),+) => {
        $(
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name(
                pid: *mut c_int,
                program: *const c_char,
                actions: *const c_void,
                attributes: *const c_void,
                args: Strings,
                env: Strings,
            ) -> c_int {
                let mut own = Environment::new();
                // SAFETY: as the C library's function, which this is the type of.
                unsafe {
                    let env = own.of(program, env);
                    let real = core::mem::transmute::<*mut c_void, Spawn>($next.get());
                    real(pid, program, actions, attributes, args, env)
                }
            }
        )+
    };
}

spawns!(posix_spawn = SPAWN, posix_spawnp = SPAWNP);
