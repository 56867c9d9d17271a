//! The image: `docker/Dockerfile` is built, and its containers run. Only the archives of s6-overlay have a stand-in. `tests/image` says how it makes
//! them, and how to use the real ones.

#![allow(clippy::disallowed_methods, reason = "nobody attacks a test")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may fail where it stands, and says what it saw")]

mod boot;
mod build;
mod compose;
mod conformance;
mod definitions;
mod docker;
mod downstream;
mod hostile;
mod isolated;
mod kubernetes;
mod live;
mod packages;
mod page;
#[path = "../pages/mod.rs"]
mod pages;
mod properties;
mod real;
mod s6_rc;
mod scaling;
mod shards;
mod swarm;
mod typed;
mod versions;
