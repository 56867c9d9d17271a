//! Renders s6 service directories for the gateways of Hermes profiles.

use std::io::{BufWriter, IsTerminal as _, Write, stderr, stdout};
use std::process::ExitCode;

use anstream::AutoStream;
use gen_service::cli::{Streams, gen_service};

fn main() -> ExitCode {
    // The buffer is below the stream that strips styles, which writes in small pieces.
    let buffer: Box<dyn Write> = Box::new(BufWriter::new(stdout().lock()));
    let mut out = AutoStream::new(buffer, AutoStream::choice(&stdout()));
    let mut err = anstream::stderr();
    let progress = stderr().is_terminal();
    ExitCode::from(gen_service(std::env::args_os(), Streams { out: &mut out, err: &mut err, progress }))
}
