//! The profiles that should have a gateway in any container of a volume, with their settings.

use std::collections::{BTreeMap, BTreeSet};

use super::outcome::{Action, Outcome, Reconciled};
use crate::source::Settings;
use crate::spec::options::Options;
use crate::spec::selection::Selection;
use crate::spec::{Gateway, ProfileName};
use crate::volume::{Broken, FoundProfile, Homes, Intent, SavedManifest, Store, Volume};

/// A profile that should have a gateway, with its settings.
pub(super) struct Wanted {
    pub(super) profile: ProfileName,
    pub(super) options: Options,
    pub(super) intent: Intent,
    /// Whether a manifest names it, or it is the root profile, which always exists.
    pub(super) named: bool,
}

/// Where to find out what is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) volume: &'a Volume,
    /// The homes of the gateways.
    pub(super) homes: &'a Homes,
    /// The place of the saved manifest.
    pub(super) store: &'a Store,
    /// Whether that place is not on the volume.
    pub(super) has_state: bool,
    /// The settings of the image.
    pub(super) manifest: &'a Settings,
    /// Which profiles belong to this container.
    pub(super) selection: &'a Selection,
    /// Whether Hermes would make the missing profiles, and this run only says what it would do.
    pub(super) would_create: bool,
}

/// Everything that is wanted.
pub(super) struct All {
    pub(super) wanted: Vec<Wanted>,
    /// Whether all sources could be read, so that a profile that is not in the list is not wanted.
    pub(super) is_whole: bool,
}

/// The profiles that should have a gateway in any container, with their settings: those of the image's manifest that are on the volume, those that
/// were registered at run time, and the others on the volume. An isolated gateway needs no profile there.
pub(super) fn wanted(sources: Sources<'_>, done: &mut Reconciled) -> All {
    let Sources { volume, homes, store, has_state, manifest, selection, would_create } = sources;
    let profiles = volume.profiles();
    done.broken.extend(profiles.broken);
    let mut is_whole = profiles.warnings.is_empty();
    done.warnings.extend(profiles.warnings);
    if has_state && SavedManifest::is_ignored_on(volume) {
        let what = format!(
            "{}/gateways.toml is not read, because the saved manifest is in another directory; remove it",
            volume.path()
        );
        done.warnings.push(what);
    }
    let saved = SavedManifest::open(store).and_then(|saved| saved.settings());
    let saved = saved.unwrap_or_else(|error| {
        is_whole = false;
        done.warnings.extend(error.to_string().lines().map(|line| format!("{line}; it is ignored")));
        Settings::default()
    });
    let by_name = |settings: &Settings| -> BTreeMap<ProfileName, Options> {
        settings.gateways.iter().map(|(name, own)| (name.clone(), own.clone())).collect()
    };
    let (registered, baked) = (by_name(&saved), by_name(manifest));
    let unnamed = Options::default().or(&manifest.defaults);
    let root = ProfileName::default();
    let in_order = manifest.gateways.iter().chain(&saved.gateways).map(|(name, _)| name).chain([&root]);
    let mut seen = BTreeSet::new();
    let mut wanted = Vec::with_capacity(profiles.found.len() + 1);
    // Each named profile is looked up by its name, so nothing else on the volume can hide it.
    for name in in_order.filter(|name| seen.insert((*name).clone())) {
        let profile = name.clone();
        // What an operator registered later wins.
        let own = registered.get(name).or_else(|| baked.get(name));
        let options = own.unwrap_or(&unnamed);
        let intent = match volume.profile(name) {
            found if options.is_isolated() => match own {
                Some(_) => {
                    if found.is_some() && !name.is_default() {
                        let what = format!(
                            "profile {name} of the shared home has no gateway, because the isolated gateway has its name; rename one of them"
                        );
                        done.warnings.push(what);
                    }
                    if !homes.has(name)
                        && let Some(action) = awaited(selection, name)
                    {
                        done.profiles.push(Outcome { profile, intent: Intent::Nothing, action });
                        continue;
                    }
                    homes.intent_apart(name)
                }
                // The shared home has no gateway then, so its root profile needs none.
                None => continue,
            },
            Some(found) => found.intent,
            None if registered.contains_key(name) => volume.intent(name),
            None => {
                // If the volume belongs to this container alone, a profile of another shard does not matter.
                if selection.own.is_none() || selection.takes(name) {
                    let absent = if would_create { Action::Made } else { Action::Absent };
                    let action = awaited(selection, name).unwrap_or(absent);
                    done.profiles.push(Outcome { profile, intent: Intent::Nothing, action });
                }
                continue;
            }
        };
        wanted.push(Wanted { profile, options: options.clone(), intent, named: true });
    }
    for FoundProfile { profile, intent } in profiles.found {
        if seen.insert(profile.clone()) {
            if manifest.defaults.is_isolated() {
                let problem = "shares a home, but [defaults] isolates every gateway; name it in the manifest with isolated = false".to_owned();
                done.broken.push(Broken { name: profile.to_string(), problem });
                continue;
            }
            let options = unnamed.clone();
            wanted.push(Wanted { profile, options, intent, named: false });
        }
    }
    All { wanted, is_whole }
}

/// The action for a profile that this container takes and another container had before.
fn awaited(selection: &Selection, profile: &ProfileName) -> Option<Action> {
    let (shard, before) = selection.awaits(profile).filter(|_| selection.takes(profile))?;
    Some(Action::Awaited(shard, before))
}

/// Assigns the ports. Profiles that cannot get the port that they want are left out. The ports are the same in every container of a volume.
pub(super) fn resolve(mut wanted: Vec<Wanted>, broken: &mut Vec<Broken>) -> (Vec<Wanted>, Vec<Gateway>) {
    loop {
        let all = wanted.iter().map(|wanted| (wanted.profile.clone(), wanted.options.clone())).collect();
        match Gateway::resolve(all) {
            Ok(gateways) => return (wanted, gateways),
            Err(problems) => {
                let mut of: BTreeMap<usize, String> = BTreeMap::new();
                for (index, problem) in problems {
                    of.entry(index).or_insert_with(|| problem.to_string());
                }
                let mut index = 0;
                wanted.retain(|wanted| {
                    let own = of.remove(&index);
                    index += 1;
                    let fine = own.is_none();
                    broken.extend(own.map(|problem| Broken { name: wanted.profile.to_string(), problem }));
                    fine
                });
            }
        }
    }
}
