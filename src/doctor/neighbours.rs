//! What else is wrong around the gateways: run scripts that gen-service did not write, gateways whose profile is gone or served by another gateway,
//! files of root on the volume, gateways that die again and again, and gateways that get less time to stop than they need.

#![expect(clippy::disallowed_methods, reason = "run scripts in the scandir, and their interpreters")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use super::finding::{Finding, or_ok};
use super::patient::Patient;
use super::said::{listed, profiles};
use crate::boot::{How, Serving};
use crate::s6::{LiveService, Programs, container};
use crate::spec::options::UserName;
use crate::spec::{ProfileName, ServiceName};
use crate::volume::{Deadline, Identity, Left, Master, Rules, SavedManifest, Servant, Volume};

/// How long s6-overlay waits for its services to stop unless a variable says otherwise, in milliseconds.
const GRACE_OF_S6_OVERLAY: u64 = 3000;

/// This many deaths in a minute are a loop.
const LOOP: usize = 5;

/// The most files that a finding names.
const MOST_NAMED: usize = 3;

pub(super) fn check(patient: &Patient<'_>, findings: &mut Vec<Finding>) {
    or_ok(findings, scripts(patient), "scripts", "every run script can start, and comes from gen-service");
    let Some(programs) = &patient.programs else { return };
    or_ok(findings, loops(patient, programs), "loops", "no gateway dies again and again");
    or_ok(findings, grace(patient), "stop", "s6-overlay waits as long as every stop may take");
    let Ok(volume) = Volume::open(patient.home) else { return };
    let mut wrong = orphans(patient, &volume);
    let well = served(patient, programs, &mut wrong);
    or_ok(findings, wrong, "profiles", well);
    // If an ordinary user supervises, that user owns everything on the volume.
    if rustix::process::geteuid().is_root() && !patient.is_unprivileged() {
        files(patient, &volume, programs, findings);
    }
}

/// Run scripts that gen-service did not write, and those that no supervisor can start.
fn scripts(patient: &Patient<'_>) -> Vec<Finding> {
    const CHECK: &str = "scripts";
    let check = |(name, service): (&ServiceName, &LiveService)| {
        let run = service.run();
        let text = service.script().unwrap_or_default();
        let word = name.word();
        let interpreter = text.lines().next().and_then(|line| line.strip_prefix("#!")?.split_whitespace().next());
        let is_executable = fs::metadata(&run).is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0);
        if !is_executable || interpreter.is_some_and(|interpreter| fs::metadata(interpreter).is_err()) {
            let seen = format!("the run script of {name} cannot start: its supervisor tries again each minute");
            Some(Finding::error(CHECK, seen, format!("unregister {word} and register it again")))
        } else if service.is_hermes_own() {
            let seen = format!(
                "the run script of {name} comes from Hermes' own service manager: nothing ends its crash loops, and its user controls its supervisor"
            );
            Some(Finding::error(CHECK, seen, format!("gatewayctl register {word} --adopt, or gatewayctl reconcile")))
        } else if !text.contains("Written by gen-service") {
            let seen = format!("gen-service did not render the run script of {name}");
            Some(Finding::warning(CHECK, seen, format!("unregister {word} and register it again, unless you wrote it")))
        } else {
            None
        }
    };
    patient.services.iter().filter_map(check).collect()
}

/// Gateways that have died often within a minute and start again.
fn loops(patient: &Patient<'_>, programs: &Programs) -> Vec<Finding> {
    let check = |(name, service): (&ServiceName, &LiveService)| {
        let status = service.status(programs).ok().filter(|status| status.wanted_up && status.seconds < 60)?;
        let tally = service.tally(programs).ok()?;
        let deaths: Vec<u64> = tally.lines().filter_map(seconds).collect();
        let (first, last) = (deaths.len().checked_sub(LOOP).and_then(|at| deaths.get(at))?, deaths.last()?);
        (last.saturating_sub(*first) < 60).then(|| {
            let last = status.last.map_or_else(String::new, |last| format!(", the last time with {last}"));
            let seen = format!("{name} has died {LOOP} times within a minute{last}, and starts again");
            Finding::error("loops", seen, format!("{}; gatewayctl stop {} ends the loop", name.see_log(), name.word()))
        })
    };
    patient.services.iter().filter_map(check).collect()
}

