//! The gateways: their users, home, logs and ports, and those that have given up.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use camino::Utf8Path;
use rustix::fs::StatVfsMountFlags;

use super::{Finding, Level, Patient, on_one_line, or_ok};
use crate::boot::{SavedManifest, Volume};
use crate::error::reason;
use crate::profile::ProfileName;
use crate::s6::{LiveService, LogDir, Programs, S6Error};

/// Says what the gateways `$2`… cannot use below the home `$1`, a line each, as the user that it runs as.
const USABLE: &str = r#"
cd "$1" 2>/dev/null && [ -w . ] || { echo "$1"; exit; }
shift
for profile; do
  path=logs/gateways/${profile}
  while [ ! -e "${path}" ] && [ "${path}" != logs ]; do path=${path%/*}; done
  [ -e "${path}" ] || continue
  [ -d "${path}" ] && [ -w "${path}" ] && [ -x "${path}" ] || { echo "$PWD/${path}"; continue; }
  for file in "${path}/lock" "${path}/current"; do
    [ ! -e "${file}" ] || [ -w "${file}" ] || echo "$PWD/${file}"
  done
done
"#;

pub(super) fn check(patient: &Patient<'_>, findings: &mut Vec<Finding>) {
    let mut users: BTreeMap<&str, Vec<&ProfileName>> = BTreeMap::new();
    for (profile, script) in &patient.scripts {
        users.entry(&script.user).or_default().push(profile);
    }
    if let Some(programs) = &patient.programs {
        if !users.is_empty() && !patient.is_unprivileged() {
            unknown(&users, programs, findings);
        }
        home(patient, &users, programs, findings);
        given_up(patient, programs, findings);
    }
    ports(patient, findings);
}

/// Whether there is a user of this name, by what s6 asks; where it cannot be asked, that is a finding already.
pub(super) fn is_known(user: &str, programs: &Programs) -> bool {
    !matches!(programs.call("s6-envuidgid", &[user, "/bin/true"]), Err(S6Error::Failed { .. }))
}

fn unknown(users: &BTreeMap<&str, Vec<&ProfileName>>, programs: &Programs, findings: &mut Vec<Finding>) {
    let missing = users.iter().filter(|(user, _)| !is_known(user, programs)).map(|(user, profiles)| {
        let seen = format!("there is no user {user}, who is to run {}", listed(profiles));
        Finding::error("user", seen, format!("useradd {user} in the image, or render with --user"))
    });
    let all: Vec<&str> = users.keys().copied().collect();
    or_ok(findings, missing.collect(), "user", format!("gateways run as {}", all.join(", ")));
}

fn home(
    patient: &Patient<'_>,
    users: &BTreeMap<&str, Vec<&ProfileName>>,
    programs: &Programs,
    findings: &mut Vec<Finding>,
) {
    const CHECK: &str = "home";
    let volume = match Volume::open(patient.home) {
        Ok(volume) => volume,
        Err(error) => return findings.push(Finding::said(CHECK, &error)),
    };
    if rustix::fs::statvfs(patient.home.as_std_path()).is_ok_and(|fs| fs.f_flag.contains(StatVfsMountFlags::RDONLY)) {
        let seen = format!("the file system of {} is mounted read-only", patient.home);
        return findings.push(Finding::error(CHECK, seen, "mount a volume there that can be written"));
    }
    if let Err(error) = SavedManifest::open(&volume).and_then(|saved| saved.settings()) {
        for line in error.to_string().lines() {
            let mut finding = Finding::said("saved", &line);
            finding.level = Level::Warning;
            findings.push(finding);
        }
    }
    let root = rustix::process::geteuid().is_root();
    if !root && !patient.is_unprivileged() {
        let seen = format!("only root can find out whether the gateways can write {}", patient.home);
        findings.push(Finding::warning(CHECK, seen, "run gatewayctl doctor as root"));
        return;
    }
    let mut found = Vec::new();
    for (user, profiles) in users {
        let mut command = if root && !patient.is_unprivileged() {
            if !is_known(user, programs) {
                continue;
            }
            let mut command = Command::new(programs.path("s6-setuidgid"));
            command.args([user, "/bin/sh"]);
            command
        } else {
            Command::new("/bin/sh")
        };
        command.args(["-c", USABLE, "sh", patient.home.as_str()]).args(profiles.iter().map(|profile| profile.as_str()));
        let said = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
        let said = match said {
            Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
            Err(error) => {
                let seen = format!("nobody can be asked about {} as {user}: {}", patient.home, reason(&error));
                found.push(Finding::error(CHECK, seen, "see what is said of s6"));
                continue;
            }
        };
        found.extend(said.lines().map(|path| {
            let seen = format!("{path} cannot be used by {user}, who runs {}", listed(profiles));
            Finding::error(CHECK, seen, format!("chown -hR {user} {path}"))
        }));
    }
    let well = if users.is_empty() { "is there" } else { "can be written by who runs the gateways" };
    or_ok(findings, found, CHECK, format!("{} {well}", patient.home));
}

fn ports(patient: &Patient<'_>, findings: &mut Vec<Finding>) {
    let mut ports: BTreeMap<u16, Vec<&ProfileName>> = BTreeMap::new();
    for (profile, script) in &patient.scripts {
        if let Some(port) = script.port {
            ports.entry(port).or_default().push(profile);
        }
    }
    let many = ports.len();
    let shared = ports.into_iter().filter(|(_, profiles)| profiles.len() > 1).map(|(port, profiles)| {
        let seen = format!("{} share port {port}: only the first to start gets it", listed(&profiles));
        Finding::error("ports", seen, "register all but one of them again with another --port")
    });
    or_ok(findings, shared.collect(), "ports", format!("{many} in use, no two gateways on one"));
}

/// The gateways that are down because they died too often, or said that they cannot run.
fn given_up(patient: &Patient<'_>, programs: &Programs, findings: &mut Vec<Finding>) {
    const CHECK: &str = "crashes";
    let mut found = Vec::new();
    let mut hidden = BTreeSet::new();
    for (profile, service) in &patient.gateways {
        let Ok(status) = service.status(programs) else {
            if service.supervisors().is_err() {
                hidden.insert(profile);
            }
            continue;
        };
        if status.up || status.wanted_up {
            continue;
        }
        if let Some((why, last)) = last_words(service, programs) {
            let last = last.map_or_else(|| "it said nothing".to_owned(), |last| format!("its last line: {last}"));
            let seen = format!("gateway {profile} is down since {why}; {last}");
            found.push(Finding::error(CHECK, seen, format!("mend that, then gatewayctl start {profile}")));
        } else if let Some(last) = status.last.filter(|last| last != "SIGTERM" && last != "exit 0") {
            let seen = format!("gateway {profile} is down since it ended with {last}");
            found.push(Finding::warning(CHECK, seen, format!("gatewayctl logs {profile}")));
        }
    }
    if !hidden.is_empty() {
        let seen = format!("the state of {} of the gateways is hidden from this user", hidden.len());
        found.push(Finding::warning(CHECK, seen, "run gatewayctl doctor as root"));
    }
    or_ok(findings, found, CHECK, "no gateway was left down");
}

/// Why a gateway was left down, where its log ends with that, and what it itself said last.
fn last_words(service: &LiveService, programs: &Programs) -> Option<(&'static str, Option<String>)> {
    const PERMANENT: &str = "s6-permafailon: ";
    const CONFIGURATION: &str = ": exit 78, a configuration error: down until it is started again";
    let mut log = Vec::new();
    LogDir::of(service, programs).show(Some(20), &mut log).ok()?;
    log.flush().ok()?;
    let log = String::from_utf8_lossy(&log);
    let mut lines = log.lines().rev();
    let last = lines.next()?;
    let why = if last.contains(PERMANENT) {
        "its crash budget was spent"
    } else if last.ends_with(CONFIGURATION) {
        "it ended with exit 78, a configuration error"
    } else {
        return None;
    };
    let own = lines.find(|line| !line.contains(PERMANENT));
    // After the time that s6-log puts before it.
    let own = own.map(|line| on_one_line(line.split_once("  ").map_or(line, |(_, text)| text).trim()));
    Some((why, own))
}

fn listed(profiles: &[&ProfileName]) -> String {
    const MOST: usize = 3;
    let mut said: Vec<&str> = profiles.iter().take(MOST).map(|profile| profile.as_str()).collect();
    let more = profiles.len().saturating_sub(MOST);
    let rest = format!("{more} more");
    if more > 0 {
        said.push(&rest);
    }
    format!("gateway{} {}", if profiles.len() == 1 { "" } else { "s" }, said.join(", "))
}

/// The path of the home, for what looks at it in another way.
pub(super) fn environment_of(home: &Utf8Path) -> [(&'static str, &str); 2] {
    [("HERMES_HOME", home.as_str()), ("HOME", home.as_str())]
}
