//! `gatewayctl reconcile`.

use serde_json::json;

use super::args::Common;
use super::common::s6;
use super::container_args::Reconcile as Arguments;
use crate::base::text::Plain;
use crate::boot::{Action, Reconcile, Reconciled};
use crate::cli::outcome::Outcome;
use crate::cli::streams::{DIM, GREEN, RED, Streams, styled};
use crate::error::Error;
use crate::source::{self, Mistake, Place, Settings};
use crate::spec::selection::{Selection, SelectionError};
use crate::volume::{Intent, Store, Volume};

pub(super) fn run(arguments: &Arguments, common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let (home, state) = (arguments.home.path(), arguments.home.state());
    let reconcile = Reconcile {
        selection: selection(arguments)?,
        manifest: arguments.manifest().as_deref().map_or_else(|| Ok(Settings::default()), source::settings)?,
        volume: Volume::open(&home)?,
        store: Store::open(state.as_deref(), &home)?,
        has_state: state.is_some(),
        most: arguments.most,
        dry_run: arguments.dry_run,
    };
    let done = {
        let manager = s6(common, streams)?.control_group(arguments.control_group.name());
        reconcile.run(&manager)?
    };
    if common.json {
        streams.json(&document(&done, arguments.dry_run))?;
    } else {
        say(&done, arguments.dry_run, common.quiet, streams)?;
    }
    Ok(Outcome::Done)
}

fn selection(arguments: &Arguments) -> Result<Selection, Error> {
    let mut mistakes = Vec::new();
    let mut wrong = |error: SelectionError| mistakes.push(Mistake::at(Place::CommandLine, error));
    let mut patterns =
        |texts: &[String]| texts.iter().filter_map(|text| text.parse().map_err(&mut wrong).ok()).collect::<Vec<_>>();
    let (only, except) = (patterns(&arguments.only()), patterns(&arguments.except()));
    let shard = arguments.shard().and_then(|text| text.parse().map_err(&mut wrong).ok());
    if mistakes.is_empty() { Ok(Selection { only, except, shard }) } else { Err(Error::input(mistakes)) }
}

fn document(done: &Reconciled, dry_run: bool) -> serde_json::Value {
    let profiles = done.profiles.iter().map(|outcome| {
        json!({
            "profile": outcome.profile.as_str(),
            "recorded": outcome.intent.to_string(),
            "action": outcome.action.word(),
        })
    });
    let broken = done.broken.iter().map(|broken| json!({ "name": broken.name, "problem": broken.problem }));
    json!({
        "dry_run": dry_run,
        "profiles": profiles.collect::<Vec<_>>(),
        "broken": broken.collect::<Vec<_>>(),
        "warnings": done.warnings,
    })
}

/// What was done on standard output; what is wrong on standard error, also where nothing else is to be said.
fn say(done: &Reconciled, dry_run: bool, quiet: bool, streams: &mut Streams<'_>) -> Result<(), Error> {
    let would = if dry_run { "would be " } else { "" };
    for outcome in done.profiles.iter().filter(|_| !quiet) {
        let style = match outcome.action {
            Action::Started => GREEN,
            Action::Down | Action::Unchanged | Action::Elsewhere => DIM,
            Action::Absent => RED,
        };
        let profile = &outcome.profile;
        let why = match outcome.action {
            Action::Elsewhere => "another container's".to_owned(),
            Action::Absent => format!("in the manifest, but not on the volume; hermes profile create {profile}"),
            _ => match &outcome.intent {
                Intent::Unreadable(why) => format!("gateway_state.json: {why}"),
                intent => format!("recorded: {intent}"),
            },
        };
        let word = styled(style, format_args!("{would}{:<9}", outcome.action.word()));
        writeln!(streams.out, "{word} {profile}  {}", styled(DIM, Plain(&why))).map_err(Error::Output)?;
    }
    streams.out.flush().map_err(Error::Output)?;
    for complaint in done.complaints() {
        streams.warning(&complaint);
    }
    Ok(())
}
