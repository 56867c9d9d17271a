//! What a person wrote, and what `register --save` keeps: manifests and environment files.

#![expect(clippy::disallowed_methods, reason = "the target made this directory")]

use std::collections::BTreeSet;
use std::fs;

use camino::Utf8Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::{one_plain_line, scratch};
use crate::render::{TreeEntry, render_in, render_service};
use crate::s6::{HermesCommand, RunScript, variables};
use crate::source::{Mistake, Place, SourceError, parse, parse_env_file, same_in_pieces, services, too_deep};
use crate::spec::environment::{API_SERVER_PORT, SUPERVISED_MARKERS};
use crate::spec::options::{Key, Layout, Options, Port};
use crate::spec::{Call, Gateway, Owner, Part, ProfileName, Service, ServiceName};
use crate::volume::{SavedManifest, Store, VolumeError};

/// A manifest, `gateways.toml`.
///
/// # Panics
/// If a mistake is not one plain line, or is not at a place in the text, in the order of the text. Also if a gateway is not rendered to the
/// same bytes twice, or if its scripts, as a shell reads them, do not say what the manifest says.
pub fn manifest(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(names_files) = env_files(text) else { return };
    // Creating a directory takes longer than reading most manifests.
    let place = names_files.then(scratch);
    let directory = place.as_ref().map_or(Utf8Path::new("/nowhere"), |(_, path)| path);
    if names_files {
        fs::write(directory.join("good.env"), "A=1\nFROM_FILE=two words\n").expect("it can be written");
        fs::write(directory.join("bad.env"), "A\nB=1\nB=2\nA=\0\n").expect("it can be written");
    }
    let path = directory.join("gateways.toml");
    same_in_pieces(&path, text);
    let settings = parse(&path, text);
    match services(&path, text, None, &Part::ALL) {
        Ok((layout, services)) => {
            let settings = settings.expect("what is rendered has settings");
            let profiles: Vec<&ProfileName> = settings.gateways.iter().map(|(profile, _)| profile).collect();
            let names: Vec<ServiceName> = services.iter().map(Service::name).collect();
            assert_eq!(names.iter().filter_map(ServiceName::profile).collect::<Vec<_>>(), profiles);
            assert!(!names.is_empty() && names.is_sorted_by_key(ServiceName::part), "{names:?}");
            let ports: Vec<_> = services.iter().filter_map(Service::port).collect();
            assert_eq!(
                ports.iter().map(|port| port.get()).collect::<BTreeSet<_>>().len(),
                ports.len(),
                "one port twice"
            );
            for service in &services {
                renders(service, layout);
            }
        }
        Err(error) => {
            mistakes(text, &path, &error);
            // These mistakes are reported only if there are no others: about ports, and that there is no gateway at all.
            if let Err(settings) = settings {
                assert_eq!(settings.to_string(), error.to_string());
            }
        }
    }
}

/// Whether a manifest names environment files. `None` if it must not be tried, because one of the files is not beside the manifest. Other
/// files of the machine are not a part of the input.
fn env_files(text: &str) -> Option<bool> {
    fn in_value(value: &Spanned<DeValue<'_>>, here: bool) -> Option<bool> {
        match value.get_ref() {
            DeValue::String(name) if here => (!name.contains('/') && *name != "." && *name != "..").then_some(true),
            DeValue::Array(values) => values.iter().try_fold(false, |any, value| Some(in_value(value, here)? || any)),
            DeValue::Table(table) => in_table(table),
            _ => Some(false),
        }
    }
    fn in_table(table: &DeTable<'_>) -> Option<bool> {
        table.iter().try_fold(false, |any, (key, value)| Some(in_value(value, key.get_ref() == "env-file")? || any))
    }
    if too_deep(text).is_some() {
        return Some(false);
    }
    in_table(DeTable::parse_recoverable(text).0.get_ref())
}

