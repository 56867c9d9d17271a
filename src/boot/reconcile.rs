//! Every profile of a volume gets its service directory. [`Selection`] says which profiles belong to this container.
//!
//! The gateways of root's manifest and of root's saved file come first, and the others get the room that is left. A step that is not possible is a
//! warning.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

use super::create::create;
use super::error::BootError;
use super::make::{New, action, adopt, install, lay_ghosts, runs};
use super::orphans::{orphans, remove};
use super::outcome::{Action, Outcome, Reconciled};
use super::served::{Place, Served, complain};
use super::wanted::{All, Sources, Wanted, resolve, wanted};
use crate::manager::S6Manager;
use crate::render::render;
use crate::s6::{Checked, LiveService, Room, Svscan};
use crate::source::Settings;
use crate::spec::selection::Selection;
use crate::spec::{Gateway, ProfileName};
use crate::volume::{Broken, Deadline, Home, Homes, Intent, Master, Servant, Store, Volume};

/// A run that gives the profiles of a volume their service directories.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of a person")]
pub(crate) struct Reconcile {
    /// The profiles.
    pub(crate) volume: Volume,
    /// The homes: that of these profiles, and those of isolated gateways.
    pub(crate) homes: Homes,
    /// The place of the saved manifest.
    pub(crate) store: Store,
    /// Whether that place is not on the volume.
    pub(crate) has_state: bool,
    /// The settings of the image.
    pub(crate) manifest: Settings,
    /// Which profiles belong to this container.
    pub(crate) selection: Selection,
    /// The most gateways of profiles that neither manifest names. Without it, as many as s6-svscan has room for, minus a reserve.
    pub(crate) most: Option<u32>,
    /// Whether Hermes makes the profiles that the manifest names and the volume lacks.
    pub(crate) creates: bool,
    /// Whether the gateway of a volume on which none has run yet should run.
    pub(crate) bootstrap: bool,
    /// Whether the outcome belongs in the log of boots.
    pub(crate) logs: bool,
    /// Whether to take out the gateways whose profile is gone. Otherwise they are only reported.
    pub(crate) prune: bool,
    /// Whether to say only what would be done.
    pub(crate) dry_run: bool,
}

impl Reconcile {
    /// Runs it. A profile that cannot have a gateway does not stop the others.
    ///
    /// # Errors
    /// If the scandir cannot be read or written.
    pub(crate) fn run(&self, manager: &S6Manager<'_>) -> Result<Reconciled, BootError> {
        // The processes of the service user may delay a run by no more than this, all together.
        let mut deadline = Deadline::after(manager.timeout());
        let mut done = Reconciled::default();
        if !self.dry_run {
            lay_ghosts(manager, &mut done)?;
            if self.bootstrap {
                self.bootstrap(manager, deadline, &mut done);
            }
        }
        let sources = Sources {
            volume: &self.volume,
            homes: &self.homes,
            store: &self.store,
            has_state: self.has_state,
            manifest: &self.manifest,
            selection: &self.selection,
            would_create: self.creates && self.dry_run,
        };
        if self.creates && !self.dry_run {
            // That step has its own time limit.
            let left = deadline.left();
            create(sources, manager.programs(), manager.timeout(), &mut done);
            deadline = deadline.resumed(left);
        }
        let All { wanted, is_whole } = wanted(sources, &mut done);
        let of_s6_rc =
            |profile: &ProfileName| manager.scandir().gateway(profile).is_ok_and(|service| service.is_of_s6_rc());
        for outcome in done.profiles.iter_mut().filter(|outcome| of_s6_rc(&outcome.profile)) {
            outcome.action = Action::LeftToS6Rc;
        }
        let served = Served::of(&self.volume, &wanted);
        if is_whole {
            done.orphans = orphans(manager, &self.volume, &wanted, &served)?;
        }
        done.is_whole = true;
        let (wanted, gateways) = resolve(wanted, &mut done.broken);
        let new = self.plan(manager, wanted, gateways, &served, &mut done)?;
        if self.dry_run {
            return Ok(done);
        }
        let made = self.make(manager, &new, deadline, &mut done);
        if self.prune && made.is_ok() {
            let orphans = std::mem::take(&mut done.orphans);
            remove(manager, &self.volume, orphans, &mut done);
        }
        made.map(|()| done)
    }

