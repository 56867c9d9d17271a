//! Reads the text of a manifest, and continues after a mistake.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use toml::de::{DeTable, DeValue};

use super::value::{Value, kind_of, several, text_of};
use crate::base::text::{Shown, near};
use crate::source::input;
use crate::source::mistake::{ManifestError, Mistake, Place, Problem};
use crate::source::words::{DASHBOARD, DEFAULTS, ENV, ENV_FILE, GATEWAYS, METRICS, SECRET, WATCH};
use crate::spec::ProfileName;
use crate::spec::environment::{EnvName, EnvSource, EnvValue, Environment, EnvironmentError, SecretFile};
use crate::spec::options::{Key, Kind, Options};

type Table<'a> = DeTable<'a>;

/// What a manifest says.
#[derive(Debug)]
pub(super) struct Tables {
    /// `[defaults]`.
    pub(super) defaults: Options,
    /// The gateways in file order, with the defaults filled in. Each has the offset of its name.
    pub(super) gateways: Vec<(usize, ProfileName, Options)>,
    /// `[dashboard]`, with the offset of its name.
    pub(super) dashboard: Option<(usize, Options)>,
    /// The offset of the name of `[watch]`.
    pub(super) watch: Option<usize>,
    /// `[metrics]`, with the offset of its name.
    pub(super) metrics: Option<(usize, Options)>,
}

/// The service whose options a table has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Defaults,
    Gateway,
    Dashboard,
    Metrics,
}

