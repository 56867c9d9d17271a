//! The words of a rendered run script, as a shell reads them.

/// What `env` sets in a run script, as `NAME=VALUE`, as a shell reads it. A line inside a value is not an entry. `None` if it sets nothing.
pub(crate) fn variables(text: &str) -> Option<Vec<String>> {
    const BEGIN: &str = "\nset -- env \\\n";
    let begin = match (text.find("\noutside "), text.find(BEGIN)) {
        // The files of secrets stand before it, in quotes, and the name of such a file may hold anything.
        (Some(secrets), Some(begin)) if secrets < begin => secrets + unquoted(&text[secrets..], BEGIN)?,
        (_, begin) => begin?,
    };
    words(&text[begin + BEGIN.len()..])
}

/// The first place of this text that is neither in single quotes nor after a backslash.
fn unquoted(text: &str, wanted: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        if !quoted && !escaped && text[at..].starts_with(wanted) {
            return Some(at);
        }
        if c == '\'' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !quoted && !escaped;
    }
    None
}

/// The words of a command in the quoting of gen-service: plain, in single quotes, or after a backslash.
pub(super) fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut characters = line.chars().peekable();
    while let Some(&first) = characters.peek() {
        match first {
            ' ' => {
                characters.next();
                continue;
            }
            '\n' => break,
            _ => {}
        }
        let mut word = String::new();
        while let Some(next) = characters.next_if(|&next| next != ' ' && next != '\n') {
            match next {
                '\'' => loop {
                    match characters.next()? {
                        '\'' => break,
                        inside => word.push(inside),
                    }
                },
                '\\' => match characters.next()? {
                    // The command goes on.
                    '\n' => {}
                    escaped => word.push(escaped),
                },
                plain => word.push(plain),
            }
        }
        if !word.is_empty() {
            words.push(word);
        }
    }
    Some(words)
}
