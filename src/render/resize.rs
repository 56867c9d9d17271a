//! The script that moves gateways if the number of replicas changes.

use std::collections::BTreeSet;

use askama::Template;

use crate::spec::ProfileName;
use crate::spec::resize::{Move, Resize};

#[derive(Template)]
#[template(path = "shard/move.sh")]
struct MoveScript {
    from: u32,
    to: u32,
    all: usize,
    moves: Vec<Moved>,
    stays: Vec<(u32, String)>,
    /// The command that runs something in each replica that takes part.
    commands: Vec<(u32, String)>,
    has_isolated: bool,
}

struct Moved {
    profile: String,
    from: u32,
    to: u32,
    user: Option<String>,
}

impl Moved {
    fn of(one: &Move) -> Self {
        let user = one.user.as_ref().map(ToString::to_string);
        Self { profile: one.profile.to_string(), from: one.from, to: one.to, user }
    }

    fn is_isolated(&self) -> bool {
        self.user.is_none()
    }

    fn user(&self) -> &str {
        self.user.as_deref().unwrap_or_default()
    }
}

/// The script for this change. `command` is what runs a command in a replica. `{}` in it is the number of the replica from 0, and `{slot}`
/// is the number from 1.
pub(crate) fn move_script(resize: &Resize, command: &str) -> String {
    let moves: Vec<Moved> = resize.moves.iter().map(Moved::of).collect();
    let used: BTreeSet<u32> = moves.iter().flat_map(|one| [one.from, one.to]).collect();
    let in_replica = |shard: u32| command.replace("{}", &shard.to_string()).replace("{slot}", &(shard + 1).to_string());
    let names = |names: &[ProfileName]| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let script = MoveScript {
        from: resize.from.get(),
        to: resize.to.get(),
        all: moves.len() + resize.stays.values().map(Vec::len).sum::<usize>(),
        has_isolated: moves.iter().any(Moved::is_isolated),
        commands: used.into_iter().map(|shard| (shard, in_replica(shard))).collect(),
        stays: resize.stays.iter().map(|(shard, stays)| (*shard, names(stays))).collect(),
        moves,
    };
    super::parts::text(&script)
}
