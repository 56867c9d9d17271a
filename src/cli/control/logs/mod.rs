//! `gatewayctl logs`.

mod filter;
mod line;
mod print;
mod source;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io::Write;
use std::thread;
use std::time::Duration;

use super::args::Common;
use super::common::{chosen, or_near, s6};
use super::show_args::Logs;
use super::since::Since;
use crate::cli::outcome::Outcome;
use crate::cli::streams::Streams;
use crate::error::Error;
use crate::manager::S6Manager;
use crate::spec::ServiceName;
use crate::volume::{Homes, LogDir, Past, Tail, owner_of};
use filter::Filter;
use line::Line;
use print::Printer;
use source::Source;

/// The most logs that are shown at once. Each takes three files, and 80 KiB.
const MOST: usize = 256;

/// The most bytes of lines that `--lines` keeps in memory: 16 MiB for all logs together.
const MOST_KEPT: usize = 16 << 20;

/// How often `--follow` looks for more.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The most lines of one log before the next log has its turn.
const TURN: usize = 1_000;

pub(super) fn run(logs: &Logs, common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let services = chosen(&logs.services, common, streams)?;
    if services.len() > MOST {
        return Err(Error::TooManyLogs { most: MOST, asked: services.len() });
    }
    let filter = Filter { since: logs.since.as_ref(), grep: logs.grep.as_ref() };
    let past = match (logs.lines, &filter) {
        (Some(lines), filter) if filter.is_none() => Past::Lines(lines),
        (None, filter) if filter.is_none() => Past::Current,
        (_, filter) => Past::Since(filter.since.map(Since::seconds)),
    };
    if let ([service], false, true) = (&services[..], common.json, filter.is_none()) {
        let tail = open(&s6(common, streams)?, service, past)?;
        streams.foreign(|out| copy(tail, logs.follow, out))?;
        return Ok(Outcome::Done);
    }
    let are_several = services.len() > 1;
    let (mut sources, mut failures) = (Vec::new(), Vec::new());
    for service in services {
        match open(&s6(common, streams)?, &service, past) {
            Ok(tail) => sources.push(Source::new(service, tail)),
            Err(error) => failures.push(or_near(error, common)),
        }
    }
    let last = if sources.is_empty() { failures.pop() } else { None };
    let outcome = if failures.is_empty() { Outcome::Done } else { Outcome::Differs };
    for failure in &failures {
        streams.error(failure);
    }
    if let Some(last) = last {
        return Err(last);
    }
    let mut shown = Shown { printer: Printer::new(common.json, are_several, &sources), sources, filter, outcome };
    shown.past(logs.lines, logs.follow, streams)?;
    if logs.follow {
        shown.follow(streams)?;
    }
    Ok(shown.outcome)
}

fn open(manager: &S6Manager<'_>, service: &ServiceName, past: Past) -> Result<Tail, Error> {
    let live = manager.scandir().service(service)?;
    let volume = Homes::usual().of_service(&live).open()?;
    let log = LogDir::open(&volume, service, owner_of(&live, manager.programs(), &volume))?;
    Ok(Tail::of(log, past)?)
}

/// Copies one log byte for byte.
fn copy(mut tail: Tail, follow: bool, out: &mut dyn Write) -> Result<(), Error> {
    let mut block = vec![0; 64 << 10];
    loop {
        match tail.past(&mut block)? {
            0 => break,
            read => out.write_all(&block[..read]).map_err(Error::Output)?,
        }
    }
    loop {
        out.flush().map_err(Error::Output)?;
        if !follow {
            return Ok(());
        }
        match tail.next(&mut block)? {
            0 => thread::sleep(LOOK_EVERY),
            read => out.write_all(&block[..read]).map_err(Error::Output)?,
        }
    }
}

/// Some logs that are shown as one.
struct Shown<'a> {
    sources: Vec<Source>,
    filter: Filter<'a>,
    printer: Printer,
    outcome: Outcome,
}

