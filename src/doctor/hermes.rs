//! Whether the Hermes that is installed takes the command line that the run scripts have.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, or_ok};
use super::gateways::is_known;
use super::patient::Patient;
use crate::s6::Programs;
use crate::spec::options::{HermesCli, UserName};
use crate::volume::Said;

const CHECK: &str = "hermes";

pub(super) fn check(patient: &Patient<'_>, findings: &mut Vec<Finding>) {
    let Some(programs) = &patient.programs else { return };
    if patient.scripts.is_empty() {
        return;
    }
    if !patient.can_ask() {
        let seen = "only root can find out what the Hermes of the gateways takes";
        findings.push(Finding::warning(CHECK, seen, "run gatewayctl doctor as root"));
        return;
    }
    // Each is asked once, however many gateways call it.
    let mut asked: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for script in patient.scripts.values() {
        asked.entry((&script.user, &script.program)).or_default().insert(word(script.cli));
    }
    let mut found = Vec::new();
    let mut well = Vec::new();
    for ((user, program), clis) in asked {
        let can_drop = || is_known(user, programs) && programs.has("s6-setuidgid");
        let Some(name) = user.parse::<UserName>().ok().filter(|_| patient.is_unprivileged() || can_drop()) else {
            // Which is a finding already.
            continue;
        };
        for cli in clis {
            match takes(patient, programs, &name, program, cli) {
                Answer::Yes => well.push(format!("{program} takes {}", line(cli))),
                Answer::No => {
                    let other = if cli == "start" { "run" } else { "start" };
                    let remedy = match takes(patient, programs, &name, program, other) {
                        Answer::Yes => format!("render with --hermes-cli {other}, which it takes"),
                        _ => "install another version of hermes-agent".to_owned(),
                    };
                    found.push(Finding::error(CHECK, format!("{program} does not take {}", line(cli)), remedy));
                }
                Answer::Nothing(why) => {
                    let seen = format!("{program} cannot be asked as {user}: {why}");
                    found.push(Finding::error(CHECK, seen, "install hermes-agent, or give its path with --hermes"));
                }
            }
        }
    }
    if !well.is_empty() || !found.is_empty() {
        or_ok(findings, found, CHECK, well.join(", "));
    }
}

enum Answer {
    Yes,
    No,
    /// It does not answer, for this reason.
    Nothing(String),
}

fn word(cli: HermesCli) -> &'static str {
    match cli {
        HermesCli::Start => "start",
        HermesCli::Run => "run",
    }
}

fn options(cli: &str) -> &'static [&'static str] {
    if cli == "start" { &["--foreground", "--port"] } else { &["--replace"] }
}

fn line(cli: &str) -> String {
    format!("`gateway {cli} {}`", options(cli).join(" "))
}

/// Asks for the help of a command, as the user of the gateways.
fn takes(patient: &Patient<'_>, programs: &Programs, user: &UserName, program: &str, cli: &str) -> Answer {
    let Said { code, out, err } = match patient.servant(programs, user).ask(program, &["gateway", cli, "--help"]) {
        Ok(said) => said,
        Err(error) => return Answer::Nothing(error.to_string()),
    };
    let help = String::from_utf8_lossy(&out);
    if code == 0 && options(cli).iter().all(|option| help.contains(option)) {
        return Answer::Yes;
    }
    if code == 0 || String::from_utf8_lossy(&err).contains("usage:") {
        return Answer::No;
    }
    let last = Said { code, out, err }.last_complaint();
    Answer::Nothing(if last.is_empty() { "it ends without a word".to_owned() } else { last })
}
