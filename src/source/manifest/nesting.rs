//! Checks how deep the brackets of a text are nested.
//!
//! The parser of TOML has its own limit. But it loses count if brackets are broken in a certain way (`{ {} a = { {} a = `). Then it goes
//! one call deeper at each, until the stack is full.

use toml_parser::Source;
use toml_parser::lexer::TokenKind;

/// The most brackets that may be open at once. The parser goes no deeper than that. A manifest needs two.
pub(super) const MOST: usize = 200;

/// The place, in bytes, of the first bracket with which more than [`MOST`] brackets are open at once.
pub(crate) fn too_deep(text: &str) -> Option<usize> {
    let mut open = Vec::new();
    // The parser ignores the rest of a line after a comment sign.
    let mut is_comment = false;
    for token in Source::new(text).lex() {
        match token.kind() {
            kind @ (TokenKind::LeftCurlyBracket | TokenKind::LeftSquareBracket) => {
                open.push((kind, token.span().start()));
                if open.len() > MOST {
                    return open.first().map(|(_, offset)| *offset);
                }
            }
            // A bracket that closes nothing is ignored.
            kind @ (TokenKind::RightCurlyBracket | TokenKind::RightSquareBracket) if !is_comment => {
                open.pop_if(|(opened, _)| {
                    (*opened == TokenKind::LeftCurlyBracket) == (kind == TokenKind::RightCurlyBracket)
                });
            }
            TokenKind::Comment => is_comment = true,
            TokenKind::Newline => is_comment = false,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;

    #[test]
    fn the_first_that_is_open() {
        let nested = |levels: usize| format!("a = 1 # {{\nb = {}1{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(too_deep(&nested(MOST)), None);
        assert_eq!(too_deep(&nested(MOST + 1)), Some(14));
        assert_eq!(too_deep(&"[a]\nb = { c = [{}] }\nd = '[{'\n".repeat(1000)), None);
        assert_eq!(too_deep(&format!("a = {{}}\n{}", "b = { ] c }\n[".repeat(1000))), Some(19));
    }

    /// The parser can read anything that passes this check on the small stack of a test's thread.
    #[test]
    fn the_parser_goes_no_deeper() {
        for broken in
            ["{ {} a = ", "{ [ } ] a = ", "{ {[ } a = ", "{ a = \"\n", "[ {}} ", "{ # \r } a = ", "a = {[ \n", "[[ "]
        {
            for count in [MOST / 4, MOST / 3, MOST / 2, MOST, 100_000] {
                let text = format!("a = {}", broken.repeat(count));
                if too_deep(&text).is_none() {
                    drop(DeTable::parse_recoverable(&text));
                }
            }
        }
    }
}
