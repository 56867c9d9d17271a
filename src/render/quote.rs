//! The shell escaper of every template whose name ends in `.sh`. `askama.toml` names it.

use std::borrow::Cow;
use std::fmt;

use askama::filters::Escaper;

/// Writes each value as one word of the POSIX shell by the rules of `shell_escape::unix`, on every platform.
///
/// `shell_escape::escape` would follow the rules of the platform that gen-service was built for. But the scripts run in a Linux container,
/// wherever they were rendered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shell;

impl Escaper for Shell {
    fn write_escaped_str<W: fmt::Write>(&self, mut dest: W, string: &str) -> fmt::Result {
        dest.write_str(&shell_escape::unix::escape(Cow::Borrowed(string)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_whatever_the_value() {
        for (value, word) in [
            ("plain-word_1.0/x=y,z+", "plain-word_1.0/x=y,z+"),
            ("", "''"),
            ("two words", "'two words'"),
            ("it's", r"'it'\''s'"),
            ("$(id) `id` ${HOME}", "'$(id) `id` ${HOME}'"),
            ("a\nb", "'a\nb'"),
            ("!", r"''\!''"),
            ("~", "'~'"),
            ("é", "'é'"),
        ] {
            let mut escaped = String::new();
            Shell.write_escaped_str(&mut escaped, value).unwrap();
            assert_eq!(escaped, word);
        }
    }
}
