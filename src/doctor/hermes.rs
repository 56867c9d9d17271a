//! Whether the installed Hermes takes the command line of the run scripts.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, or_ok};
use super::gateways::is_known;
use super::patient::Patient;
use super::said::listed;
use crate::hermes::{RELEASES, Release, installed};
use crate::s6::{HermesCommand, RunScript};
use crate::spec::{Owner, ServiceName};
use crate::volume::{Home, Said, Servant, ServantError};

const CHECK: &str = "hermes";

pub(super) fn check(patient: &Patient<'_>, findings: &mut Vec<Finding>) {
    let Some(programs) = &patient.programs else { return };
    if patient.scripts.is_empty() {
        return;
    }
    if !patient.can_ask() {
        let seen = "only root can check which commands the Hermes of the gateways takes";
        findings.push(Finding::warning(CHECK, seen, "run gatewayctl doctor as root"));
        return;
    }
    // Each Hermes is asked once, however many gateways call it.
    let mut asked: BTreeMap<(String, &str), (Home, BTreeSet<HermesCommand>)> = BTreeMap::new();
    let home = |name: &ServiceName, script: &RunScript| {
        patient.homes.of(&name.profile().cloned().unwrap_or_default(), &script.owner)
    };
    let (isolated, sharing): (Vec<_>, Vec<_>) =
        patient.scripts.iter().partition(|(_, script)| script.owner.is_isolated());
    for (name, script) in sharing {
        let home = home(name, script);
        let one = asked.entry((home.user(), &script.program)).or_insert_with(|| (home, BTreeSet::new()));
        one.1.insert(script.command);
    }
    // Each isolated gateway has another user, but the answer does not depend on the user.
    for (name, script) in isolated {
        if let Some((_, one)) = asked.iter_mut().find(|((_, program), _)| *program == script.program) {
            one.1.insert(script.command);
        } else {
            let home = home(name, script);
            asked.insert((home.user(), &script.program), (home, BTreeSet::from([script.command])));
        }
    }
    let mut found = Vec::new();
    let mut well = Vec::new();
    for ((user, program), (home, commands)) in asked {
        let can_drop = match &home.owner {
            Owner::Shared(user) => {
                patient.is_unprivileged() || is_known(user.as_str(), programs) && programs.has("s6-setuidgid")
            }
            Owner::Isolated(_) => !patient.is_unprivileged() && programs.has("s6-applyuidgid"),
        };
        if !can_drop {
            // Another finding says so already.
            continue;
        }
        for command in commands {
            let takes = |command| takes(&patient.servant_at(programs, &home), program, command);
            match takes(command) {
                Answer::Yes => well.push(format!("{program} takes {}", line(command))),
                Answer::No => {
                    let remedy = match instead(command) {
                        Some((other, cli)) if matches!(takes(other), Answer::Yes) => {
                            format!("render its gateways with gen-service --hermes-cli {cli}, which it takes")
                        }
                        _ => "install another version of hermes-agent".to_owned(),
                    };
                    found.push(Finding::error(CHECK, format!("{program} does not take {}", line(command)), remedy));
                }
                Answer::Nothing(why) => {
                    let seen = format!("cannot run {program} as {user}: {why}");
                    let finding = Finding::error(
                        CHECK,
                        seen,
                        "install hermes-agent, or render its gateways with gen-service --hermes PATH",
                    );
                    if !found.contains(&finding) {
                        found.push(finding);
                    }
                }
            }
        }
    }
    releases(patient, &mut found, &mut well);
    let mut said = BTreeSet::new();
    well.retain(|line| said.insert(line.clone()));
    if !well.is_empty() || !found.is_empty() {
        or_ok(findings, found, CHECK, well.join(", "));
    }
}

/// The release of each Hermes, and whether its run scripts fit that release.
fn releases(patient: &Patient<'_>, found: &mut Vec<Finding>, well: &mut Vec<String>) {
    let programs: BTreeSet<&str> = patient.scripts.values().map(|script| script.program.as_str()).collect();
    for program in programs {
        let Some(version) = installed(program) else {
            well.push(format!("the release of {program} is unknown"));
            continue;
        };
        let Some(release) = Release::of(version) else {
            let newest = RELEASES.last().map(|release| release.until.to_string()).unwrap_or_default();
            let seen = format!("{program} is {version}, but this gatewayctl knows only releases up to {newest}");
            found.push(Finding::warning(CHECK, seen, "read docs/hermes-versions.md, and look for a newer gatewayctl"));
            continue;
        };
        let replacing = patient.scripts.iter().filter(|(name, script)| {
            let is_named = name.profile().is_some_and(|profile| !profile.is_default());
            script.program == program && script.replaces && is_named && !script.owner.is_isolated()
        });
        let replacing: Vec<&ServiceName> = replacing.map(|(name, _)| name).collect();
        if release.replaces_others() && !replacing.is_empty() {
            let seen = format!(
                "{program} is {version}, whose --replace ends the gateway that serves all profiles, and the run scripts of {} use --replace",
                listed(&replacing)
            );
            found.push(Finding::error(CHECK, seen, "render them with gen-service --hermes-cli run-beside"));
        } else {
            well.push(format!("{program} is {version}"));
        }
    }
}

enum Answer {
    Yes,
    No,
    /// It does not answer, for this reason.
    Nothing(String),
}

/// The words of a command, and the options that the run scripts give to it.
fn words(command: HermesCommand) -> (&'static [&'static str], &'static [&'static str]) {
    match command {
        HermesCommand::Start => (&["gateway", "start"], &["--foreground", "--port"]),
        HermesCommand::Run => (&["gateway", "run"], &["--replace"]),
        HermesCommand::Dashboard => (&["dashboard"], &["--host", "--port", "--no-open"]),
    }
}

/// Another command that may do the same, and its name for `--hermes-cli`.
fn instead(command: HermesCommand) -> Option<(HermesCommand, &'static str)> {
    match command {
        HermesCommand::Start => Some((HermesCommand::Run, "run")),
        HermesCommand::Run => Some((HermesCommand::Start, "start")),
        HermesCommand::Dashboard => None,
    }
}

fn line(command: HermesCommand) -> String {
    let (words, options) = words(command);
    format!("`{}`", [words, options].concat().join(" "))
}

/// Asks for the help of a command, as the user of the gateways.
fn takes(servant: &Servant<'_>, program: &str, command: HermesCommand) -> Answer {
    let (words, options) = words(command);
    let Said { code, out, err } = match servant.ask(program, &[words, &["--help"]].concat()) {
        Ok(said) => said,
        // If the release is known, a busy machine is no reason to complain.
        Err(ServantError::Late { .. }) if installed(program).and_then(Release::of).is_some() => {
            return if command == HermesCommand::Start { Answer::No } else { Answer::Yes };
        }
        Err(error) => return Answer::Nothing(error.to_string()),
    };
    let help = String::from_utf8_lossy(&out);
    if code == 0 && options.iter().all(|option| help.contains(option)) {
        return Answer::Yes;
    }
    if code == 0 || String::from_utf8_lossy(&err).contains("usage:") {
        return Answer::No;
    }
    let last = Said { code, out, err }.last_complaint();
    Answer::Nothing(if last.is_empty() { "it ended without a message".to_owned() } else { last })
}
