//! What a boot needs: the profiles are on a volume, and the scandir is empty.
//!
//! [`Reconcile`] gives every profile of a volume its service directory. [`volume`](Volume) reads the profiles and what Hermes
//! recorded of each ([`Intent`]), [`Selection`] says which are this container's, [`SavedManifest`] keeps what was registered at
//! run time. What is changed below the home of Hermes is changed by the service user.

mod desire;
mod intent;
mod saved;
mod selection;
mod servant;
mod volume;

pub(crate) use desire::record;
pub use intent::Intent;
pub use saved::{SavedManifest, Written};
pub use selection::{ProfilePattern, Selection, SelectionError, Shard};
pub use volume::{Broken, FoundProfile, Volume};

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;

use crate::error::Error;
use crate::gateway::Gateway;
use crate::manager::S6Manager;
use crate::manifest::Settings;
use crate::options::{Options, UserName};
use crate::profile::ProfileName;
use crate::publish::{self, Checked, Published};
use crate::render::render;
use servant::Servant;

/// Files that Hermes leaves beside a profile and that name processes of a container that is gone.
const STALE: [&str; 2] = ["gateway.pid", "processes.json"];

/// A run that gives the profiles of a volume their service directories.
#[derive(Debug)]
pub struct Reconcile {
    /// The profiles.
    pub volume: Volume,
    /// The settings of the image.
    pub manifest: Settings,
    /// Which profiles are this container's.
    pub selection: Selection,
    /// Whether to say only what would be done.
    pub dry_run: bool,
}

/// What became of each profile.
#[derive(Debug, Default)]
pub struct Reconciled {
    /// Every profile, in the order of the manifest, then of what was registered at run time, then by name.
    pub profiles: Vec<Outcome>,
    /// What can have no gateway, and why.
    pub broken: Vec<Broken>,
    /// What went wrong without stopping anything, one sentence each.
    pub warnings: Vec<String>,
}

/// What became of one profile.
#[derive(Debug)]
pub struct Outcome {
    /// The profile.
    pub profile: ProfileName,
    /// What Hermes had recorded.
    pub intent: Intent,
    /// What was done, or would be.
    pub action: Action,
}

/// What is done for a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Its service directory was made, and it starts.
    Started,
    /// Its service directory was made, and it is down until somebody starts it.
    Down,
    /// Its service directory was there.
    Unchanged,
    /// It is another container's.
    Elsewhere,
    /// The manifest names it, and it is not on the volume.
    Absent,
}

/// A profile that is to have a gateway, with the settings that it is to have.
struct Wanted {
    profile: ProfileName,
    options: Options,
    directory: Utf8PathBuf,
    intent: Intent,
}

impl Reconcile {
    /// Does it. A profile that cannot have a gateway stops no other.
    ///
    /// # Errors
    /// Where the volume or the scandir cannot be read, or the service directories not be published.
    pub fn run(&self, manager: &S6Manager<'_>) -> Result<Reconciled, Error> {
        let mut done = Reconciled::default();
        let wanted = self.wanted(&mut done)?;
        let (wanted, gateways) = resolve(wanted, &mut done.broken);
        let live = manager.scandir().is_live()?;

        let mut new: Vec<(Checked, UserName)> = Vec::new();
        let mut stale: Vec<(UserName, Vec<Utf8PathBuf>)> = Vec::new();
        for (wanted, mut gateway) in wanted.into_iter().zip(gateways) {
            let Wanted { profile, directory, intent, .. } = wanted;
            let there = manager.scandir().gateway(&profile).is_ok();
            if !self.selection.takes(&profile) {
                if there {
                    let problem = "is another container's by this selection, and registered here; unregister it";
                    done.broken.push(Broken { name: profile.to_string(), problem: problem.to_owned() });
                }
                done.profiles.push(Outcome { profile, intent, action: Action::Elsewhere });
                continue;
            }
            gateway.down |= !intent.is_running();
            let checked = Checked::rendered(&render(&gateway), profile.clone());
            let action = match action(manager, &checked, gateway.down) {
                Ok(action) => action,
                Err(problem) => {
                    done.broken.push(Broken { name: profile.to_string(), problem });
                    continue;
                }
            };
            // One that a killed run published may still have nobody who supervises it.
            let alone = action == Action::Unchanged && live && !manager.scandir().gateway(&profile)?.is_supervised()?;
            if action != Action::Unchanged || alone {
                let files = STALE.map(|name| directory.join(name));
                match stale.iter_mut().find(|(user, _)| *user == gateway.user) {
                    Some((_, all)) => all.extend(files),
                    None => stale.push((gateway.user.clone(), files.to_vec())),
                }
                new.push((checked, gateway.user));
            }
            done.profiles.push(Outcome { profile, intent, action });
        }
        if self.dry_run || new.is_empty() {
            return Ok(done);
        }
        for (user, files) in &stale {
            if let Err(error) = Servant::new(manager.programs(), user).remove(files) {
                done.warnings.push(format!("what gateways of a container that is gone left is still there: {error}"));
            }
        }
        let checked: Vec<Checked> = new.iter().map(|(checked, _)| checked.clone()).collect();
        let user = self.manifest.defaults.user.clone().unwrap_or_default();
        // It is opened while the directories are published, which takes as long.
        let log = Servant::new(manager.programs(), &user).log(self.volume.home());
        let published = manager.install(&checked, false);
        let lines = done.lines(published.as_ref().err(), manager);
        if let Err(error) = log.and_then(|log| log.end(&lines)) {
            done.warnings.push(format!("nothing is written to logs/container-boot.log: {error}"));
        }
        published.map(|_| done)
    }

