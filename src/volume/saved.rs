//! The saved manifest, `gateways.toml`: what was registered at run time and is not to be lost.
//!
//! It decides what root runs at the next boot. It lies on the volume, which is the service user's, unless root has a place of its own for
//! it (`--state`). On the volume only a file of root's (or of this user) that nobody else may write is believed, and it is never written in
//! place; but whoever owns the volume can hide such a file and put it back later.

use std::fs::File;
use std::io::{self, Write as _};
use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};
use toml::{Table, Value};

use super::error::VolumeError;
use super::home::Volume;
use crate::base::Patience;
use crate::base::text::reason;
use crate::disk::Context as _;
use crate::disk::Dir;
use crate::disk::Lock;
use crate::source::{self, DASHBOARD, DEFAULTS, ENV, GATEWAYS, SECRET, Settings, WATCH};
use crate::spec::ProfileName;
use crate::spec::options::{Key, Kind, Options};

const NAME: &str = "gateways.toml";

/// What is written before it takes the place of the older one.
const FRESH: &str = ".gateways.toml.new";

/// What whoever changes it locks.
const LOCK: &str = ".gateways.toml.lock";

const HEADER: &str = "# Written by gatewayctl register --save, and read by gatewayctl reconcile.\n";

/// Where the saved manifest is kept.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    path: Utf8PathBuf,
    directory: Rc<Dir>,
}

impl Store {
    /// The directory that `--state` names, else the home of Hermes.
    ///
    /// # Errors
    /// If the directory is not there, or somebody else than root (or this user) can change it or what is above it; for the home see
    /// [`Volume::open`].
    pub(crate) fn open(state: Option<&Utf8Path>, home: &Utf8Path) -> Result<Self, VolumeError> {
        let Some(state) = state else { return Self::on(home) };
        let wrong = |problem| VolumeError::State { path: state.to_owned(), problem };
        if !state.is_absolute() {
            return Err(wrong("it is not absolute".to_owned()));
        }
        let directory = Dir::open_own(state).map_err(|error| wrong(reason(&error)))?;
        Ok(Self { path: state.join(NAME), directory: Rc::new(directory) })
    }

    fn on(home: &Utf8Path) -> Result<Self, VolumeError> {
        let volume = Volume::open(home)?;
        Ok(Self { path: volume.path.join(NAME), directory: Rc::new(volume.home) })
    }

    /// Keeps other runs from changing it as long as the lock is held, also those in other containers that share the place.
    ///
    /// # Errors
    /// If somebody else holds it for as long as `patience` lasts.
    pub(crate) fn lock(&self, patience: Patience<'_, '_>) -> Result<Lock, VolumeError> {
        let what = format!("the lock on {}", self.path);
        Ok(Lock::take_evicting(&*self.directory, LOCK, patience, (&what, &self.path), Dir::evict)?)
    }
}

/// The manifest of a [`Store`].
#[derive(Debug)]
pub(crate) struct SavedManifest {
    store: Store,
    text: String,
}

