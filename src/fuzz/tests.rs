//! Runs the targets as tests, without libFuzzer: with every file of `fuzz/corpus`, and then with mutations of them until the time is over.
//!
//! `FUZZ_SECONDS` is the time for all targets together; the default is 60. `FUZZ_TARGETS` is how many targets share it. `FUZZ_SEED` starts
//! another sequence of mutations. The same number gives the same sequence.

#![expect(clippy::disallowed_methods, reason = "files of this repository")]
#![expect(clippy::print_stderr, reason = "--nocapture shows how much was tried")]

use std::cell::Cell;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use super::answers::{gateway_state, plan, run_script, svdt, svstat};
use super::log_directories::log_directory;
use super::manifests::{env_file, manifest, saved_manifest};
use super::mutation::{HOSTILE, change};
use super::trees::staging_tree;

/// The targets that share the time.
const TARGETS: u64 = 10;

fn number(variable: &str, otherwise: u64) -> u64 {
    env::var(variable)
        .map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")))
}

fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() > 1, "{} is nearly empty", directory.display());
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Tries a target: the corpus first, and then mutations of it until its share of the time is over.
fn attack(name: &str, target: fn(&[u8]), words: &[&[u8]]) {
    let files = corpus(name);
    for (path, bytes) in &files {
        // If the test fails, this line says at which file.
        eprintln!("{name}: {}", path.display());
        target(bytes);
    }
    let corpus: Vec<Vec<u8>> = files.into_iter().map(|(_, bytes)| bytes).collect();
    let tokens: Vec<&[u8]> = words.iter().chain(HOSTILE).copied().collect();
    let seed = number("FUZZ_SEED", 1);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { failure_persistence: None, max_shrink_time: 20_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let inputs = (0..corpus.len(), vec(change(), 1..6)).prop_map(|(chosen, changes)| {
        let mut text = corpus[chosen].clone();
        for change in &changes {
            change.of(&mut text, &corpus, &tokens);
        }
        text
    });
    let share = Duration::from_millis(number("FUZZ_SECONDS", 60) * 1000 / number("FUZZ_TARGETS", TARGETS));
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    fs::create_dir_all(&beside).unwrap();
    let kept = beside.join(format!("fuzz-failure-{name}"));
    let begin = Instant::now();
    let tried = Cell::new(0u64);
    while begin.elapsed() < share {
        let tree = inputs.new_tree(&mut runner).unwrap();
        let result = runner.run_one(tree, |text| {
            tried.set(tried.get() + 1);
            // A failure that ends the whole process, such as a full stack, leaves its input behind.
            fs::write(&kept, &text).unwrap();
            target(&text);
            Ok(())
        });
        if let Err(TestError::Fail(why, input)) = result {
            fs::write(&kept, &input).unwrap();
            panic!(
                "{name}: {why}\nby b\"{}\", of seed {seed}, kept in {}; copy it into fuzz/corpus/{name}, and run: cargo test --lib fuzz::tests::{name}",
                input.escape_ascii(),
                kept.display()
            );
        }
    }
    let _ = fs::remove_file(&kept);
    eprintln!("{name}: {} inputs in {:.1} s, seed {seed}", tried.get(), begin.elapsed().as_secs_f64());
}

#[test]
fn manifest_is_read_and_rendered_or_its_mistakes_have_places() {
    let words: [&[u8]; 26] = [
        b"[dashboard]\n",
        b"[dashboard.env]\n",
        b"[watch]\n",
        b"host = \"::1\"\n",
        b"[gateways.a]\n",
        b"[gateways.",
        b"[defaults]\n",
        b"[defaults.env]\n",
        b"port = ",
        b"hermes-cli = \"run\"\n",
        b"hermes = \"/opt/my venv/hermes\"\n",
        b"user = \"a.b\"\n",
        b"env = { A = \"",
        b"secret = { B = \"/run/secrets/b\" }\n",
        b"env-file = \"good.env\"\n",
        b"env-file = [\"good.env\", \"bad.env\"]\n",
        b"crash-budget = \"off\"\n",
        b"\\u001b",
        b"\\nset -- env \\\\\\n  API_SERVER_PORT=1 \\\\\\n",
        b"\"\"\"",
        b"'''",
        b" = ",
        b"1979-05-27",
        b"[[",
        b"]",
        b"{",
    ];
    attack("manifest", manifest, &words);
}

#[test]
fn env_file_has_the_entries_of_its_lines() {
    attack("env_file", env_file, &[b"A=1\n", b"HOME=", b"export ", b"#", b"\tB=", b"C=\"x\"\n", b"LD_PRELOAD=/x\n"]);
}

#[test]
fn saved_manifest_keeps_the_others_when_one_comes_and_goes() {
    let words: [&[u8]; 12] = [
        b"[gateways.a]\n",
        b"[gateways.added-by-fuzz]\n",
        b"[defaults]\n",
        b"port = 1\n",
        b"hermes-cli = \"run\"\n",
        b"env = { A = \"",
        b"\"\"\"",
        b"'''",
        b"\\u001b",
        b"gateways.b.env.X = \"",
        b"[gateways.b.secret]\n",
        b"down = true\n",
    ];
    attack("saved_manifest", saved_manifest, &words);
}

#[test]
fn gateway_state_keeps_every_other_byte() {
    let words: [&[u8]; 16] = [
        b"\"desired_state\"",
        b"\"gateway_state\"",
        b"\"running\"",
        b"null",
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\\u001b",
        b"\\ud800",
        b"\"desired_stat\\u0065\": 1, ",
    ];
    attack("gateway_state", gateway_state, &words);
}

#[test]
fn svstat_is_understood_the_same_way_twice() {
    let words: [&[u8]; 8] = [b"true ", b"false ", b"-1 ", b"NA ", b"SIGKILL ", b"exit ", b"4294967296 ", b"+"];
    attack("svstat", svstat, &words);
}

#[test]
fn svdt_has_a_death_for_each_line() {
    attack("svdt", svdt, &[b"@40000000674 exitcode 1\n", b"signal SIGKILL\n", b"\n\n", b"\r"]);
}

#[test]
fn staging_tree_is_accepted_only_if_it_is_fit_and_arrives_as_it_is() {
    let words: [&[u8]; 20] = [
        b"\nf 755 gateway-a/run x",
        b"\nf 644 gateway-a/type longrun",
        b"\nd 755 gateway-b",
        b"\nf 755 gateway-b/run x",
        b"\nf 755 gateway-a/log/run x",
        b"\nf 600 gateway-a/data/x y",
        b"\nl 0 gateway-a/data/l ../../outside",
        b"\np 600 gateway-a/down",
        b"\nd 755 gateway-a/supervise",
        b"\nd 755 gateway-a/data/event",
        b"\no 644 gateway-a/env/A 1",
        b"\nb 644 gateway-a/data/big ",
        b"\nf 4755 gateway-a/finish x",
        b"\nd 777 gateway-a",
        b"\nd 2755 gateway-a/data/d",
        b"\\n",
        b"\\s",
        b"/x",
        b"data/",
        b"\nf 600 .gatewayctl.tmp/plan remove gateway-a\\n",
    ];
    attack("staging_tree", staging_tree, &words);
}

#[test]
fn log_directory_shows_the_last_lines_of_its_own_files() {
    let words: [&[u8]; 10] = [
        b"\nf 644 current one\\ntwo",
        b"\nf 644 @4000000067432f0a1b2c3d4e.s a\\nb\\n",
        b"\nf 644 @4000000067432f0a1b2c3d4f.u c\\nd",
        b"\nr 644 @4000000067432f0a1b2c3d50.s long line\\n",
        b"\nl 0 @4000000067432f0a1b2c3d51.s ../../../current",
        b"\np 644 @4000000067432f0a1b2c3d52.s ",
        b"\no 644 @4000000067432f0a1b2c3d53.s theirs\\n",
        b"\\n",
        b"\\n\\n",
        b"\nd 755 @4000000067432f0a1b2c3d54.s/x ",
    ];
    attack("log_directory", log_directory, &words);
}

#[test]
fn run_script_is_read_as_it_is_rendered() {
    let words: [&[u8]; 9] = [
        b"exec s6-setuidgid ",
        b" gateway run --replace",
        b" gateway start --foreground --port 1",
        b" -p ",
        b"\nset -- env \\\n",
        b"  API_SERVER_PORT=1 \\\n",
        b"export API_SERVER_PORT=",
        b"\"$@\" ",
        b"'\\''",
    ];
    attack("run_script", run_script, &words);
}

#[test]
fn plan_names_nothing_elsewhere() {
    let words: [&[u8]; 7] = [b"create ", b"remove ", b"update ", b"replace ", b"gateway-a", b" 00ff\n", b"../"];
    attack("plan", plan, &words);
}
