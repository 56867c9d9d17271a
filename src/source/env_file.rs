//! Environment files, in the format of `docker run --env-file`.
//!
//! A line is `NAME=VALUE`. The value is everything after the first `=`, unchanged. Empty lines and lines that start with `#` are skipped,
//! and so are blanks before a name. Docker takes the value of a bare `NAME` from its own environment. Here that is an error, because the
//! same input must give the same bytes on every machine.

use super::mistake::{EnvFileError, Problem};
use crate::spec::environment::{EnvName, EnvSource, EnvValue, Environment};

/// Parses the text of an environment file.
///
/// # Errors
/// Every mistake, with the number of its line, counted from 1.
pub(crate) fn parse(text: &str) -> Result<Environment, Vec<(usize, Problem)>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut environment = Environment::default();
    let mut mistakes = Vec::new();
    for (number, line) in (1..).zip(text.split('\n')) {
        // `lines` would leave a carriage return at the end of the file. Docker removes it.
        let line = line.strip_suffix('\r').unwrap_or(line).trim_start_matches([' ', '\t']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Err(problem) = entry(line).and_then(|(name, value)| Ok(environment.add(name, value)?)) {
            mistakes.push((number, problem));
        }
    }
    if mistakes.is_empty() { Ok(environment) } else { Err(mistakes) }
}

fn entry(line: &str) -> Result<(EnvName, EnvSource), Problem> {
    let Some((name, value)) = line.split_once('=') else {
        return Err(EnvFileError::NoEquals(line.to_owned()).into());
    };
    let name: EnvName = name.parse()?;
    let value = EnvValue::new(&name, value)?;
    Ok((name, EnvSource::Value(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_of_docker() {
        let text = "\u{feff}A=1\n# comment\n\n  B=two words  \r\nC=\"quoted\"\nD=a=b#c\n\tE=\n F= x\r";
        let environment = parse(text).unwrap();
        let expected = [("A", "1"), ("B", "two words  "), ("C", "\"quoted\""), ("D", "a=b#c"), ("E", ""), ("F", " x")];
        assert_eq!(environment.values().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn every_mistake_has_its_line() {
        let mistakes = parse("A=1\nB\n\nexport C=1\nA=2\nHOME=/x\nD=a\0b\n").unwrap_err();
        let shown: Vec<String> = mistakes.iter().map(|(line, problem)| format!("{line}: {problem}")).collect();
        for (shown, expected) in shown.iter().zip([
            "2: \"B\" has no =",
            "4: environment name \"export C\" is not an identifier",
            "5: A is set twice",
            "6: HOME cannot be set",
            "7: the value of D holds a NUL byte",
        ]) {
            assert!(shown.starts_with(expected), "{shown}");
        }
        assert_eq!(shown.len(), 5);
    }
}
