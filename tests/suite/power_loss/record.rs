//! What a run asks of the kernel, as strace records it.

use std::collections::BTreeMap;

/// With these options strace shows every call that takes a path or a descriptor, and other calls that change files or make processes. With `-xx`
/// every string is in hexadecimal, so the text of a file cannot look like a part of the trace.
pub(super) const OPTIONS: [&str; 9] = [
    "-f",
    "-y",
    "-xx",
    "-qq",
    "--signal=none",
    "-s",
    "33554432",
    "-e",
    "trace=%file,%desc,sync,umask,clone,?clone3,?fork,?vfork",
];

/// A system call when it begins, or when it ends. If two threads call at once, either call may end first.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) process: u32,
    pub(super) name: String,
    pub(super) arguments: Vec<String>,
    /// The result. `None` when the call begins.
    pub(super) result: Option<String>,
    /// Whether strace saw nothing else between its beginning and its end.
    pub(super) alone: bool,
}

/// The calls of a trace: the beginning and the end of each, in the order in which strace saw them.
pub(super) fn calls(trace: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut begun: BTreeMap<u32, &str> = BTreeMap::new();
    for line in trace.lines() {
        let (process, rest) = line.split_once(' ').unwrap();
        let (process, rest) = (process.parse().unwrap(), rest.trim_start());
        if rest.starts_with("+++") || rest.starts_with("---") {
            continue;
        }
        if let Some(text) = rest.strip_suffix(" <unfinished ...>") {
            assert!(begun.insert(process, text).is_none(), "{line}");
            calls.push(call(process, text, None, false));
        } else if let Some((_, end)) = rest.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>")) {
            let text = format!("{}{end}", begun.remove(&process).expect(line));
            let (text, result) = ended(&text);
            calls.push(call(process, text, Some(result), false));
        } else {
            let (text, result) = ended(rest);
            calls.push(call(process, text, None, true));
            calls.push(call(process, text, Some(result), true));
        }
    }
    calls
}

/// A call that has ended, and its result.
fn ended(text: &str) -> (&str, &str) {
    let (call, result) = text.rsplit_once(" = ").expect(text);
    (call.trim_end().strip_suffix(')').expect(text), result)
}

fn call(process: u32, text: &str, result: Option<&str>, alone: bool) -> Call {
    let (name, arguments) = text.split_once('(').expect(text);
    Call {
        process,
        name: name.to_owned(),
        arguments: split(arguments).into_iter().map(str::to_owned).collect(),
        result: result.map(str::to_owned),
        alone,
    }
}

/// The arguments, separated at the commas that are not inside brackets.
fn split(arguments: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut begin) = (Vec::new(), 0, 0);
    for (index, byte) in arguments.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(arguments[begin..index].trim());
                begin = index + 1;
            }
            _ => {}
        }
    }
    parts.push(arguments[begin..].trim());
    parts
}

impl Call {
    /// The result, if the call has ended and succeeded.
    pub(super) fn success(&self) -> Option<&str> {
        self.result.as_deref().filter(|result| !result.starts_with(['-', '?']))
    }

    /// The argument at this place.
    pub(super) fn argument(&self, index: usize) -> &str {
        self.arguments.get(index).unwrap_or_else(|| panic!("argument {index} of {self:?}"))
    }

    /// The call as a person reads it, with paths below this directory.
    pub(super) fn shown(&self, root: &str) -> String {
        let mut bytes = Vec::new();
        let text = format!("{}({})", self.name, self.arguments.join(", "));
        let mut rest = text.as_bytes();
        while let Some((&first, after)) = rest.split_first() {
            let hexadecimal = rest.strip_prefix(b"\\x").and_then(|digits| digits.get(..2));
            match hexadecimal.map(|digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap()) {
                Some(byte) => (bytes.push(byte), rest = &rest[4..]).1,
                None => (bytes.push(first), rest = after).1,
            }
        }
        let text = String::from_utf8_lossy(&bytes).replace(root, "").replace('\n', "\\n");
        if text.chars().count() > 200 { text.chars().take(200).chain(['…']).collect() } else { text }
    }
}

/// The bytes of the strings in an argument, which is a string or an array of strings.
pub(super) fn bytes(argument: &str) -> Vec<u8> {
    assert!(!argument.contains("..."), "strace cut this off: {argument}");
    let strings = argument.split('"').skip(1).step_by(2);
    let digits = strings.flat_map(|string| string.split("\\x").skip(1));
    digits.map(|digits| u8::from_str_radix(digits, 16).expect(digits)).collect()
}

/// A descriptor, and what strace says that it is: a path, or something else in brackets. `None` for the working directory.
pub(super) fn descriptor(argument: &str) -> (Option<i32>, Option<String>) {
    let (number, rest) = argument.split_once('<').unwrap_or((argument, ""));
    let path = rest.split_once('>').map(|(path, _)| String::from_utf8(bytes(&format!("\"{path}\""))).unwrap());
    let number = number.split_whitespace().next().unwrap_or_default();
    (if number == "AT_FDCWD" { None } else { Some(number.parse().expect(argument)) }, path)
}

/// A number in decimal, octal or hexadecimal, as strace writes it.
pub(super) fn number(argument: &str) -> u64 {
    let word = argument.split_whitespace().next().unwrap_or_default();
    let digits = word.trim_start_matches("0x");
    let radix = match word.strip_prefix('0') {
        Some(rest) if rest.starts_with('x') => 16,
        Some(rest) if !rest.is_empty() => 8,
        _ => 10,
    };
    u64::from_str_radix(digits, radix).expect(argument)
}