impl Shown<'_> {
    /// Shows the lines that are there, in the order of their times: those that pass the filter, or the last ones of each log. With `follow`, a
    /// line without an end waits for its rest.
    fn past(&mut self, lines: Option<usize>, follow: bool, streams: &mut Streams<'_>) -> Result<(), Error> {
        let most = lines.filter(|_| !self.filter.is_none());
        let room = MOST_KEPT / self.sources.len().max(1);
        let mut queues: Vec<Queue> = Vec::new();
        for source in &mut self.sources {
            let kept = most.map(|most| Kept::of(source, &self.filter, most, room, follow)).transpose()?;
            if kept.as_ref().is_some_and(|kept| kept.forgot) {
                let said = format!(
                    "{}: too many lines match to keep them in memory; the first of them are left out",
                    source.service
                );
                streams.warning(&said);
            }
            queues.push(Queue { kept: kept.map(|kept| kept.lines), source });
        }
        // The next line of each log, the earliest first. Lines of the same time come in the order of the logs on the command line.
        let mut next = BinaryHeap::new();
        for (place, queue) in queues.iter_mut().enumerate() {
            next.extend(queue.pop(&self.filter, follow)?.map(|line| Reverse((line, place))));
        }
        while let Some(Reverse((line, place))) = next.pop() {
            self.printer.print(place, &line, streams)?;
            next.extend(queues[place].pop(&self.filter, follow)?.map(|line| Reverse((line, place))));
        }
        streams.out.flush().map_err(Error::Output)
    }

    /// Shows new lines until nobody reads them, or until no log can be read.
    fn follow(&mut self, streams: &mut Streams<'_>) -> Result<(), Error> {
        loop {
            let mut is_idle = true;
            let mut failures = Vec::new();
            for (place, source) in self.sources.iter_mut().enumerate().filter(|(_, source)| !source.failed) {
                for _ in 0..TURN {
                    match source.next() {
                        Ok(None) => break,
                        Ok(Some(line)) => {
                            is_idle = false;
                            if self.filter.passes(&line) {
                                self.printer.print(place, &line, streams)?;
                            }
                        }
                        Err(error) => {
                            source.failed = true;
                            failures.push(Error::from(error));
                            break;
                        }
                    }
                }
            }
            streams.out.flush().map_err(Error::Output)?;
            let last = if self.sources.iter().all(|source| source.failed) { failures.pop() } else { None };
            for failure in failures {
                self.outcome = Outcome::Differs;
                streams.error(&failure);
            }
            if let Some(last) = last {
                return Err(last);
            }
            if is_idle {
                thread::sleep(LOOK_EVERY);
            }
        }
    }
}

/// The lines of one log that come next.
struct Queue<'a> {
    source: &'a mut Source,
    /// Its last lines, with `--lines`.
    kept: Option<VecDeque<Line>>,
}

impl Queue<'_> {
    fn pop(&mut self, filter: &Filter<'_>, follow: bool) -> Result<Option<Line>, Error> {
        match &mut self.kept {
            Some(kept) => Ok(kept.pop_front()),
            None => Ok(self.source.past(filter, follow)?),
        }
    }
}

/// The last lines of one log that pass the filter.
struct Kept {
    lines: VecDeque<Line>,
    /// Whether some were dropped for lack of room.
    forgot: bool,
}

impl Kept {
    fn of(source: &mut Source, filter: &Filter<'_>, most: usize, room: usize, follow: bool) -> Result<Self, Error> {
        let mut kept = Self { lines: VecDeque::new(), forgot: false };
        let mut bytes = 0;
        while let Some(line) = source.past(filter, follow)? {
            bytes += line.bytes.len() + size_of::<Line>();
            kept.lines.push_back(line);
            while kept.lines.len() > most || bytes > room {
                kept.forgot |= kept.lines.len() <= most;
                bytes -= kept.lines.pop_front().map_or(0, |line| line.bytes.len() + size_of::<Line>());
            }
        }
        Ok(kept)
    }
}
