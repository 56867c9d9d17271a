//! Everything that decides one service directory, validated.

use std::collections::BTreeSet;

use super::environment::{API_SERVER_PORT, Environment, EnvironmentError, OF_ISOLATED};
use super::error::SpecError;
use super::options::{
    After, CrashBudget, HermesCli, HermesProgram, LogFiles, LogSize, LogTo, Options, Port, StopTimeout, Watchdog,
};
use super::owner::{Owner, Owners};
use super::ports::{PortError, Ports, Refusal};
use super::profile::ProfileName;

/// A gateway, with every default filled in and its port given out. Any value of this type can be rendered.
#[derive(Debug, Clone)]
pub struct Gateway {
    pub(crate) profile: ProfileName,
    pub(crate) program: HermesProgram,
    pub(crate) call: Call,
    pub(crate) owner: Owner,
    pub(crate) environment: Environment,
    pub(crate) down: bool,
    pub(crate) stop_timeout: StopTimeout,
    pub(crate) log_to: LogTo,
    pub(crate) log_files: LogFiles,
    pub(crate) log_size: LogSize,
    pub(crate) crash_budget: CrashBudget,
    pub(crate) watchdog: Watchdog,
    pub(crate) after: Vec<After>,
}

/// How Hermes is called. `start` always has a port. `run` has one if one was given, or if the gateway is isolated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Start { port: Port },
    Run { port: Option<Port>, replaces: bool },
}

impl Gateway {
    /// Makes the gateways of these profiles, in the same order, and gives out their ports.
    ///
    /// # Errors
    /// Every problem, with the index of its gateway: a profile that is named twice, two gateways on one port, a port given both as option
    /// and as variable, two isolated gateways with one user.
    pub fn resolve(wanted: Vec<(ProfileName, Options)>) -> Result<Vec<Self>, Vec<(usize, SpecError)>> {
        let mut problems: Vec<(usize, SpecError)> = Vec::new();
        let mut resolved = Vec::with_capacity(wanted.len());
        let mut seen = BTreeSet::new();
        let (mut ports, mut owners) = (Ports::default(), Owners::default());
        for (index, (profile, options)) in wanted.iter().enumerate() {
            if !seen.insert(profile) {
                problems.push((index, SpecError::ProfileTwice(profile.clone())));
                continue;
            }
            let call = Call::new(&mut ports, index, profile, options).map_err(|refusal| {
                let holder = |holder: usize| wanted[holder].0.clone();
                port_error(refusal, holder, profile.clone(), options.port)
            });
            let owner = Owner::of(profile, options).and_then(|owner| owners.take(&owner, profile).map(|()| owner));
            if options.is_isolated() {
                let sets = OF_ISOLATED.into_iter().filter(|name| options.environment.contains(name));
                problems.extend(sets.map(|name| (index, EnvironmentError::Isolated(name).into())));
            }
            match (call, owner) {
                (Ok(call), Ok(owner)) => resolved.push((call, owner)),
                (call, owner) => {
                    problems.extend(call.err().map(|problem| (index, problem.into())));
                    problems.extend(owner.err().map(|problem| (index, problem.into())));
                }
            }
            let runs = matches!(options.hermes_cli, Some(HermesCli::Run | HermesCli::RunBeside));
            if runs && options.port.is_some() && options.environment.contains(API_SERVER_PORT) {
                problems.push((index, EnvironmentError::PortTwice.into()));
            }
            if options.watchdog.unwrap_or_default().seconds().is_some() && !options.has_api_server() {
                problems.push((index, EnvironmentError::NothingToAsk.into()));
            }
        }
        if problems.is_empty() {
            Ok(wanted
                .into_iter()
                .zip(resolved)
                .map(|((profile, options), (call, owner))| Self::new(profile, options, call, owner))
                .collect())
        } else {
            Err(problems)
        }
    }

    /// Makes the gateway of this profile alone. For several gateways use [`Self::resolve`], which checks that no two have one port.
    ///
    /// # Errors
    /// The first problem with these options.
    pub fn resolve_one(profile: ProfileName, options: Options) -> Result<Self, SpecError> {
        match Self::resolve(vec![(profile, options)]) {
            Ok(mut gateways) => Ok(gateways.remove(0)),
            Err(mut problems) => Err(problems.remove(0).1),
        }
    }

    fn new(profile: ProfileName, options: Options, call: Call, owner: Owner) -> Self {
        Self {
            profile,
            call,
            program: options.hermes.unwrap_or_default(),
            owner,
            environment: options.environment,
            down: options.down.unwrap_or_default(),
            stop_timeout: options.stop_timeout.unwrap_or_default(),
            log_to: options.log_to.unwrap_or_default(),
            log_files: options.log_files.unwrap_or_default(),
            log_size: options.log_size.unwrap_or_default(),
            crash_budget: options.crash_budget.unwrap_or_default(),
            watchdog: options.watchdog.unwrap_or_default(),
            after: options.after.unwrap_or_default(),
        }
    }

    /// The profile that it serves.
    pub fn profile(&self) -> &ProfileName {
        &self.profile
    }

    /// Who it runs as.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Makes it replace no other gateway that serves its profile, as `run-beside` does.
    pub(crate) fn stay_beside(&mut self) {
        if let Call::Run { replaces, .. } = &mut self.call
            && !self.profile.is_default()
            && !self.owner.is_isolated()
        {
            *replaces = false;
        }
    }

    /// Its port, if it has one.
    pub fn port(&self) -> Option<Port> {
        match self.call {
            Call::Start { port } => Some(port),
            Call::Run { port, .. } => port,
        }
    }
}

impl Call {
    fn new(ports: &mut Ports, index: usize, profile: &ProfileName, options: &Options) -> Result<Self, Refusal> {
        match options.hermes_cli.unwrap_or_default() {
            HermesCli::Start => Ok(Self::Start { port: ports.take(index, profile, options.port)? }),
            cli @ (HermesCli::Run | HermesCli::RunBeside) => {
                // Without a port Hermes takes its default, and two instances cannot both listen on that.
                let needs_one = options.is_isolated() && !options.environment.contains(API_SERVER_PORT);
                let takes_one = options.port.is_some() || needs_one;
                let port = takes_one.then(|| ports.take(index, profile, options.port)).transpose()?;
                let replaces = cli == HermesCli::Run || profile.is_default() || options.is_isolated();
                Ok(Self::Run { port, replaces })
            }
        }
    }
}

fn port_error(
    refusal: Refusal,
    holder_of: impl Fn(usize) -> ProfileName,
    profile: ProfileName,
    wanted: Option<Port>,
) -> PortError {
    match (refusal, wanted) {
        (Refusal::Taken { holder, from_name: false }, Some(port)) => {
            PortError::Same { first: holder_of(holder), second: profile, port }
        }
        (Refusal::Taken { holder, from_name: true }, Some(port)) => {
            PortError::HasFromName { first: holder_of(holder), second: profile, port }
        }
        (Refusal::Exhausted | Refusal::Taken { .. }, _) => PortError::Exhausted(profile),
    }
}
