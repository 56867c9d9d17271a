//! What a run script that gen-service rendered says about its service.

use super::container;
use super::words::{variables, words};
use crate::spec::Owner;
use crate::spec::environment::{API_SERVER_PORT, DASHBOARD_ADDRESS};
use crate::spec::options::{Listen, Uid};

/// The command of a rendered run script. Another run script has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunScript {
    /// The user that the service runs as.
    pub(crate) owner: Owner,
    /// The program of Hermes.
    pub(crate) program: String,
    /// The command line that it gets.
    pub(crate) command: HermesCommand,
    /// Whether it replaces a gateway that serves the same profile.
    pub(crate) replaces: bool,
    /// The port that it gets.
    pub(crate) port: Option<u16>,
    /// The address that a dashboard listens on, if the container names none.
    pub(crate) host: Option<String>,
}

/// A command of Hermes at the end of a run script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HermesCommand {
    /// `gateway run`.
    Run,
    /// `gateway start`.
    Start,
    /// `dashboard`.
    Dashboard,
}

impl RunScript {
    /// The command in this text. For a dashboard, it has the port of the container if the container names one.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let mut script = Self::parse(text)?;
        if script.command == HermesCommand::Dashboard
            && let Some(port) = container::variable(DASHBOARD_ADDRESS[1])
        {
            script.port = port.parse().ok();
        }
        Some(script)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        // A line of a value cannot look like it, because values stand before the last command.
        let (owner, rest) = dropped(text.lines().last()?)?;
        // The variables stand between the user and the program, as a reference.
        let mut words = words(rest)?.into_iter().filter(|word| word != "\"$@\"");
        let program = words.next()?;
        let rest: Vec<String> = words.collect();
        // The root profile has no `-p`.
        let rest = if rest.first()? == "-p" { rest.get(2..)? } else { &rest };
        let command = match (rest.first()?.as_str(), rest.get(1)?.as_str()) {
            ("gateway", "start") => HermesCommand::Start,
            ("gateway", "run") => HermesCommand::Run,
            ("dashboard", "--host") => HermesCommand::Dashboard,
            _ => return None,
        };
        let port = match command {
            HermesCommand::Start => rest.iter().skip_while(|word| *word != "--port").nth(1)?.parse().ok(),
            HermesCommand::Run => port(text),
            HermesCommand::Dashboard => dashboard_port(text),
        };
        let replaces = command == HermesCommand::Run && rest.get(2).is_some_and(|word| word == "--replace");
        let is_dashboard = command == HermesCommand::Dashboard;
        let host = is_dashboard.then(|| address(text, DASHBOARD_ADDRESS[0]).map(str::to_owned)).flatten();
        Some(Self { owner, program, command, replaces, port, host })
    }
}

/// The user of an isolated gateway, read from the last line of its run script.
pub(super) fn own_uid(text: &str) -> Option<Uid> {
    match dropped(text.trim_end_matches('\n').rsplit('\n').next()?)?.0 {
        Owner::Isolated(uid) => Some(uid),
        Owner::Shared(_) => None,
    }
}

/// The user to which the last line of a run script drops, and the rest of that line.
fn dropped(line: &str) -> Option<(Owner, &str)> {
    if let Some(rest) = line.strip_prefix("exec s6-setuidgid ") {
        let (user, rest) = rest.split_once(' ')?;
        return Some((Owner::Shared(user.parse().ok()?), rest));
    }
    let (uid, rest) = line.strip_prefix("exec s6-applyuidgid -u ")?.split_once(' ')?;
    let rest = rest.strip_prefix(&format!("-g {uid} -G '' env TMPDIR=\"${{HERMES_HOME}}/tmp\" "))?;
    Some((Owner::Isolated(uid.parse().ok()?), rest))
}

/// Whether Hermes' own service manager wrote this run script. All of its releases write these lines.
pub(super) fn is_hermes_own(run: &str) -> bool {
    let has = |wanted: &str| run.lines().any(|line| line.trim() == wanted);
    let starts = |line: &str| line.starts_with("exec s6-setuidgid hermes hermes ") && line.contains(" gateway run");
    !run.contains("Written by gen-service") && has("export HERMES_S6_SUPERVISED_CHILD=1") && run.lines().any(starts)
}

