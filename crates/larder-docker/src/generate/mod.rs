//! A Dockerfile from [`Settings`](crate::settings::Settings).

mod builder;
mod dockerfile;
mod ignore;
mod image;
#[cfg(test)]
pub(crate) mod tests;
mod text;

pub use dockerfile::dockerfile;
pub use ignore::dockerignore;
