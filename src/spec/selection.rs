//! Which profiles belong to this container.

use std::str::FromStr;

use glob::Pattern;

use super::profile::ProfileName;
use super::selection_error::SelectionError;
use super::shard::{Shard, ShardCount};

/// The profiles that this container takes: all of them by default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// Takes only profiles that match one of these, if there are any.
    pub only: Vec<ProfilePattern>,
    /// Takes no profile that matches one of these.
    pub except: Vec<ProfilePattern>,
    /// Of those, takes only the profiles of this shard.
    pub shard: Option<Shard>,
    /// What is known about where profiles come from, if the volume belongs to this container alone.
    pub own: Option<Own>,
}

/// What is known if each container has its own volume.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Own {
    /// The former number of shards, if it has changed. Profiles that belonged to another shard then are on the volume of that shard.
    pub before: Option<ShardCount>,
}

impl Selection {
    /// Whether this container takes the profile.
    pub(crate) fn takes(&self, profile: &ProfileName) -> bool {
        let any = |patterns: &[ProfilePattern]| patterns.iter().any(|pattern| pattern.matches(profile));
        (self.only.is_empty() || any(&self.only)) && !any(&self.except) && self.is_in_shard(profile)
    }

    fn is_in_shard(&self, profile: &ProfileName) -> bool {
        self.shard.is_none_or(|shard| match self.own {
            Some(_) => shard.count().holds(profile) == shard.index(),
            None => shard.takes(profile),
        })
    }

    /// What is wrong with a profile that is on this container's own volume but belongs to another container.
    pub(crate) fn strays(&self, profile: &ProfileName) -> String {
        match self.shard {
            Some(shard) => {
                let (count, holder) = (shard.count(), shard.count().holds(profile));
                format!(
                    "belongs to shard {holder} of {count}, but is on the volume of shard {}; gatewayctl shard says how to move it",
                    shard.index()
                )
            }
            None => "is on this container's volume, but --only and --except leave it out; move it to another volume"
                .to_owned(),
        }
    }

    /// The shard that had this profile before, and the number of shards then, if it was another shard. The profile is on the volume of that
    /// shard until somebody moves it.
    pub(crate) fn awaits(&self, profile: &ProfileName) -> Option<(u32, ShardCount)> {
        let (shard, before) = (self.shard?, self.own?.before?);
        let had = before.holds(profile);
        (had != shard.index()).then_some((had, before))
    }
}

/// A pattern of profile names, as in a shell: `*`, `?`, `[a-c]`.
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
        // A pattern that can match no profile is probably a mistake.
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-*?[]!".contains(c);
        if text.is_empty() || !text.chars().all(known) {
            return Err(wrong("it can match no profile"));
        }
        Pattern::new(text).map(Self).map_err(|error| wrong(error.msg))
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

    fn count_of(number: u32) -> ShardCount {
        number.to_string().parse().unwrap()
    }

    fn profile(text: &str) -> ProfileName {
        text.parse().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn a_selection_is_the_intersection_of_what_is_said(names in names(), count in 1_u32..5, index in 0_u32..5) {
            let shard: Shard = format!("{}/{count}", index % count).parse().unwrap();
            let patterns = |text: &str| vec![text.parse::<ProfilePattern>().unwrap()];
            let all = Selection { only: patterns("[a-m]*"), except: patterns("*-?"), shard: Some(shard), own: None };
            for name in &names {
                let text = name.as_str();
                let is = text.starts_with(|c| ('a'..='m').contains(&c));
                let not = text.chars().rev().nth(1) == Some('-');
                prop_assert_eq!(all.takes(name), is && !not && shard.takes(name), "{}", text);
            }
        }
    }

    #[test]
    fn with_volumes_of_their_own_the_root_profile_stays_and_what_another_had_is_awaited() {
        let of = |index, count, before: Option<u32>| Selection {
            shard: Some(format!("{index}/{count}").parse().unwrap()),
            own: Some(Own { before: before.map(count_of) }),
            ..Selection::default()
        };
        for count in 1..20 {
            assert!(of(0, count, None).takes(&ProfileName::default()));
            assert!(!of(count, count + 1, None).takes(&ProfileName::default()));
        }
        for number in 0..200 {
            let name = profile(&format!("profile-{number}"));
            for index in 0..4 {
                let selection = of(index, 4, Some(3));
                let before = count_of(3).holds(&name);
                assert_eq!(selection.takes(&name), count_of(4).holds(&name) == index);
                assert_eq!(selection.awaits(&name), (before != index).then_some((before, count_of(3))));
                assert_eq!(of(index, 4, None).awaits(&name), None);
            }
        }
    }

    #[test]
    fn patterns_that_are_none() {
        for text in ["", "Team-*", "a/*", "a b", "[a", "***"] {
            assert!(matches!(text.parse::<ProfilePattern>(), Err(SelectionError::Pattern { .. })), "{text}");
        }
    }
}
