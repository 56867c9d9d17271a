//! What may be written for an option.

/// The form of an option's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number between these two, inclusive.
    Integer(u64, u64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A text that matches this regular expression (ECMA 262, as JSON Schema has it).
    Text(&'static str),
    /// Several texts. Each matches this regular expression.
    List(&'static str),
    /// A flag: `true` or `false` in a manifest.
    Flag,
}
