//! The members of a JSON object, each with its place in the text. So one of them can change, and every other byte stays the same.
//!
//! Python writes `gateway_state.json`, and its JSON has NaN, infinities and integers of any length. So a value here is any text between a colon and
//! the comma or brace that ends it.

use std::ops::Range;

use serde_json::Value;

/// A JSON object in a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Object<'a> {
    text: &'a str,
    /// The place after the brace, where the members begin.
    begin: usize,
    members: Vec<(String, Range<usize>)>,
}

impl<'a> Object<'a> {
    /// The object in this text; `None` if the text is anything else.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut scanner = Scanner { text, at: 0 };
        scanner.blanks();
        scanner.take(b'{')?;
        let mut object = Self { text, begin: scanner.at, members: Vec::new() };
        scanner.blanks();
        if scanner.take(b'}').is_none() {
            loop {
                scanner.blanks();
                let name = scanner.string()?;
                let name = serde_json::from_str(&text[name]).ok()?;
                scanner.blanks();
                scanner.take(b':')?;
                scanner.blanks();
                object.members.push((name, scanner.value()?));
                scanner.blanks();
                if scanner.take(b',').is_none() {
                    scanner.take(b'}')?;
                    break;
                }
            }
        }
        scanner.blanks();
        (scanner.at == text.len()).then_some(object)
    }

    /// The value of a member, if it is a word or a number. As in Python, the last member of a name counts. `None` if there is none, or if it is
    /// `null`; any other value is `false`.
    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        let raw = self.raw(name)?;
        // A value that holds other values can take a hundred times the memory of its text.
        let is_plain = !raw.starts_with(['[', '{']);
        let value = is_plain.then(|| serde_json::from_str(raw).ok()).flatten().unwrap_or(Value::Bool(false));
        (!value.is_null()).then_some(value)
    }

    /// Whether there is a member of this name, with any value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// The words of a member that is an array of words of at most 64 KiB; `None` for any other value.
    pub(crate) fn words(&self, name: &str) -> Option<Vec<String>> {
        let raw = self.raw(name).filter(|raw| raw.len() <= 64 << 10)?;
        serde_json::from_str(raw).ok()
    }

    fn raw(&self, name: &str) -> Option<&'a str> {
        let (_, range) = self.members.iter().rfind(|(member, _)| member == name)?;
        Some(&self.text[range.clone()])
    }

    /// The text around the values of the members of this name, piece by piece, to compare it.
    #[cfg(any(test, feature = "fuzz"))]
    pub(crate) fn around(&self, name: &str) -> Vec<&'a str> {
        let mut at = 0;
        let mut pieces = Vec::new();
        for (_, range) in self.members.iter().filter(|(member, _)| member == name) {
            pieces.push(&self.text[at..range.start]);
            at = range.end;
        }
        pieces.push(&self.text[at..]);
        pieces
    }

    /// The text with this word as the value of this member. The member is added at the end if it is missing.
    pub(crate) fn with(&self, name: &str, word: &str) -> String {
        let word = Value::from(word).to_string();
        let mut text = self.text.to_owned();
        let named: Vec<&Range<usize>> =
            self.members.iter().filter(|(member, _)| member == name).map(|(_, range)| range).collect();
        for range in named.iter().rev() {
            text.replace_range((*range).clone(), &word);
        }
        if named.is_empty() {
            let name = Value::from(name).to_string();
            match self.members.last() {
                Some((_, range)) => text.insert_str(range.end, &format!(", {name}: {word}")),
                None => text.insert_str(self.begin, &format!("{name}: {word}")),
            }
        }
        text
    }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn string(&mut self) -> Option<Range<usize>> {
        let begin = self.at;
        self.take(b'"')?;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 1,
                _ => {}
            }
            self.at += 1;
        }
        self.at += 1;
        // An escape may have ended inside a character.
        self.text.is_char_boundary(self.at).then_some(begin..self.at)
    }

    fn value(&mut self) -> Option<Range<usize>> {
        let begin = self.at;
        let mut open = Vec::new();
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                bracket @ (b'{' | b'[') => {
                    open.push(bracket);
                    self.at += 1;
                }
                bracket @ (b'}' | b']') if !open.is_empty() => {
                    let wanted = if bracket == b'}' { b'{' } else { b'[' };
                    if open.pop() != Some(wanted) {
                        return None;
                    }
                    self.at += 1;
                }
                b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' if !open.is_empty() => self.at += 1,
                // A number or a word, including those that only Python has.
                b'+' | b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                    while matches!(self.peek(), Some(b'+' | b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z')) {
                        self.at += 1;
                    }
                }
                _ => return None,
            }
            if open.is_empty() {
                return Some(begin..self.at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_changed_and_every_other_byte_stays() {
        for (text, expected) in [
            ("{}", r#"{"d": "x"}"#),
            (" { } \n", " {\"d\": \"x\" } \n"),
            (r#"{"a": NaN, "b":[1e999,{"d":1}]}"#, r#"{"a": NaN, "b":[1e999,{"d":1}], "d": "x"}"#),
            (r#"{"d":123456789012345678901234567890,"e":-Infinity}"#, r#"{"d":"x","e":-Infinity}"#),
            (r#"{"d": {"a": "}\""}, "é\u00e9": 1.10 , "d":null}"#, r#"{"d": "x", "é\u00e9": 1.10 , "d":"x"}"#),
        ] {
            let changed = Object::parse(text).unwrap().with("d", "x");
            assert_eq!(changed, expected);
            assert_eq!(Object::parse(&changed).unwrap().get("d"), Some("x".into()), "{text}");
        }
    }

    #[test]
    fn what_is_no_object_is_none() {
        for text in [
            "",
            "[]",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":[}]}",
            "{} x",
            "{\"a\" 1}",
            "{'a': 1}",
            "{\"a\\",
        ] {
            assert_eq!(Object::parse(text), None, "{text}");
        }
        assert_eq!(Object::parse("{\"a\":null}").unwrap().get("a"), None);
        assert_eq!(Object::parse("{\"a\":nil}").unwrap().get("a"), Some(false.into()));
        let nested = Object::parse(r#"{"a":["x"],"b":{"x":1},"c":["x","y"],"d":["x",1]}"#).unwrap();
        assert_eq!((nested.get("a"), nested.get("b")), (Some(false.into()), Some(false.into())));
        assert_eq!(nested.words("c"), Some(vec!["x".to_owned(), "y".to_owned()]));
        assert_eq!((nested.words("d"), nested.words("b"), nested.words("e")), (None, None, None));
    }
}
