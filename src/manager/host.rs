//! The service managers of hosts, through their own programs: `systemctl --user`, `launchctl`, `schtasks`.

#![expect(clippy::disallowed_methods, reason = "the programs of the host, as the user who calls them")]

use std::process::Command;

use super::error::{HostError, ManagerError};
use super::kind::Kind;
use super::service_manager::ServiceManager;
use crate::base::child::{self, Said};
use crate::spec::ProfileName;

/// systemd, launchd or Windows. Each has its own names for gateways. The `default` profile has no suffix there.
#[derive(Debug, Clone)]
pub struct Host {
    kind: Kind,
    /// The user who owns the launchd domain.
    uid: u32,
}

impl Host {
    /// The manager of this kind for this user (a uid, which only launchd needs). `None` for s6, which has [`S6Manager`](super::S6Manager).
    pub fn new(kind: Kind, uid: u32) -> Option<Self> {
        (kind != Kind::S6).then_some(Self { kind, uid })
    }

    /// The manager's name for the gateway of this profile.
    pub fn service(&self, profile: &ProfileName) -> String {
        let (base, separator, end) = match self.kind {
            Kind::Systemd => ("hermes-gateway", "-", ".service"),
            Kind::Launchd => ("ai.hermes.gateway", "-", ""),
            Kind::Windows => ("Hermes_Gateway", "_", ""),
            Kind::S6 => ("gateway", "-", ""),
        };
        if profile.is_default() { format!("{base}{end}") } else { format!("{base}{separator}{profile}{end}") }
    }

    fn output(&self, arguments: &[&str]) -> Result<Said, HostError> {
        let program = self.program();
        child::output(Command::new(program).args(arguments)).map_err(|source| HostError::Call { program, source })
    }

    fn call(&self, arguments: &[&str]) -> Result<(), ManagerError> {
        let Said { code, out, err } = self.output(arguments)?;
        if code == Some(0) {
            return Ok(());
        }
        let said = [err, out].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let said: Vec<&str> =
            said.iter().flat_map(|text| text.lines()).map(str::trim).filter(|line| !line.is_empty()).collect();
        let call = format!("{} {}", self.program(), arguments.join(" "));
        Err(HostError::Failed { call, code: code.unwrap_or(-1), said: said.join(", ") }.into())
    }

    fn program(&self) -> &'static str {
        match self.kind {
            Kind::Systemd | Kind::S6 => "systemctl",
            Kind::Launchd => "launchctl",
            Kind::Windows => "schtasks",
        }
    }

    /// The service target of launchctl(1).
    fn target(&self, service: &str) -> String {
        format!("gui/{}/{service}", self.uid)
    }
}

impl ServiceManager for Host {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn start(&self, profile: &ProfileName) -> Result<(), ManagerError> {
        let service = self.service(profile);
        match self.kind {
            Kind::Launchd => self.call(&["kickstart", &self.target(&service)]),
            Kind::Windows => self.call(&["/Run", "/TN", &service]),
            Kind::Systemd | Kind::S6 => self.call(&["--user", "start", &service]),
        }
    }

    fn stop(&self, profile: &ProfileName) -> Result<(), ManagerError> {
        let service = self.service(profile);
        match self.kind {
            Kind::Launchd => self.call(&["kill", "SIGTERM", &self.target(&service)]),
            Kind::Windows => self.call(&["/End", "/TN", &service]),
            Kind::Systemd | Kind::S6 => self.call(&["--user", "stop", &service]),
        }
    }

    fn restart(&self, profile: &ProfileName) -> Result<(), ManagerError> {
        let service = self.service(profile);
        match self.kind {
            Kind::Launchd => self.call(&["kickstart", "-k", &self.target(&service)]),
            Kind::Windows => {
                if self.is_running(profile)? {
                    self.stop(profile)?;
                }
                self.start(profile)
            }
            Kind::Systemd | Kind::S6 => self.call(&["--user", "restart", &service]),
        }
    }

    fn is_running(&self, profile: &ProfileName) -> Result<bool, ManagerError> {
        let service = self.service(profile);
        let output = match self.kind {
            Kind::Launchd => self.output(&["print", &self.target(&service)]),
            Kind::Windows => self.output(&["/Query", "/TN", &service, "/FO", "CSV", "/NH"]),
            // For a unit that is not active, the exit code is 3; for an unknown unit, it is 4 (systemctl(1)).
            Kind::Systemd | Kind::S6 => self.output(&["--user", "is-active", &service]),
        }?;
        let said = String::from_utf8_lossy(&output.out);
        let running = match self.kind {
            Kind::Launchd => said.lines().any(|line| line.trim() == "state = running"),
            Kind::Windows => said.trim_end().ends_with("\"Running\""),
            Kind::Systemd | Kind::S6 => said.trim_end() == "active",
        };
        Ok(output.code == Some(0) && running)
    }
}
