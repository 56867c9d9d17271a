//! The home of Hermes, and what its user can and cannot do there.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::StatVfsMountFlags;

use super::error::VolumeError;
use super::identity::Identity;
use super::paths::{STATE, below, directory_of};
use super::servant::{Servant, ServantError, Working};
use super::shown::Shown;
use crate::disk::{Context as _, Dir};
use crate::s6::{LiveService, Programs, container};
use crate::spec::{Owner, ProfileName, ServiceName};

/// Files that Hermes leaves beside a profile. They name processes of a container that is gone.
const STALE: [&str; 2] = ["gateway.pid", "processes.json"];

/// Appends standard input to the log of boots below `$1`, each line with the time. Keeps this file and one older file of about 256 KiB each.
const APPEND: &str = r#"
set -eu
cd "$1"
[ -d logs ] || mkdir -p logs
log=logs/container-boot.log
if [ -e "${log}" ]; then
  [ -f "${log}" ] || { echo "${log} is not a file" >&2; exit 1; }
  [ "$(wc -c <"${log}")" -lt 262144 ] || mv -f "${log}" "${log}.1"
fi
sed "s/^/$(date +%Y-%m-%dT%H:%M:%S%z) /" >>"${log}"
"#;

/// Makes the first record of the root profile in the home `$1`, if nothing has its name.
const BOOTSTRAP: &str = r#"
set -euC
cd "$1"
cat >gateway_state.json
"#;

