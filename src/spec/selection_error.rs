//! What can be wrong with what is said of a container's profiles.

use thiserror::Error;

use crate::base::text::Shown;

/// The most shards there can be.
pub(super) const MOST_SHARDS: u32 = 1024;

/// What is wrong with a selection.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SelectionError {
    /// A pattern.
    #[error("{} is no pattern of profile names: {problem}; write one such as 'team-*'", Shown(text))]
    Pattern {
        /// What was written.
        text: String,
        /// Why it is none.
        problem: String,
    },
    /// A shard.
    #[error(
        "{} is no shard; write I/N with I from 0 to N-1 and N at most {}, such as 0/3, or slot:I/N with I from 1 to N",
        Shown(.0), MOST_SHARDS
    )]
    Shard(String),
    /// Whether profiles are to be made.
    #[error("GATEWAYS_CREATE is {}; write true or false", Shown(.0))]
    Create(String),
    /// What runs a command in a replica.
    #[error("{} names no replica; write {{}} where its number goes, or {{slot}}, on one line", Shown(.0))]
    Exec(String),
    /// A number of shards.
    #[error("{} is no number of shards; give one from 1 to {}", Shown(.0), MOST_SHARDS)]
    Count(String),
}
