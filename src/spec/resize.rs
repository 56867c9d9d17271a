//! What moves if the number of shards changes, and each shard has its own volume.

use std::collections::BTreeMap;

use super::options::{Options, UserName};
use super::profile::ProfileName;
use super::shard::ShardCount;

/// What moves, and what stays.
#[derive(Debug)]
pub(crate) struct Resize {
    /// The present number of shards.
    pub(crate) from: ShardCount,
    /// The future number of shards.
    pub(crate) to: ShardCount,
    /// The gateways that move, in the order of the manifest.
    pub(crate) moves: Vec<Move>,
    /// The profiles that stay, by shard.
    pub(crate) stays: BTreeMap<u32, Vec<ProfileName>>,
}

/// A gateway that moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Move {
    /// Its profile.
    pub(crate) profile: ProfileName,
    /// The shard that it leaves.
    pub(crate) from: u32,
    /// The shard that it moves to.
    pub(crate) to: u32,
    /// The user that it runs as, if it shares a home. An isolated gateway moves its home instead of a profile.
    pub(crate) user: Option<UserName>,
}

impl Resize {
    /// Compares where these gateways belong, before and after.
    pub(crate) fn of(gateways: &[(ProfileName, Options)], from: ShardCount, to: ShardCount) -> Self {
        let mut resize = Self { from, to, moves: Vec::new(), stays: BTreeMap::new() };
        for (profile, options) in gateways {
            let (had, has) = (from.holds(profile), to.holds(profile));
            if had == has {
                resize.stays.entry(has).or_default().push(profile.clone());
            } else {
                let user = (!options.is_isolated()).then(|| options.user.clone().unwrap_or_default());
                resize.moves.push(Move { profile: profile.clone(), from: had, to: has, user });
            }
        }
        resize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_must_moves() {
        let gateways: Vec<(ProfileName, Options)> = std::iter::once("default".to_owned())
            .chain((0..300).map(|number| format!("profile-{number}")))
            .map(|name| (name.parse().unwrap(), Options::default()))
            .collect();
        let of = |from: &str, to: &str| Resize::of(&gateways, from.parse().unwrap(), to.parse().unwrap());
        let grows = of("3", "4");
        assert!((50..100).contains(&grows.moves.len()) && grows.moves.iter().all(|one| one.to == 3 && one.from < 3));
        let shrinks = of("4", "3");
        assert!(shrinks.moves.iter().all(|one| one.from == 3 && one.to < 3));
        let back: Vec<(&ProfileName, u32, u32)> = shrinks.moves.iter().map(|m| (&m.profile, m.to, m.from)).collect();
        assert_eq!(grows.moves.iter().map(|m| (&m.profile, m.from, m.to)).collect::<Vec<_>>(), back);
        for resize in [&grows, &shrinks, &of("3", "3"), &of("1", "7")] {
            let stays: usize = resize.stays.values().map(Vec::len).sum();
            assert_eq!(resize.moves.len() + stays, gateways.len());
            assert!(resize.stays[&0].contains(&ProfileName::default()));
        }
        assert_eq!(of("3", "3").moves, []);
    }
}