    /// Makes what has to be made, and records what happened to each profile.
    fn make(
        &self,
        manager: &S6Manager<'_>,
        new: &[New],
        deadline: Deadline,
        done: &mut Reconciled,
    ) -> Result<(), BootError> {
        if new.is_empty() {
            return Ok(());
        }
        let new = &adopt(manager, new, done)?[..];
        Self::remove_stale(manager, new, deadline, done);
        let user = self.manifest.defaults.user.clone().unwrap_or_default();
        let servant = Servant::new(manager.programs(), Master::of(&user), self.volume.path(), deadline);
        // The log is opened while the directories are published, because both take as long.
        let log = self.logs.then(|| self.volume.boot_log(&servant));
        // The service user is not responsible for the time that supervisors take.
        let left = deadline.left();
        let published = install(manager, new, done);
        let lines = done.lines(published.as_ref().err());
        let written = log.map_or(Ok(()), |log| log?.until(deadline.resumed(left)).end(lines.as_bytes()));
        if let Err(error) = written {
            done.warnings.push(format!("cannot write logs/container-boot.log: {error}"));
        }
        Ok(published?)
    }

    /// Records the first gateway of a fresh volume as running, once in a boot.
    fn bootstrap(&self, manager: &S6Manager<'_>, deadline: Deadline, done: &mut Reconciled) {
        if manager.scandir().gateway(&ProfileName::default()).is_ok() {
            return;
        }
        let user = self.manifest.defaults.user.clone().unwrap_or_default();
        let servant = Servant::new(manager.programs(), Master::of(&user), self.volume.path(), deadline);
        if let Err(error) = self.volume.bootstrap(&servant) {
            done.warnings.push(format!("the first gateway of this volume is not started: {error}"));
        }
    }

    /// What has to be made, and what to report for each profile.
    fn plan(
        &self,
        manager: &S6Manager<'_>,
        wanted: Vec<Wanted>,
        gateways: Vec<Gateway>,
        served: &Served,
        done: &mut Reconciled,
    ) -> Result<Vec<New>, BootError> {
        let live = manager.scandir().is_live()?;
        let mut new: Vec<New> = Vec::new();
        // The room for new gateways, and how many more unnamed ones may come. Both are computed when the first one comes.
        let mut room: Option<Room> = None;
        let mut unnamed: Option<u32> = self.most;
        let mut root_runs = false;
        for (wanted, mut gateway) in wanted.into_iter().zip(gateways) {
            let profile = wanted.profile.clone();
            let found = manager.scandir().gateway(&profile).ok();
            let there = found.is_some();
            let broken = |problem: String| Broken { name: profile.to_string(), problem };
            if !self.selection.takes(&profile) {
                if there {
                    let problem =
                        "belongs to another container by this selection, but is registered here; unregister it";
                    done.broken.push(broken(problem.to_owned()));
                }
                root_runs |= profile.is_default();
                if self.selection.own.is_none() {
                    done.profiles.push(Outcome { profile, intent: wanted.intent, action: Action::Elsewhere });
                } else if !profile.is_default() && (!wanted.options.is_isolated() || self.homes.has(&profile)) {
                    done.broken.push(broken(self.selection.strays(&profile)));
                }
                continue;
            }
            if found.as_ref().is_some_and(LiveService::is_of_s6_rc) {
                root_runs |= profile.is_default() && runs(manager, &profile);
                done.profiles.push(Outcome { profile, intent: wanted.intent, action: Action::LeftToS6Rc });
                continue;
            }
            if !wanted.options.is_isolated() && found.is_some_and(|service| service.is_isolated()) {
                // The manifest decides about an isolated gateway. A profile of its name on the volume, which the service user can make, changes
                // nothing.
                let problem = "has no gateway of its own, because an isolated gateway has its name";
                done.broken.push(broken(problem.to_owned()));
                continue;
            }
            let place = served.place(&wanted, there);
            // It is the first gateway of its home, as on a fresh volume.
            let is_first = self.bootstrap && gateway.owner.is_isolated();
            let begins = (is_first || self.begins(&profile)) && wanted.intent == Intent::Nothing;
            gateway.down |= served.is_down(&wanted) && !begins || place == Place::Down;
            if profile.is_default() {
                root_runs = if there { runs(manager, &profile) } else { !gateway.down };
            }
            let Wanted { intent, named, .. } = wanted;
            if place == Place::Nothing {
                let action = served.action(&profile);
                done.profiles.push(Outcome { profile, intent, action });
                continue;
            }
            if !there {
                let room = match room {
                    Some(room) => room,
                    None => *room.insert(Self::room(manager)?),
                };
                let left =
                    if named { room.left_for_named() } else { *unnamed.get_or_insert_with(|| room.left_for_unnamed()) };
                if left == 0 {
                    done.broken.push(broken(self.no_room(named)));
                    continue;
                }
            }
            served.fit(&mut gateway);
            let checked = Checked::rendered(&render(&gateway));
            let action = match action(manager, &profile, &checked, gateway.down) {
                Ok(action) => action,
                Err(problem) => {
                    done.broken.push(broken(problem));
                    continue;
                }
            };
            // A gateway that a killed run published may still have no supervisor.
            let alone = action == Action::Unchanged && live && !manager.scandir().gateway(&profile)?.is_supervised()?;
            if action != Action::Unchanged || alone {
                let adopted = action == Action::Adopted;
                let home = self.homes.of(&profile, &gateway.owner);
                new.push(New { profile: profile.clone(), checked, home, named, adopted });
            }
            if !there && let Some(room) = &mut room {
                room.taken += room.each;
                unnamed = unnamed.map(|left| left - u32::from(!named));
            }
            done.profiles.push(Outcome { profile, intent, action });
        }
        complain(root_runs, done);
        Ok(new)
    }

