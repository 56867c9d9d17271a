//! The share of one of several containers that divide the profiles among them.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use super::profile::ProfileName;
use super::selection_error::{MOST_SHARDS, SelectionError};

/// The number of shards, 1 to 1024, if each has its own volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShardCount(u32);

impl ShardCount {
    /// The number.
    pub(crate) fn get(self) -> u32 {
        self.0
    }

    /// The shard, from 0, whose volume has this profile. The root profile is always on the volume of the first shard, because every volume
    /// has one and Hermes never moves it.
    pub(crate) fn holds(self, profile: &ProfileName) -> u32 {
        if profile.is_default() { 0 } else { Shard::of(profile, self.0) }
    }
}

impl fmt::Display for ShardCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ShardCount {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        match number(text) {
            Some(count @ 1..=MOST_SHARDS) => Ok(Self(count)),
            _ => Err(SelectionError::Count(text.to_owned())),
        }
    }
}

/// A number in digits.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// One of several containers that divide the profiles of a volume. Each profile belongs to exactly one of them.
///
/// This is rendezvous hashing: a profile belongs to the shard with the highest SHA-256 of `profile NUL index`. If one shard is added and
/// there are then N, only the profiles that the new shard takes move: about one in N.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    index: u32,
    count: u32,
}

impl Shard {
    /// Its number, counted from 0.
    pub(crate) fn index(self) -> u32 {
        self.index
    }

    /// The number of shards.
    pub(crate) fn count(self) -> ShardCount {
        ShardCount(self.count)
    }

    /// Whether this profile belongs to this shard.
    pub(crate) fn takes(self, profile: &ProfileName) -> bool {
        Self::of(profile, self.count) == self.index
    }

    /// The shard, from 0, to which a profile belongs if there are `count` shards.
    fn of(profile: &ProfileName, count: u32) -> u32 {
        let weight = |index: u32| {
            let mut hash = Sha256::new();
            hash.update(profile.as_str());
            hash.update([0]);
            hash.update(index.to_string());
            hash.finalize()
        };
        (0..count).max_by_key(|&index| weight(index)).unwrap_or_default()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = SelectionError;

    /// `I/N` counts from 0, as Kubernetes counts pods. `slot:I/N` counts from 1, as Docker's Swarm counts tasks.
    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let slot = text.strip_prefix("slot:");
        let parts = slot.unwrap_or(text).split_once('/').and_then(|(index, count)| {
            let index = number(index)?;
            Some((if slot.is_some() { index.checked_sub(1)? } else { index }, number(count)?))
        });
        match parts {
            Some((index, count)) if index < count && count <= MOST_SHARDS => Ok(Self { index, count }),
            _ => Err(SelectionError::Shard(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> impl Strategy<Value = Vec<ProfileName>> {
        let name = "[a-z0-9][a-z0-9_-]{0,20}".prop_map(|name| name.parse::<ProfileName>().unwrap());
        proptest::collection::btree_set(name.prop_map(|name| name.to_string()), 1..60)
            .prop_map(|names| names.into_iter().map(|name| name.parse().unwrap()).collect())
    }

    fn profile(text: &str) -> ProfileName {
        text.parse().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn every_profile_has_exactly_one_shard(names in names(), count in 1_u32..20) {
            let shards: Vec<Shard> = (0..count).map(|index| format!("{index}/{count}").parse().unwrap()).collect();
            for name in &names {
                prop_assert_eq!(shards.iter().filter(|shard| shard.takes(name)).count(), 1);
            }
        }

        #[test]
        fn one_shard_more_moves_profiles_to_the_new_one_only(names in names(), count in 1_u32..20) {
            for name in &names {
                let (before, after) = (Shard::of(name, count), Shard::of(name, count + 1));
                prop_assert!(after == before || after == count);
            }
        }
    }

    #[test]
    fn one_shard_more_moves_about_its_share() {
        let names: Vec<ProfileName> = (0..3000).map(|number| profile(&format!("profile-{number}"))).collect();
        for count in [1, 2, 3, 7] {
            let moved = names.iter().filter(|name| Shard::of(name, count) != Shard::of(name, count + 1)).count();
            let fair = names.len() / (count as usize + 1);
            // Five standard deviations of the binomial distribution are less than this.
            assert!(moved.abs_diff(fair) < 140, "{count}: {moved} moved, {fair} are fair");
        }
    }

    /// Containers of different versions share a volume, so the shard of a profile must never change.
    #[test]
    fn where_a_profile_belongs_is_for_ever() {
        let of = |name: &str, count| Shard::of(&profile(name), count);
        let belongs: Vec<u32> = ["default", "coder", "writer", "a", "b", "c"].map(|name| of(name, 3)).to_vec();
        assert_eq!(belongs, [1, 2, 1, 0, 1, 1]);
    }

    #[test]
    fn shards_that_are_none() {
        for text in
            ["", "1", "1/", "/2", "2/2", "0/0", "-1/2", "+0/2", "0/1025", "0 /2", "a/b", "0/2/3", "0/99999999999"]
        {
            assert_eq!(text.parse::<Shard>(), Err(SelectionError::Shard(text.to_owned())), "{text}");
        }
        assert_eq!("0/1024".parse::<Shard>(), Ok(Shard { index: 0, count: 1024 }));
        assert_eq!("slot:3/3".parse::<Shard>(), Ok(Shard { index: 2, count: 3 }));
        for text in ["slot:0/3", "slot:4/3", "slot:", "slot:/3", "Slot:1/3", "slot:slot:1/3"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        assert_eq!("1024".parse::<ShardCount>().map(ShardCount::get), Ok(1024));
        for text in ["", "0", "1025", "+1", "3/4", "99999999999"] {
            assert_eq!(text.parse::<ShardCount>(), Err(SelectionError::Count(text.to_owned())), "{text}");
        }
    }
}
