//! Each message that a page quotes is printed like that by the programs or the scripts: it is made of their texts, with something for what varies.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use regex::Regex;

use crate::pages::{blocks, root};

/// A text of the programs.
struct Pattern {
    /// What stands before, between and after what varies.
    pieces: Vec<String>,
    letters: usize,
}

/// What the system says, and the programs pass on.
const OF_THE_SYSTEM: [&str; 2] = ["permission denied", "no such file or directory"];

/// What stands for what varies.
const VARIES: &str = "\0";

/// Every file below a directory.
fn files(directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        match fs::read_to_string(&entry) {
            _ if entry.is_dir() => files(&entry, found),
            Ok(text) if entry.extension().is_none_or(|extension| extension != "rs") => found.push(text),
            // What a test expects is printed by nobody.
            Ok(text) if entry.file_name().is_some_and(|name| name != "tests.rs") => {
                found.push(text.split("\n#[cfg(test)]\nmod ").next().unwrap().to_owned());
            }
            _ => {}
        }
    }
}

/// The string literals of Rust code, without comments.
fn literals(tokens: TokenStream, found: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let comment =
                    group.delimiter() == Delimiter::Bracket && group.stream().to_string().starts_with("doc =");
                if !comment {
                    literals(group.stream(), found);
                }
            }
            TokenTree::Literal(literal) => {
                if let syn::Lit::Str(text) = syn::Lit::new(literal) {
                    found.extend(text.value().lines().map(str::to_owned));
                }
            }
            _ => {}
        }
    }
}

fn patterns() -> Vec<Pattern> {
    let mut texts = BTreeSet::new();
    let in_rust = Regex::new(r"\{\{|\}\}|\{[^{}]*\}").unwrap();
    let mut sources = Vec::new();
    files(&root().join("src"), &mut sources);
    for source in sources {
        let mut found = BTreeSet::new();
        literals(source.parse().unwrap(), &mut found);
        texts.extend(found.iter().map(|text| {
            in_rust
                .replace_all(text, |braces: &regex::Captures| match &braces[0] {
                    "{{" => "{".to_owned(),
                    "}}" => "}".to_owned(),
                    _ => VARIES.to_owned(),
                })
                .into_owned()
        }));
    }
    let in_shell = Regex::new(r"\{\{[^}]*\}\}|\{%[^%]*%\}|\$\{[^}]*\}|\$\([^)]*\)|\$\w+|\$\*|%s").unwrap();
    let ends = Regex::new(r#"(\\n)?(' .*|' ?$| >&2| ;;| \|\| | "?\$\*).*$"#).unwrap();
    let mut scripts = Vec::new();
    for directory in ["templates", "docker/bin", "docker/cont-init.d", "docker/cont-finish.d"] {
        files(&root().join(directory), &mut scripts);
    }
    for line in scripts.iter().flat_map(|script| script.lines()) {
        // Where a text begins between the quotes of a line is not worth a parser of the shell.
        for (quote, _) in line.match_indices(['"', '\'']) {
            let text = ends.replace(&line[quote + 1..], "").replace('"', "");
            texts.insert(in_shell.replace_all(&text, VARIES).into_owned());
        }
    }
    let pattern = |text: &String| {
        let pieces: Vec<String> = text.trim().split(VARIES).map(str::to_owned).collect();
        let letters = pieces.concat().chars().filter(char::is_ascii_alphabetic).count();
        (letters >= 2).then_some(Pattern { pieces, letters })
    };
    texts.iter().filter_map(pattern).collect()
}

/// What is known of the parts of messages: how many of their letters are the programs' own, or `None` if there is more in it than words which vary.
type Known = HashMap<String, Option<usize>>;

/// The same of this text.
fn said(text: &str, patterns: &[&Pattern], known: &mut Known) -> Option<usize> {
    let text = text.trim();
    if let Some(known) = known.get(text) {
        return *known;
    }
    let mut most = (!text.contains(' ') || OF_THE_SYSTEM.contains(&text)).then_some(0);
    // A part of it that is all of it is no part.
    known.insert(text.to_owned(), None);
    for pattern in patterns {
        let (first, last) = (&pattern.pieces[0], &pattern.pieces[pattern.pieces.len() - 1]);
        if text.starts_with(first) && text.ends_with(last) {
            most = most.max(fits(&pattern.pieces, text, patterns, known).map(|more| more + pattern.letters));
        }
    }
    for between in [": ", "; ", ", ", "  "] {
        if let Some((left, right)) = text.split_once(between) {
            let parts = said(left, patterns, known).zip(said(right, patterns, known));
            most = most.max(parts.map(|(left, right)| left + right));
        }
    }
    known.insert(text.to_owned(), most);
    most
}

/// Whether the text is these pieces with something between each two that is said, too.
fn fits(pieces: &[String], text: &str, patterns: &[&Pattern], known: &mut Known) -> Option<usize> {
    let rest = text.strip_prefix(pieces[0].as_str())?;
    let Some(next) = pieces.get(1) else { return rest.is_empty().then_some(0) };
    let places: Vec<usize> = match (next.is_empty(), pieces.len()) {
        (true, 2) => vec![rest.len()],
        (true, _) => (0..=rest.len()).filter(|place| rest.is_char_boundary(*place)).collect(),
        (false, _) => rest.match_indices(next.as_str()).map(|(place, _)| place).collect(),
    };
    places.into_iter().find_map(|place| {
        let varies = if place == 0 { 0 } else { said(&rest[..place], patterns, known)? };
        Some(varies + fits(&pieces[1..], &rest[place..], patterns, known)?)
    })
}

#[test]
fn each_quoted_message_is_printed() {
    let patterns = patterns();
    let date = Regex::new(r"^\d{4}-\d\d-\d\dT\S+ ").unwrap();
    let said = |line: &str| {
        let line = date.replace(line, "");
        let of_use = patterns.iter().filter(|pattern| pattern.pieces.iter().all(|piece| line.contains(piece.as_str())));
        let of_use: Vec<&Pattern> = of_use.collect();
        said(&line, &of_use, &mut Known::new()).is_some_and(|letters| letters >= 8)
    };
    let mut unknown = Vec::new();
    for block in blocks().iter().filter(|block| block.word == "printed") {
        for (index, line) in block.text.lines().enumerate() {
            if !said(line) {
                unknown.push(format!("{}:{}: {line}", block.page, block.line + 1 + index));
            }
        }
    }
    assert!(
        unknown.is_empty(),
        "nothing prints these; if another program does, the word is of-PROGRAM:\n{}",
        unknown.join("\n")
    );
    for other in [
        "error: no gateway codr in /run/service; perhaps you mean coder?",
        "error: there is no gateway codr in /run/service",
        "gateway-coder: exit 78, a mistake in the configuration: down until it is started again",
        "warning: /opt/data: it is of user 4000, and the gateways run as 10000",
    ] {
        assert!(!said(other), "{other}");
    }
}
