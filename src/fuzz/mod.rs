//! The fuzz targets: one function for each reader of input that others write. It takes any bytes, gives them to the reader, and panics if
//! the answer breaks a rule.
//!
//! `fuzz/` calls them with libFuzzer, which needs a nightly Rust. The tests of this module call them with `fuzz/corpus` and mutations of
//! it.

mod answers;
mod check;
mod entries;
mod log_directories;
mod manifests;
mod trees;

pub use answers::{gateway_state, plan, run_script, svdt, svstat};
pub use log_directories::log_directory;
pub use manifests::{env_file, manifest, saved_manifest};
pub use trees::staging_tree;

#[cfg(test)]
mod mutation;
#[cfg(test)]
mod tests;
