//! Whether the Hermes that is installed takes the command line that the run scripts have.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use super::gateways::{environment_of, is_known};
use super::{Finding, Patient, on_one_line, or_ok};
use crate::container;
use crate::options::HermesCli;

const CHECK: &str = "hermes";

pub(super) fn check(patient: &Patient<'_>, findings: &mut Vec<Finding>) {
    let Some(programs) = &patient.programs else { return };
    if patient.scripts.is_empty() {
        return;
    }
    if !(rustix::process::geteuid().is_root() || patient.is_unprivileged()) {
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
        let can_drop = || is_known(user, programs) && programs.path("s6-setuidgid").exists();
        if !patient.is_unprivileged() && !can_drop() {
            // Which is a finding already.
            continue;
        }
        for cli in clis {
            match takes(patient, user, program, cli) {
                Answer::Yes => well.push(format!("{program} takes {}", line(cli))),
                Answer::No => {
                    let other = if cli == "start" { "run" } else { "start" };
                    let remedy = match takes(patient, user, program, other) {
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
fn takes(patient: &Patient<'_>, user: &str, program: &str, cli: &str) -> Answer {
    let mut command = match &patient.programs {
        Some(programs) if !patient.is_unprivileged() => {
            let mut command = Command::new(programs.path("s6-setuidgid"));
            command.args([user, program]);
            command
        }
        _ => Command::new(program),
    };
    // As in a run script: what with-contenv loads, with the home.
    command.env("PATH", container::variable("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".to_owned()));
    command.envs(environment_of(patient.home)).args(["gateway", cli, "--help"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Answer::Nothing(crate::error::reason(&error)),
    };
    let (Some(mut out), Some(mut err)) = (child.stdout.take(), child.stderr.take()) else {
        return Answer::Nothing("it has no output".to_owned());
    };
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let other = thread::spawn(move || {
            let mut text = Vec::new();
            let _ = err.read_to_end(&mut text);
            text
        });
        let mut text = Vec::new();
        let _ = out.read_to_end(&mut text);
        let _ = sender.send((text, other.join().unwrap_or_default()));
    });
    let Ok((out, err)) = receiver.recv_timeout(patient.timeout) else {
        let _ = child.kill();
        let _ = child.wait();
        return Answer::Nothing(format!(
            "it said nothing for {} s; give it longer with --timeout",
            patient.timeout.as_secs()
        ));
    };
    let ended = child.wait().is_ok_and(|status| status.success());
    let help = String::from_utf8_lossy(&out);
    let complaint = String::from_utf8_lossy(&err);
    let last = complaint.lines().last().unwrap_or_default();
    if ended && options(cli).iter().all(|option| help.contains(option)) {
        Answer::Yes
    } else if ended || complaint.contains("usage:") {
        Answer::No
    } else if last.is_empty() {
        Answer::Nothing("it ends without a word".to_owned())
    } else {
        Answer::Nothing(on_one_line(last))
    }
}
