//! The scandir, and the s6-svscan that watches it.

#![expect(clippy::disallowed_methods, reason = "the scandir")]

use std::fs;

use camino::Utf8Path;
use rustix::fs::StatVfsMountFlags;

use super::error::DoctorError;
use super::finding::{Finding, or_ok};
use super::patient::Patient;
use super::said::counted;
use crate::base::text::Plain;
use crate::disk::{self, Context as _, Dir, Plan, read_plan};
use crate::s6::{Room, S6Error, STAGING};
use crate::spec::ServiceName;

pub(super) fn check(patient: &Patient<'_>, findings: &mut Vec<Finding>) -> Result<(), DoctorError> {
    let live = watched(patient, findings)?;
    mount(patient, findings)?;
    let entries = Entries::of(patient.scandir.path())?;
    room(patient, findings)?;
    or_ok(findings, entries.links, "links", "no dangling symlink");
    or_ok(findings, entries.leftovers, "leftovers", "nothing left by a killed run");
    if !live {
        return Ok(());
    }
    let mut unsupervised = Vec::new();
    for (name, service) in &patient.services {
        let Ok((running, all)) = service.supervisors() else { continue };
        if running < all {
            let seen = format!("{name} has {running} of its {all} supervisors");
            let remedy = format!(
                "s6-svscanctl -a {}; if that does not help, look at room and links, or unregister it and register it again",
                patient.scandir.path()
            );
            unsupervised.push(Finding::error("supervisors", seen, remedy));
        }
    }
    or_ok(findings, ghosts(patient), "ghosts", "no supervisor without its service directory");
    let names: Vec<&ServiceName> = patient.services.keys().collect();
    let well = match names.len() {
        0 => "no gateway to supervise".to_owned(),
        1 => format!("{}, with its supervisors", counted(&names)),
        _ => format!("{}, each with its supervisors", counted(&names)),
    };
    or_ok(findings, unsupervised, "supervisors", well);
    Ok(())
}

/// Supervisors whose service directory is gone. Because of them, the next gateway of that name logs nothing.
fn ghosts(patient: &Patient<'_>) -> Vec<Finding> {
    let remedy = format!("gatewayctl reconcile, or s6-svscanctl -an {}", patient.scandir.path());
    let ghosts = patient.scandir.ghosts().into_iter().map(|name| {
        let seen = format!(
            "{name} has supervisors, but somebody removed its service directory: they hold the lock of its log"
        );
        Finding::error("ghosts", seen, remedy.clone())
    });
    ghosts.collect()
}

fn watched(patient: &Patient<'_>, findings: &mut Vec<Finding>) -> Result<bool, DoctorError> {
    let path = patient.scandir.path();
    let live = match patient.scandir.is_live() {
        // An ordinary user may not ask s6-svscan, but may see its process.
        Err(S6Error::System(_)) => patient.svscan.is_some(),
        live => live?,
    };
    findings.push(if live {
        let who = patient.svscan.map_or_else(String::new, |svscan| format!(" as user {}", svscan.uid));
        Finding::ok("s6-svscan", format!("watches {path}{who}"))
    } else {
        Finding::error("s6-svscan", format!("no s6-svscan watches {path}"), "start one, as /init of s6-overlay does")
    });
    Ok(live)
}

fn mount(patient: &Patient<'_>, findings: &mut Vec<Finding>) -> Result<(), DoctorError> {
    let path = patient.scandir.path();
    let flags = rustix::fs::statvfs(path.as_std_path()).context("look at", path)?.f_flag;
    let mut wrong = Vec::new();
    for (flag, word, what) in [
        (StatVfsMountFlags::NOEXEC, "noexec", "no run script can start"),
        (StatVfsMountFlags::RDONLY, "read-only", "nothing can be registered, and no supervisor works"),
    ] {
        if flags.contains(flag) {
            let seen = format!("the file system of {path} is mounted {word}: {what}");
            wrong.push(Finding::error("mount", seen, "docker run --tmpfs /run:exec, or remount it with exec,rw"));
        }
    }
    or_ok(findings, wrong, "mount", format!("scripts in {path} can be executed"));
    Ok(())
}

/// The entries of a scandir.
#[derive(Default)]
struct Entries {
    /// Dangling symlinks.
    links: Vec<Finding>,
    /// What killed runs left.
    leftovers: Vec<Finding>,
}

impl Entries {
    fn of(path: &Utf8Path) -> Result<Self, DoctorError> {
        let mut entries = Self::default();
        for name in disk::names(path).context("read", path)? {
            let full = path.as_std_path().join(&name);
            let name = Plain(&name.to_string_lossy()).to_string();
            // A lock exists as long as a run works here.
            if name == STAGING
                && let Some(plan) = unfinished(path)
            {
                let (what, mixture) = if plan.updates() {
                    ("an install --update", "old files stand beside new ones")
                } else {
                    ("a run", "some of its gateways are there, and others are not")
                };
                let seen = format!("{what} in {path} was killed, or has not ended yet: {mixture}");
                let remedy = "run its command again, or any gatewayctl register, install or unregister: each of them takes it back first";
                entries.leftovers.push(Finding::error("leftovers", seen, remedy));
            } else if name.starts_with(".gatewayctl") && !name.starts_with(".gatewayctl.lock") {
                let seen = format!("{path}/{name} was left by a run that was killed");
                let remedy = "run any gatewayctl register, install or unregister: each of them removes it first";
                entries.leftovers.push(Finding::warning("leftovers", seen, remedy));
            } else if name.starts_with('.') {
                // s6-svscan does not look at it.
            } else if fs::metadata(&full).is_err() {
                let seen = format!(
                    "{path}/{name} is a dangling symlink: as long as it is there, s6-svscan starts nothing and takes nothing out"
                );
                entries.links.push(Finding::error("links", seen, format!("rm {path}/{name}")));
            }
        }
        Ok(entries)
    }
}

/// What a run in this scandir has begun and not finished.
fn unfinished(scandir: &Utf8Path) -> Option<Plan> {
    let root = Dir::open(scandir).ok()?.dir(STAGING).ok()?;
    read_plan(&root, scandir).ok().filter(|plan| plan.names().next().is_some())
}

fn room(patient: &Patient<'_>, findings: &mut Vec<Finding>) -> Result<(), DoctorError> {
    const LITTLE: u32 = 10;
    let (Some(svscan), Some(programs)) = (patient.svscan, &patient.programs) else { return Ok(()) };
    let room = Room::of(&patient.scandir, Some(svscan), programs)?;
    let left = room.left();
    let seen = format!("{} of {} slots taken, {left} more gateways with loggers fit", room.taken, room.most);
    let option = if room.counts_loggers() { "-C" } else { "-c" };
    findings.push(if left >= LITTLE {
        Finding::ok("room", seen)
    } else {
        Finding::warning(
            "room",
            seen,
            format!("unregister gateways that are not needed, or give s6-svscan a larger {option}"),
        )
    });
    Ok(())
}
