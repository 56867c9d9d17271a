//! The isolated gateways: whether no other gateway has the user or the home of each. Their run scripts check the same, and stay down otherwise.

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

/// The beginning of the names of the variables that give the dashboard a password, or the hash of one.
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
        let seen = "s6 does not run as root here, so it cannot give a gateway its own user";
        found.push(Finding::error(CHECK, seen, "start the container without --user"));
    } else if let Err(problem) = patient.homes.check_apart() {
        let seen = format!("{} is not safe for homes: {problem}", patient.homes.apart());
        found.push(Finding::error(CHECK, seen, "chown it and every directory above it to root, and chmod them go-w"));
    } else {
        for (name, _) in &isolated {
            let Some(service) = patient.services.get(name) else { continue };
            found.extend(home(patient, programs, name, &patient.homes.of_service(service)));
        }
    }
    found.extend(numbers(&isolated));
    found.extend(dashboard(patient, programs));
    let well = match isolated.len() {
        1 => "1 isolated gateway, with its own user and home".to_owned(),
        many => format!("{many} isolated gateways, each with its own user and home"),
    };
    or_ok(findings, found, CHECK, well);
}

/// A dashboard that an isolated gateway can use. Every process here can reach it. A process that it lets in may do all that the gateways of the
/// shared home may do.
fn dashboard(patient: &Patient<'_>, programs: &Programs) -> Option<Finding> {
    let service = patient.services.get(&ServiceName::Dashboard)?;
    service.status(programs).ok().filter(|status| status.up)?;
    let text = service.script().ok()?;
    let told = container::variable(DASHBOARD_ADDRESS[0]);
    let host = told.or_else(|| RunScript::parse(&text)?.host)?;
    let remedy = "give the password as a secret, in [dashboard] of the manifest, or gatewayctl stop dashboard";
    if host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()) {
        let seen = "the dashboard lets in every process that reaches loopback, and every isolated gateway does";
        return Some(Finding::warning(
            CHECK,
            seen,
            "let it listen on 0.0.0.0, with a password, or gatewayctl stop dashboard",
        ));
    }
    // Unless the password is a secret, it stands in the run script or in the container's environment. All users can read both.
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
            let seen = format!("{} run as one user, {uid}: each can read and stop the others", listed(services));
            found.push(Finding::error(CHECK, seen, "register all but one of them again with another --uid"));
        }
        if let Some(other) = named(*uid) {
            let seen = format!("{}: the number {uid} also belongs to {other}", listed(services));
            found.push(Finding::error(CHECK, seen, "register it again with another --uid"));
        }
    }
    found
}

/// The user or group here that has this number.
fn named(uid: Uid) -> Option<String> {
    [("/etc/passwd", "user"), ("/etc/group", "group")]
        .into_iter()
        .find_map(|(file, kind)| disk::named(uid.get(), file).map(|name| format!("{kind} {name}")))
}

/// What is wrong with the home of an isolated gateway, if it has been made.
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
        // Its gateway gets it at the next start.
        return None;
    }
    if home.user() != owner.to_string() {
        let seen = format!("{}, the home of {name}, belongs to user {owner}, not to user {}", home.path, home.user());
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
            error(seen, "look at what is there, and at its owner".to_owned())
        }),
        Err(problem) => error(
            format!("cannot check {} as user {}: {problem}", home.path, home.user()),
            format!("look at what user {} runs", home.user()),
        ),
    }
}
