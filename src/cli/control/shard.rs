//! `gatewayctl shard`.

use super::args::Common;
use super::container_args::Shard;
use crate::cli::documents::Move;
use crate::cli::outcome::Outcome;
use crate::cli::streams::Streams;
use crate::error::Error;
use crate::render::move_script;
use crate::source::{self, Mistake, Place};
use crate::spec::resize::Resize;
use crate::spec::{SelectionError, shard::ShardCount};

pub(super) fn run(arguments: &Shard, common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let mut mistakes = Vec::new();
    let mut count = |text: &str| -> Option<ShardCount> {
        text.parse().map_err(|error: SelectionError| mistakes.push(Mistake::at(Place::CommandLine, error))).ok()
    };
    let counts = (count(&arguments.from), count(&arguments.to));
    if !arguments.exec.contains("{}") && !arguments.exec.contains("{slot}") || arguments.exec.contains('\n') {
        mistakes.push(Mistake::at(Place::CommandLine, SelectionError::Exec(arguments.exec.clone())));
    }
    let (Some(from), Some(to), true) = (counts.0, counts.1, mistakes.is_empty()) else {
        return Err(Error::input(mistakes));
    };
    let resize = Resize::of(&source::settings(&arguments.manifest())?.gateways, from, to);
    if common.json {
        let moves =
            resize.moves.iter().map(|one| Move { profile: one.profile.to_string(), from: one.from, to: one.to });
        let stays = resize.stays.iter().flat_map(|(shard, names)| {
            names.iter().map(move |name| Move { profile: name.to_string(), from: *shard, to: *shard })
        });
        streams.json(&moves.chain(stays).collect::<Vec<_>>())?;
    } else {
        write!(streams.out, "{}", move_script(&resize, &arguments.exec)).map_err(Error::Output)?;
    }
    Ok(Outcome::Done)
}