fn mistakes(text: &str, path: &Utf8Path, error: &SourceError) {
    assert!(!error.0.is_empty());
    let mut before = (1, 1);
    for mistake in &error.0 {
        one_plain_line(mistake);
        match &mistake.place {
            Place::Column(file, line, column) => {
                assert_eq!(file, path);
                assert!((*line, *column) >= before, "{mistake} comes too late");
                before = (*line, *column);
                // The mistake may be at the end of the text.
                let shown = text.split('\n').nth(line - 1).unwrap_or_else(|| panic!("{mistake} is on no line"));
                assert!((1..=shown.chars().count() + 1).contains(column), "{mistake} is at no character");
            }
            Place::Line(file, line) => assert!(file != path && (1..=4).contains(line), "{mistake}"),
            Place::File(file) => assert!(file != path || error.0.len() == 1, "{mistake}"),
            Place::CommandLine => panic!("{mistake} is not on the command line"),
        }
    }
}

fn renders(service: &Service, layout: Layout) {
    let entries = render_in(service, layout);
    assert_eq!(entries, render_in(service, layout));
    let files = entries.iter().flat_map(TreeEntry::files);
    assert!(files.clone().all(|file| !file.content.contains('\0')), "no shell takes a NUL byte");
    assert_eq!(entries.len() > 1, layout.is_s6_rc() && (!service.is_down() || service.name().logger().is_some()));
    let directory = render_service(service);
    assert_eq!(directory, render_service(service));
    assert!(directory.files().iter().all(|file| !file.content.contains('\0')), "no shell takes a NUL byte");
    let run = directory.files().iter().find(|file| file.path == "run").expect("there is a run script");
    match service {
        Service::Gateway(gateway) => says(gateway, &run.content),
        Service::Dashboard(dashboard) => {
            let wanted = dashboard.environment.values().map(|(name, value)| format!("{name}={value}"));
            assert_eq!(variables(&run.content).unwrap_or_default(), wanted.collect::<Vec<_>>());
            let script = RunScript::parse(&run.content).expect("what is rendered is understood");
            let owner = Owner::Shared(dashboard.user.clone());
            assert_eq!((&script.owner, script.program.as_str()), (&owner, dashboard.program.as_str()));
            assert_eq!((script.command, script.port), (HermesCommand::Dashboard, Some(dashboard.port.get())));
        }
        Service::Watch | Service::Watchdog | Service::Metrics(_) => {}
    }
}

fn says(gateway: &Gateway, run: &str) {
    let mut wanted: Vec<(&str, String)> =
        gateway.environment.values().map(|(name, value)| (name, value.to_owned())).collect();
    let (command, port) = match gateway.call {
        Call::Start { port } => (HermesCommand::Start, Some(port)),
        Call::Run { port, replaces } => {
            let says = run.trim_end().ends_with(" gateway run --replace");
            assert_eq!(says, replaces, "{run}");
            wanted.extend(SUPERVISED_MARKERS.map(|marker| (marker, "1".to_owned())));
            wanted.extend(port.map(|port| (API_SERVER_PORT, port.to_string())));
            (HermesCommand::Run, port)
        }
    };
    wanted.sort_unstable();
    let wanted: Vec<String> = wanted.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let script = RunScript::parse(run).unwrap_or_else(|| panic!("not understood: {run}"));
    assert_eq!(variables(run).unwrap_or_default(), wanted);
    assert_eq!((&script.owner, script.program.as_str()), (gateway.owner(), gateway.program.as_str()));
    let named = wanted.iter().find_map(|entry| entry.strip_prefix("API_SERVER_PORT=")?.parse().ok());
    let port = if command == HermesCommand::Run { named } else { port.map(Port::get) };
    assert_eq!((script.command, script.port), (command, port));
}

