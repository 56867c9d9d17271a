//! The tests of gen-service. Everything that they render, they also execute, with real shells and real s6 programs.

#![allow(clippy::disallowed_methods, reason = "nobody attacks a test")]
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]
#![allow(clippy::print_stderr, reason = "a test may say what it tried")]

mod boot;
mod bytes;
mod cli;
mod completions;
mod control;
mod control_faults;
mod dashboard;
mod docs;
mod doctor;
mod everyday;
mod faults;
mod floors;
mod follow;
mod health;
mod hostile;
mod hosts;
mod install;
mod isolated;
mod layouts;
mod library;
mod logs;
mod meaning;
mod metrics;
mod output;
mod packages;
#[path = "../pages/mod.rs"]
mod pages;
mod power_loss;
mod publishing;
mod quoting;
mod races;
mod sandbox;
mod services;
mod serving;
mod shards;
mod supervised;
mod support;
mod templates;
mod versions;
