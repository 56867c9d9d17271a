//! `gen-service … --out DIR --check`: compares and writes nothing.

use camino::Utf8Path;

use super::args::GenService;
use super::documents::{Compared, Difference, DifferenceKind};
use super::outcome::Outcome;
use super::streams::{BOLD, GREEN, RED, Streams, styled};
use crate::disk::diff;
use crate::error::Error;
use crate::spec::Service;
use crate::spec::options::Layout;
use crate::tree;

pub(super) fn run(
    arguments: &GenService,
    (out, layout): (&Utf8Path, Layout),
    services: &[Service],
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    let parts = arguments.parts();
    let differences = tree::compare(out, layout, services, if arguments.manifest.is_some() { &parts } else { &[] })?;
    if arguments.json {
        let listed = differences.iter().map(|difference| Difference {
            path: difference.path.clone(),
            kind: match (&difference.found, &difference.wanted) {
                (None, _) => DifferenceKind::Missing,
                (_, None) => DifferenceKind::Stray,
                _ => DifferenceKind::Different,
            },
            diff: diff::render(difference),
        });
        let matches = differences.is_empty();
        streams.json(&Compared { out: out.to_string(), matches, differences: listed.collect() })?;
    } else if !arguments.quiet {
        for difference in &differences {
            for line in diff::render(difference).split_inclusive('\n') {
                write!(streams.out, "{}", coloured(line)).map_err(Error::Output)?;
            }
        }
    }
    Ok(if differences.is_empty() { Outcome::Done } else { Outcome::Differs })
}

fn coloured(line: &str) -> String {
    let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
    let style = match text.as_bytes() {
        [b'-', b'-', b'-', b' ', ..] | [b'+', b'+', b'+', b' ', ..] | [b'd', b'i', b'f', b'f', ..] => BOLD,
        [b'+', ..] => GREEN,
        [b'-', ..] => RED,
        _ => return line.to_owned(),
    };
    format!("{}{end}", styled(style, text))
}
