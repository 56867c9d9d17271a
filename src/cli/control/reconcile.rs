//! `gatewayctl reconcile`.

use camino::Utf8PathBuf;

use super::args::Common;
use super::common::{NEVER_RAN, boots_as_recorded, s6};
use super::container_args::{Reconcile as Arguments, Which};
use crate::base::text::Plain;
use crate::boot::{Action, BootError, Outcome, Reconcile, Reconciled, Why};
use crate::cli::documents::{self, Broken, Orphan, ReconciledProfile};
use crate::cli::outcome::Outcome as Ended;
use crate::cli::streams::{DIM, GREEN, RED, Streams, styled};
use crate::error::Error;
use crate::s6::container;
use crate::source::{self, Mistake, Place, Settings};
use crate::spec::{SelectionError, selection::Selection};
use crate::volume::{Homes, Intent, Store, Volume};

pub(super) fn run(arguments: &Arguments, common: &Common, streams: &mut Streams<'_>) -> Result<Ended, Error> {
    let which = Chosen::new(&arguments.which)?;
    let reconcile = Reconcile { prune: arguments.prune, dry_run: arguments.dry_run, ..which.reconcile()? };
    let done = {
        let manager = s6(common, streams)?.control_group(which.control_group);
        reconcile.run(&manager)?
    };
    if common.json {
        streams.json(&document(&done, arguments.dry_run))?;
    } else {
        let complaints = done.complaints();
        say(done.profiles.iter(), arguments.dry_run, common.quiet, streams)?;
        for complaint in complaints {
            streams.warning(&complaint);
        }
        let is_new = |outcome: &&Outcome| outcome.profile.is_default() && outcome.intent == Intent::Nothing;
        if done.profiles.iter().find(is_new).is_some_and(|outcome| outcome.action == Action::Down)
            && boots_as_recorded()
        {
            streams.note(NEVER_RAN);
        }
    }
    Ok(Ended::Done)
}

/// The settings of `reconcile` and `watch`.
pub(super) struct Chosen {
    home: Utf8PathBuf,
    state: Option<Utf8PathBuf>,
    selection: Selection,
    manifest: Settings,
    most: Option<u32>,
    bootstrap: bool,
    pub(super) control_group: Option<String>,
}

impl Chosen {
    pub(super) fn new(which: &Which) -> Result<Self, Error> {
        Ok(Self {
            home: which.home.path(),
            state: which.home.state(),
            selection: selection(which)?,
            manifest: which.manifest().as_deref().map_or_else(|| Ok(Settings::default()), source::settings)?,
            most: which.most,
            bootstrap: container::variable("HERMES_GATEWAY_BOOTSTRAP_STATE").as_deref() == Some("running"),
            control_group: which.control_group.name(),
        })
    }

    /// A run with these settings, on the present volume.
    pub(super) fn reconcile(&self) -> Result<Reconcile, BootError> {
        Ok(Reconcile {
            selection: self.selection.clone(),
            creates: self.selection.own.is_some(),
            manifest: self.manifest.clone(),
            volume: Volume::open(&self.home)?,
            homes: Homes::sharing(&self.home),
            store: Store::open(self.state.as_deref(), &self.home)?,
            has_state: self.state.is_some(),
            most: self.most,
            bootstrap: self.bootstrap,
            logs: true,
            prune: false,
            dry_run: false,
        })
    }
}

fn selection(arguments: &Which) -> Result<Selection, Error> {
    let mut mistakes = Vec::new();
    let mut wrong = |error: SelectionError| mistakes.push(Mistake::at(Place::CommandLine, error));
    let mut patterns =
        |texts: &[String]| texts.iter().filter_map(|text| text.parse().map_err(&mut wrong).ok()).collect::<Vec<_>>();
    let (only, except) = (patterns(&arguments.only()), patterns(&arguments.except()));
    let shard = arguments.shard().unwrap_or_else(|error| {
        wrong(error);
        Selection::default()
    });
    if mistakes.is_empty() { Ok(Selection { only, except, ..shard }) } else { Err(Error::input(mistakes)) }
}

fn document(done: &Reconciled, dry_run: bool) -> documents::Reconciled {
    let profiles = done.profiles.iter().map(|outcome| ReconciledProfile {
        profile: outcome.profile.to_string(),
        recorded: outcome.intent.to_string(),
        action: outcome.action.into(),
    });
    let broken = done.broken.iter().map(|broken| Broken { name: broken.name.clone(), problem: broken.problem.clone() });
    let orphans = done.orphans.iter().map(|orphan| {
        let why = if orphan.why == Why::Gone { "its profile is gone" } else { "the gateway of default serves it" };
        Orphan { profile: orphan.profile.to_string(), why }
    });
    documents::Reconciled {
        dry_run,
        profiles: profiles.collect(),
        broken: broken.collect(),
        orphans: orphans.collect(),
        warnings: done.warnings.clone(),
    }
}

/// Prints what was done for each of these profiles.
pub(super) fn say<'a>(
    profiles: impl Iterator<Item = &'a Outcome>,
    dry_run: bool,
    quiet: bool,
    streams: &mut Streams<'_>,
) -> Result<(), Error> {
    let would = if dry_run { "would be " } else { "" };
    for outcome in profiles.filter(|_| !quiet) {
        let style = match outcome.action {
            Action::Started | Action::Adopted | Action::Made => GREEN,
            Action::Down
            | Action::Unchanged
            | Action::LeftToS6Rc
            | Action::Elsewhere
            | Action::Served
            | Action::ServedNext
            | Action::Parked => DIM,
            Action::Absent | Action::Awaited(..) | Action::Removed | Action::Merged => RED,
        };
        let profile = &outcome.profile;
        let why = match outcome.action {
            Action::Elsewhere => "another container's".to_owned(),
            Action::Absent => format!("in the manifest, but not on the volume; hermes profile create {profile}"),
            Action::Made => "by Hermes, because the volume lacks it".to_owned(),
            Action::Awaited(shard, of) => {
                format!("from the volume of shard {shard} of {of}; gatewayctl shard prints how to move it")
            }
            Action::LeftToS6Rc => format!("to s6-rc, which runs it; recorded: {}", outcome.intent),
            Action::Removed => "its profile is gone".to_owned(),
            Action::Merged => "the gateway of default serves it".to_owned(),
            Action::Served => format!("by the gateway of default; recorded: {}", outcome.intent),
            Action::ServedNext => {
                format!("by the gateway of default after its next start; recorded: {}", outcome.intent)
            }
            Action::Parked => format!("by gateway.parked in its directory; hermes -p {profile} gateway start"),
            Action::Adopted => format!("Hermes' own manager made it; recorded: {}", outcome.intent),
            _ => match &outcome.intent {
                Intent::Unreadable(why) => format!("gateway_state.json: {why}"),
                intent => format!("recorded: {intent}"),
            },
        };
        let word = styled(style, format_args!("{would}{:<9}", outcome.action.word()));
        writeln!(streams.out, "{word} {profile}  {}", styled(DIM, Plain(&why))).map_err(Error::Output)?;
    }
    streams.out.flush().map_err(Error::Output)
}
