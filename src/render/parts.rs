//! The parts of a service in any layout: the structs behind the templates, and the files that need no template.

use askama::Template;

use super::service_dir::{Mode, ServiceFile, whose};
use crate::spec::environment::{API_SERVER_PORT, Environment, SUPERVISED_MARKERS};
use crate::spec::options::{CrashBudget, Listen, LogFiles, LogSize, LogTo, StopTimeout, Watchdog};
use crate::spec::{Call, Dashboard, Gateway, Owner, Service, ServiceName};

/// The names of a service in its scripts.
struct Own {
    /// The service that the scripts belong to, in two words: `profile coder`, `the dashboard`.
    whose: (&'static str, String),
    /// The name of its service directory.
    service: String,
    /// The name that its logger uses for itself.
    logger: String,
    /// Whether s6-rc runs it.
    in_s6_rc: bool,
    /// What it is, for comments.
    kind: &'static str,
    /// Its log directory below the home.
    logs: String,
}

#[derive(Template)]
#[template(path = "run.sh")]
struct Run<'a> {
    own: &'a Own,
    owner: &'a Owner,
    has_dollars: bool,
    /// Host and port of the dashboard.
    address: Option<(&'a str, u16)>,
    entries: Vec<(&'a str, &'a str)>,
    secrets: Vec<(&'a str, &'a str)>,
    command: Vec<&'a str>,
}

#[derive(Template)]
#[template(path = "finish.sh")]
struct Finish<'a> {
    own: &'a Own,
    owner: &'a Owner,
    crash_budget: Option<(u32, u32)>,
    has_watchdog: bool,
}

#[derive(Template)]
#[template(path = "log/run.sh")]
struct LogRun<'a> {
    own: &'a Own,
    owner: &'a Owner,
    to_container: bool,
    log_files: u32,
    log_size: u32,
}

#[derive(Template)]
#[template(path = "roots/run.sh")]
struct RootsRun<'a> {
    own: &'a Own,
    /// The command of gatewayctl.
    command: &'static str,
    /// What it does. This is why it must be root.
    what: &'static str,
    /// The address where it serves, unless the container sets another.
    listen: Option<String>,
}

#[derive(Template)]
#[template(path = "metrics/finish.sh")]
struct MetricsFinish<'a> {
    own: &'a Own,
}

/// The parts of a service in any layout: the files of its directory, and the files of its logger's directory if it has one.
pub(super) struct Parts {
    pub(super) service: Vec<ServiceFile>,
    pub(super) logger: Option<Vec<ServiceFile>>,
    pub(super) down: bool,
}

impl Parts {
    /// All files in one directory, as s6 has them.
    pub(super) fn together(self) -> Vec<ServiceFile> {
        let mut files = self.service;
        for file in self.logger.into_iter().flatten() {
            files.push(ServiceFile { path: format!("log/{}", file.path).into(), ..file });
        }
        if self.down {
            files.push(ServiceFile::new("down", Mode::Data, ""));
        }
        files
    }
}

/// The parts of a service of this name.
pub(super) fn parts(service: &Service, name: &ServiceName, in_s6_rc: bool) -> Parts {
    match service {
        Service::Gateway(gateway) => of_gateway(gateway, name, in_s6_rc),
        Service::Dashboard(dashboard) => of_dashboard(dashboard, name, in_s6_rc),
        Service::Watch => of_roots(name, in_s6_rc, ("watch", "registers gateways"), None),
        Service::Watchdog => of_roots(name, in_s6_rc, ("watchdog", "restarts gateways"), None),
        Service::Metrics(metrics) => {
            let mut parts = of_roots(name, in_s6_rc, ("metrics", "reads what supervisors keep"), Some(metrics.listen));
            let own = Own::new(name, "metrics", in_s6_rc);
            parts.service.push(ServiceFile::new("finish", Mode::Script, text(&MetricsFinish { own: &own })));
            Parts { down: metrics.down, ..parts }
        }
    }
}

pub(super) fn of_gateway(gateway: &Gateway, name: &ServiceName, in_s6_rc: bool) -> Parts {
    let own = Own::new(name, "gateway", in_s6_rc);
    let run = run(gateway, &own);
    let rest = Rest {
        owner: &gateway.owner,
        down: gateway.down,
        stop_timeout: gateway.stop_timeout,
        logs: (gateway.log_to, gateway.log_files, gateway.log_size),
        crash_budget: gateway.crash_budget,
        watchdog: gateway.watchdog,
    };
    rest.parts(&own, run)
}

fn of_dashboard(dashboard: &Dashboard, name: &ServiceName, in_s6_rc: bool) -> Parts {
    let own = Own::new(name, "dashboard", in_s6_rc);
    let owner = Owner::Shared(dashboard.user.clone());
    let (environment, program) = (&dashboard.environment, dashboard.program.as_str());
    let run = text(&Run {
        address: Some((dashboard.host.as_str(), dashboard.port.get())),
        command: vec![program, "dashboard"],
        ..Run::new(&own, &owner, environment.values().collect(), environment, program)
    });
    let rest = Rest {
        owner: &owner,
        down: dashboard.down,
        stop_timeout: dashboard.stop_timeout,
        logs: (dashboard.log_to, dashboard.log_files, dashboard.log_size),
        crash_budget: dashboard.crash_budget,
        watchdog: Watchdog::default(),
    };
    rest.parts(&own, run)
}

