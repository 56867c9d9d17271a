//! What can be wrong with the choice of a container's profiles.

use thiserror::Error;

use crate::base::text::Shown;

/// The largest number of shards.
pub(super) const MOST_SHARDS: u32 = 1024;

/// What is wrong with a selection.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SelectionError {
    /// A pattern is wrong.
    #[error("{} is not a pattern of profile names: {problem}; write one such as 'team-*'", Shown(text))]
    Pattern {
        /// What the person wrote.
        text: String,
        /// Why it is not a pattern.
        problem: String,
    },
    /// A shard is wrong.
    #[error(
        "{} is not a shard; write I/N with I from 0 to N-1 and N at most {}, such as 0/3, or slot:I/N with I from 1 to N",
        Shown(.0), MOST_SHARDS
    )]
    Shard(String),
    /// The setting that says whether profiles are created is wrong.
    #[error("GATEWAYS_CREATE is {}; write true or false", Shown(.0))]
    Create(String),
    /// The command that runs something in a replica is wrong.
    #[error("{} does not name a replica; write {{}} in place of its number, or {{slot}}, on one line", Shown(.0))]
    Exec(String),
    /// A number of shards is wrong.
    #[error("{} is not a number of shards; give a number from 1 to {}", Shown(.0), MOST_SHARDS)]
    Count(String),
}
