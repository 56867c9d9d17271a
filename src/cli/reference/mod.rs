//! The pages of docs/reference and docs/man. The tests make them from the code that they describe, so they are always right.

#![expect(clippy::disallowed_methods, reason = "files of this repository")]

mod doctor;
mod exit_codes;
mod json;
mod man;
mod manifest;
mod markdown;
mod options;

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;

use super::args::GenService;
use super::control;
use crate::source;

/// Each page, with the name of its file.
fn pages() -> [(&'static str, String); 6] {
    let (gen_service, gatewayctl) = (GenService::command(), control::command());
    [
        ("gen-service.md", options::page(gen_service.clone())),
        ("gatewayctl.md", options::page(gatewayctl.clone())),
        ("manifest.md", manifest::page(&gen_service)),
        ("json.md", json::page()),
        ("exit-codes.md", exit_codes::page(&[gen_service, gatewayctl])),
        ("doctor.md", doctor::page()),
    ]
}

/// Compares a file of docs/ with the text that the code makes, or writes it.
fn shipped(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    let line = there.lines().zip(text.lines()).find(|(there, made)| there != made);
    assert!(
        there == text,
        "docs/{name} is not what the code makes: UPDATE_REFERENCE=1 cargo test --lib reference, then read what changed\n{line:#?}"
    );
}

/// The files of a directory of docs/, sorted.
fn there(name: &str) -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn the_reference_that_is_shipped_is_that_of_the_code() {
    let mut names = Vec::new();
    for (name, text) in pages() {
        shipped(&format!("reference/{name}"), &text);
        names.push(name.to_owned());
    }
    names.sort();
    assert_eq!(there("reference"), names);
}

/// The packages install them. `man -l docs/man/gatewayctl.1` shows one.
#[test]
fn the_man_pages_that_are_shipped_are_those_of_the_code() {
    let mut names = Vec::new();
    for (name, text) in [GenService::command(), control::command()].into_iter().flat_map(man::pages) {
        shipped(&format!("man/{name}"), &text);
        names.push(name);
    }
    names.sort();
    assert_eq!(there("man"), names);
}

/// An editor has the same schema as `gen-service --schema` prints, in the same form.
#[test]
fn the_reference_for_editors_is_that_of_the_code() {
    let mut text = Vec::new();
    super::ascii::pretty(&mut text, &source::schema()).unwrap();
    shipped("gateways.schema.json", &String::from_utf8(text).unwrap());
}
