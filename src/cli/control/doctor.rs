//! `gatewayctl doctor`.

use std::time::Duration;

use super::args::Common;
use super::container_args::Home;
use crate::base::text::Plain;
use crate::cli::documents;
use crate::cli::outcome::Outcome;
use crate::cli::streams::{DIM, GREEN, RED, Streams, YELLOW, styled};
use crate::doctor::{Finding, Level, examine};
use crate::error::Error;

pub(super) fn run(home: &Home, common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let timeout = Duration::from_secs(common.timeout);
    let (path, state) = (home.path(), home.state());
    let findings = examine(&common.scandir, &common.s6_bin_dir, &path, state.as_deref(), timeout)?;
    if common.json {
        streams.json(&findings.iter().map(document).collect::<Vec<_>>())?;
    } else {
        for finding in findings.iter().filter(|finding| !common.quiet || finding.level > Level::Ok) {
            let style = match finding.level {
                Level::Ok => GREEN,
                Level::Warning => YELLOW,
                Level::Error => RED,
            };
            let word = styled(style, format_args!("{:<7}", word(finding.level)));
            let check = styled(DIM, format_args!("{:<11}", finding.check));
            let remedy = if finding.remedy.is_empty() { "" } else { "; " };
            let (seen, what) = (Plain(&finding.seen), Plain(&finding.remedy));
            writeln!(streams.out, "{word}  {check}  {seen}{remedy}{what}").map_err(Error::Output)?;
        }
    }
    let error = findings.iter().any(|finding| finding.level == Level::Error);
    Ok(if error { Outcome::Differs } else { Outcome::Done })
}

fn document(finding: &Finding) -> documents::Finding {
    let level = match finding.level {
        Level::Ok => documents::Level::Ok,
        Level::Warning => documents::Level::Warning,
        Level::Error => documents::Level::Error,
    };
    let Finding { check, seen, remedy, .. } = finding.clone();
    documents::Finding { check, level, seen, remedy }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Ok => "OK",
        Level::Warning => "warning",
        Level::Error => "ERROR",
    }
}
