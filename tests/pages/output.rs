//! Whether a command printed what a page shows. What differs from run to run is made one: times, process numbers, the width of columns.

use std::sync::LazyLock;

use regex::Regex;
use snapbox::{Assert, Data, IntoData as _};

/// What differs, and what stands for it, in this order.
static DIFFERS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r" {2,}", " "),
        (r"(?m) +$", ""),
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+|\+0000)?", "<date>"),
        (r"\b\d+[dhms]( \d+[hms])?(?P<after>\s)", "<time>$after"),
        // The column PID.
        (r"(?m)^(?P<before>\S+ (up|paused|starting|stopping) <time>) \d+ ", "$before <pid> "),
        // How often a gateway died before it came up depends on how fast somebody typed.
        (r"(?m)^(?P<before>\S+ up <time> <pid> -) [1-9]\d* ", "$before <some> "),
        (r"(?m): Up .* \((?P<health>\w+)\)$", ": Up <time> ($health)"),
        (r"(?m): Exited \((?P<code>\d+)\) .* ago$", ": Exited ($code) <time> ago"),
        (r#""created": \d+"#, r#""created": <time>"#),
        (r"(?P<name>_(seconds|bytes)\{.*\}) \d+", "$name <number>"),
    ]
    .map(|(pattern, instead)| (Regex::new(pattern).unwrap(), instead))
    .into()
});

fn same(text: &str) -> String {
    let text = text.trim_end().to_owned() + "\n";
    DIFFERS.iter().fold(text, |text, (pattern, instead)| pattern.replace_all(&text, *instead).into_owned())
}

/// What a page shows, as snapbox reads it: there, `…` on a line is any lines, and inside a line anything.
fn expected(shown: &str) -> Data {
    let lines = shown.lines().map(|line| if line == "…" { "...".to_owned() } else { line.replace('…', "[..]") });
    same(&lines.map(|line| line + "\n").collect::<String>()).into_data()
}

fn compare(shown: &str, printed: &str) -> snapbox::assert::Result<()> {
    Assert::new().try_eq(None, same(printed).into_data(), expected(shown))
}

/// Whether this is what the page shows.
pub(crate) fn shows(shown: &str, printed: &str) -> bool {
    compare(shown, printed).is_ok()
}

/// Fails with the difference if it is not.
#[track_caller]
pub(crate) fn assert_shown(place: &str, shown: &str, printed: &str) {
    if let Err(difference) = compare(shown, printed) {
        panic!("{place} shows something else than what is printed:\n{difference}\nall that is printed:\n{printed}");
    }
}
