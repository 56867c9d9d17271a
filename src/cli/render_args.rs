//! The options of a gateway, for both programs.

use camino::Utf8PathBuf;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Args, Command, FromArgMatches, ValueHint};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::error::Error;
use crate::hermes::on_pypi;
use crate::source::{self, Mistake, Place, Problem};
use crate::spec::environment::{EnvName, EnvSource, EnvValue, Environment, EnvironmentError, SecretFile};
use crate::spec::options::{HermesCli, Key, Kind, Layout, Options};
use crate::spec::{Gateway, ProfileName, Service};

/// The group of all these options. An option that excludes them names it.
pub(crate) const RENDER_ARGS: &str = "render-args";

const ENV: &str = "env";
const ENV_FILE: &str = "env-file";
const SECRET: &str = "secret";

/// The options as they were written. Each is still a text: all are read together, so that one run reports all mistakes.
#[derive(Debug, Clone)]
pub(crate) struct RenderArgs {
    given: Vec<(Key, String)>,
    env: Vec<String>,
    env_file: Vec<Utf8PathBuf>,
    secret: Vec<String>,
}

impl Args for RenderArgs {
    fn augment_args(command: Command) -> Command {
        let many = |name: &'static str, value: &'static str, help: &'static str| {
            Arg::new(name).long(name).value_name(value).help(help).action(ArgAction::Append)
        };
        let entries = [
            many(ENV, "NAME=VALUE", "Set a variable for the gateway"),
            many(ENV_FILE, "FILE", "Set the variables that this file lists. --env wins")
                .long_help(
                    "Set the variables that this file lists, in the format of `docker run --env-file`. --env wins",
                )
                .value_parser(clap::value_parser!(Utf8PathBuf))
                .value_hint(ValueHint::FilePath),
            many(SECRET, "NAME=FILE", "Set a variable to the content of this file at each start"),
        ];
        let arguments: Vec<Arg> = keys().map(argument).chain(entries).collect();
        let group =
            ArgGroup::new(RENDER_ARGS).multiple(true).args(arguments.iter().map(|argument| argument.get_id().clone()));
        command.next_help_heading("Gateway").args(arguments).group(group)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// The options that both programs take. `--after` is not one of them, because a scandir has no order.
fn keys() -> impl Iterator<Item = Key> {
    Key::OF_GATEWAY.into_iter().filter(|key| *key != Key::After)
}

fn argument(key: Key) -> Arg {
    let argument = Arg::new(key.name()).long(key.name()).help(key.summary()).long_help(key.help());
    match key.kind() {
        Kind::Flag => argument.action(ArgAction::SetTrue),
        Kind::Integer(..) => argument.value_name(key.value_name()).allow_negative_numbers(true),
        Kind::Choice(words) => argument
            .value_name(key.value_name())
            .add(ArgValueCandidates::new(move || words.iter().map(CompletionCandidate::new).collect())),
        Kind::Text(_) | Kind::List(_) => argument.value_name(key.value_name()),
    }
}

impl FromArgMatches for RenderArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |key: Key| match key.kind() {
            Kind::Flag => matches.get_flag(key.name()).then(|| "true".to_owned()),
            _ => matches.get_one::<String>(key.name()).cloned(),
        };
        let texts = |name| matches.get_many::<String>(name).into_iter().flatten().cloned().collect();
        Ok(Self {
            given: keys().filter_map(|key| Some((key, given(key)?))).collect(),
            env: texts(ENV),
            env_file: matches.get_many(ENV_FILE).into_iter().flatten().cloned().collect(),
            secret: texts(SECRET),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl RenderArgs {
    /// A note for a person who gave no command line of Hermes. No release takes the default.
    pub(crate) fn note(&self) -> Option<String> {
        if self.given.iter().any(|(key, _)| *key == Key::HermesCli) {
            return None;
        }
        let (oldest, newest) = on_pypi()?;
        let (default, run) = (HermesCli::Start, HermesCli::Run);
        let versions = format!("{}.{} to {}.{}", oldest.0, oldest.1, newest.0, newest.1);
        Some(format!(
            "no Hermes on PyPI ({versions}) takes `gateway start --foreground`, which this script calls; \
             add --hermes-cli {run} for one of those, or --hermes-cli {default} if yours takes it"
        ))
    }

    /// The services of these profiles for this layout. All have these options, and start after these services.
    ///
    /// # Errors
    /// Every mistake in names, options, values and environment files, and every conflict between the services.
    pub(crate) fn services(
        mut self,
        profiles: &[String],
        after: &[String],
        layout: Layout,
    ) -> Result<Vec<Service>, Error> {
        self.given.extend(after.iter().map(|name| (Key::After, name.clone())));
        let mut services: Vec<Service> = resolve(self.wanted(profiles)?)?.into_iter().map(Service::from).collect();
        services.extend(Service::and_watchdog(&services));
        layout.check(&services).map_err(at_command_line_all)?;
        Ok(services)
    }

    /// These profiles, each with these options.
    ///
    /// # Errors
    /// Every mistake in names, options, values and environment files.
    pub(crate) fn wanted(&self, profiles: &[String]) -> Result<Vec<(ProfileName, Options)>, Error> {
        let mut mistakes = Vec::new();
        let mut names = Vec::new();
        for profile in profiles {
            match profile.parse::<ProfileName>() {
                Ok(name) => names.push(name),
                Err(error) => mistakes.push(at_command_line(error)),
            }
        }
        let mut options = Options::default();
        for (key, text) in &self.given {
            mistakes.extend(options.set(*key, text).err().map(at_command_line));
        }
        options.environment = self.environment(&mut mistakes);
        if mistakes.is_empty() {
            Ok(names.into_iter().map(|name| (name, options.clone())).collect())
        } else {
            Err(Error::input(mistakes))
        }
    }

    fn environment(&self, mistakes: &mut Vec<Mistake>) -> Environment {
        let mut environment = Environment::default();
        for file in &self.env_file {
            match source::env_file(file) {
                Ok(entries) => environment.overlay(entries),
                Err(more) => mistakes.extend(more),
            }
        }
        let values = self.env.iter().map(|text| value(text));
        let secrets = self.secret.iter().map(|text| secret(text));
        let mut explicit = Environment::default();
        for entry in values.chain(secrets) {
            let added = entry.and_then(|(name, source)| explicit.add(name, source));
            mistakes.extend(added.err().map(at_command_line));
        }
        environment.overlay(explicit);
        environment
    }
}

/// The gateways that the command line names.
///
/// # Errors
/// Every conflict between them.
pub(crate) fn resolve(wanted: Vec<(ProfileName, Options)>) -> Result<Vec<Gateway>, Error> {
    Gateway::resolve(wanted).map_err(at_command_line_all)
}

fn at_command_line_all<P: Into<Problem>>(problems: Vec<(usize, P)>) -> Error {
    Error::input(problems.into_iter().map(|(_, problem)| at_command_line(problem)).collect())
}

fn at_command_line(problem: impl Into<Problem>) -> Mistake {
    Mistake::at(Place::CommandLine, problem)
}

fn value(text: &str) -> Result<(EnvName, EnvSource), EnvironmentError> {
    let (name, value) = split(text, ENV, "NAME=VALUE")?;
    let value = EnvValue::new(&name, value)?;
    Ok((name, EnvSource::Value(value)))
}

fn secret(text: &str) -> Result<(EnvName, EnvSource), EnvironmentError> {
    let (name, path) = split(text, SECRET, "NAME=FILE")?;
    let file = SecretFile::new(&name, path)?;
    Ok((name, EnvSource::Secret(file)))
}

fn split<'a>(text: &'a str, option: &'static str, form: &'static str) -> Result<(EnvName, &'a str), EnvironmentError> {
    match text.split_once('=') {
        Some((name, rest)) => Ok((name.parse()?, rest)),
        None => Err(EnvironmentError::NoEquals { option, form, text: text.to_owned() }),
    }
}
