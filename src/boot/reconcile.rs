//! Every profile of a volume gets its service directory; [`Selection`] says which are this container's.
//!
//! What root's manifest and root's saved file name comes first, the rest gets the room that is left, and what cannot be done is a warning.

use std::collections::{BTreeMap, BTreeSet};

use super::error::BootError;
use super::outcome::{Action, Outcome, Reconciled};
use crate::manager::S6Manager;
use crate::render::render;
use crate::s6::{Checked, Published, Room, S6Error, Svscan, plan};
use crate::source::Settings;
use crate::spec::options::{Options, UserName};
use crate::spec::selection::Selection;
use crate::spec::{Gateway, ProfileName};
use crate::volume::{Broken, Deadline, FoundProfile, Intent, Master, SavedManifest, Servant, Store, Volume};

/// A run that gives the profiles of a volume their service directories.
#[derive(Debug)]
pub(crate) struct Reconcile {
    /// The profiles.
    pub(crate) volume: Volume,
    /// Where the saved manifest is.
    pub(crate) store: Store,
    /// Whether that is another place than the volume.
    pub(crate) has_state: bool,
    /// The settings of the image.
    pub(crate) manifest: Settings,
    /// Which profiles are this container's.
    pub(crate) selection: Selection,
    /// The most gateways of profiles that neither manifest names; without it, as many as s6-svscan has room for, and some left over.
    pub(crate) most: Option<u32>,
    /// Whether to say only what would be done.
    pub(crate) dry_run: bool,
}

/// A profile that is to have a gateway, with the settings that it is to have.
struct Wanted {
    profile: ProfileName,
    options: Options,
    intent: Intent,
    /// Whether a manifest names it, or it is the root profile, which is always there.
    named: bool,
}

/// A service directory that is to be made, or to be seen to.
struct New {
    checked: Checked,
    user: UserName,
    named: bool,
}

impl Reconcile {
    /// Does it. A profile that cannot have a gateway stops no other.
    ///
    /// # Errors
    /// If the scandir cannot be read or written.
    pub(crate) fn run(&self, manager: &S6Manager<'_>) -> Result<Reconciled, BootError> {
        // What the service user's processes hold up, they hold up no longer than this, all together.
        let deadline = Deadline::after(manager.timeout());
        let mut done = Reconciled::default();
        let wanted = self.wanted(&mut done);
        let (wanted, gateways) = resolve(wanted, &mut done.broken);
        let new = self.plan(manager, wanted, gateways, &mut done)?;
        if self.dry_run || new.is_empty() {
            return Ok(done);
        }
        self.remove_stale(manager, &new, deadline, &mut done);
        let user = self.manifest.defaults.user.clone().unwrap_or_default();
        let servant = Servant::new(manager.programs(), Master::of(&user), self.volume.path(), deadline);
        // It is opened while the directories are published, which takes as long.
        let log = self.volume.boot_log(&servant);
        // How long supervisors take is no fault of the service user's.
        let left = deadline.left();
        let published = install(manager, &new, &mut done);
        let lines = done.lines(published.as_ref().err());
        if let Err(error) = log.and_then(|log| log.until(deadline.resumed(left)).end(lines.as_bytes())) {
            done.warnings.push(format!("nothing is written to logs/container-boot.log: {error}"));
        }
        published?;
        Ok(done)
    }

    /// The profiles that are to have a gateway in any container, with their settings: those of the image's manifest that are on the
    /// volume, those that were registered at run time, and the others on the volume.
    fn wanted(&self, done: &mut Reconciled) -> Vec<Wanted> {
        let profiles = self.volume.profiles();
        done.broken = profiles.broken;
        done.warnings = profiles.warnings;
        if self.has_state && SavedManifest::is_ignored_on(&self.volume) {
            let what = format!(
                "{}/gateways.toml is not read, since --state names another place; remove it",
                self.volume.path()
            );
            done.warnings.push(what);
        }
        let saved = SavedManifest::open(&self.store).and_then(|saved| saved.settings());
        let saved = saved.unwrap_or_else(|error| {
            done.warnings.extend(error.to_string().lines().map(|line| format!("{line}; it is left out of account")));
            Settings::default()
        });
        let by_name = |settings: &Settings| -> BTreeMap<ProfileName, Options> {
            settings.gateways.iter().map(|(name, own)| (name.clone(), own.clone())).collect()
        };
        let (registered, baked) = (by_name(&saved), by_name(&self.manifest));
        let root = ProfileName::default();
        let in_order = self.manifest.gateways.iter().chain(&saved.gateways).map(|(name, _)| name).chain([&root]);
        let mut seen = BTreeSet::new();
        let mut wanted = Vec::with_capacity(profiles.found.len() + 1);
        // What is named is asked for by name: nothing else on the volume can hide it.
        for name in in_order.filter(|name| seen.insert((*name).clone())) {
            let profile = name.clone();
            let intent = match self.volume.profile(name) {
                Some(found) => found.intent,
                None if registered.contains_key(name) => self.volume.intent(name),
                None => {
                    done.profiles.push(Outcome { profile, intent: Intent::Nothing, action: Action::Absent });
                    continue;
                }
            };
            // What an operator said later wins.
            let options = registered.get(name).or_else(|| baked.get(name)).unwrap_or(&self.manifest.defaults);
            wanted.push(Wanted { profile, options: options.clone(), intent, named: true });
        }
        for FoundProfile { profile, intent } in profiles.found {
            if seen.insert(profile.clone()) {
                let options = self.manifest.defaults.clone();
                wanted.push(Wanted { profile, options, intent, named: false });
            }
        }
        wanted
    }

