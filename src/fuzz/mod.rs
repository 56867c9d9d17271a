//! What is fuzzed: a function for each reader of what others write. It takes any bytes, gives them to that reader, and panics unless
//! everything holds that is to hold of the answer.
//!
//! `fuzz/` calls them by libFuzzer, which needs a nightly Rust; the tests of this module call them over `fuzz/corpus` and mutations of it.

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
