//! The manifest on the volume, `$HERMES_HOME/gateways.toml`: what was registered at run time and is not to be lost.
//!
//! It decides what root runs at the next boot, and lies in a directory of the service user's. So only a file of root's (or of
//! this user) that nobody else may write is believed, and it is never written in place.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use toml::{Table, Value};

use super::volume::{Volume, read};
use crate::error::{Context as _, Error, reason};
use crate::manifest::{self, DEFAULTS, ENV, GATEWAYS, SECRET, Settings};
use crate::options::{Key, Kind, Options};
use crate::profile::ProfileName;
use crate::s6::{Patience, S6Error};

const NAME: &str = "gateways.toml";

const HEADER: &str = "# Written by gatewayctl register --save, and read by gatewayctl reconcile.\n";

/// The manifest of a volume.
#[derive(Debug)]
pub struct SavedManifest {
    path: Utf8PathBuf,
    text: String,
}

impl SavedManifest {
    /// That of this volume, empty where there is none yet.
    ///
    /// # Errors
    /// Where somebody else than root could have written it, or it cannot be read.
    pub fn open(volume: &Volume) -> Result<Self, Error> {
        let path = volume.home().join(NAME);
        let refuse = |problem: String| Error::from(S6Error::Saved { path: path.clone(), problem });
        let file = match read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self { path, text: String::new() }),
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
        Ok(Self { path, text })
    }

    /// Keeps other runs from changing it as long as the file is held, also those in other containers that share the volume.
    ///
    /// # Errors
    /// Where somebody else holds it for as long as `patience` lasts.
    pub(crate) fn lock(volume: &Volume, patience: Patience<'_, '_>) -> Result<File, Error> {
        let home = volume.home();
        let what = format!("the lock on {home}");
        let directory = File::open(home).context("open", home)?;
        let locked = patience.until(&what, || match directory.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(None),
            // Some network file systems lock no directory; then only runs in one container are kept apart, by its scandir.
            Ok(()) | Err(TryLockError::Error(_)) => Ok::<_, Error>(Some(())),
        })?;
        match locked {
            Some(()) => Ok(directory),
            None => Err(S6Error::Timeout { what, seconds: patience.limit.as_secs() }.into()),
        }
    }

    /// What it says.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn settings(&self) -> Result<Settings, Error> {
        manifest::parse(&self.path, &self.text)
    }

    /// Has it name this gateway with these options and no other; written once [`Written::commit`] is called.
    ///
    /// # Errors
    /// Where it has mistakes, or cannot be written.
    pub fn with(&self, profile: &ProfileName, options: &Options) -> Result<Written, Error> {
        self.edited(|gateways| {
            gateways.insert(profile.to_string(), Value::Table(table(options)));
        })
    }

    /// Has it not name this gateway any more; `None` where it does not anyway.
    ///
    /// # Errors
    /// As [`Self::with`].
    pub fn without(&self, profile: &ProfileName) -> Result<Option<Written>, Error> {
        if !self.settings()?.gateways.iter().any(|(name, _)| name == profile) {
            return Ok(None);
        }
        self.edited(|gateways| {
            gateways.remove(profile.as_str());
        })
        .map(Some)
    }

    fn edited(&self, edit: impl FnOnce(&mut Table)) -> Result<Written, Error> {
        self.settings()?;
        let mut document: Table = self.text.parse().unwrap_or_default();
        let gateways = document.entry(GATEWAYS).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(gateways) = gateways {
            edit(gateways);
            if gateways.is_empty() {
                document.remove(GATEWAYS);
            }
        }
        debug_assert!(document.keys().all(|key| key == GATEWAYS || key == DEFAULTS));
        Written::new(&self.path, &format!("{HEADER}\n{document}"))
    }
}

/// The keys of one gateway, as a manifest has them.
fn table(options: &Options) -> Table {
    let mut table = Table::new();
    for key in Key::ALL {
        let Some(text) = options.get(key) else { continue };
        let value = match key.kind() {
            Kind::Integer(..) => text.parse().map_or(Value::String(text), Value::Integer),
            Kind::Flag => Value::Boolean(text == "true"),
            Kind::Choice(_) | Kind::Text(_) => Value::String(text),
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
pub struct Written {
    temporary: Utf8PathBuf,
    path: Utf8PathBuf,
    committed: bool,
}

impl Written {
    fn new(path: &Utf8Path, text: &str) -> Result<Self, Error> {
        let temporary = path.with_file_name(format!(".{NAME}.new"));
        // What a killed run left: who holds the lock is alone here.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.context("remove", &temporary)?,
        }
        // Values may be private, so that only who writes them reads them. Nothing that is there is followed or taken over.
        let mut file =
            File::options().write(true).create_new(true).mode(0o600).open(&temporary).context("create", &temporary)?;
        let written = Self { temporary, path: path.to_owned(), committed: false };
        file.write_all(text.as_bytes()).context("write", &written.temporary)?;
        file.sync_all().context("sync", &written.temporary)?;
        Ok(written)
    }

    /// Puts it in the place of the older one.
    ///
    /// # Errors
    /// Where that cannot be done; then the older one is still there.
    pub fn commit(mut self) -> Result<(), Error> {
        fs::rename(&self.temporary, &self.path).context("replace", &self.path)?;
        self.committed = true;
        let directory = self.path.parent().unwrap_or(&self.path);
        File::open(directory).and_then(|file| file.sync_all()).context("sync", directory)
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        if !self.committed {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}