    /// What is to be made, with what is said of each profile.
    fn plan(
        &self,
        manager: &S6Manager<'_>,
        wanted: Vec<Wanted>,
        gateways: Vec<Gateway>,
        done: &mut Reconciled,
    ) -> Result<Vec<New>, BootError> {
        let live = manager.scandir().is_live()?;
        let mut new: Vec<New> = Vec::new();
        // How many more that nobody named may come; known once one does.
        let mut room: Option<u32> = self.most;
        for (wanted, mut gateway) in wanted.into_iter().zip(gateways) {
            let Wanted { profile, intent, named, .. } = wanted;
            let there = manager.scandir().gateway(&profile).is_ok();
            let broken = |problem: String| Broken { name: profile.to_string(), problem };
            if !self.selection.takes(&profile) {
                if there {
                    let problem = "is another container's by this selection, and registered here; unregister it";
                    done.broken.push(broken(problem.to_owned()));
                }
                done.profiles.push(Outcome { profile, intent, action: Action::Elsewhere });
                continue;
            }
            if !named && !there {
                let left = match room {
                    Some(left) => left,
                    None => Self::room(manager, &new)?,
                };
                if left == 0 {
                    done.broken.push(broken(self.no_room()));
                    room = Some(0);
                    continue;
                }
                room = Some(left - 1);
            }
            gateway.down |= !intent.is_running();
            let checked = Checked::rendered(&render(&gateway), profile.clone());
            let action = match action(manager, &checked, gateway.down) {
                Ok(action) => action,
                Err(problem) => {
                    done.broken.push(broken(problem));
                    continue;
                }
            };
            // One that a killed run published may still have nobody who supervises it.
            let alone = action == Action::Unchanged && live && !manager.scandir().gateway(&profile)?.is_supervised()?;
            if action != Action::Unchanged || alone {
                new.push(New { checked, user: gateway.user, named });
            }
            done.profiles.push(Outcome { profile, intent, action });
        }
        Ok(new)
    }

    /// How many gateways that nobody named fit beside those that are to be made.
    fn room(manager: &S6Manager<'_>, new: &[New]) -> Result<u32, BootError> {
        let svscan = Svscan::of(manager.scandir().path());
        let mut room = Room::of(manager.scandir(), svscan, manager.programs())?;
        room.taken += room.each * u32::try_from(new.len()).unwrap_or(u32::MAX / 2);
        Ok(room.left_for_unnamed())
    }

    fn no_room(&self) -> String {
        match self.most {
            Some(most) => format!("is left out: no manifest names it, and --most takes {most} such profiles"),
            None => "is left out: no manifest names it, and s6-svscan has no room for it; name it in the manifest, \
                     remove profiles that are not needed, or give s6-svscan more room"
                .to_owned(),
        }
    }

    /// Has what gateways of a container that is gone left beside these profiles removed.
    fn remove_stale(&self, manager: &S6Manager<'_>, new: &[New], deadline: Deadline, done: &mut Reconciled) {
        let mut users: BTreeMap<&str, (Master, Vec<ProfileName>)> = BTreeMap::new();
        for New { checked, user, .. } in new {
            let (_, profiles) = users.entry(user.as_str()).or_insert_with(|| (Master::of(user), Vec::new()));
            profiles.push(checked.profile().clone());
        }
        for (master, profiles) in users.into_values() {
            let servant = Servant::new(manager.programs(), master, self.volume.path(), deadline);
            if let Err(error) = self.volume.remove_stale(&servant, &profiles) {
                done.warnings.push(format!("what gateways of a container that is gone left is still there: {error}"));
            }
        }
    }
}

/// Publishes what can be published; what cannot is said of the profile. What is named is up before the rest comes: however much of that
/// there is, s6-svscan has nothing else to do until then.
fn install(manager: &S6Manager<'_>, new: &[New], done: &mut Reconciled) -> Result<(), S6Error> {
    let (named, rest): (Vec<&New>, Vec<&New>) = new.iter().partition(|new| new.named);
    let none_is_named = named.is_empty();
    let mut created = Vec::new();
    for (those, may_fail) in [(named, false), (rest, !none_is_named)] {
        if those.is_empty() {
            continue;
        }
        let checked: Vec<Checked> = those.iter().map(|new| new.checked.clone()).collect();
        let results = match manager.install_each(&checked) {
            Ok(results) => results,
            Err(error) if error.signal().is_some() => {
                manager.withdraw(&created)?;
                return Err(error);
            }
            Err(error) if may_fail => {
                for New { checked, .. } in those {
                    done.fail(checked.profile(), error.to_string());
                }
                break;
            }
            Err(error) => return Err(error),
        };
        for (New { checked, .. }, result) in those.into_iter().zip(results) {
            match result {
                Ok(Published::Created) => created.push(checked.profile()),
                Ok(_) => {}
                Err(error) => done.fail(checked.profile(), error.to_string()),
            }
        }
    }
    Ok(())
}

/// What is to be done for a gateway, or why nothing can be.
fn action(manager: &S6Manager<'_>, checked: &Checked, down: bool) -> Result<Action, String> {
    match plan(manager.scandir(), std::slice::from_ref(checked), false).as_deref() {
        Ok([Published::Created]) if down => Ok(Action::Down),
        Ok([Published::Created]) => Ok(Action::Started),
        Ok(_) => Ok(Action::Unchanged),
        Err(S6Error::Registered { .. }) => {
            Err("is registered here and differs from its settings; unregister it and reconcile again".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Gives out the ports, leaving out who cannot have the one that it wants: they are the same in every container of a volume.
fn resolve(mut wanted: Vec<Wanted>, broken: &mut Vec<Broken>) -> (Vec<Wanted>, Vec<Gateway>) {
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