/// The port that a run script of the dashboard uses if the container names none. All values that a person wrote stand behind it.
fn dashboard_port(text: &str) -> Option<u16> {
    address(text, DASHBOARD_ADDRESS[1])?.parse().ok()
}

/// What a run script of the dashboard uses if the container does not set this variable.
fn address<'a>(text: &'a str, variable: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("\"${{{variable}:="))?;
    Some(rest.split_once('}')?.0)
}

/// Where the metrics server of this run script listens, from the variable of the container or else from the script.
pub(super) fn listens_at(text: &str) -> Option<Listen> {
    let (_, rest) = text.lines().last()?.split_once(&format!(" metrics --listen=\"${{{}:-", Listen::VARIABLE))?;
    container::variable(Listen::VARIABLE).as_deref().or(rest.strip_suffix("}\""))?.parse().ok()
}

/// The port in the variables of a run script. `env` sets them; an older gen-service exported them.
fn port(text: &str) -> Option<u16> {
    let value = |entry: &str| entry.strip_prefix(API_SERVER_PORT)?.strip_prefix('=')?.parse().ok();
    if let Some(entries) = variables(text) {
        return entries.iter().find_map(|entry| value(entry));
    }
    text.lines().rev().find_map(|line| value(line.strip_prefix("export ")?))
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use super::*;
    use crate::render::{render, render_service};
    use crate::spec::environment::{EnvName, EnvSource, EnvValue, SecretFile};
    use crate::spec::options::{HermesCli, Key, Options};
    use crate::spec::{Dashboard, Gateway, Metrics};

    fn parsed(profile: &str, options: &[(Key, &str)]) -> Option<RunScript> {
        parsed_with(profile, options, &[])
    }

    fn parsed_with(profile: &str, options: &[(Key, &str)], environment: &[(&str, &str)]) -> Option<RunScript> {
        let mut own = Options::default();
        for (name, value) in environment {
            let name: EnvName = name.parse().unwrap();
            let value = EnvValue::new(&name, value).unwrap();
            own.environment.add(name, EnvSource::Value(value)).unwrap();
        }
        for (key, text) in options {
            own.set(*key, text).unwrap();
        }
        let gateways = Gateway::resolve(vec![(profile.parse().unwrap(), own)]).unwrap();
        let directory = render(&gateways[0]);
        let run = directory.files().iter().find(|file| file.path == "run").unwrap();
        RunScript::parse(&run.content)
    }

    #[test]
    fn what_gen_service_renders_is_understood() {
        let script = |user: &str, program: &str, command, port| {
            let owner = Owner::Shared(user.parse().unwrap());
            Some(RunScript {
                owner,
                program: program.to_owned(),
                command,
                replaces: command == HermesCommand::Run,
                port,
                host: None,
            })
        };
        assert_eq!(parsed("coder", &[]), script("hermes", "hermes", HermesCommand::Start, Some(9570)));
        assert_eq!(parsed("gateway", &[(Key::Port, "1")]), script("hermes", "hermes", HermesCommand::Start, Some(1)));
        let run = (Key::HermesCli, "run");
        assert_eq!(parsed("default", &[run]), script("hermes", "hermes", HermesCommand::Run, None));
        let beside = parsed("coder", &[(Key::HermesCli, "run-beside")]).unwrap();
        assert_eq!((beside.command, beside.replaces), (HermesCommand::Run, false));
        assert!(parsed("default", &[(Key::HermesCli, "run-beside")]).unwrap().replaces);
        let fooled = [run, (Key::Port, "8642")];
        let environment = [
            ("A", "x\nset -- env \\\n  API_SERVER_PORT=1 \\\n"),
            ("ZZ", "'\nAPI_SERVER_PORT=2\nexec s6-setuidgid root id"),
        ];
        assert_eq!(
            parsed_with("run", &fooled, &environment),
            script("hermes", "hermes", HermesCommand::Run, Some(8642))
        );
        let secret = EnvName::from_str("S").unwrap();
        let file = SecretFile::new(&secret, "/run/it's\nset -- env \\\n  API_SERVER_PORT=1 \\\n").unwrap();
        let mut own = Options { hermes_cli: Some(HermesCli::Run), ..Options::default() };
        own.environment.add(secret, EnvSource::Secret(file)).unwrap();
        own.set(Key::Port, "8642").unwrap();
        let directory = render(&Gateway::resolve(vec![("run".parse().unwrap(), own)]).unwrap()[0]);
        assert_eq!(RunScript::parse(&directory.files()[1].content).unwrap().port, Some(8642));
        let odd = [run, (Key::Port, "8642"), (Key::User, "a.b"), (Key::Hermes, "/opt/my venv/it's hermes")];
        assert_eq!(parsed("run", &odd), script("a.b", "/opt/my venv/it's hermes", HermesCommand::Run, Some(8642)));
    }

    #[test]
    fn an_isolated_gateway_is_understood() {
        let alone = |uid: &str, command, port| {
            let owner = Owner::Isolated(uid.parse().unwrap());
            let replaces = command == HermesCommand::Run;
            Some(RunScript { owner, program: "hermes".to_owned(), command, replaces, port: Some(port), host: None })
        };
        let isolated = (Key::Isolated, "true");
        assert_eq!(parsed("coder", &[isolated]), alone("33370", HermesCommand::Start, 9570));
        let own = [isolated, (Key::HermesCli, "run"), (Key::Uid, "20001"), (Key::Port, "80")];
        assert_eq!(parsed_with("coder", &own, &[("A", "1")]), alone("20001", HermesCommand::Run, 80));
        for last in [
            "exec s6-applyuidgid -u 20001 -g 20002 -G '' env TMPDIR=\"${HERMES_HOME}/tmp\" hermes gateway run --replace",
            "exec s6-applyuidgid -u 20001 -g 20001 env TMPDIR=\"${HERMES_HOME}/tmp\" hermes gateway run --replace",
            "exec s6-applyuidgid -u 0 -g 0 -G '' env TMPDIR=\"${HERMES_HOME}/tmp\" hermes gateway run --replace",
            "exec s6-applyuidgid -u 20001 -g 20001 -G '' hermes gateway run --replace",
        ] {
            assert_eq!(RunScript::parse(last), None, "{last}");
        }
    }

    #[test]
    fn the_dashboard_is_understood() {
        let mut own = Options::default();
        let name = EnvName::from_str("A").unwrap();
        let value = EnvValue::new(&name, "'\n: \"${HERMES_DASHBOARD_PORT:=1}\"\nexec s6-setuidgid root id").unwrap();
        own.environment.add(name, EnvSource::Value(value)).unwrap();
        own.set(Key::Port, "80").unwrap();
        own.set(Key::Hermes, "/opt/\"${HERMES_DASHBOARD_PORT:=2}\"/hermes").unwrap_err();
        own.set(Key::User, "svc").unwrap();
        let directory = render_service(&Dashboard::new(own).unwrap().into());
        let (owner, program) = (Owner::Shared("svc".parse().unwrap()), "hermes".to_owned());
        let wanted = RunScript {
            owner,
            program,
            command: HermesCommand::Dashboard,
            replaces: false,
            port: Some(80),
            host: Some("127.0.0.1".to_owned()),
        };
        assert_eq!(RunScript::parse(&directory.files()[1].content), Some(wanted));
    }

    #[test]
    fn the_metrics_server_is_understood() {
        let mut own = Options::default();
        own.set(Key::Listen, "[::]:9000").unwrap();
        let directory = render_service(&Metrics::new(&own).into());
        let run = &directory.files()[1].content;
        assert_eq!(listens_at(run), own.listen);
        assert_eq!(listens_at(&run.replace("[::]:9000", "localhost:9000")), None);
        assert_eq!((listens_at(""), RunScript::parse(run)), (None, None));
    }

    #[test]
    fn what_an_older_gen_service_rendered_is_understood() {
        let text = "export API_SERVER_PORT=8642\nexec s6-setuidgid hermes hermes -p a gateway run --replace\n";
        assert_eq!(RunScript::parse(text).unwrap().port, Some(8642));
    }

    #[test]
    fn other_scripts_are_none() {
        for text in ["", "#!/bin/sh\nexec sleep 1\n", "exec s6-setuidgid\n", "exec s6-setuidgid a b gateway 'start\n"] {
            assert_eq!(RunScript::parse(text), None, "{text}");
        }
    }
}