/// An environment file.
///
/// # Panics
/// If its entries are not those that a look at each line finds. Also if a mistake is not one plain line, or not on an existing line.
pub fn env_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parse_env_file(text) {
        Ok(environment) => {
            let lines =
                text.trim_start_matches('\u{feff}').split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
            let lines = lines.map(|line| line.trim_start_matches([' ', '\t']));
            let mut wanted: Vec<_> = lines
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .map(|line| line.split_once('='))
                .collect();
            wanted.sort_unstable();
            let found: Vec<_> = environment.values().map(Some).collect();
            assert_eq!(found, wanted);
            assert_eq!(environment.secrets().count(), 0);
            for (name, value) in environment.values() {
                assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{name}");
                assert!(!name.is_empty() && !name.as_bytes()[0].is_ascii_digit() && !value.contains('\0'), "{name}");
            }
        }
        Err(mistakes) => {
            let lines = text.split('\n').count();
            assert!(mistakes.iter().all(|(line, _)| (1..=lines).contains(line)), "{mistakes:?}");
            assert!(mistakes.is_sorted_by(|(a, _), (b, _)| a < b) && !mistakes.is_empty(), "{mistakes:?}");
            for (line, problem) in mistakes {
                one_plain_line(Mistake::at(Place::Line("a.env".into(), line), problem));
            }
        }
    }
}

/// The saved manifest of `register --save`.
///
/// # Panics
/// If a mistake is not one plain line, or if adding a gateway and removing it again changes another gateway.
pub fn saved_manifest(data: &[u8]) {
    if std::str::from_utf8(data).is_ok_and(|text| env_files(text).is_none()) {
        return;
    }
    let (_directory, path) = scratch();
    let store = Store::open(Some(&path), &path).expect("nobody else can change it");
    let file = path.join("gateways.toml");
    fs::write(&file, data).expect("it can be written");
    // Another test may have set any umask, but nobody else may write the file.
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("it is ours");
    let saved = match SavedManifest::open(&store) {
        Err(error) => {
            assert!(std::str::from_utf8(data).is_err() || data.len() > 1 << 20, "{error}");
            return one_plain_line(error);
        }
        Ok(saved) => saved,
    };
    let settings = match saved.settings() {
        Ok(settings) => settings,
        Err(VolumeError::Source(error)) => return error.0.iter().for_each(one_plain_line),
        Err(error) => panic!("{error}"),
    };
    let defaults = settings.defaults;
    let before = settings.gateways;
    let options = before.first().map(|(_, options)| options.clone()).unwrap_or_default();
    let profile: ProfileName = "added-by-fuzz".parse().expect("it is a name");
    let mut wanted = before.clone();
    wanted.retain(|(name, _)| *name != profile);
    let written = saved.with(&profile, &options).expect("what can be read can be written");
    written.commit().expect("it can be put in its place");
    let with = SavedManifest::open(&store).and_then(|saved| saved.settings()).expect("what is written can be read");
    let (added, others): (Vec<_>, Vec<_>) = with.gateways.into_iter().partition(|(name, _)| *name == profile);
    same(&others, &wanted);
    same(&added, &[(profile.clone(), options.or(&defaults))]);
    let saved = SavedManifest::open(&store).expect("what is written can be read");
    let written = saved.without(&profile).expect("what can be read can be written");
    written.expect("it was named").commit().expect("it can be put in its place");
    let without = SavedManifest::open(&store).and_then(|saved| saved.settings()).expect("what is written can be read");
    same(&without.gateways, &wanted);
}

fn same(found: &[(ProfileName, Options)], wanted: &[(ProfileName, Options)]) {
    let names = |gateways: &[(ProfileName, Options)]| gateways.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(found), names(wanted));
    for ((name, found), (_, wanted)) in found.iter().zip(wanted) {
        for key in Key::OF_GATEWAY {
            assert_eq!(found.get(key), wanted.get(key), "{name}: {}", key.name());
        }
        assert_eq!(found.environment, wanted.environment, "{name}");
    }
}
