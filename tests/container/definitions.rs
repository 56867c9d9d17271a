//! A list of what s6-rc-compile takes and what it refuses, with the verdict of the real one (s6-rc 0.7.0.0). It is the same for the stand-in and for
//! the real archives, so the stand-in judges rendered definitions as the real one does.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::docker::{directory, docker, image, mount};

/// `== CODE WHAT`, then a line for each entry: its path, and its content. A path with a `/` at its end is a directory; `-> PATH` is a symlink; `@2/`
/// is a second source.
const LIST: &str = include_str!("definitions.txt");

/// A definition, or several, and the exit code.
struct Case<'l> {
    code: &'l str,
    what: &'l str,
    entries: Vec<&'l str>,
}

fn cases() -> Vec<Case<'static>> {
    let mut cases: Vec<Case<'static>> = Vec::new();
    for line in LIST.lines() {
        match line.strip_prefix("== ") {
            Some(head) => {
                let (code, what) = head.split_once(' ').unwrap();
                cases.push(Case { code, what, entries: Vec::new() });
            }
            None => cases.last_mut().unwrap().entries.push(line),
        }
    }
    cases
}

fn make(source: &Path, entry: &str) {
    // The one name with a space.
    let end = entry.strip_prefix("a b/").map_or(0, |_| 2);
    let (path, content) = entry[end..].find(' ').map_or((entry, ""), |at| (&entry[..end + at], &entry[end + at + 1..]));
    let path = match path.strip_prefix("@2/") {
        Some(path) => source.join("2").join(path),
        None => source.join("1").join(path),
    };
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    if entry.ends_with('/') {
        fs::create_dir_all(path).unwrap();
    } else if let Some(target) = content.strip_prefix("-> ") {
        symlink(target, path).unwrap();
    } else {
        fs::write(path, content.replace("\\n", "\n").replace("\\t", "\t")).unwrap();
    }
}

#[test]
fn each_definition_gets_its_verdict() {
    const COMPILE: &str = "for case in /cases/*; do
        code=0
        /command/s6-rc-compile -v0 /tmp/db \"$case\"/* 2>/tmp/said || code=$?
        [ $code = 0 ] || [ ! -e /tmp/db ] || echo left
        [ $code = 0 ] || [ -s /tmp/said ] || echo silent
        echo ${case##*/} $code
        rm -rf /tmp/db
    done";
    let (directory, cases) = (directory(), cases());
    for (number, case) in cases.iter().enumerate() {
        let source = directory.path().join(format!("{number:03}"));
        fs::create_dir_all(source.join("1")).unwrap();
        case.entries.iter().for_each(|entry| make(&source, entry));
    }
    let mounted = mount(directory.path(), "/cases:ro");
    let ran = docker(&["run", "--rm", "--entrypoint", "sh", &mounted, &image("runtime", None), "-euc", COMPILE]).ok();
    let seen: Vec<&str> = ran.lines().collect();
    let expected: Vec<String> =
        cases.iter().enumerate().map(|(number, case)| format!("{number:03} {}", case.code)).collect();
    assert_eq!(seen.len(), expected.len(), "{seen:?}");
    let wrong: Vec<_> =
        seen.iter().zip(&expected).zip(&cases).filter(|((seen, expected), _)| seen != expected).collect();
    let wrong: Vec<_> = wrong.iter().map(|((seen, _), case)| (case.what, case.code, seen)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for code in ["0", "1", "111"] {
        assert!(cases.iter().filter(|case| case.code == code).count() > 9, "{code}");
    }
}
