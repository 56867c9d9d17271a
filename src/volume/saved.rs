//! The saved manifest, `gateways.toml`, which keeps what was registered at run time.
//!
//! It decides what root runs at the next boot. It lies on the volume, which the service user owns, unless root has another place for it (`--state`).
//! On the volume, a file is believed only if root (or this user) owns it and nobody else may write it. It is never overwritten in place. The owner of
//! the volume can still hide such a file, and put it back later.

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

/// The new file, before it replaces the older one.
const FRESH: &str = ".gateways.toml.new";

/// The lock that every run takes before it changes the file.
const LOCK: &str = ".gateways.toml.lock";

const HEADER: &str = "# Written by gatewayctl register --save, and read by gatewayctl reconcile.\n";

/// The place of the saved manifest.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    path: Utf8PathBuf,
    directory: Rc<Dir>,
}

impl Store {
    /// The directory that `--state` names, else the home of Hermes.
    ///
    /// # Errors
    /// If the directory does not exist, or if a user other than root (or this user) can change it or a directory above it. For the home, see
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

    /// Keeps other runs from changing it as long as the lock is held, including runs in other containers that share the place.
    ///
    /// # Errors
    /// If another run holds the lock for as long as `patience` lasts.
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
    /// The manifest in this place, empty if it does not exist yet.
    ///
    /// # Errors
    /// If a user other than root could have written it, or if it cannot be read.
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
            return Err(refuse(format!("it belongs to user {}, who could make root run anything", file.uid)));
        }
        if file.mode & 0o022 != 0 {
            return Err(refuse(format!("its mode is {:04o}, so others could make root run anything", file.mode)));
        }
        let text = String::from_utf8(file.text).map_err(|_| refuse("it is not UTF-8".to_owned()))?;
        Ok(Self { store: store.clone(), text })
    }

    /// Whether the volume has a manifest that nobody reads, because `--state` names another directory.
    pub(crate) fn is_ignored_on(volume: &Volume) -> bool {
        volume.home().stat(NAME).is_ok()
    }

    /// Its settings.
    ///
    /// # Errors
    /// Every mistake in it.
    pub(crate) fn settings(&self) -> Result<Settings, VolumeError> {
        Ok(source::parse(&self.store.path, &self.text)?)
    }

    /// Sets the options of this gateway, and returns the new manifest. [`Written::commit`] puts it in place.
    ///
    /// # Errors
    /// If the manifest has mistakes, or cannot be written.
    pub(crate) fn with(&self, profile: &ProfileName, options: &Options) -> Result<Written, VolumeError> {
        self.edited(|gateways| {
            gateways.insert(profile.to_string(), Value::Table(table(options)));
        })
    }

    /// Removes this gateway, and returns the new manifest; `None` if the manifest does not name it.
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

/// The keys of one gateway, in the form of a manifest.
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

/// A new manifest that stands beside the one that it replaces. It is removed unless it is committed.
#[derive(Debug)]
pub(crate) struct Written {
    store: Store,
    file: File,
    committed: bool,
}

impl Written {
    fn new(store: &Store, text: &str) -> Result<Self, VolumeError> {
        let fresh = store.path.with_file_name(FRESH);
        // Values may be private, so only the user who writes them can read them. Nothing that already exists is followed or taken over.
        let file = store.directory.create(FRESH).context("create", &fresh)?;
        let mut written = Self { store: store.clone(), file, committed: false };
        written.file.write_all(text.as_bytes()).context("write", &fresh)?;
        written.file.sync_all().context("sync", &fresh)?;
        Ok(written)
    }

    /// Replaces the older manifest by it.
    ///
    /// # Errors
    /// If that is not possible. Then the older manifest is still there.
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
