//! Two isolated gateways of a scandir never have the same user: each could read the other's home.

use std::collections::BTreeMap;

use super::error::S6Error;
use super::scandir::Scandir;
use super::script::own_uid;
use super::staged::Checked;
use crate::disk::Entry;
use crate::spec::ServiceName;
use crate::spec::options::Uid;

/// Checks this for these service directories and those that are in the scandir.
///
/// # Errors
/// [`S6Error::OneUser`] for the first that has the user of another gateway.
pub(crate) fn are_apart(scandir: &Scandir, wanted: &[Checked]) -> Result<(), S6Error> {
    let mut of: BTreeMap<Uid, &ServiceName> = BTreeMap::new();
    let shared = |name: &ServiceName, other: &ServiceName, uid| {
        Err(S6Error::OneUser { path: scandir.path().join(name.directory()), other: other.clone(), uid })
    };
    for checked in wanted {
        let Some(uid) = run(checked).and_then(own_uid) else { continue };
        if let Some(other) = of.insert(uid, checked.service()) {
            return shared(checked.service(), other, uid);
        }
    }
    if of.is_empty() {
        return Ok(());
    }
    let is_wanted = |name: &ServiceName| wanted.iter().any(|checked| checked.service() == name);
    for (other, service) in scandir.services()? {
        let Some(uid) = service.own_uid() else { continue };
        if let Some(name) = of.get(&uid).filter(|name| **name != &other && !is_wanted(&other)) {
            return shared(name, &other, uid);
        }
    }
    Ok(())
}

/// The text of its run script.
fn run(checked: &Checked) -> Option<&str> {
    match checked.snapshot.get("run")? {
        Entry::File { content: Some(content), .. } => std::str::from_utf8(content).ok(),
        _ => None,
    }
}
