//! The profiles on a volume: `$HERMES_HOME`, which belongs to the service user, and is read here by root.
//!
//! So nothing here writes, and no file is opened through a symlink, nor one that could make the reader wait.

use std::fs::{self, File};
use std::io::{self, Read as _};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::Intent;
use crate::error::{Context as _, Error};
use crate::profile::{ProfileName, ProfileNameError};
use crate::s6::S6Error;

/// The home of Hermes, with its profiles.
#[derive(Debug, Clone)]
pub struct Volume {
    home: Utf8PathBuf,
}

/// A profile that is there.
#[derive(Debug, Clone)]
pub struct FoundProfile {
    /// Its name.
    pub profile: ProfileName,
    /// Its directory; the home itself for the root profile.
    pub directory: Utf8PathBuf,
    /// Whether its gateway is to run.
    pub intent: Intent,
}

/// What is there and can have no gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What it is called, on one line.
    pub name: String,
    /// Why, and what to do.
    pub problem: String,
}

/// What stands in a file of the volume, with who owns it and its mode.
pub(super) struct Owned {
    pub(super) text: Vec<u8>,
    pub(super) uid: u32,
    pub(super) mode: u32,
}

impl Volume {
    /// What marks the directory of a profile: `hermes profile create` makes it.
    const MARK: &str = "SOUL.md";

    /// The volume at this path.
    ///
    /// # Errors
    /// Where the path is not absolute, or no directory is there.
    pub fn open(home: &Utf8Path) -> Result<Self, Error> {
        let problem = match fs::metadata(home) {
            _ if !home.is_absolute() => "is not absolute",
            Ok(metadata) if metadata.is_dir() => return Ok(Self { home: home.to_owned() }),
            Ok(_) => "is not a directory",
            Err(error) if error.kind() == io::ErrorKind::NotFound => "does not exist",
            Err(error) => return Err(error).context("read", home),
        };
        Err(S6Error::Home { path: home.to_owned(), problem }.into())
    }

    /// The home that the gateways of this container have: what the container says, what this program's environment says, or
    /// `/opt/data`.
    pub fn usual() -> Utf8PathBuf {
        crate::container::hermes_home()
    }

    /// Its path.
    pub fn home(&self) -> &Utf8Path {
        &self.home
    }

    /// The profiles on it, the root profile first and the others by name, and what looks like one and is none.
    ///
    /// # Errors
    /// Where the directory of the profiles is there and cannot be read.
    pub fn profiles(&self) -> Result<(Vec<FoundProfile>, Vec<Broken>), Error> {
        let mut found = vec![Self::found(ProfileName::default(), self.home.clone())];
        let mut broken = Vec::new();
        let profiles = self.home.join("profiles");
        let entries = match fs::read_dir(&profiles) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((found, broken)),
            entries => entries.context("read", &profiles)?,
        };
        for entry in entries {
            let entry = entry.context("read", &profiles)?;
            let name = entry.file_name();
            match fs::symlink_metadata(entry.path().join(Self::MARK)) {
                Ok(_) => {}
                // Backups, files, what somebody made by hand: no profiles.
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                    continue;
                }
                Err(error) => {
                    let problem = format!("cannot be read: {}", crate::error::reason(&error));
                    broken.push(Broken { name: name.to_string_lossy().escape_debug().to_string(), problem });
                    continue;
                }
            }
            let parsed = name.to_str().map(str::parse::<ProfileName>);
            match parsed {
                Some(Ok(profile)) if profile != ProfileName::default() => {
                    let directory = profiles.join(profile.as_str());
                    found.push(Self::found(profile, directory));
                }
                parsed => {
                    let problem = match parsed {
                        Some(Ok(_)) => "is the name of the root profile; rename its directory".to_owned(),
                        Some(Err(error)) => ProfileNameError::to_string(&error),
                        None => "its name is not UTF-8; rename its directory".to_owned(),
                    };
                    broken.push(Broken { name: name.to_string_lossy().escape_debug().to_string(), problem });
                }
            }
        }
        found[1..].sort_by(|a, b| a.profile.cmp(&b.profile));
        broken.sort_by(|a, b| a.name.cmp(&b.name));
        Ok((found, broken))
    }

    fn found(profile: ProfileName, directory: Utf8PathBuf) -> FoundProfile {
        let intent = match read(&directory.join("gateway_state.json")) {
            Ok(file) => Intent::parse(&file.text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Intent::Nothing,
            Err(error) => Intent::Unreadable(crate::error::reason(&error)),
        };
        FoundProfile { profile, directory, intent }
    }

    /// What is recorded for the gateway of a profile that may not be there.
    pub(super) fn intent_of(&self, profile: &ProfileName) -> (Utf8PathBuf, Intent) {
        let found = Self::found(profile.clone(), self.directory_of(profile));
        (found.directory, found.intent)
    }

    /// Where a profile is, or would be.
    pub(super) fn directory_of(&self, profile: &ProfileName) -> Utf8PathBuf {
        if *profile == ProfileName::default() {
            self.home.clone()
        } else {
            self.home.join("profiles").join(profile.as_str())
        }
    }
}

/// Reads a regular file of at most a mebibyte that somebody else may have put there: through no symlink at its end, and
/// without waiting for the other end of a fifo.
pub(super) fn read(path: &Utf8Path) -> io::Result<Owned> {
    const MOST: u64 = 1 << 20;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path.as_std_path(), flags, Mode::empty()) {
        Err(Errno::LOOP) => return Err(io::Error::other("it is a symlink")),
        file => file?,
    };
    let stat = rustix::fs::fstat(&file)?;
    if !rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut text = Vec::new();
    File::from(file).take(MOST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MOST {
        return Err(io::Error::other("it is larger than a mebibyte"));
    }
    Ok(Owned { text, uid: stat.st_uid, mode: stat.st_mode & 0o7777 })
}
