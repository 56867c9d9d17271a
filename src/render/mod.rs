//! Gateway to service directory: the structs behind the templates, and the files that need no template. No I/O.

mod quote;
mod service_dir;

use askama::Template;

pub(crate) use service_dir::KNOWN;
pub use service_dir::{Mode, ServiceDir, ServiceFile};

use crate::spec::environment::{API_SERVER_PORT, SUPERVISED_MARKERS};
use crate::spec::options::{CrashBudget, LogTo};
use crate::spec::{Call, Gateway};

#[derive(Template)]
#[template(path = "run.sh")]
struct Run<'a> {
    profile: &'a str,
    user: &'a str,
    has_dollars: bool,
    entries: Vec<(&'a str, &'a str)>,
    secrets: Vec<(&'a str, &'a str)>,
    command: Vec<&'a str>,
}

#[derive(Template)]
#[template(path = "finish.sh")]
struct Finish<'a> {
    profile: &'a str,
    crash_budget: Option<(u32, u32)>,
}

#[derive(Template)]
#[template(path = "log/run.sh")]
struct LogRun<'a> {
    profile: &'a str,
    user: &'a str,
    to_container: bool,
    log_files: u32,
    log_size: u32,
}

/// Renders the service directory of a gateway. The same gateway gives the same bytes, on every machine.
pub fn render(gateway: &Gateway) -> ServiceDir {
    let mut files = vec![
        ServiceFile::new("type", Mode::Data, "longrun\n"),
        ServiceFile::new("run", Mode::Script, run(gateway)),
        ServiceFile::new("finish", Mode::Script, finish(gateway)),
        ServiceFile::new("timeout-kill", Mode::Data, format!("{}000\n", gateway.stop_timeout)),
        ServiceFile::new("log/run", Mode::Script, log_run(gateway)),
        ServiceFile::new("log/notification-fd", Mode::Data, "3\n"),
    ];
    if gateway.down {
        files.push(ServiceFile::new("down", Mode::Data, ""));
    }
    ServiceDir::new(gateway.profile.clone(), files)
}

fn run(gateway: &Gateway) -> String {
    let port = gateway.port().map(|port| port.to_string()).unwrap_or_default();
    let mut command = vec![gateway.program.as_str()];
    if !gateway.profile.is_default() {
        command.extend(["-p", gateway.profile.as_str()]);
    }
    command.push("gateway");
    let mut entries: Vec<(&str, &str)> = gateway.environment.values().collect();
    match gateway.call {
        Call::Start { .. } => command.extend(["start", "--foreground", "--port", &port]),
        Call::Run { port: given } => {
            command.extend(["run", "--replace"]);
            entries.extend(SUPERVISED_MARKERS.map(|marker| (marker, "1")));
            entries.extend(given.map(|_| (API_SERVER_PORT, port.as_str())));
        }
    }
    entries.sort_unstable();
    let secrets: Vec<(&str, &str)> = gateway.environment.secrets().collect();
    let mut values = entries.iter().chain(&secrets).map(|(_, value)| *value).chain([gateway.program.as_str()]);
    text(&Run {
        profile: gateway.profile.as_str(),
        user: gateway.user.as_str(),
        has_dollars: values.any(|value| value.contains(['$', '`'])),
        entries,
        secrets,
        command,
    })
}

fn finish(gateway: &Gateway) -> String {
    let crash_budget = match gateway.crash_budget {
        CrashBudget::Limited { deaths, seconds } => Some((deaths, seconds)),
        CrashBudget::Off => None,
    };
    text(&Finish { profile: gateway.profile.as_str(), crash_budget })
}

fn log_run(gateway: &Gateway) -> String {
    text(&LogRun {
        profile: gateway.profile.as_str(),
        user: gateway.user.as_str(),
        to_container: gateway.log_to == LogTo::Both,
        log_files: gateway.log_files.get(),
        log_size: gateway.log_size.get(),
    })
}

/// The text of a template, with the last newline, which Askama drops.
fn text(template: &impl Template) -> String {
    let mut text = String::with_capacity(2048);
    template.render_into(&mut text).expect("a String takes every write");
    text.push('\n');
    text
}
