//! The rules of the templates that the compiler does not know.

use std::fs;
use std::path::{Path, PathBuf};

fn templates() -> Vec<PathBuf> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"), &mut found);
    found
}

/// Each `{{ … }}` of a line: its text, and whether it is inside quotes.
fn expressions(line: &str) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    let mut quote = None;
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        if let Some(expression) = rest.strip_prefix("{{") {
            let (text, after) = expression.split_once("}}").expect("an expression ends on its line");
            found.push((quote.is_some(), text.trim().to_owned()));
            rest = after;
            continue;
        }
        match (quote, first) {
            (None, '#') if !line.contains("$#") => break,
            (None, '\'' | '"') => quote = Some(first),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
        rest = &rest[first.len_utf8()..];
    }
    found
}

#[test]
fn no_quoted_value_stands_inside_quotes_and_each_safe_has_its_reason() {
    let templates = templates();
    assert_eq!(templates.len(), 8);
    for path in templates {
        assert_eq!(path.extension().unwrap(), "sh", "{}: askama quotes only .sh templates", path.display());
        let text = fs::read_to_string(&path).unwrap();
        let mut unquoted = 0;
        for line in text.lines() {
            for (inside, expression) in expressions(line) {
                let safe = expression.contains("safe");
                assert_eq!(inside, safe, "{}: {line}", path.display());
                unquoted += usize::from(safe);
            }
        }
        assert_eq!(
            unquoted > 0,
            text.contains("{# `|safe`"),
            "{}: each |safe needs a comment with its reason",
            path.display()
        );
    }
}

#[test]
fn the_rule_finds_what_it_is_for() {
    assert_eq!(expressions(r#"a "x {{ v }}" {{ w }}"#), [(true, "v".to_owned()), (false, "w".to_owned())]);
    assert_eq!(expressions("'{{ v }}'"), [(true, "v".to_owned())]);
}