    /// Whether a gateway that has never run should run: it should, on a volume that belongs to this container alone, if root's manifest names it.
    fn begins(&self, profile: &ProfileName) -> bool {
        self.selection.own.is_some() && self.manifest.gateways.iter().any(|(name, _)| name == profile)
    }

    /// The room for gateways.
    fn room(manager: &S6Manager<'_>) -> Result<Room, BootError> {
        Ok(Room::of(manager.scandir(), Svscan::of(manager.scandir().path()), manager.programs())?)
    }

    /// Why a profile has no gateway.
    fn no_room(&self, named: bool) -> String {
        if named {
            return "is left out: s6-svscan has no room for it; divide the gateways among replicas with --shard or GATEWAYS_SHARD".to_owned();
        }
        match self.most {
            Some(most) => format!("is left out: no manifest names it, and --most takes {most} such profiles"),
            None => "is left out: no manifest names it, and s6-svscan has no room for it; name it in the manifest, \
                     remove profiles that are not needed, or give s6-svscan more room"
                .to_owned(),
        }
    }

    /// Removes the files that gateways of an earlier container left beside these profiles.
    fn remove_stale(manager: &S6Manager<'_>, new: &[&New], deadline: Deadline, done: &mut Reconciled) {
        let mut homes: BTreeMap<(String, Utf8PathBuf), (&Home, Vec<ProfileName>)> = BTreeMap::new();
        for New { home, .. } in new {
            let key = (home.user(), home.path.clone());
            homes.entry(key).or_insert_with(|| (home, Vec::new())).1.push(home.profile.clone());
        }
        for (home, profiles) in homes.into_values() {
            let removed = home.open_if_made().map_err(|error| error.to_string()).and_then(|volume| {
                let Some(volume) = volume else { return Ok(()) };
                let servant = Servant::new(manager.programs(), home.master(), volume.path(), deadline);
                volume.remove_stale(&servant, &profiles).map_err(|error| error.to_string())
            });
            if let Err(error) = removed {
                done.warnings.push(format!("cannot remove what gateways of an earlier container left: {error}"));
            }
        }
    }
}
