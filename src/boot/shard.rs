//! Which profiles are this container's, by its variables.

use crate::s6::container;
use crate::spec::environment::switch;
use crate::spec::{
    SelectionError,
    selection::{Own, Selection},
};

/// The variable that says which shard this container is.
const SHARD: &str = "GATEWAYS_SHARD";

/// The variable that says how many there are, if the other one has no `/N`: an orchestrator may know the one, and a person the other.
const SHARDS: &str = "GATEWAYS_SHARDS";

/// What the variables of the container say of the shard: which it is, whether the volume is its own, and how many there were before.
///
/// # Errors
/// What is wrong with them, the first of it.
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
