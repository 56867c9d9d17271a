//! A text that is not a value of an option.

use thiserror::Error;

use crate::base::text::Shown;

/// A text that is not a value of an option.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} {} {problem}; {remedy}", key, Shown(value))]
pub struct OptionError {
    pub(crate) key: &'static str,
    pub(crate) value: String,
    /// What is wrong with it, such as `is out of range`.
    pub(crate) problem: &'static str,
    /// What to write instead.
    pub(crate) remedy: String,
}

impl OptionError {
    pub(super) fn new(key: &'static str, value: &str, problem: &'static str, remedy: impl Into<String>) -> Self {
        Self { key, value: value.to_owned(), problem, remedy: remedy.into() }
    }
}