    /// The profiles that are to have a gateway in any container, with their settings: those of the image's manifest that are on the
    /// volume, those that were registered at run time, and the others on the volume.
    fn wanted(&self, done: &mut Reconciled) -> Result<Vec<Wanted>, Error> {
        let (found, broken) = self.volume.profiles()?;
        done.broken = broken;
        let saved = SavedManifest::open(&self.volume).and_then(|saved| saved.settings());
        let saved = saved.unwrap_or_else(|error| {
            done.warnings.extend(error.to_string().lines().map(|line| format!("{line}; it is left out of account")));
            Settings::default()
        });
        let on_volume: BTreeMap<&ProfileName, &FoundProfile> =
            found.iter().map(|found| (&found.profile, found)).collect();
        let registered: BTreeMap<&ProfileName, &Options> =
            saved.gateways.iter().map(|(name, own)| (name, own)).collect();
        let baked: BTreeMap<&ProfileName, &Options> =
            self.manifest.gateways.iter().map(|(name, own)| (name, own)).collect();
        let in_order = self.manifest.gateways.iter().chain(&saved.gateways).map(|(name, _)| name);
        let mut seen = BTreeSet::new();
        let mut wanted = Vec::with_capacity(found.len());
        for name in in_order.chain(found.iter().map(|found| &found.profile)).filter(|name| seen.insert(*name)) {
            let (directory, intent) = match on_volume.get(name) {
                Some(found) => (found.directory.clone(), found.intent.clone()),
                None if registered.contains_key(name) => self.volume.intent_of(name),
                None => {
                    let (profile, intent) = (name.clone(), Intent::Nothing);
                    done.profiles.push(Outcome { profile, intent, action: Action::Absent });
                    continue;
                }
            };
            // What an operator said later wins.
            let options = registered.get(name).or_else(|| baked.get(name)).copied().unwrap_or(&self.manifest.defaults);
            wanted.push(Wanted { profile: name.clone(), options: options.clone(), directory, intent });
        }
        Ok(wanted)
    }
}

/// What is to be done for a gateway, or why nothing can be.
fn action(manager: &S6Manager<'_>, checked: &Checked, down: bool) -> Result<Action, String> {
    match publish::plan(manager.scandir(), std::slice::from_ref(checked), false).as_deref() {
        Ok([Published::Created]) if down => Ok(Action::Down),
        Ok([Published::Created]) => Ok(Action::Started),
        Ok(_) => Ok(Action::Unchanged),
        Err(Error::Registered { .. }) => {
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
                let mut index = 0;
                wanted.retain(|wanted| {
                    let own = problems.iter().find(|(at, _)| *at == index);
                    index += 1;
                    if let Some((_, problem)) = own {
                        broken.push(Broken { name: wanted.profile.to_string(), problem: problem.to_string() });
                    }
                    own.is_none()
                });
            }
        }
    }
}

impl Action {
    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Down => "down",
            Self::Unchanged => "unchanged",
            Self::Elsewhere => "elsewhere",
            Self::Absent => "absent",
        }
    }
}

impl Reconciled {
    /// What stands in the log of boots: a line for each profile that is this container's, and for each that is broken.
    fn lines(&self, failure: Option<&Error>, manager: &S6Manager<'_>) -> String {
        let here = self.profiles.iter().filter(|outcome| outcome.action != Action::Elsewhere);
        let profiles = here.map(|Outcome { profile, intent, action }| {
            let made = matches!(action, Action::Started | Action::Down);
            let failed = failure.is_some() && made && manager.scandir().gateway(profile).is_err();
            let action = if failed { "failed" } else { action.word() };
            format!("profile={profile} prior_state={intent} action={action}\n")
        });
        let broken = self.broken.iter().map(|Broken { name, problem }| {
            format!("profile={name:?} prior_state=unknown action=skipped reason={problem:?}\n")
        });
        let failure = failure.map(|failure| format!("error={:?}\n", failure.to_string()));
        profiles.chain(broken).chain(failure).collect()
    }
}
