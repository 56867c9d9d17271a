//! Which profiles belong to this container, according to its variables.

use crate::s6::container;
use crate::spec::environment::switch;
use crate::spec::{
    SelectionError,
    selection::{Own, Selection},
};

/// The variable that holds the shard of this container.
const SHARD: &str = "GATEWAYS_SHARD";

/// The variable that holds the number of shards, if the other one has no `/N`. An orchestrator may set the one, and a person the other.
const SHARDS: &str = "GATEWAYS_SHARDS";

/// What the variables of the container say about the shard: its number, whether the volume belongs to it alone, and the former number of shards.
///
/// # Errors
/// The first mistake in them.
pub(crate) fn shard_here() -> Result<Selection, SelectionError> {
    let shard = container::variable(SHARD).map(|text| match container::variable(SHARDS) {
        Some(count) if !text.contains('/') => format!("{text}/{count}"),
        _ => text,
    });
    let shard = shard.map(|text| text.parse()).transpose()?;
    let before = container::variable("GATEWAYS_SHARDS_BEFORE").map(|text| text.parse()).transpose()?;
    let is_own = match container::variable("GATEWAYS_CREATE") {
        Some(text) => switch(&text).ok_or(SelectionError::Create(text))?,
        None => false,
    };
    Ok(Selection { shard, own: is_own.then_some(Own { before }), ..Selection::default() })
}