/// The seconds of a time in s6's form (TAI64N). Only differences between them mean something here.
fn seconds(line: &str) -> Option<u64> {
    u64::from_str_radix(line.strip_prefix('@')?.get(..16)?, 16).ok()
}

/// The time that s6-overlay gives its services to stop, if one of them may need more.
fn grace(patient: &Patient<'_>) -> Vec<Finding> {
    // Only the services that s6-overlay brings down itself. It links to them.
    let linked = patient.services.values().filter(|service| service.path().is_symlink());
    let Some(longest) = linked.filter_map(LiveService::timeout_kill).max() else { return Vec::new() };
    let told = container::variable("S6_SERVICES_GRACETIME").and_then(|value| value.parse().ok());
    let grace = Duration::from_millis(told.unwrap_or(GRACE_OF_S6_OVERLAY));
    if grace >= longest {
        return Vec::new();
    }
    let seen = format!(
        "a gateway of /etc/services.d may take {} s to stop, but s6-overlay waits only {} ms: the rest of that time is lost",
        longest.as_secs(),
        grace.as_millis()
    );
    let needed = longest + Duration::from_secs(5);
    let remedy = format!(
        "docker run -e S6_SERVICES_GRACETIME={} --stop-timeout {}",
        needed.as_millis(),
        (needed + Duration::from_secs(10)).as_secs()
    );
    vec![Finding::warning("stop", seen, remedy)]
}

/// Gateways whose profile is not on the volume, without those that an operator saved.
fn orphans(patient: &Patient<'_>, volume: &Volume) -> Vec<Finding> {
    let saved = patient.store().and_then(|store| SavedManifest::open(&store)).and_then(|saved| saved.settings());
    let saved = saved.unwrap_or_default();
    let is_saved = |profile: &ProfileName| saved.gateways.iter().any(|(name, _)| name == profile);
    let lacks = |profile: &ProfileName| volume.lacks(profile) && !is_saved(profile);
    let is_isolated = |name: &ServiceName| patient.scripts.get(name).is_some_and(|script| script.owner.is_isolated());
    let names = patient.services.keys().filter(|name| name.profile().is_some_and(lacks) && !is_isolated(name));
    let gone: Vec<&ServiceName> = names.collect();
    let is_s6_rcs = |name: &&ServiceName| patient.services.get(*name).is_some_and(LiveService::is_of_s6_rc);
    let (of_s6_rc, others): (Vec<&ServiceName>, Vec<&ServiceName>) = gone.into_iter().partition(is_s6_rcs);
    let of = |gone: Vec<&ServiceName>, remedy: &str| {
        let seen = format!("without a profile on the volume: {}", listed(&gone));
        (!gone.is_empty()).then(|| Finding::warning("profiles", seen, remedy))
    };
    let made = "make it with hermes profile create, or take the gateway out with gatewayctl reconcile --prune";
    let defined = "make it with hermes profile create, or take the gateway out of the manifest of the image";
    of(others, made).into_iter().chain(of(of_s6_rc, defined)).collect()
}

