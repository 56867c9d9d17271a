//! Shows differences in a form that a person can read, and `git apply` too.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use similar::TextDiff;

use super::snapshot::{Entry, Snapshot};

/// A path at which the directory is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference<'a> {
    /// The path, beginning with the name of the directory.
    pub(crate) path: String,
    /// What is there.
    pub(crate) found: Option<Entry<'a>>,
    /// What should be there.
    pub(crate) wanted: Option<Entry<'a>>,
}

/// The paths at which a directory of this name differs from what is wanted, in the order of paths.
pub(crate) fn differences<'a>(name: &str, mut found: Snapshot<'a>, mut wanted: Snapshot<'a>) -> Vec<Difference<'a>> {
    let paths: BTreeSet<Cow<'a, str>> = found.0.keys().chain(wanted.0.keys()).cloned().collect();
    let mut differences = Vec::new();
    for path in paths {
        let (found, wanted) = (found.0.remove(&path), wanted.0.remove(&path));
        if found != wanted {
            let path = if path.is_empty() { name.to_owned() } else { format!("{name}/{path}") };
            differences.push(Difference { path, found, wanted });
        }
    }
    differences
}

/// One difference in the format of `git diff`: the old side is what was found, the new side is what should be there.
///
/// `cd DIR && git apply` makes the tree as it should be, as far as git can express it. What git cannot express (the mode of a directory, a
/// fifo, a file that is not text) is one plain line, which git ignores.
pub(crate) fn render(Difference { path, found, wanted }: &Difference<'_>) -> String {
    let names = Names { plain: quoted(path), old: quoted(&format!("a/{path}")), new: quoted(&format!("b/{path}")) };
    let Names { plain, old: old_name, new: new_name } = &names;
    let mut diff = String::new();
    match (found, wanted) {
        (Some(Entry::Directory { mode: is }), Some(Entry::Directory { mode: should })) => {
            line(&mut diff, format_args!("directory {plain} has mode {is:04o} instead of {should:04o}"));
        }
        (Some(Entry::File { mode: is, content: old }), Some(Entry::File { mode: should, content: new })) => {
            match (text(old.as_deref()), text(new.as_deref())) {
                (Some(old), Some(new)) => {
                    // Git knows one bit of a mode. With a difference in another bit it would refuse the diff.
                    let git_sees = (is ^ should) & 0o100 != 0;
                    if is != should && !git_sees {
                        line(&mut diff, format_args!("file {plain} has mode {is:04o} instead of {should:04o}"));
                    }
                    if git_sees || old != new {
                        line(&mut diff, format_args!("diff --git {old_name} {new_name}"));
                    }
                    if git_sees {
                        line(&mut diff, format_args!("old mode 100{is:03o}\nnew mode 100{should:03o}"));
                    }
                    hunks(&mut diff, (old_name, old), (new_name, new));
                }
                _ => line(&mut diff, format_args!("file {plain} does not have the text that it should have")),
            }
        }
        (found, wanted) => {
            if let Some(found) = found {
                stray(&mut diff, &names, found);
            }
            if let Some(wanted) = wanted {
                missing(&mut diff, &names, wanted);
            }
        }
    }
    diff
}

/// A path in the forms that the lines of a diff need.
struct Names {
    plain: String,
    old: String,
    new: String,
}

fn stray(diff: &mut String, Names { plain, old: old_name, new: new_name }: &Names, found: &Entry<'_>) {
    let (mode, old) = match found {
        Entry::File { mode, content } => (0o100_000 | mode, text(content.as_deref())),
        Entry::Symlink { target } => (0o120_000, Some(target.as_str())),
        Entry::Directory { .. } | Entry::Other => (0, None),
    };
    match old {
        Some(old) => {
            line(diff, format_args!("diff --git {old_name} {new_name}\ndeleted file mode {mode:o}"));
            hunks(diff, (old_name, old), ("/dev/null", ""));
        }
        None => line(diff, format_args!("{plain} should not be there: {}", found.kind())),
    }
}

fn missing(diff: &mut String, Names { plain, old: old_name, new: new_name }: &Names, wanted: &Entry<'_>) {
    match wanted {
        Entry::File { mode, content } => {
            line(diff, format_args!("diff --git {old_name} {new_name}\nnew file mode 100{mode:03o}"));
            hunks(diff, ("/dev/null", ""), (new_name, text(content.as_deref()).unwrap_or_default()));
        }
        _ => line(diff, format_args!("{plain} is missing: {}", wanted.kind())),
    }
}

fn hunks(diff: &mut String, (old_name, old): (&str, &str), (new_name, new): (&str, &str)) {
    let lines = TextDiff::from_lines(old, new);
    let _ = write!(diff, "{}", lines.unified_diff().header(old_name, new_name));
}

fn line(diff: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = writeln!(diff, "{text}");
}

/// The content if it can be shown: known, UTF-8, and without NUL bytes.
fn text(content: Option<&[u8]>) -> Option<&str> {
    std::str::from_utf8(content?).ok().filter(|text| !text.contains('\0'))
}

/// A path as git quotes it: unchanged if that is unambiguous, else in quotes with C's escapes.
fn quoted(path: &str) -> String {
    if path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\') {
        return path.to_owned();
    }
    let mut quoted = String::from('"');
    for byte in path.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=b'~' => quoted.push(char::from(byte)),
            _ => {
                let _ = write!(quoted, "\\{byte:03o}");
            }
        }
    }
    quoted.push('"');
    quoted
}
