//! A scandir: the directory that an s6-svscan watches.

#![expect(clippy::disallowed_methods, reason = "the scandir itself")]

use std::collections::BTreeMap;
use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{FileType, StatVfsMountFlags};
use rustix::io::Errno;

use super::error::S6Error;
use super::fifo::has_reader;
use super::programs::Programs;
use super::service::LiveService;
use crate::base::Patience;
use crate::base::text::near;
use crate::disk::{self, Context as _, Dir, Lock, is_distrusted};
use crate::spec::{ProfileName, ServiceName};

/// The lock that every run takes before it changes a scandir.
pub(crate) const LOCK: &str = ".gatewayctl.lock";

/// The directory that an s6-svscan watches, or will watch.
#[derive(Debug, Clone)]
pub struct Scandir {
    path: Utf8PathBuf,
}

impl Scandir {
    /// The scandir at this path.
    ///
    /// # Errors
    /// If no directory is there.
    pub fn open(path: &Utf8Path) -> Result<Self, S6Error> {
        let problem = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => return Ok(Self { path: path.to_owned() }),
            Ok(_) => "is not a directory",
            Err(error) if error.kind() == io::ErrorKind::NotFound => "does not exist",
            Err(error) => return Ok(Err(error).context("read", path)?),
        };
        Err(S6Error::Scandir { path: path.to_owned(), problem })
    }

    /// The same, unless this user is root and another user can change it: root would follow every symlink that this user puts there.
    ///
    /// # Errors
    /// If another user can change it or a directory above it.
    pub fn trusted(self) -> Result<Self, S6Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(self);
        }
        match Dir::open_own(&self.path) {
            Ok(_) => return Ok(self),
            Err(error) if !is_distrusted(&error) => return Ok(Err(error).context("read", &self.path)?),
            Err(_) => {}
        }
        let owner = rustix::fs::stat(self.path.as_std_path()).map_or(0, |stat| stat.st_uid);
        Err(S6Error::Untrusted { path: self.path, owner })
    }

    /// Its path.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Whether an s6-svscan watches it. A running s6-svscan holds `.s6-svscan/control` open for reading.
    ///
    /// # Errors
    /// If this user may not know.
    pub fn is_live(&self) -> Result<bool, S6Error> {
        has_reader(&self.path.join(".s6-svscan/control"))
    }

    /// Whether scripts can be executed in it, according to its mount options.
    ///
    /// # Errors
    /// If its file system cannot be asked.
    pub fn can_execute(&self) -> Result<bool, S6Error> {
        let options = rustix::fs::statvfs(self.path.as_std_path()).context("look at", &self.path)?.f_flag;
        Ok(!options.contains(StatVfsMountFlags::NOEXEC))
    }

    /// The first dangling symlink in it, by name. s6-svscan gives up each scan at such a symlink.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn dangling(&self) -> Result<Option<Utf8PathBuf>, S6Error> {
        let mut found = Vec::new();
        for name in self.names()?.into_iter().filter(|name| !name.starts_with('.')) {
            let path = self.path.join(&name);
            let link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
            if link && !path.exists() {
                found.push(path);
            }
        }
        Ok(found.into_iter().min())
    }

    /// All names in it, except those that are not UTF-8, which this program never makes.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub(crate) fn names(&self) -> Result<Vec<String>, S6Error> {
        let names = disk::names(&self.path).context("read", &self.path)?;
        Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
    }

    /// The gateways in it, sorted by profile.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn gateways(&self) -> Result<BTreeMap<ProfileName, LiveService>, S6Error> {
        let services = self.services()?.into_iter();
        Ok(services.filter_map(|(name, service)| Some((name.profile()?.clone(), service))).collect())
    }

    /// The services in it: the gateways sorted by profile, then the dashboard, the watch and the others.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn services(&self) -> Result<BTreeMap<ServiceName, LiveService>, S6Error> {
        let names = self.names()?.into_iter().filter_map(|name| ServiceName::of_directory(&name));
        Ok(names.filter_map(|name| Some((name.clone(), self.service(&name).ok()?))).collect())
    }

    /// Whether an entry has the name of this service; `true` if that cannot be found out.
    pub(crate) fn has(&self, name: &ServiceName) -> bool {
        let looked_at = self.path.join(name.directory()).symlink_metadata();
        looked_at.err().is_none_or(|error| error.kind() != io::ErrorKind::NotFound)
    }

    /// The gateway of this profile.
    ///
    /// # Errors
    /// If it does not exist.
    pub fn gateway(&self, profile: &ProfileName) -> Result<LiveService, S6Error> {
        self.service(&profile.clone().into())
    }

    /// This service.
    ///
    /// # Errors
    /// If it does not exist, or if that cannot be found out.
    pub fn service(&self, name: &ServiceName) -> Result<LiveService, S6Error> {
        let path = self.path.join(name.directory());
        let is_there = match rustix::fs::stat(path.as_std_path()) {
            Ok(stat) => FileType::from_raw_mode(stat.st_mode).is_dir(),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => false,
            Err(error) => return Ok(Err(error).context("look at", path)?),
        };
        if is_there {
            let service = LiveService::new(name.clone(), path);
            // The logger of gateway x has the same name as the gateway of a profile x-log.
            if !service.of_s6_rc().is_some_and(|of| of.is_logger) {
                return Ok(service);
            }
        }
        Err(S6Error::absent(name, &self.path))
    }

    /// The service here that the person probably meant with the name of a gateway that is not here. Its name is similar, or its directory has this
    /// name.
    pub(crate) fn near(&self, profile: &ProfileName) -> Option<ServiceName> {
        let services = self.services().ok()?;
        let is_directory = ServiceName::of_directory(profile.as_str()).filter(|name| services.contains_key(name));
        is_directory.or_else(|| {
            let words: BTreeMap<String, ServiceName> = services.into_keys().map(|name| (name.word(), name)).collect();
            let near = near(profile.as_str(), words.keys().map(String::as_str))?.to_owned();
            words.get(&near).cloned()
        })
    }

    /// Makes s6-svscan look: `s6-svscanctl -a`, or with `prune` also take down what has gone (`-an`).
    ///
    /// Its success proves nothing: s6-svscan also accepts the command if it has no slot left.
    ///
    /// # Errors
    /// If s6-svscan cannot be told.
    pub(crate) fn rescan(&self, programs: &Programs, prune: bool) -> Result<(), S6Error> {
        let option = if prune { "-an" } else { "-a" };
        programs.call("s6-svscanctl", &[option, self.path.as_str()]).map(drop)
    }

    /// Locks it against other runs of this program, for as long as the returned lock lives.
    ///
    /// # Errors
    /// If another run holds it for as long as patience lasts, or if it cannot be locked.
    pub(crate) fn lock(&self, patience: Patience<'_, '_>) -> Result<Lock, S6Error> {
        let what = format!("the lock on {}", self.path);
        Ok(Lock::take(self.directory()?, LOCK, patience, (&what, &self.path))?)
    }

    /// The scandir, as an open directory.
    pub(crate) fn directory(&self) -> Result<Dir, S6Error> {
        Ok(Dir::open(&self.path).context("open", &self.path)?)
    }
}
