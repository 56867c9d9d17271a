//! Whether a watchdog exists for the gateways that need one, and whether it can ask each of them.

use super::finding::{Finding, or_ok};
use super::patient::Patient;
use super::said::listed;
use crate::s6::LiveService;
use crate::spec::ServiceName;

pub(super) fn check(patient: &Patient<'_>, findings: &mut Vec<Finding>) {
    const CHECK: &str = "watchdog";
    let watched: Vec<(&ServiceName, &LiveService)> =
        patient.services.iter().filter(|(_, service)| service.watchdog().is_some()).collect();
    if watched.is_empty() {
        return;
    }
    let mut found = Vec::new();
    let names: Vec<&ServiceName> = watched.iter().map(|(name, _)| *name).collect();
    if !patient.services.contains_key(&ServiceName::Watchdog) {
        let seen = format!("no watchdog is here, so nobody looks after {}", listed(&names));
        let remedy = "gen-service --manifest FILE --part watchdog --out TREE, and gatewayctl install TREE";
        found.push(Finding::error(CHECK, seen, remedy));
    }
    let asked = |service: &LiveService| service.address().and_then(|address| address.socket()).is_some();
    let deaf: Vec<&ServiceName> =
        watched.iter().filter(|(_, service)| !asked(service)).map(|(name, _)| *name).collect();
    if !deaf.is_empty() {
        let seen = format!("the watchdog cannot ask {}", listed(&deaf));
        let remedy = "set API_SERVER_HOST to an IP address";
        found.push(Finding::warning(CHECK, seen, remedy));
    }
    or_ok(findings, found, CHECK, format!("looks after {}", listed(&names)));
}
