//! The gateways and the dashboard: their users, home, logs and ports, and the services that have given up.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, Level, or_ok};
use super::patient::Patient;
use super::said::listed;
use crate::base::text::excerpt;
use crate::s6::{LiveService, Programs, S6Error};
use crate::spec::ServiceName;
use crate::spec::options::UserName;
use crate::volume::{LogDir, SavedManifest, Tail, Unusable, Volume, owner_of};

pub(super) fn check(patient: &Patient<'_>, findings: &mut Vec<Finding>) {
    let mut users: BTreeMap<&str, Vec<&ServiceName>> = BTreeMap::new();
    for (name, user) in patient.sharing() {
        users.entry(user.as_str()).or_default().push(name);
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

/// Whether a user of this name exists, according to s6. If s6 cannot be asked, another finding says so already.
pub(super) fn is_known(user: &str, programs: &Programs) -> bool {
    !matches!(programs.call("s6-envuidgid", &[user, "/bin/true"]), Err(S6Error::Failed { .. }))
}

fn unknown(users: &BTreeMap<&str, Vec<&ServiceName>>, programs: &Programs, findings: &mut Vec<Finding>) {
    let missing = users.iter().filter(|(user, _)| !is_known(user, programs)).map(|(user, services)| {
        let seen = format!("{} should run as user {user}, who does not exist", listed(services));
        Finding::error("user", seen, format!("useradd {user} in the image, or render with gen-service --user NAME"))
    });
    let all: Vec<&str> = users.keys().copied().collect();
    or_ok(findings, missing.collect(), "user", format!("gateways run as {}", all.join(", ")));
}

fn home(
    patient: &Patient<'_>,
    users: &BTreeMap<&str, Vec<&ServiceName>>,
    programs: &Programs,
    findings: &mut Vec<Finding>,
) {
    const CHECK: &str = "home";
    let volume = match Volume::open(patient.home) {
        Ok(volume) => volume,
        Err(error) => {
            findings.push(Finding::said(CHECK, &error));
            return;
        }
    };
    if volume.is_read_only() {
        let seen = format!("the file system of {} is mounted read-only", patient.home);
        findings.push(Finding::error(CHECK, seen, "mount a volume there that can be written"));
        return;
    }
    saved(patient, &volume, findings);
    if !patient.can_ask() {
        let seen = format!("only root can check whether the gateways can write {}", patient.home);
        findings.push(Finding::warning(CHECK, seen, "run gatewayctl doctor as root"));
        return;
    }
    let mut found = Vec::new();
    for (user, services) in users {
        let known = patient.is_unprivileged() || is_known(user, programs);
        let Some(name) = user.parse::<UserName>().ok().filter(|_| known) else { continue };
        match volume.unusable(&patient.servant(programs, &name), services) {
            Ok(unusable) => found.extend(unusable.iter().map(|unusable| {
                let seen = format!("{} cannot be used by {user}, who runs {}", unusable.what, listed(services));
                Finding::error(CHECK, seen, remedy(unusable, user))
            })),
            Err(error) => {
                let seen = format!("cannot check {} as {user}: {error}", patient.home);
                found.push(Finding::error(CHECK, seen, "look at the findings about s6 and that user"));
            }
        }
    }
    let well = if users.is_empty() { "exists" } else { "can be written by the user of the gateways" };
    or_ok(findings, found, CHECK, format!("{} {well}", patient.home));
}

/// What to do about something that the service user cannot use. No remedy makes root act below the home, because that user may put a symlink at any
/// path there. The user can move away what is in its own directory. The process that does so must not have a terminal of root.
fn remedy(Unusable { what, is_home }: &Unusable, user: &str) -> String {
    if *is_home {
        format!("give the mounted directory to {user}, on the machine that it comes from")
    } else {
        format!("docker exec -u {user} CONTAINER mv {what} {what}.away, and gatewayctl restart its service")
    }
}

/// The saved manifest, and whether it is the one that is read.
fn saved(patient: &Patient<'_>, volume: &Volume, findings: &mut Vec<Finding>) {
    const CHECK: &str = "saved";
    let saved = patient.store().and_then(|store| SavedManifest::open(&store)).and_then(|saved| saved.settings());
    if let Err(error) = saved {
        for line in error.to_string().lines() {
            let mut finding = Finding::said(CHECK, &line);
            finding.level = Level::Warning;
            findings.push(finding);
        }
    }
    if patient.state.is_some() && SavedManifest::is_ignored_on(volume) {
        let seen =
            format!("{}/gateways.toml is not read, because the saved manifest is in another directory", patient.home);
        findings.push(Finding::warning(CHECK, seen, "register its gateways again with --save, then remove it"));
    }
}

fn ports(patient: &Patient<'_>, findings: &mut Vec<Finding>) {
    let mut ports: BTreeMap<u16, Vec<&ServiceName>> = BTreeMap::new();
    for (name, service) in &patient.services {
        let told = patient.scripts.get(name).and_then(|script| script.port);
        // A service without a port may listen all the same: because of the container, or by Hermes' own choice.
        if let Some(port) = told.or_else(|| service.address().map(|address| address.port)) {
            ports.entry(port).or_default().push(name);
        }
    }
    let many = ports.len();
    let shared = ports.into_iter().filter(|(_, services)| services.len() > 1).map(|(port, services)| {
        let seen = format!("{} share port {port}: only the first to start gets it", listed(&services));
        let remedy = if services.iter().all(|service| service.profile().is_some()) {
            "register all but one of them again with another --port"
        } else if services.contains(&&ServiceName::Metrics) {
            "give the metrics server another port with GATEWAYS_METRICS, or in the manifest"
        } else {
            "give the dashboard another port with HERMES_DASHBOARD_PORT, or in the manifest"
        };
        Finding::error("ports", seen, remedy)
    });
    or_ok(findings, shared.collect(), "ports", format!("{many} in use, each by one service only"));
}

/// The exit codes of a gateway that an operator stops: Hermes ends with 1 after TERM, and with 0 if its own command told it.
const STOPPED: [u16; 3] = [0, 1, 143];

/// The exit codes of a gateway whose profile another one serves, by release.
const OF_SERVED: [u16; 3] = [1, 75, 78];

/// What Hermes says, in every release, if another gateway serves the profile of the one that starts.
const SERVED: [&str; 3] = ["already serves profile", "does not get a gateway of its own", "will not serve profile"];

/// The line in which a gateway says that another one serves its profile, if it ended for that reason.
fn served(patient: &Patient<'_>, service: &LiveService, programs: &Programs) -> Option<String> {
    let log = end_of_log(patient, service, programs)?;
    let log = String::from_utf8_lossy(&log);
    let line = log.lines().rev().take(8).find(|line| SERVED.iter().any(|said| line.contains(said)))?;
    Some(excerpt(without_time(line).as_bytes(), 200))
}

/// A line of a log without the time that s6-log puts before it.
fn without_time(line: &str) -> &str {
    line.split_once("  ").map_or(line, |(_, text)| text)
}

/// The services that are down because they died too often, or because they said that they cannot run.
fn given_up(patient: &Patient<'_>, programs: &Programs, findings: &mut Vec<Finding>) {
    const CHECK: &str = "crashes";
    let mut found = Vec::new();
    let mut hidden = BTreeSet::new();
    for (name, service) in &patient.services {
        let Ok(status) = service.status(programs) else {
            if service.supervisors().is_err() {
                hidden.insert(name);
            }
            continue;
        };
        if status.up || status.wanted_up {
            continue;
        }
        let may_be_served = !service.is_isolated() && status.last.is_some_and(|last| OF_SERVED.contains(&last.code()));
        if let Some(said) = may_be_served.then(|| served(patient, service, programs)).flatten() {
            let seen = format!("{name} is down because another gateway serves its profile; its last line: {said}");
            found.push(Finding::warning(CHECK, seen, format!("leave it down; gatewayctl status {}", name.word())));
        } else if let Some((why, last)) = last_words(patient, service, programs) {
            let last = last.map_or_else(|| "it said nothing".to_owned(), |last| format!("its last line: {last}"));
            let seen = format!("{name} is down because {why}; {last}");
            found.push(Finding::error(CHECK, seen, format!("fix that, then gatewayctl start {}", name.word())));
        } else if let Some(last) = status.last.filter(|last| !STOPPED.contains(&last.code())) {
            let seen = format!("{name} is down because it ended with {last}");
            // If the logger has given up as well, both have said why in the container's log.
            let logger = service.logger().and_then(|log| LiveService::anonymous(&log).status(programs).ok());
            let is_heard = logger.is_none_or(|logger| logger.up || logger.wanted_up);
            let remedy = if is_heard { name.see_log() } else { "docker logs".to_owned() };
            found.push(Finding::warning(CHECK, seen, remedy));
        }
    }
    if !hidden.is_empty() {
        let seen = format!("the state of {} of the gateways is hidden from this user", hidden.len());
        found.push(Finding::warning(CHECK, seen, "run gatewayctl doctor as root"));
    }
    or_ok(findings, found, CHECK, "no gateway has given up");
}

/// Why a service was left down, if its log ends with the reason, and the last line that the service itself wrote.
fn last_words(
    patient: &Patient<'_>,
    service: &LiveService,
    programs: &Programs,
) -> Option<(&'static str, Option<String>)> {
    const PERMANENT: &str = "s6-permafailon: ";
    const CONFIGURATION: &str = ": exit 78, a configuration error: down until it is started again";
    let log = end_of_log(patient, service, programs)?;
    let log = String::from_utf8_lossy(&log);
    let mut lines = log.lines().rev();
    let last = lines.next()?;
    let why = if last.contains(PERMANENT) {
        "it used up its crash budget"
    } else if last.ends_with(CONFIGURATION) {
        "it ended with exit 78, a configuration error"
    } else {
        return None;
    };
    let own = lines.find(|line| !line.contains(PERMANENT));
    let own = own.map(|line| excerpt(without_time(line).as_bytes(), 200));
    Some((why, own))
}

/// The last lines of a service's log, if it has one.
fn end_of_log(patient: &Patient<'_>, service: &LiveService, programs: &Programs) -> Option<Vec<u8>> {
    let volume = patient.homes.of_service(service).open().ok()?;
    Tail::end(LogDir::open(&volume, service.name(), owner_of(service, programs, &volume)).ok()?, 20)
}
