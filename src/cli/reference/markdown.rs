//! Turns texts of the code into Markdown.

use std::fmt::Write as _;

/// The head of a page: a comment that says how to make it, and its title.
pub(super) fn head(title: &str) -> String {
    format!(
        "<!-- Made from the code by UPDATE_REFERENCE=1 cargo test --lib reference. Do not edit: a test compares it. -->\n\n# {title}\n"
    )
}

/// A table without its empty columns.
pub(super) fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let is_used = |column: usize| rows.iter().any(|row| !row[column].is_empty());
    let columns: Vec<usize> = (0..heads.len()).filter(|column| is_used(*column)).collect();
    let line = |cells: &[&str]| {
        let cells = columns.iter().map(|column| cells[*column].replace('|', "&#124;").replace('\n', " "));
        cells.fold(String::from("|"), |line, cell| line + " " + &cell + " |").replace("  ", " ") + "\n"
    };
    let mut text = line(heads);
    let _ = writeln!(text, "|{}", "---|".repeat(columns.len()));
    for row in rows {
        text += &line(&row.iter().map(String::as_str).collect::<Vec<_>>());
    }
    text
}

/// A text as code. An empty text stays empty.
pub(super) fn code(text: &str) -> String {
    if text.contains('|') {
        // In a table, some Markdown readers end the cell at a bar between backticks.
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('|', "&#124;");
        return format!("<code>{text}</code>");
    }
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

/// A text of a help or of a comment. It escapes the marks of Markdown, and makes code of each option.
pub(super) fn prose(text: &str) -> String {
    // Every other part is code already.
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(at, part)| if at % 2 == 1 { code(part) } else { words(part) });
    parts.collect::<String>().replace('\n', " ")
}

/// Prose as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let text = prose(text.trim());
    if text.is_empty() || text.ends_with(['.', ':', '!', '?']) { text } else { text + "." }
}

fn words(text: &str) -> String {
    text.split_inclusive(char::is_whitespace).map(word).collect()
}

/// A word with the space after it. It may be an option, with marks before and after it.
fn word(word: &str) -> String {
    let is_of_option = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if let Some(at) = word.find("--").filter(|at| !word[..*at].contains(is_of_option)) {
        let (before, rest) = word.split_at(at);
        let (option, behind) = rest.split_at(rest.find(|c| !is_of_option(c)).unwrap_or(rest.len()));
        if option.len() > 2 {
            return format!("{before}`{option}`{behind}");
        }
    }
    word.chars().fold(String::new(), |mut escaped, c| {
        match c {
            // Some Markdown readers do not know a backslash before it.
            '<' => escaped.push_str("&lt;"),
            '*' | '[' | '\\' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
        escaped
    })
}

/// A default: a value as code, or a text.
pub(super) fn default(text: &str) -> String {
    if text.contains([' ', '`']) { prose(text) } else { code(text) }
}

/// A help, and the default that it names at its end: `What it does [default: this]`.
pub(super) fn default_of(help: &str) -> (&str, &str) {
    let parts = help.trim_end().strip_suffix(']').and_then(|help| help.rsplit_once("[default: "));
    parts.map_or((help, ""), |(help, default)| (help.trim_end(), default))
}

#[test]
fn texts_become_markdown() {
    assert_eq!(prose("Not with --check; `a` is [a-z]*, --a-b."), "Not with `--check`; `a` is \\[a-z]\\*, `--a-b`.");
    assert_eq!(prose("a -- b <c>"), "a -- b &lt;c>");
    assert_eq!((code("--a <b>"), code("<a|b>")), ("`--a <b>`".to_owned(), "<code>&lt;a&#124;b&gt;</code>".to_owned()));
    assert_eq!(default_of("So many [x] [default: 10]"), ("So many [x]", "10"));
    assert_eq!(default_of("None [x]"), ("None [x]", ""));
    assert_eq!(table(&["a", "b"], &[vec!["1|2".to_owned(), String::new()]]), "| a |\n|---|\n| 1&#124;2 |\n");
}
