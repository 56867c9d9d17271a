//! `gen-service …` without `--out`: prints what would be written.

use serde::Serialize;

use super::args::GenService;
use super::outcome::{About, Outcome};
use super::streams::Streams;
use crate::error::Error;
use crate::render::render_service;
use crate::spec::Service;

pub(super) fn run(arguments: &GenService, services: &[Service], streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    if arguments.quiet {
        return Ok(Outcome::Done);
    }
    if arguments.json {
        let directories: Vec<Directory> = services.iter().map(Directory::new).collect();
        streams.json(&serde_json::json!({ "directories": directories }))?;
        return Ok(Outcome::Done);
    }
    for (index, service) in services.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        write!(streams.out, "{gap}{}", render_service(service)).map_err(Error::Output)?;
    }
    Ok(Outcome::Done)
}

#[derive(Serialize)]
struct Directory {
    #[serde(flatten)]
    about: About,
    files: Vec<File>,
}

#[derive(Serialize)]
struct File {
    path: &'static str,
    /// Four octal digits.
    mode: String,
    content: String,
}

impl Directory {
    fn new(service: &Service) -> Self {
        let directory = render_service(service);
        let files = directory.files().iter().map(|file| File {
            path: file.path,
            mode: format!("{:04o}", file.mode.bits()),
            content: file.content.clone().into_owned(),
        });
        Self { about: About::new(service), files: files.collect() }
    }
}