pub(super) struct Reader<'a> {
    path: &'a Utf8Path,
    text: &'a str,
    /// Where each line begins. Filled at the first mistake, because a broken manifest may have thousands.
    lines: OnceCell<Vec<usize>>,
    /// The mistakes, each with its offset in bytes.
    mistakes: Vec<(usize, Mistake)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(path: &'a Utf8Path, text: &'a str) -> Self {
        Self { path, text, lines: OnceCell::new(), mistakes: Vec::new() }
    }

    /// Reads what the text says. If it has no defaults of its own, `defaults` are used.
    pub(super) fn tables(mut self, defaults: Options) -> Result<Tables, Vec<Mistake>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        let tables = self.tables_in(table.into_inner(), defaults);
        self.prefer_syntax(&errors);
        if self.mistakes.is_empty() { Ok(tables) } else { Err(self.sorted()) }
    }

    /// Gives each of these mistakes its place in the text.
    pub(super) fn mistakes(mut self, found: impl IntoIterator<Item = (usize, Problem)>) -> Vec<Mistake> {
        found.into_iter().for_each(|(offset, problem)| self.mistake(offset, problem));
        self.sorted()
    }

    fn sorted(mut self) -> Vec<Mistake> {
        self.mistakes.sort_by_key(|(offset, _)| *offset);
        self.mistakes.into_iter().map(|(_, mistake)| mistake).collect()
    }

    /// Keeps the errors of the parser and drops other mistakes in the same tables, because these may only follow from how the parser
    /// continued after an error.
    fn prefer_syntax(&mut self, errors: &[toml::de::Error]) {
        let headers: Vec<usize> =
            std::iter::once(0).chain(self.text.match_indices("\n[").map(|(offset, _)| offset + 1)).collect();
        let table_of = |offset: usize| headers.partition_point(|&header| header <= offset);
        let broken: BTreeSet<usize> = errors.iter().map(|error| table_of(offset_of(error))).collect();
        self.mistakes.retain(|(offset, _)| !broken.contains(&table_of(*offset)));
        for error in errors {
            let at = error.span().and_then(|span| self.text.get(span)).unwrap_or_default();
            let message = match one_line(error.message()) {
                message if message == "duplicate key" => format!("duplicate key {}; keep one of the two", Shown(at)),
                message => message,
            };
            self.mistake(offset_of(error), Problem::Toml(message));
        }
    }

    fn tables_in(&mut self, root: Table<'_>, mut defaults: Options) -> Tables {
        let mut tables = Vec::new();
        let (mut dashboard, mut watch, mut metrics) = (None, None, None);
        for (key, value) in root {
            let at = key.span().start;
            match key.get_ref().as_ref() {
                DEFAULTS => {
                    if let Some(table) = self.table(DEFAULTS, value) {
                        defaults = self.options(table, Of::Defaults);
                    }
                }
                GATEWAYS => tables.extend(self.table(GATEWAYS, value).into_iter().flatten()),
                DASHBOARD => {
                    dashboard = self.table(DASHBOARD, value).map(|table| (at, self.options(table, Of::Dashboard)));
                }
                WATCH => watch = self.table(WATCH, value).map(|table| self.nothing_in(at, table)),
                METRICS => {
                    metrics = self.table(METRICS, value).map(|table| (at, self.options(table, Of::Metrics)));
                }
                other => self.unknown(at, other, &[DEFAULTS, GATEWAYS, DASHBOARD, WATCH, METRICS]),
            }
        }
        let mut gateways = Vec::with_capacity(tables.len());
        for (key, value) in tables {
            let at = key.span().start;
            let profile = key.get_ref().parse::<ProfileName>();
            let options = self
                .table(&format!("{GATEWAYS}.{}", key.get_ref()), value)
                .map(|table| self.options(table, Of::Gateway));
            match (profile, options) {
                (Ok(profile), Some(options)) => gateways.push((at, profile, options.or(&defaults))),
                (Err(error), _) => self.mistake(at, error),
                (Ok(_), None) => {}
            }
        }
        if let Some((_, own)) = &mut dashboard {
            // Other options of gateways do not apply to the dashboard.
            own.hermes = own.hermes.take().or_else(|| defaults.hermes.clone());
            own.user = own.user.take().or_else(|| defaults.user.clone());
        }
        Tables { defaults, gateways, dashboard, watch, metrics }
    }

    /// The place of a table that takes no keys.
    fn nothing_in(&mut self, at: usize, table: Table<'_>) -> usize {
        for (key, _) in table {
            self.unknown(key.span().start, key.get_ref(), &[]);
        }
        at
    }

    fn options(&mut self, table: Table<'_>, of: Of) -> Options {
        let keys: Vec<Key> = match of {
            Of::Defaults => Key::OF_ALL.into_iter().chain(Key::OF_GATEWAY).collect(),
            Of::Gateway => Key::OF_GATEWAY.to_vec(),
            Of::Dashboard => Key::OF_DASHBOARD.to_vec(),
            Of::Metrics => Key::OF_METRICS.to_vec(),
        };
        // Root runs it, with the environment of the container.
        let has_environment = of != Of::Metrics;
        let mut options = Options::default();
        let mut files = Environment::default();
        let mut explicit = Environment::default();
        for (key, value) in table {
            let (at, key) = (key.span().start, key.into_inner());
            match key.as_ref() {
                ENV if has_environment => self
                    .entries(ENV, value, &mut explicit, |name, text| Ok(EnvSource::Value(EnvValue::new(name, text)?))),
                SECRET if has_environment => self.entries(SECRET, value, &mut explicit, |name, text| {
                    Ok(EnvSource::Secret(SecretFile::new(name, text)?))
                }),
                ENV_FILE if has_environment => self.env_files(value, &mut files),
                other => match keys.iter().find(|known| known.name() == other) {
                    Some(key) if of == Of::Defaults && Key::OF_ONE.contains(key) => {
                        self.mistake(at, ManifestError::OfOne(key.name()));
                    }
                    Some(&known) if matches!(known.kind(), Kind::List(_)) => self.list(known, value, &mut options),
                    Some(&known) => self.option(known, at, &value, &mut options),
                    None if Key::OF_ALL.iter().any(|key| key.name() == other) => {
                        self.mistake(at, ManifestError::OfAll(other.to_owned()));
                    }
                    None => {
                        let more = [ENV, ENV_FILE, SECRET].into_iter().filter(|_| has_environment);
                        let known: Vec<&str> = keys.iter().map(|key| key.name()).chain(more).collect();
                        self.unknown(at, other, &known);
                    }
                },
            }
        }
        files.overlay(explicit);
        options.environment = files;
        options
    }

    fn option(&mut self, key: Key, key_at: usize, value: &Value<'_>, options: &mut Options) {
        // If the parser made a value up, the value has no place.
        let at = if value.span().is_empty() { key_at } else { value.span().start };
        match text_of(key.kind(), value.get_ref()).map(|text| options.set(key, &text)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.mistake(at, error),
            Err(wanted) => self.wrong_type(key.name(), value, wanted),
        }
    }

    /// Several texts, or one.
    fn list(&mut self, key: Key, value: Value<'_>, options: &mut Options) {
        // A list here replaces the default, even if it is empty.
        options.clear(key);
        for value in several(value) {
            self.option(key, value.span().start, &value, options);
        }
    }

    fn entries(
        &mut self,
        key: &str,
        value: Value<'_>,
        environment: &mut Environment,
        source: impl Fn(&EnvName, &str) -> Result<EnvSource, EnvironmentError>,
    ) {
        for (name, value) in self.table(key, value).into_iter().flatten() {
            let DeValue::String(text) = value.get_ref() else {
                self.wrong_type(&format!("{key}.{}", name.get_ref()), &value, "a string, in quotes");
                continue;
            };
            let at = name.span().start;
            let entry = name.get_ref().parse().and_then(|name| Ok((source(&name, text)?, name)));
            let added = entry.and_then(|(source, name)| environment.add(name, source));
            if let Err(error) = added {
                self.mistake(at, error);
            }
        }
    }

    fn env_files(&mut self, value: Value<'_>, environment: &mut Environment) {
        let wanted = "a path in quotes, or an array of paths";
        for value in several(value) {
            let DeValue::String(name) = value.get_ref() else {
                self.wrong_type(ENV_FILE, &value, wanted);
                continue;
            };
            let base = self.path.parent().unwrap_or(Utf8Path::new(""));
            match input::env_file(&base.join(name.as_ref())) {
                Ok(entries) => environment.overlay(entries),
                Err(mistakes) => {
                    let at = value.span().start;
                    self.mistakes.extend(mistakes.into_iter().map(|mistake| (at, mistake)));
                }
            }
        }
    }

    fn table<'t>(&mut self, key: &str, value: Value<'t>) -> Option<Table<'t>> {
        if !value.get_ref().is_table() {
            self.wrong_type(key, &value, "a table");
        }
        match value.into_inner() {
            DeValue::Table(table) => Some(table),
            _ => None,
        }
    }

    fn unknown(&mut self, at: usize, key: &str, known: &[&str]) {
        let hint = match near(key, known.iter().copied()) {
            Some(likely) => format!("did you mean {likely}?"),
            None if known.is_empty() => "this table has no keys, so omit it".to_owned(),
            None => format!("the keys here are {}", known.join(", ")),
        };
        self.mistake(at, ManifestError::UnknownKey { key: key.to_owned(), hint });
    }

    fn wrong_type(&mut self, key: &str, value: &Value<'_>, wanted: &'static str) {
        self.mistake(
            value.span().start,
            ManifestError::Type { key: key.to_owned(), found: kind_of(value.get_ref()), wanted },
        );
    }

    fn mistake(&mut self, offset: usize, problem: impl Into<Problem>) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let breaks = || self.text.match_indices('\n').map(|(offset, _)| offset + 1);
        let lines = self.lines.get_or_init(|| std::iter::once(0).chain(breaks()).collect());
        let line = lines.partition_point(|&start| start <= before.len());
        let column = before[lines[line - 1]..].chars().count() + 1;
        let place = Place::Column(Utf8PathBuf::from(self.path), line, column);
        self.mistakes.push((offset, Mistake::at(place, problem)));
    }
}

fn offset_of(error: &toml::de::Error) -> usize {
    error.span().map_or(0, |span| span.start)
}

/// Puts a message of the TOML parser on one line.
fn one_line(message: &str) -> String {
    message.split('\n').collect::<Vec<_>>().join(", ")
}
