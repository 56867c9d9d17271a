//! `gen-service …` without `--out`: prints the files instead of writing them.

use super::args::GenService;
use super::documents::{Rendered, RenderedDirectory, RenderedFile};
use super::outcome::{About, Outcome};
use super::streams::Streams;
use crate::error::Error;
use crate::render::{TreeEntry, render_bundle, render_in};
use crate::spec::Service;
use crate::spec::options::Layout;

pub(super) fn run(
    arguments: &GenService,
    layout: Layout,
    services: &[Service],
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    if arguments.quiet {
        return Ok(Outcome::Done);
    }
    let of_service = |service| render_in(service, layout).into_iter().map(move |entry| (About::new(service), entry));
    let bundle = render_bundle(services, layout).map(|entry| (About::nobodys(), entry));
    let entries = services.iter().flat_map(of_service).chain(bundle);
    if arguments.json {
        let directories = entries.map(|(about, entry)| RenderedDirectory::new(about, &entry)).collect();
        streams.json(&Rendered { directories })?;
        return Ok(Outcome::Done);
    }
    for (index, (_, entry)) in entries.enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        write!(streams.out, "{gap}{entry}").map_err(Error::Output)?;
    }
    Ok(Outcome::Done)
}

impl RenderedDirectory {
    fn new(about: About, entry: &TreeEntry) -> Self {
        let (above, alone) = match entry.files() {
            [file] if file.path.is_empty() => entry.path().rsplit_once('/').unwrap_or(("", entry.path())),
            _ => (entry.path(), ""),
        };
        let files = entry.files().iter().map(|file| RenderedFile {
            path: if file.path.is_empty() { alone.to_owned() } else { file.path.clone().into_owned() },
            mode: format!("{:04o}", file.mode.bits()),
            content: file.content.clone().into_owned(),
        });
        Self { about: about.at(above), files: files.collect() }
    }
}