/// Whether the gateway of the root profile should serve the others, and whether it alone does. Returns what to say if all is well.
fn served(patient: &Patient<'_>, programs: &Programs, wrong: &mut Vec<Finding>) -> &'static str {
    const CHECK: &str = "profiles";
    let Some(serving) = Serving::here(&patient.scandir, &patient.homes) else {
        return "every gateway has its profile";
    };
    let root = ServiceName::from(ProfileName::default());
    let is_up = |name: &ServiceName| {
        patient.services.get(name).is_some_and(|service| service.status(programs).is_ok_and(|status| status.up))
    };
    let how = |name: &ServiceName| {
        let owner = patient.scripts.get(name).map(|script| &script.owner);
        name.profile().and_then(|profile| serving.how(profile, owner))
    };
    let two: Vec<&ServiceName> =
        patient.services.keys().filter(|name| how(name) == Some(How::Now) && is_up(name)).collect();
    if !two.is_empty() {
        let seen = format!("two gateways serve {}: its own, and that of default", profiles(&two));
        let remedy = "take them out with gatewayctl reconcile --prune; stop those that a manifest names with gatewayctl stop --save";
        wrong.push(Finding::error(CHECK, seen, remedy));
    }
    let names: Vec<ServiceName> = serving.profiles().map(ServiceName::from).collect();
    let nobody = |wanted: How| -> Vec<&ServiceName> {
        names.iter().filter(|name| how(name) == Some(wanted) && !is_up(name)).collect()
    };
    let (mut never, next) = (nobody(How::Never), nobody(How::Next));
    // The profile's own gateway may be the one that serves it, once an operator starts it.
    never.retain(|name| serving.always() || !patient.services.contains_key(name));
    if !never.is_empty() {
        let (why, remedy) = if is_up(&root) {
            ("does not report that it does", "gatewayctl logs default, and gatewayctl restart default")
        } else {
            ("is down", "gatewayctl start default")
        };
        let seen = format!("nobody serves {}: the gateway of default should, but {why}", profiles(&never));
        wrong.push(Finding::warning(CHECK, seen, remedy));
    }
    if !next.is_empty() {
        let why = serving.alone().map_or_else(
            || "the gateway of default has not looked for profiles since".to_owned(),
            |why| format!("the gateway of default serves only itself, and says why: {why}"),
        );
        let seen = format!("nobody serves {}: {why}", profiles(&next));
        wrong.push(Finding::warning(CHECK, seen, "gatewayctl restart default"));
    }
    if serving.is_on() {
        "the gateway of default serves the profiles that it found"
    } else {
        "the gateway of default should serve the profiles"
    }
}

/// What the service user cannot read or write in its profiles. That user's own process says so, because modes do not tell everything. The question
/// may take long, so it comes last, with a part of the usual time limit.
pub(super) fn in_the_way(patient: &Patient<'_>, timeout: Duration, findings: &mut Vec<Finding>) {
    const CHECK: &str = "files";
    let Some(programs) = &patient.programs else { return };
    let Ok(volume) = Volume::open(patient.home) else { return };
    let user = service_user(patient);
    let Some(identity) = Identity::of(user.as_str(), programs) else { return };
    if !rustix::process::geteuid().is_root() || patient.is_unprivileged() {
        return;
    }
    let servant = Servant::new(programs, Master::of(&user), patient.home, Deadline::after(timeout / 4));
    match volume.in_the_way(&servant, identity, MOST_NAMED) {
        Ok((found, more)) if !found.is_empty() => {
            let mut named: Vec<String> = found.iter().map(ToString::to_string).collect();
            named.sort_unstable();
            let more = if more { ", and more" } else { "" };
            let seen = format!("{user} cannot read or write: {}{more}", named.join(", "));
            findings.push(Finding::warning(
                CHECK,
                seen,
                "look at their owners, on the machine that the volume comes from",
            ));
        }
        Ok(_) => {}
        Err(error) => {
            let seen = format!("cannot check whether {user} can read all of its profiles: {error}");
            findings.push(Finding::warning(CHECK, seen, ""));
        }
    }
}

/// The user of the gateways.
fn service_user(patient: &Patient<'_>) -> UserName {
    let users = patient.sharing().map(|(_, user)| user);
    users.min_by_key(|user| user.as_str()).cloned().unwrap_or_default()
}

/// What the service user cannot use on the volume because another user owns it.
fn files(patient: &Patient<'_>, volume: &Volume, programs: &Programs, findings: &mut Vec<Finding>) {
    const CHECK: &str = "files";
    let user = service_user(patient);
    let Some(to) = Identity::of(user.as_str(), programs) else { return };
    let Ok(found) = volume.repair(Rules { to, from_owner: false, dry_run: true }) else { return };
    let mut wrong = Vec::new();
    if !found.given.is_empty() {
        let named: Vec<String> = found.given.iter().take(MOST_NAMED).map(ToString::to_string).collect();
        let more = found.given.len().saturating_sub(MOST_NAMED) + found.more_given;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let seen = format!("root owns files that {user} may have to write: {}{more}", named.join(", "));
        wrong.push(Finding::warning(CHECK, seen, "gatewayctl repair"));
    }
    let left = found.left.into_iter().take(MOST_NAMED);
    wrong.extend(left.map(|Left { what, problem }| Finding::said(CHECK, &format!("{what}: {problem}"))));
    or_ok(findings, wrong, CHECK, format!("the files of Hermes in {} belong to {user}", patient.home));
}