/// Reports which of the log directories `$2`… cannot be used below the home `$1`, and what prevents it: a word and the number of the directory on
/// each line.
const USABLE: &str = r#"
cd "$1" 2>/dev/null && [ -w . ] || { echo 'home 0'; exit; }
shift
number=0
for logs; do
  number=$((number + 1))
  path=${logs}
  while [ ! -e "${path}" ] && [ "${path}" != logs ]; do path=${path%/*}; done
  [ -e "${path}" ] || continue
  if [ ! -d "${path}" ] || [ ! -w "${path}" ] || [ ! -x "${path}" ]; then
    case "${path}" in
      "${logs}") echo "log ${number}" ;;
      logs) echo 'logs 0' ;;
      *) echo 'gateways 0' ;;
    esac
    continue
  fi
  for file in lock current; do
    [ ! -e "${path}/${file}" ] || [ -w "${path}/${file}" ] || echo "${file} ${number}"
  done
done
exit 0
"#;

/// Names what blocks the profiles below the home `$1`, each with a NUL: what this user cannot read, and what other users own and this user cannot
/// write. A read-only file of this user is so on purpose. Files of root are found elsewhere. A find without these tests prints nothing.
const IN_THE_WAY: &str = r#"
cd "$1"
[ -d profiles ] || exit 0
find profiles -xdev -maxdepth 4 ! -user 0 \( -type f -o -type d \) \( ! -readable -o ! -user "$(id -u)" ! -writable \) -print0 -prune 2>/dev/null |
  head -c 65536
"#;

/// The home of Hermes.
#[derive(Debug)]
pub(crate) struct Volume {
    pub(super) path: Utf8PathBuf,
    pub(super) home: Dir,
}

impl Volume {
    /// The volume at this path.
    ///
    /// # Errors
    /// If the path is not absolute, or no directory is there.
    pub(crate) fn open(home: &Utf8Path) -> Result<Self, VolumeError> {
        let problem = if home.is_absolute() {
            match Dir::open(home) {
                Ok(directory) => return Ok(Self { path: home.to_owned(), home: directory }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => "does not exist".to_owned(),
                Err(error) if error.kind() == io::ErrorKind::NotADirectory => "is not a directory".to_owned(),
                Err(error) => return Ok(Err(error).context("open", home)?),
            }
        } else {
            "is not absolute".to_owned()
        };
        Err(VolumeError::Home { path: home.to_owned(), problem })
    }

    /// The home that the gateways of this container have: the one that the container names, else the one in the environment of this program, else
    /// `/opt/data`.
    pub(crate) fn usual() -> Utf8PathBuf {
        container::hermes_home()
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Whether its file system is mounted read-only.
    pub(crate) fn is_read_only(&self) -> bool {
        rustix::fs::fstatvfs(&self.home).is_ok_and(|fs| fs.f_flag.contains(StatVfsMountFlags::RDONLY))
    }

    /// The number of its owner, and its permission bits.
    pub(crate) fn owner_and_mode(&self) -> (u32, u32) {
        rustix::fs::fstat(&self.home).map_or((0, 0), |stat| (stat.st_uid, stat.st_mode & 0o7777))
    }

    /// Whether it is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.home.names(1).is_ok_and(|(names, _)| names.is_empty())
    }

    pub(super) fn home(&self) -> &Dir {
        &self.home
    }

    /// A path below the home, for a message.
    pub(super) fn shown(&self, below: &str) -> Shown {
        Shown(if below.is_empty() { self.path.to_string() } else { self.path.join(below).into_string() })
    }

    /// Makes the service user remove what the gateways of these profiles left when their container went away.
    ///
    /// # Errors
    /// If that user cannot do so, or takes too long.
    pub(crate) fn remove_stale(&self, servant: &Servant<'_>, profiles: &[ProfileName]) -> Result<(), ServantError> {
        let mut there: Vec<String> = Vec::new();
        for profile in profiles {
            let Ok(directory) = self.home.dir(&directory_of(profile)) else { continue };
            let files = STALE.iter().filter(|file| directory.stat(file).is_ok());
            there.extend(files.map(|file| self.path.join(below(profile, file)).into_string()));
        }
        // This is far below the limit of Linux for one command line.
        for some in there.chunks(500) {
            let words = ["-f", "--"].into_iter().chain(some.iter().map(String::as_str));
            servant.run("/bin/rm", &words.collect::<Vec<_>>(), b"")?;
        }
        Ok(())
    }

    /// Makes the service user record that the gateway of the root profile runs, if nothing has the name of that record yet.
    ///
    /// # Errors
    /// If that user cannot do so, or takes too long.
    pub(crate) fn bootstrap(&self, servant: &Servant<'_>) -> Result<(), ServantError> {
        if self.home.stat(STATE).is_ok() {
            return Ok(());
        }
        servant.run("/bin/sh", &["-c", BOOTSTRAP, "sh", self.path.as_str()], b"{\"gateway_state\":\"running\"}\n")
    }

    /// Makes the service user open the log of boots. Its text comes later.
    ///
    /// # Errors
    /// If nothing can be started as that user.
    pub(crate) fn boot_log(&self, servant: &Servant<'_>) -> Result<Working, ServantError> {
        servant.begin("/bin/sh", &["-c", APPEND, "sh", self.path.as_str()])
    }

    /// What blocks this user, who is the servant, in its profiles: at most so many names, and whether there are more. The word of this user only
    /// chooses among the existing files. Root checks itself that each of them blocks.
    ///
    /// # Errors
    /// If that user cannot be asked, or takes too long.
    pub(crate) fn in_the_way(
        &self,
        servant: &Servant<'_>,
        user: Identity,
        most: usize,
    ) -> Result<(Vec<Shown>, bool), ServantError> {
        let said = servant.ask("/bin/sh", &["-c", IN_THE_WAY, "sh", self.path.as_str()])?;
        let mut found: Vec<Shown> = Vec::new();
        for name in said.out.split(|&byte| byte == 0).take(1000) {
            let Some(below) = std::str::from_utf8(name).ok().filter(|below| self.is_in_the_way(below, user)) else {
                continue;
            };
            if found.len() == most {
                return Ok((found, true));
            }
            found.push(self.shown(below));
        }
        Ok((found, false))
    }

    fn is_in_the_way(&self, below: &str, user: Identity) -> bool {
        let is_plain = |part: &str| !matches!(part, "" | "." | "..");
        let own = |below: &str| {
            below.split_once('/').is_some_and(|(first, rest)| first == "profiles" && rest.split('/').all(is_plain))
        };
        let stat = Some(below).filter(|below| own(below)).and_then(|below| self.home.stat(below).ok());
        stat.is_some_and(|stat| stat.st_uid != 0 && (stat.st_uid != user.uid || stat.st_mode & 0o400 == 0))
    }

    /// What these services cannot use of the home, as their user reports it.
    ///
    /// # Errors
    /// If that user cannot be asked, or takes too long.
    pub(crate) fn unusable(
        &self,
        servant: &Servant<'_>,
        services: &[&ServiceName],
    ) -> Result<Vec<Unusable>, ServantError> {
        let logs: Vec<String> = services.iter().filter_map(|service| service.logs()).collect();
        let begin = ["-c", USABLE, "sh", self.path.as_str()];
        let words: Vec<&str> = begin.into_iter().chain(logs.iter().map(String::as_str)).collect();
        let said = servant.ask("/bin/sh", &words)?;
        if said.code != 0 {
            let said_so = said.last_complaint();
            return Err(ServantError::Failed { program: "/bin/sh".to_owned(), code: said.code, said: said_so });
        }
        let mut found: Vec<Unusable> = Vec::new();
        // That process belongs to the service user, and may print anything. Its output only chooses among these.
        for line in String::from_utf8_lossy(&said.out).lines() {
            let Some((word, number)) = line.split_once(' ') else { continue };
            let index = number.parse::<usize>().unwrap_or_default();
            let log = index.checked_sub(1).and_then(|index| logs.get(index));
            let one = match (word, log) {
                ("home", _) => Unusable { what: self.shown(""), is_home: true },
                ("logs", _) => Unusable { what: self.shown("logs"), is_home: false },
                ("gateways", _) => Unusable { what: self.shown("logs/gateways"), is_home: false },
                ("log", Some(log)) => Unusable { what: self.shown(log), is_home: false },
                ("lock" | "current", Some(log)) => {
                    Unusable { what: self.shown(&format!("{log}/{word}")), is_home: false }
                }
                _ => continue,
            };
            if !found.contains(&one) {
                found.push(one);
            }
        }
        Ok(found)
    }
}

/// The owner of the log files of a service: an ordinary user who supervises; else the user to which the run script drops; else the owner of the home.
/// `None` if this user is not root, because then it can read only what it may anyway.
pub(crate) fn owner_of(service: &LiveService, programs: &Programs, volume: &Volume) -> Option<u32> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let supervisor = service.owner().unwrap_or_default();
    if supervisor != 0 {
        return Some(supervisor);
    }
    let uid = match service.run_script().map(|script| script.owner) {
        Some(Owner::Isolated(uid)) => Some(uid.get()),
        Some(Owner::Shared(user)) => Identity::of(user.as_str(), programs).map(|identity| identity.uid),
        None => None,
    };
    uid.or_else(|| rustix::fs::fstat(&volume.home).ok().map(|stat| stat.st_uid))
}

/// Something that the service user has to use, and cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unusable {
    /// What it is.
    pub(crate) what: Shown,
    /// Whether it is the home itself.
    pub(crate) is_home: bool,
}