/// The parts of a command of gatewayctl that root runs. `what` says what it does. The number of deaths has no limit, because nothing else
/// does this work.
fn of_roots(
    name: &ServiceName,
    in_s6_rc: bool,
    (command, what): (&'static str, &'static str),
    listen: Option<Listen>,
) -> Parts {
    let own = Own::new(name, command, in_s6_rc);
    let run = text(&RootsRun { own: &own, command, what, listen: listen.map(|listen| listen.to_string()) });
    let service = vec![longrun(), ServiceFile::new("run", Mode::Script, run)];
    Parts { service, logger: None, down: false }
}

fn longrun() -> ServiceFile {
    ServiceFile::new("type", Mode::Data, "longrun\n")
}

fn run(gateway: &Gateway, own: &Own) -> String {
    let port = gateway.port().map(|port| port.to_string()).unwrap_or_default();
    let mut command = vec![gateway.program.as_str()];
    // In its own home it is the root profile.
    if !gateway.profile.is_default() && !gateway.owner.is_isolated() {
        command.extend(["-p", gateway.profile.as_str()]);
    }
    command.push("gateway");
    let mut entries: Vec<(&str, &str)> = gateway.environment.values().collect();
    match gateway.call {
        Call::Start { .. } => command.extend(["start", "--foreground", "--port", &port]),
        Call::Run { port: given, replaces } => {
            command.push("run");
            command.extend(replaces.then_some("--replace"));
            entries.extend(SUPERVISED_MARKERS.map(|marker| (marker, "1")));
            entries.extend(given.map(|_| (API_SERVER_PORT, port.as_str())));
        }
    }
    entries.sort_unstable();
    text(&Run { command, ..Run::new(own, &gateway.owner, entries, &gateway.environment, gateway.program.as_str()) })
}

impl Own {
    fn new(name: &ServiceName, kind: &'static str, in_s6_rc: bool) -> Self {
        let service = name.directory();
        let logger = if in_s6_rc { name.logger().unwrap_or_default() } else { format!("{service}/log") };
        Self { whose: whose(name), service, logger, in_s6_rc, kind, logs: name.logs().unwrap_or_default() }
    }
}

impl<'a> Run<'a> {
    /// Makes one with these variables, and the secrets of this environment.
    fn new(
        own: &'a Own,
        owner: &'a Owner,
        entries: Vec<(&'a str, &'a str)>,
        environment: &'a Environment,
        program: &'a str,
    ) -> Self {
        let secrets: Vec<(&str, &str)> = environment.secrets().collect();
        let mut values = entries.iter().chain(&secrets).map(|(_, value)| *value).chain([program]);
        let has_dollars = values.any(|value| value.contains(['$', '`']));
        Self { own, owner, has_dollars, address: None, entries, secrets, command: Vec::new() }
    }
}

/// What decides the files beside `run`, for a service that runs Hermes.
struct Rest<'a> {
    owner: &'a Owner,
    down: bool,
    stop_timeout: StopTimeout,
    logs: (LogTo, LogFiles, LogSize),
    crash_budget: CrashBudget,
    watchdog: Watchdog,
}

impl Rest<'_> {
    /// All parts.
    fn parts(&self, own: &Own, run: String) -> Parts {
        let mut service = vec![
            longrun(),
            ServiceFile::new("run", Mode::Script, run),
            ServiceFile::new("finish", Mode::Script, self.finish(own)),
            ServiceFile::new("timeout-kill", Mode::Data, format!("{}000\n", self.stop_timeout)),
        ];
        if let Some(seconds) = self.watchdog.seconds() {
            service.push(ServiceFile::new("data/watchdog", Mode::Data, format!("{seconds}\n")));
        }
        let mut logger = vec![ServiceFile::new("run", Mode::Script, self.log_run(own))];
        if own.in_s6_rc {
            logger.insert(0, longrun());
        }
        logger.push(ServiceFile::new("notification-fd", Mode::Data, "3\n"));
        Parts { service, logger: Some(logger), down: self.down }
    }

    fn finish(&self, own: &Own) -> String {
        let crash_budget = match self.crash_budget {
            CrashBudget::Limited { deaths, seconds } => Some((deaths, seconds)),
            CrashBudget::Off => None,
        };
        text(&Finish { own, owner: self.owner, crash_budget, has_watchdog: self.watchdog.seconds().is_some() })
    }

    fn log_run(&self, own: &Own) -> String {
        let (log_to, log_files, log_size) = self.logs;
        text(&LogRun {
            own,
            owner: self.owner,
            to_container: log_to == LogTo::Both,
            log_files: log_files.get(),
            log_size: log_size.get(),
        })
    }
}

/// The text of a template. It adds the last newline, which Askama drops.
pub(super) fn text(template: &impl Template) -> String {
    let mut text = String::with_capacity(2048);
    template.render_into(&mut text).expect("writing to a String cannot fail");
    text.push('\n');
    text
}
