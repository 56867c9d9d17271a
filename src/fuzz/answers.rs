//! Output of Hermes and of the programs of s6, run scripts and journals.

use serde_json::{Map, Value};

use super::check::one_plain_line;
use crate::disk::Plan;
use crate::render::render_service;
use crate::s6::{Ended, HermesCommand, RunScript, Status, count};
use crate::spec::options::{HermesCli, Options};
use crate::spec::{Dashboard, Gateway, Owner, Service};
use crate::volume::{Intent, Object};

/// The member that an operator's start and stop write.
const DESIRED: &str = "desired_state";

/// `gateway_state.json`, as Hermes wrote it.
///
/// # Panics
/// If its description is not one plain line; if an object of JSON is refused; or if a word that is put into it is not read back, with every
/// other byte unchanged.
pub fn gateway_state(data: &[u8]) {
    let intent = Intent::parse(data);
    match &intent {
        Intent::Recorded { state, .. } if state.is_empty() => {}
        _ => one_plain_line(&intent),
    }
    match &intent {
        Intent::Recorded { state, .. } => assert!(state.chars().count() <= 40, "{state}"),
        Intent::Nothing => assert!(!intent.is_running()),
        Intent::Unreadable(reason) => {
            one_plain_line(reason);
            assert!(!intent.is_running() && reason.len() < 1000, "{reason}");
        }
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return assert!(matches!(intent, Intent::Unreadable(_)));
    };
    let judged: Option<Map<String, Value>> = serde_json::from_str(text).ok();
    let Some(object) = Object::parse(text) else {
        assert!(judged.is_none(), "it is an object");
        return assert!(matches!(intent, Intent::Unreadable(_)));
    };
    for word in ["running", "stopped"] {
        let changed = object.with(DESIRED, word);
        let wanted = Intent::Recorded { state: word.to_owned(), desired: true };
        assert_eq!(Intent::parse(changed.as_bytes()), wanted, "{changed:?}");
        let again = Object::parse(&changed).expect("what was written is an object");
        assert_eq!(again.with(DESIRED, word), changed);
        let around = object.around(DESIRED);
        if around.len() > 1 {
            assert_eq!(again.around(DESIRED), around);
        } else {
            let (first, last) = (format!("\"{DESIRED}\": \"{word}\""), format!(", \"{DESIRED}\": \"{word}\""));
            let without = |part: &str| {
                changed.match_indices(part).any(|(at, _)| {
                    text.strip_prefix(&changed[..at]).is_some_and(|rest| rest == &changed[at + part.len()..])
                })
            };
            assert!(without(&last) || without(&first), "{changed:?}");
        }
        if let Some(mut judged) = judged.clone() {
            judged.insert(DESIRED.to_owned(), word.into());
            assert_eq!(serde_json::from_str::<Map<String, Value>>(&changed).ok(), Some(judged), "{changed:?}");
        }
    }
}

/// The output of s6-svstat.
///
/// # Panics
/// If something that was understood is not understood in the same way when it is written again.
pub fn svstat(data: &[u8]) {
    let said = String::from_utf8_lossy(data);
    let Some(status) = Status::parse(&said) else { return };
    assert!(status.last.is_none() || !status.up, "it runs, and has ended");
    let (code, signal) = match status.last {
        None => ("-1".to_owned(), "NA".to_owned()),
        Some(Ended::Exit(code)) => (code.to_string(), "NA".to_owned()),
        Some(Ended::Signal(0)) => ("-1".to_owned(), "???".to_owned()),
        Some(signal @ Ended::Signal(_)) => ("-1".to_owned(), signal.to_string()),
    };
    let pid = status.pid.map_or_else(|| "-1".to_owned(), |pid| pid.to_string());
    let Status { up, wanted_up, paused, seconds, .. } = &status;
    let again = format!("{up} {wanted_up} {paused} {pid} {code} {signal} {seconds}\n");
    assert_eq!(Status::parse(&again), Some(status), "{again:?}");
}

/// The output of s6-svdt.
///
/// # Panics
/// If the number of deaths is not the number of lines.
pub fn svdt(data: &[u8]) {
    let said = String::from_utf8_lossy(data);
    let begun = !said.is_empty() && !said.ends_with('\n');
    assert_eq!(count(&said), said.matches('\n').count() + usize::from(begun));
}

/// A run script. Anybody may have written it.
///
/// # Panics
/// If something that was read is not read back after it was rendered.
pub fn run_script(data: &[u8]) {
    let Some(script) = std::str::from_utf8(data).ok().and_then(RunScript::parse) else { return };
    let Ok(program) = script.program.parse() else { return };
    let port = script.port.and_then(|port| port.to_string().parse().ok());
    let hermes_cli = match script.command {
        HermesCommand::Start => Some(HermesCli::Start),
        HermesCommand::Run if script.replaces => Some(HermesCli::Run),
        HermesCommand::Run => Some(HermesCli::RunBeside),
        HermesCommand::Dashboard => None,
    };
    let (user, uid) = match script.owner.clone() {
        Owner::Shared(user) => (Some(user), None),
        Owner::Isolated(uid) => (None, Some(uid)),
    };
    let isolated = Some(uid.is_some());
    let options = Options { user, uid, isolated, hermes: Some(program), hermes_cli, port, ..Options::default() };
    let service: Service = if script.command == HermesCommand::Dashboard {
        Dashboard::new(options).expect("it has no variables").into()
    } else {
        let gateways =
            Gateway::resolve(vec![("coder".parse().expect("it is a name"), options)]).expect("nobody has its port");
        gateways.into_iter().next().expect("there is one").into()
    };
    let directory = render_service(&service);
    let run = directory.files().iter().find(|file| file.path == "run").expect("there is a run script");
    let again = RunScript::parse(&run.content).expect("what is rendered is understood");
    assert_eq!((&again.owner, &again.program, again.command), (&script.owner, &script.program, script.command));
    // An isolated gateway always has a port.
    if script.port.is_some_and(|port| port > 0) || script.command == HermesCommand::Run && !script.owner.is_isolated() {
        assert_eq!(again.port, script.port.filter(|port| *port > 0));
    }
}

/// The journal of a change, as a killed run left it.
///
/// # Panics
/// If a name in it is not in its directory or below it, or if what was read is not read back after it was written.
pub fn plan(data: &[u8]) {
    let plan = match Plan::parse(data) {
        Ok(plan) => plan,
        Err(error) => return one_plain_line(error),
    };
    let inside = |part: &str| !part.is_empty() && part != "." && part != "..";
    assert!(plan.names().all(|name| name.split('/').all(inside)));
    assert_eq!(Plan::parse(plan.text().as_bytes()).ok(), Some(plan));
}