impl SavedManifest {
    /// That of this place, empty if there is none yet.
    ///
    /// # Errors
    /// If somebody else than root could have written it, or it cannot be read.
    pub(crate) fn open(store: &Store) -> Result<Self, VolumeError> {
        let refuse = |problem: String| VolumeError::Saved { path: store.path.clone(), problem };
        let file = match store.directory.read(NAME) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { store: store.clone(), text: String::new() });
            }
            Err(error) => return Err(refuse(reason(&error))),
            Ok(file) => file,
        };
        let own = rustix::process::geteuid().as_raw();
        if file.uid != 0 && file.uid != own {
            return Err(refuse(format!("it belongs to user {}, who could have root run anything", file.uid)));
        }
        if file.mode & 0o022 != 0 {
            return Err(refuse(format!("its mode is {:04o}, so others could have root run anything", file.mode)));
        }
        let text = String::from_utf8(file.text).map_err(|_| refuse("it is not UTF-8".to_owned()))?;
        Ok(Self { store: store.clone(), text })
    }

    /// Whether there is one on the volume that nobody reads, since `--state` names another place.
    pub(crate) fn is_ignored_on(volume: &Volume) -> bool {
        volume.home().stat(NAME).is_ok()
    }

    /// What it says.
    ///
    /// # Errors
    /// Every mistake in it.
    pub(crate) fn settings(&self) -> Result<Settings, VolumeError> {
        Ok(source::parse(&self.store.path, &self.text)?)
    }

    /// Has it name this gateway with these options and no other; written once [`Written::commit`] is called.
    ///
    /// # Errors
    /// Where it has mistakes, or cannot be written.
    pub(crate) fn with(&self, profile: &ProfileName, options: &Options) -> Result<Written, VolumeError> {
        self.edited(|gateways| {
            gateways.insert(profile.to_string(), Value::Table(table(options)));
        })
    }

    /// Has it not name this gateway any more; `None` where it does not anyway.
    ///
    /// # Errors
    /// As [`Self::with`].
    pub(crate) fn without(&self, profile: &ProfileName) -> Result<Option<Written>, VolumeError> {
        if !self.settings()?.gateways.iter().any(|(name, _)| name == profile) {
            return Ok(None);
        }
        self.edited(|gateways| {
            gateways.remove(profile.as_str());
        })
        .map(Some)
    }

    fn edited(&self, edit: impl FnOnce(&mut Table)) -> Result<Written, VolumeError> {
        self.settings()?;
        let mut document: Table = self.text.parse().unwrap_or_default();
        let gateways = document.entry(GATEWAYS).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(gateways) = gateways {
            edit(gateways);
            if gateways.is_empty() {
                document.remove(GATEWAYS);
            }
        }
        debug_assert!(document.keys().all(|key| [DEFAULTS, GATEWAYS, DASHBOARD, WATCH].contains(&key.as_str())));
        Written::new(&self.store, &format!("{HEADER}\n{document}"))
    }
}

/// The keys of one gateway, as a manifest has them.
fn table(options: &Options) -> Table {
    let mut table = Table::new();
    for key in Key::OF_GATEWAY {
        let Some(text) = options.get(key) else { continue };
        let value = match key.kind() {
            Kind::Integer(..) => text.parse().map_or(Value::String(text), Value::Integer),
            Kind::Flag => Value::Boolean(text == "true"),
            Kind::Choice(_) | Kind::Text(_) => Value::String(text),
            Kind::List(_) => text
                .split(',')
                .filter(|one| !one.is_empty())
                .map(|one| Value::String(one.to_owned()))
                .collect::<Vec<_>>()
                .into(),
        };
        table.insert(key.name().to_owned(), value);
    }
    let entries = |pairs: &mut dyn Iterator<Item = (&str, &str)>| -> Table {
        pairs.map(|(name, value)| (name.to_owned(), Value::String(value.to_owned()))).collect()
    };
    for (key, pairs) in
        [(ENV, entries(&mut options.environment.values())), (SECRET, entries(&mut options.environment.secrets()))]
    {
        if !pairs.is_empty() {
            table.insert(key.to_owned(), Value::Table(pairs));
        }
    }
    table
}

/// A manifest that has been written beside the one that it replaces. It goes unless it is committed.
#[derive(Debug)]
pub(crate) struct Written {
    store: Store,
    file: File,
    committed: bool,
}

impl Written {
    fn new(store: &Store, text: &str) -> Result<Self, VolumeError> {
        let fresh = store.path.with_file_name(FRESH);
        // Values may be private, so that only who writes them reads them. Nothing that is there is followed or taken over.
        let file = store.directory.create(FRESH).context("create", &fresh)?;
        let mut written = Self { store: store.clone(), file, committed: false };
        written.file.write_all(text.as_bytes()).context("write", &fresh)?;
        written.file.sync_all().context("sync", &fresh)?;
        Ok(written)
    }

    /// Puts it in the place of the older one.
    ///
    /// # Errors
    /// If that cannot be done; then the older one is still there.
    pub(crate) fn commit(mut self) -> Result<(), VolumeError> {
        self.store.directory.rename(&self.file, FRESH, NAME).context("replace", &self.store.path)?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        if !self.committed {
            let _ = self.store.directory.evict(FRESH);
        }
    }
}
