//! Records the commit that a program is built from, for its `--version`: that of the variable `GEN_SERVICE_COMMIT`, as builds without git give it, or
//! of the checkout, or of the packaged sources. A debug build has none, so that a commit does not compile everything anew.

#![expect(clippy::disallowed_methods, reason = "it runs before there is a program: files of this repository, and git")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-env-changed=GEN_SERVICE_COMMIT");
    println!("cargo:rerun-if-changed=src/build.rs");
    let given = env::var("GEN_SERVICE_COMMIT").ok().filter(|commit| !commit.is_empty());
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let found = || if is_release { packaged().or_else(checked_out) } else { None };
    if let Some(commit) = given.or_else(found) {
        println!("cargo:rustc-env=GEN_SERVICE_BUILT_FROM={commit}");
    }
}

/// The commit that `cargo package` wrote into the sources.
fn packaged() -> Option<String> {
    let text = fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let commit = text.split_once("\"sha1\": \"")?.1.split_once('"')?.0;
    Some(commit.chars().take(12).collect())
}

/// The commit of the checkout, if this directory is the top of one.
fn checked_out() -> Option<String> {
    if !Path::new(".git").exists() {
        return None;
    }
    for path in [git(&["rev-parse", "--git-path", "HEAD"])?, git(&["rev-parse", "--git-path", "logs/HEAD"])?] {
        println!("cargo:rerun-if-changed={path}");
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let said = Command::new("git").args(arguments).output().ok().filter(|said| said.status.success())?;
    Some(String::from_utf8(said.stdout).ok()?.trim().to_owned())
}
