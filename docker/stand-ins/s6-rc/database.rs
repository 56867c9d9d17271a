//! The compiled database: the services, and their dependencies.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use crate::{Failure, read_if_there};

pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) is_longrun: bool,
    /// Whether the service stays up if all others go down.
    pub(crate) essential: bool,
    /// The time that the service may take to go down, and to come up, in milliseconds. 0 is no limit.
    pub(crate) timeouts: [u32; 2],
    /// The services that must be up before this one.
    pub(crate) needs: BTreeSet<usize>,
}

pub(crate) struct Database {
    pub(crate) services: Vec<Service>,
    pub(crate) bundles: Vec<(String, BTreeSet<usize>)>,
}

impl Database {
    /// The services that a name stands for.
    pub(crate) fn meant(&self, name: &str) -> Option<BTreeSet<usize>> {
        if let Some(place) = self.services.iter().position(|service| service.name == name) {
            return Some(BTreeSet::from([place]));
        }
        self.bundles.iter().find(|(bundle, _)| bundle == name).map(|(_, members)| members.clone())
    }

    /// The services that must be up before a service comes up (`up`), or down before it goes down.
    pub(crate) fn before(&self, place: usize, up: bool) -> BTreeSet<usize> {
        if up {
            return self.services[place].needs.clone();
        }
        (0..self.services.len()).filter(|other| self.services[*other].needs.contains(&place)).collect()
    }

    /// These services, and all services that must change before them.
    pub(crate) fn closure(&self, places: &BTreeSet<usize>, up: bool) -> BTreeSet<usize> {
        let mut all = BTreeSet::new();
        let mut next: Vec<usize> = places.iter().copied().collect();
        while let Some(place) = next.pop() {
            if all.insert(place) {
                next.extend(self.before(place, up));
            }
        }
        all
    }

    /// A service that depends on itself.
    pub(crate) fn circle(&self) -> Option<&str> {
        let is_in_one = |place: &usize| self.closure(&self.services[*place].needs, true).contains(place);
        (0..self.services.len()).find(is_in_one).map(|place| self.services[place].name.as_str())
    }

    /// The database as a text. The first character of each line says what the line is.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |kind: char, what: &dyn std::fmt::Display| {
            let _ = writeln!(text, "{kind}{what}");
        };
        for service in &self.services {
            line(if service.is_longrun { 'l' } else { 'o' }, &service.name);
            line('e', &u8::from(service.essential));
            service.timeouts.iter().for_each(|timeout| line('t', timeout));
            service.needs.iter().for_each(|place| line('n', place));
        }
        for (name, members) in &self.bundles {
            line('b', name);
            members.iter().for_each(|place| line('m', place));
        }
        text
    }

    /// Reads the database of a compiled directory.
    pub(crate) fn read(compiled: &Path) -> Result<Self, Failure> {
        let path = compiled.join("db");
        let invalid = || Failure { code: 4, said: format!("invalid service database in {}", path.display()) };
        let text = read_if_there(&path)?.ok_or_else(invalid)?;
        Self::of_text(&String::from_utf8_lossy(&text)).ok_or_else(invalid)
    }

    fn of_text(text: &str) -> Option<Self> {
        let mut database = Self { services: Vec::new(), bundles: Vec::new() };
        for line in text.lines() {
            let (kind, rest) = line.split_at_checked(1)?;
            match kind {
                "l" | "o" => database.services.push(Service {
                    name: rest.to_owned(),
                    is_longrun: kind == "l",
                    essential: false,
                    timeouts: [0, 0],
                    needs: BTreeSet::new(),
                }),
                "e" => database.services.last_mut()?.essential = rest == "1",
                // Each timeout moves the one before it to the front.
                "t" => {
                    let timeouts = &mut database.services.last_mut()?.timeouts;
                    *timeouts = [timeouts[1], rest.parse().ok()?];
                }
                "n" => {
                    database.services.last_mut()?.needs.insert(rest.parse().ok()?);
                }
                "b" => database.bundles.push((rest.to_owned(), BTreeSet::new())),
                "m" => {
                    database.bundles.last_mut()?.1.insert(rest.parse().ok()?);
                }
                _ => return None,
            }
        }
        Some(database)
    }
}
