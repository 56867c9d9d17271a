//! One connection to the metrics server: it asks, within limits, and takes its answer.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsFd as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

/// The longest request that is read, in bytes. A scraper sends about 300.
pub(super) const LONGEST: usize = 8 << 10;

/// How long a connection has to ask, and then again to take its answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A client.
pub(super) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    /// The answer, and how much of it was sent.
    answer: Option<(Rc<[u8]>, usize)>,
    until: Instant,
}

/// What happens to a connection next.
pub(super) enum Next {
    /// It waits.
    Wait,
    /// It has asked for this.
    Asked(Asked),
    /// It ends.
    End,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// The metrics.
    Metrics,
    /// Something else. This is the answer.
    Else(&'static str, &'static str),
}

impl Connection {
    /// A connection that has not asked yet. Its stream does not block.
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, request: Vec::new(), answer: None, until: Instant::now() + PATIENCE }
    }

    /// Whether it has asked, and takes its answer.
    pub(super) fn has_asked(&self) -> bool {
        self.answer.is_some()
    }

    /// Whether its time is over.
    pub(super) fn is_late(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Sends it this answer. It gets its full time again to take it.
    pub(super) fn take(&mut self, answer: Rc<[u8]>) {
        self.answer = Some((answer, 0));
        self.until = Instant::now() + PATIENCE;
    }

    /// The event to wait for: that it can be read, and later that it can be written.
    pub(super) fn polled(&self) -> PollFd<'_> {
        let flags = if self.answer.is_some() { PollFlags::OUT } else { PollFlags::IN };
        PollFd::from_borrowed_fd(self.stream.as_fd(), flags)
    }

    /// Does everything that is possible without waiting.
    pub(super) fn go_on(&mut self) -> Next {
        if let Some((answer, sent)) = &mut self.answer {
            while *sent < answer.len() {
                match self.stream.write(&answer[*sent..]) {
                    Ok(some) if some > 0 => *sent += some,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Next::Wait,
                    _ => return Next::End,
                }
            }
            return Next::End;
        }
        let mut some = [0; 1024];
        loop {
            match self.stream.read(&mut some) {
                Ok(0) => return Next::End,
                Ok(read) => self.request.extend_from_slice(&some[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Next::Wait,
                Err(_) => return Next::End,
            }
            // The whole request is read before the answer: a closed connection resets if it has unread bytes.
            if self.request.windows(4).any(|end| end == b"\r\n\r\n") {
                return Next::Asked(asked(&self.request));
            }
            if self.request.len() > LONGEST {
                return Next::Asked(Asked::Else("431 Request Header Fields Too Large", "this request is too long\n"));
            }
        }
    }
}

/// What this request asks for, by its first line (RFC 9112, section 3).
fn asked(request: &[u8]) -> Asked {
    let line = request.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|&byte| byte == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let is_http = version.is_some_and(|version| version.starts_with(b"HTTP/1.")) && words.next().is_none();
    let path = target.unwrap_or_default().split(|&byte| byte == b'?').next();
    match (method, path) {
        _ if !is_http => Asked::Else("400 Bad Request", "this is not an HTTP/1 request\n"),
        (Some(b"GET"), Some(b"/metrics")) => Asked::Metrics,
        (Some(b"GET"), _) => Asked::Else("404 Not Found", "metrics are at /metrics\n"),
        _ => Asked::Else("405 Method Not Allowed", "only GET is served\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        for (line, status) in [
            ("GET /metrics HTTP/1.1", None),
            ("GET /metrics?a=b HTTP/1.0", None),
            ("GET / HTTP/1.1", Some("404 Not Found")),
            ("GET /metrics/x HTTP/1.1", Some("404 Not Found")),
            ("POST /metrics HTTP/1.1", Some("405 Method Not Allowed")),
            ("GET /metrics", Some("400 Bad Request")),
            ("GET /metrics HTTP/1.1 x", Some("400 Bad Request")),
            ("GET /metrics HTTP/2", Some("400 Bad Request")),
            ("", Some("400 Bad Request")),
            ("\u{0}", Some("400 Bad Request")),
        ] {
            let found = asked(format!("{line}\r\n\r\n").as_bytes());
            let found = if let Asked::Else(status, _) = found { Some(status) } else { None };
            assert_eq!(found, status, "{line}");
        }
    }
}
