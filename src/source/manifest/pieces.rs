//! Divides a long manifest into pieces. The parser takes about thirty times as much memory as the text it has to read, and uses one core.

use std::collections::HashSet;

use toml_parser::Source;
use toml_parser::lexer::{Lexer, Token, TokenKind};

use crate::source::words::{DASHBOARD, DEFAULTS, GATEWAYS, WATCH};

/// The size of a piece in bytes. Every piece except the last has at least this size.
pub(super) const ENOUGH: usize = 64 << 10;

/// A text, and the offset in bytes at which it begins.
pub(super) type Piece<'a> = (usize, &'a str);

/// The text before the first gateway, and the rest in pieces of this length. Each piece begins with a gateway.
///
/// If each piece can be read and no name is given twice, the pieces say together what the whole text says, because each gateway and each
/// other table is in one piece. `None` if the text is no longer than one piece, or if it is written in a way that makes this uncertain.
pub(super) fn pieces(text: &str, enough: usize) -> Option<(&str, Vec<Piece<'_>>)> {
    if text.len() <= enough {
        return None;
    }
    let mut starts: Vec<usize> = Vec::new();
    let (mut names, mut current) = (HashSet::new(), None);
    let (mut depth, mut line_begins, mut has_tables) = (0_usize, true, false);
    let mut tokens = Source::new(text).lex();
    while let Some(token) = tokens.next() {
        let is_first = line_begins && depth == 0;
        line_begins = token.kind() == TokenKind::Newline || line_begins && token.kind() == TokenKind::Whitespace;
        match token.kind() {
            TokenKind::LeftSquareBracket if is_first => {
                (depth, has_tables) = (1, true);
                let start = token.span().start();
                let of = header(text, &mut tokens, starts.is_empty())?;
                if of != Of::Defaults && current != Some(of) {
                    current = Some(of);
                    if !names.insert(of) {
                        return None;
                    }
                    let is_gateway = matches!(of, Of::Gateway(_));
                    if is_gateway && starts.last().is_none_or(|last| start - last >= enough) {
                        starts.push(start);
                    }
                }
            }
            // A key before the first table may be one that holds all gateways.
            TokenKind::Atom | TokenKind::BasicString | TokenKind::LiteralString if is_first && !has_tables => {
                return None;
            }
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => depth += 1,
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let pieces = starts.iter().zip(ends).map(|(&start, end)| (start, &text[start..end])).collect();
    Some((&text[..*starts.first()?], pieces))
}

/// What a table belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Of<'a> {
    Defaults,
    Gateway(&'a str),
    Dashboard,
    Watch,
}

/// What the table that begins after this bracket belongs to. Defaults come before all gateways.
fn header<'a>(text: &'a str, tokens: &mut Lexer<'a>, is_first: bool) -> Option<Of<'a>> {
    let mut token = || tokens.find(|token| token.kind() != TokenKind::Whitespace);
    let word = |token: Token| {
        let is_bare = token.kind() == TokenKind::Atom;
        is_bare.then(|| &text[token.span().start()..token.span().end()])
    };
    match word(token()?)? {
        DEFAULTS if is_first => Some(Of::Defaults),
        DASHBOARD => Some(Of::Dashboard),
        WATCH => Some(Of::Watch),
        GATEWAYS if token()?.kind() == TokenKind::Dot => Some(Of::Gateway(word(token()?)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_never_divided() {
        let head = "# All gateways\n[defaults.env]\nA = '''\n[gateways.a]\n'''\n\n";
        let a = "[gateways.a]\nenv-file = [\n[],\n]\n[gateways.a.env]\nB = '1'\n";
        let b = " [ gateways . b ] # \n";
        let text = [head, a, b].concat();
        let found = pieces(&text, 1).unwrap();
        let space = b.len() - b.trim_start().len();
        let cut = head.len() + a.len() + space;
        assert_eq!(found, (head, vec![(head.len(), &text[head.len()..cut]), (cut, &text[cut..])]));
        assert_eq!(pieces(&text, 1000), None);
        assert_eq!(pieces(&text, 100).unwrap().1.len(), 1);
    }

    #[test]
    fn the_dashboard_and_the_watch_stay_in_one_piece() {
        let (head, a) = ("[watch]\n[defaults]\n", "[gateways.a]\n[dashboard]\nenv = {}\n[dashboard.secret]\n");
        let text = [head, a, "[gateways.b]\n"].concat();
        let cut = head.len() + a.len();
        assert_eq!(pieces(&text, 1), Some((head, vec![(head.len(), a), (cut, &text[cut..])])));
    }

    #[test]
    fn what_is_not_sure() {
        for text in [
            "",
            "[defaults]\n",
            "gateways = {}\n[gateways.a]\n",
            "[gateways]\na.port = 1\n",
            "[gateways.a]\n[defaults]\n",
            "[gateways.a]\n[gateways.b]\n[gateways.a.env]\n",
            "[gateways.a]\n[gateways.\"b\"]\n",
            "[[gateways.a]]\n",
            "[\"gateways\".a]\n",
            "[gateways.a]\nport = 1]\n",
            "[other]\n[gateways.a]\n",
            "[dashboard]\n[gateways.a]\n[dashboard.env]\n",
            "[gateways.a]\n[watch]\n[gateways.b]\n[watch]\n",
        ] {
            assert_eq!(pieces(text, 0), None, "{text}");
        }
    }
}
