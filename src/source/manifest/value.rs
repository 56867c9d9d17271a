//! A value in a manifest, as TOML sees it.

use toml::Spanned;
use toml::de::DeValue;

use crate::spec::options::Kind;

pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// The values that a list may have.
pub(super) const LIST: &str = "a string, or an array of strings";

/// The kind of a value, with its article.
pub(super) fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// The value of an option of this kind, as a person would write it on a command line.
///
/// # Errors
/// If it is not such a value. The error says what to write.
pub(super) fn text_of(kind: Kind, value: &DeValue<'_>) -> Result<String, &'static str> {
    match (kind, value) {
        (Kind::Integer(..), DeValue::Integer(number)) => {
            // A number in another base fits into i64, or is out of every range used here.
            Ok(i64::from_str_radix(number.as_str(), number.radix()).unwrap_or(i64::MAX).to_string())
        }
        (Kind::Choice(_) | Kind::Text(_) | Kind::List(_), DeValue::String(text)) => Ok(text.to_string()),
        (Kind::Flag, DeValue::Boolean(flag)) => Ok(flag.to_string()),
        (Kind::Integer(..), _) => Err("a whole number"),
        (Kind::Choice(_) | Kind::Text(_), _) => Err("a string"),
        (Kind::Flag, _) => Err("true or false"),
        (Kind::List(_), _) => Err(LIST),
    }
}

/// The entries of an array, or the single value.
pub(super) fn several(value: Value<'_>) -> Vec<Value<'_>> {
    match value.get_ref() {
        DeValue::Array(_) => match value.into_inner() {
            DeValue::Array(values) => values.into_iter().collect(),
            _ => Vec::new(),
        },
        _ => vec![value],
    }
}
