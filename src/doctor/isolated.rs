//! The isolated gateways: whether each has its user and its home for itself. Their run scripts ask the same, and leave them down.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::finding::{Finding, or_ok};
use super::patient::Patient;
use super::said::listed;
use crate::disk;
use crate::s6::{Programs, RunScript, container, variables};
use crate::spec::environment::DASHBOARD_ADDRESS;
use crate::spec::options::Uid;
use crate::spec::{Owner, ServiceName};
use crate::volume::{Home, Volume};

const CHECK: &str = "isolated";

/// What the variables begin with by which the dashboard has a password, or the hash of one.
const PASSWORD: &str = "HERMES_DASHBOARD_BASIC_AUTH_PASSWORD";

pub(super) fn check(patient: &Patient<'_>, findings: &mut Vec<Finding>) {
    let Some(programs) = &patient.programs else { return };
    let own = |(name, script): (&ServiceName, &RunScript)| match script.owner {
        Owner::Isolated(uid) => Some((name.clone(), uid)),
        Owner::Shared(_) => None,
    };
    let isolated: Vec<(ServiceName, Uid)> = patient.scripts.iter().filter_map(own).collect();
    if isolated.is_empty() {
        return;
    }
    let mut found = Vec::new();
    if patient.is_unprivileged() {
        let seen = "who supervises here is not root, and cannot give a gateway a user of its own";
        found.push(Finding::error(CHECK, seen, "start the container without --user"));
    } else if let Err(problem) = patient.homes.check_apart() {
        let seen = format!("{} is no place for homes: {problem}", patient.homes.apart());
        found.push(Finding::error(CHECK, seen, "chown it to root and chmod it go-w, and all that is above it"));
    } else {
        for (name, _) in &isolated {
            let Some(service) = patient.services.get(name) else { continue };
            found.extend(home(patient, programs, name, &patient.homes.of_service(service)));
        }
    }
    found.extend(numbers(&isolated));
    found.extend(dashboard(patient, programs));
    let well = match isolated.len() {
        1 => "1 isolated gateway, with a user and a home of its own".to_owned(),
        many => format!("{many} isolated gateways, each with a user and a home of its own"),
    };
    or_ok(findings, found, CHECK, well);
}

/// A dashboard that an isolated gateway can use: every process here reaches it, and who is let in may do all that the gateways may that share a home.
fn dashboard(patient: &Patient<'_>, programs: &Programs) -> Option<Finding> {
    let service = patient.services.get(&ServiceName::Dashboard)?;
    service.status(programs).ok().filter(|status| status.up)?;
    let text = service.script().ok()?;
    let told = container::variable(DASHBOARD_ADDRESS[0]);
    let host = told.or_else(|| RunScript::parse(&text)?.host)?;
    let remedy = "give it as a secret, in [dashboard] of the manifest, or gatewayctl stop dashboard";
    if host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()) {
        let seen = "the dashboard lets in whoever reaches loopback, and so every isolated gateway";
        return Some(Finding::warning(
            CHECK,
            seen,
            "let it listen on 0.0.0.0, with a password, or gatewayctl stop dashboard",
        ));
    }
    // What is no secret stands in the run script, or in the container's environment, which all may read.
    let is_secret = text.lines().any(|line| line.starts_with(&format!("export {PASSWORD}")));
    let named = variables(&text).unwrap_or_default();
    let is_open = named.iter().any(|entry| entry.starts_with(PASSWORD))
        || container::names().iter().any(|name| name.starts_with(PASSWORD));
    let seen = "every isolated gateway can read the password of the dashboard, in the container's variables or in a run script";
    (is_open && !is_secret).then(|| Finding::warning(CHECK, seen, remedy))
}

/// What is wrong with the users of these gateways.
fn numbers(isolated: &[(ServiceName, Uid)]) -> Vec<Finding> {
    let mut of: BTreeMap<Uid, Vec<&ServiceName>> = BTreeMap::new();
    for (name, uid) in isolated {
        of.entry(*uid).or_default().push(name);
    }
    let mut found = Vec::new();
    for (uid, services) in &of {
        if services.len() > 1 {
            let seen = format!("{} are one user, {uid}: each reads and stops the others", listed(services));
            found.push(Finding::error(CHECK, seen, "register all but one of them again with another --uid"));
        }
        if let Some(other) = named(*uid) {
            let seen = format!("{}: {uid} is that of {other}, too", listed(services));
            found.push(Finding::error(CHECK, seen, "register it again with another --uid"));
        }
    }
    found
}

/// Who has this number by name here.
fn named(uid: Uid) -> Option<String> {
    [("/etc/passwd", "user"), ("/etc/group", "group")]
        .into_iter()
        .find_map(|(file, kind)| disk::named(uid.get(), file).map(|name| format!("{kind} {name}")))
}

/// What is wrong with the home of one, if it has been made.
fn home(patient: &Patient<'_>, programs: &Programs, name: &ServiceName, home: &Home) -> Option<Finding> {
    let word = name.word();
    let error = |seen: String, remedy: String| Some(Finding::error(CHECK, seen, remedy));
    if home.is_no_directory() {
        let seen = format!("{}, the home of {name}, is not a directory", home.path);
        return error(seen, "move it away".to_owned());
    }
    let volume: Volume = match home.open_if_made() {
        Ok(volume) => volume?,
        Err(problem) => return error(format!("{name}: {problem}"), "move it away".to_owned()),
    };
    let (owner, mode) = volume.owner_and_mode();
    if owner == 0 && volume.is_empty() {
        // It is given at the next start.
        return None;
    }
    if home.user() != owner.to_string() {
        let seen =
            format!("{}, the home of {name}, belongs to user {owner}, not to its own, {}", home.path, home.user());
        let remedy = if owner == 0 { String::new() } else { format!(", or register {word} again with --uid {owner}") };
        return error(seen, format!("move it away{remedy}"));
    }
    if mode & 0o077 != 0 {
        let seen = format!("{}, the home of {name}, has mode {mode:04o}, so others can look into it", home.path);
        return Some(Finding::warning(CHECK, seen, format!("chmod 0700 {}", home.path)));
    }
    if !patient.can_ask() {
        return None;
    }
    match volume.unusable(&patient.servant_at(programs, home), &[name]) {
        Ok(unusable) => unusable.first().and_then(|unusable| {
            let seen = format!("{} cannot be used by user {}, who runs {name}", unusable.what, home.user());
            error(seen, "see what is there, and whose it is".to_owned())
        }),
        Err(problem) => error(
            format!("nobody can be asked about {} as user {}: {problem}", home.path, home.user()),
            format!("see what user {} runs", home.user()),
        ),
    }
}
