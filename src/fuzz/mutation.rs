//! Changes inputs when no coverage guides the changes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// Bytes that are difficult for more than one target.
pub(super) const HOSTILE: &[&[u8]] = &[
    b"\0",
    b"\n",
    b"\r\n",
    b"\x1b[2J",
    b"\xff",
    b"\xc3",
    "\u{202e}".as_bytes(),
    "\u{feff}".as_bytes(),
    "\u{85}".as_bytes(),
    "é".as_bytes(),
    b"'",
    b"\"",
    b"\\",
    b"$(id)",
    b"`id`",
    b"..",
    b"/",
    b"=",
    b"-1",
    b"0",
    b"18446744073709551616",
    b"NaN",
];

/// One change of an input.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Token(Index, Index),
    Remove(Index, Index),
    Repeat(Index, Index, u8),
    Splice(Index, Index, Index),
    Cut(Index),
}

/// Any change.
pub(super) fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        3 => (at(), 0u8..8).prop_map(|(place, bit)| Change::Flip(place, bit)),
        2 => (at(), vec(any::<u8>(), 1..4)).prop_map(|(place, bytes)| Change::Insert(place, bytes)),
        4 => (at(), at()).prop_map(|(place, token)| Change::Token(place, token)),
        2 => (at(), at()).prop_map(|(from, to)| Change::Remove(from, to)),
        1 => (at(), at(), 1u8..100).prop_map(|(from, to, times)| Change::Repeat(from, to, times)),
        2 => (at(), at(), at()).prop_map(|(place, other, from)| Change::Splice(place, other, from)),
        1 => at().prop_map(Change::Cut),
    ]
}

impl Change {
    /// Makes this change in `text`. It takes bytes from the corpus and the tokens.
    pub(super) fn of(&self, text: &mut Vec<u8>, corpus: &[Vec<u8>], tokens: &[&[u8]]) {
        /// Repeated text does not grow beyond this.
        const MOST: usize = 64 << 10;
        let end = text.len();
        let gap = |place: &Index| place.index(end + 1);
        let range = |from: &Index, to: &Index| gap(from).min(gap(to))..gap(from).max(gap(to));
        match self {
            Self::Flip(place, bit) if end > 0 => text[place.index(end)] ^= 1 << bit,
            Self::Flip(..) => {}
            Self::Insert(place, bytes) => drop(text.splice(gap(place)..gap(place), bytes.iter().copied())),
            Self::Token(place, token) => {
                drop(text.splice(gap(place)..gap(place), tokens[token.index(tokens.len())].iter().copied()));
            }
            Self::Remove(from, to) => drop(text.drain(range(from, to))),
            Self::Repeat(from, to, times) => {
                let piece = text[range(from, to)].to_vec();
                let piece = piece.repeat(usize::from(*times).min(MOST / piece.len().max(1)));
                drop(text.splice(gap(to)..gap(to), piece));
            }
            Self::Splice(place, other, from) => {
                let other = &corpus[other.index(corpus.len())];
                text.truncate(gap(place));
                text.extend(&other[from.index(other.len() + 1)..]);
            }
            Self::Cut(place) => text.truncate(gap(place)),
        }
    }
}
