//! Which profiles of a shared volume are this container's.

use std::str::FromStr;

use glob::Pattern;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::profile::ProfileName;
use crate::base::text::Shown;

/// The profiles that this container takes; all of them unless something is said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// Those that match one of these, where there are any.
    pub only: Vec<ProfilePattern>,
    /// But none that matches one of these.
    pub except: Vec<ProfilePattern>,
    /// And of those, the ones of this shard.
    pub shard: Option<Shard>,
}

impl Selection {
    /// Whether this profile is one of them.
    pub(crate) fn takes(&self, profile: &ProfileName) -> bool {
        let any = |patterns: &[ProfilePattern]| patterns.iter().any(|pattern| pattern.matches(profile));
        (self.only.is_empty() || any(&self.only))
            && !any(&self.except)
            && self.shard.is_none_or(|shard| shard.takes(profile))
    }
}

/// A pattern of profile names, as a shell has it: `*`, `?`, `[a-c]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProfilePattern(Pattern);

impl ProfilePattern {
    fn matches(&self, profile: &ProfileName) -> bool {
        self.0.matches(profile.as_str())
    }
}

impl FromStr for ProfilePattern {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let wrong = |problem: &str| SelectionError::Pattern { text: text.to_owned(), problem: problem.to_owned() };
        // A pattern that can match no profile more likely is a mistake than meant.
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-*?[]!".contains(c);
        if text.is_empty() || !text.chars().all(known) {
            return Err(wrong("no profile has such a name"));
        }
        Pattern::new(text).map(Self).map_err(|error| wrong(error.msg))
    }
}

/// One of several containers that share the profiles of a volume, each profile belonging to exactly one.
///
/// Rendezvous hashing: a profile goes to the shard for which SHA-256 of `profile NUL index` is the highest. So with one shard more,
/// only those profiles move that the new one takes, about one in so many as there are shards then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    index: u32,
    count: u32,
}

impl Shard {
    /// The most shards there can be.
    pub(crate) const MOST: u32 = 1024;

    /// Which one it is, counted from 0.
    pub(crate) fn index(self) -> u32 {
        self.index
    }

    /// Whether this profile is this shard's.
    pub(crate) fn takes(self, profile: &ProfileName) -> bool {
        Self::of(profile, self.count) == self.index
    }

    /// The shard, from 0, to which a profile belongs where there are so many.
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

impl FromStr for Shard {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            if digits { text.parse::<u32>().ok() } else { None }
        };
        let parts = text.split_once('/').and_then(|(index, count)| Some((number(index)?, number(count)?)));
        match parts {
            Some((index, count)) if index < count && count <= Self::MOST => Ok(Self { index, count }),
            _ => Err(SelectionError::Shard(text.to_owned())),
        }
    }
}

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
    #[error("{} is no shard; write I/N with I from 0 to N-1 and N at most {}, such as 0/3", Shown(.0), Shard::MOST)]
    Shard(String),
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

        #[test]
        fn a_selection_is_the_intersection_of_what_is_said(names in names(), count in 1_u32..5, index in 0_u32..5) {
            let shard = Shard { index: index % count, count };
            let patterns = |text: &str| vec![text.parse::<ProfilePattern>().unwrap()];
            let all = Selection { only: patterns("[a-m]*"), except: patterns("*-?"), shard: Some(shard) };
            for name in &names {
                let text = name.as_str();
                let is = text.starts_with(|c| ('a'..='m').contains(&c));
                let not = text.chars().rev().nth(1) == Some('-');
                prop_assert_eq!(all.takes(name), is && !not && shard.takes(name), "{}", text);
            }
        }
    }

    #[test]
    fn one_shard_more_moves_about_its_share() {
        let names: Vec<ProfileName> = (0..3000).map(|number| profile(&format!("profile-{number}"))).collect();
        for count in [1, 2, 3, 7] {
            let moved = names.iter().filter(|name| Shard::of(name, count) != Shard::of(name, count + 1)).count();
            let fair = names.len() / (count as usize + 1);
            // Five standard deviations of a binomial distribution are less than this.
            assert!(moved.abs_diff(fair) < 140, "{count}: {moved} moved, {fair} are fair");
        }
    }

    /// Containers of different versions share a volume: where a profile belongs must never change.
    #[test]
    fn where_a_profile_belongs_is_for_ever() {
        let of = |name: &str, count| Shard::of(&profile(name), count);
        let belongs: Vec<u32> = ["default", "coder", "writer", "a", "b", "c"].map(|name| of(name, 3)).to_vec();
        assert_eq!(belongs, [1, 2, 1, 0, 1, 1]);
    }

    #[test]
    fn shards_and_patterns_that_are_none() {
        for text in
            ["", "1", "1/", "/2", "2/2", "0/0", "-1/2", "+0/2", "0/1025", "0 /2", "a/b", "0/2/3", "0/99999999999"]
        {
            assert_eq!(text.parse::<Shard>(), Err(SelectionError::Shard(text.to_owned())), "{text}");
        }
        assert_eq!("0/1024".parse::<Shard>(), Ok(Shard { index: 0, count: 1024 }));
        for text in ["", "Team-*", "a/*", "a b", "[a", "***"] {
            assert!(matches!(text.parse::<ProfilePattern>(), Err(SelectionError::Pattern { .. })), "{text}");
        }
    }
}
