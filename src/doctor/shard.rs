//! Whether a volume that belongs to this container alone holds only what its shard should have.

use super::finding::{Finding, or_ok};
use super::patient::Patient;
use super::said::listed;
use crate::boot::shard_here;
use crate::spec::{ProfileName, ServiceName};
use crate::volume::Volume;

pub(super) fn check(patient: &Patient<'_>, findings: &mut Vec<Finding>) {
    const CHECK: &str = "shard";
    let selection = match shard_here() {
        Ok(selection) => selection,
        Err(error) => {
            findings.push(Finding::said(CHECK, &error));
            return;
        }
    };
    let (Some(shard), Some(_)) = (selection.shard, selection.own) else { return };
    let isolated = patient.services.iter().filter(|(_, service)| service.is_isolated());
    let isolated = isolated.filter_map(|(name, _)| name.profile().cloned());
    let on_volume = Volume::open(patient.home).map(|volume| volume.names()).unwrap_or_default();
    let there: Vec<ProfileName> = on_volume.into_iter().chain(isolated).collect();
    let strays: Vec<ServiceName> =
        there.iter().filter(|name| !selection.takes(name)).cloned().map(ServiceName::from).collect();
    let mut found = Vec::new();
    if !strays.is_empty() {
        let seen = format!(
            "this is shard {shard}, but its volume has what belongs to another shard: {}",
            listed(&strays.iter().collect::<Vec<_>>())
        );
        let remedy = "gatewayctl shard says how to move it; delete it here once it is in its own shard";
        found.push(Finding::warning(CHECK, seen, remedy));
    }
    or_ok(findings, found, CHECK, format!("{shard}; its volume has only its own profiles"));
}
