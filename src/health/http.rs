//! Asks many services at once whether they answer HTTP. It trusts none of them: each gets the same time, and only the first line of its answer is
//! read.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, connect, recv, send, socket_with, sockopt,
};
use thiserror::Error;

/// How long a service has to answer. Hermes takes milliseconds, unless it is at work.
pub(super) const ANSWER: Duration = Duration::from_secs(3);

/// Hermes' API server answers this. The dashboard answers with a page, or with the status that it has no such page.
const REQUEST: &[u8] =
    b"GET /health HTTP/1.1\r\nHost: localhost\r\nUser-Agent: gatewayctl\r\nConnection: close\r\n\r\n";

/// The most that are asked at once. Each takes a descriptor, and a process may have 1,024 or fewer.
const AT_ONCE: usize = 256;

/// The part of an answer that holds its status: `HTTP/1.1 200`.
const STATUS_LINE: usize = 12;

/// Why a service does not answer as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Silence {
    /// No process listens there, or the connection ended.
    #[error("{}", crate::base::text::reason(&std::io::Error::from(*.0)))]
    Refused(Errno),
    /// It did not answer in time.
    #[error("no answer within {} s", .0.as_secs())]
    Late(Duration),
    /// It ended the connection before it had answered.
    #[error("it closes the connection")]
    HungUp,
    /// Its answer is not HTTP.
    #[error("the answer is not HTTP")]
    Other,
    /// It says itself that it is not well.
    #[error("it answers {0}")]
    Status(u16),
}

/// Asks each of these addresses, and returns their answers in the same order. It takes no longer than this limit for each 256 of them.
pub(crate) fn ask(addresses: &[SocketAddr], limit: Duration) -> Vec<Result<(), Silence>> {
    addresses.chunks(AT_ONCE).flat_map(|some| ask_at_once(some, limit)).collect()
}

fn ask_at_once(addresses: &[SocketAddr], limit: Duration) -> Vec<Result<(), Silence>> {
    let until = Instant::now() + limit;
    let mut questions: Vec<Question> = addresses.iter().map(Question::begin).collect();
    loop {
        let open = questions.iter().filter(|question| question.answer.is_none()).count();
        let left = until.saturating_duration_since(Instant::now());
        if open == 0 || left.is_zero() {
            break;
        }
        let mut waiting: Vec<&mut Question> =
            questions.iter_mut().filter(|question| question.answer.is_none()).collect();
        let mut polled: Vec<PollFd<'_>> = waiting.iter().filter_map(|question| question.polled()).collect();
        // This type can hold every second of a limit, and the loop comes back anyway.
        let timeout = Timespec::try_from(left).ok();
        let ready: Vec<bool> = match poll(&mut polled, timeout.as_ref()) {
            Ok(_) => polled.iter().map(|polled| !polled.revents().is_empty()).collect(),
            Err(Errno::INTR) => continue,
            Err(error) => {
                for question in &mut waiting {
                    question.answer = Some(Err(Silence::Refused(error)));
                }
                break;
            }
        };
        drop(polled);
        for question in waiting.iter_mut().zip(ready).filter_map(|(question, ready)| ready.then_some(question)) {
            question.go_on();
        }
    }
    questions.into_iter().map(|question| question.answer.unwrap_or(Err(Silence::Late(limit)))).collect()
}

/// A service that is asked.
struct Question {
    socket: Option<OwnedFd>,
    /// How much of the request has been sent. Once all of it is sent, the service has to answer.
    sent: usize,
    heard: Vec<u8>,
    answer: Option<Result<(), Silence>>,
}

impl Question {
    fn begin(address: &SocketAddr) -> Self {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (socket, answer) = match socket_with(family, SocketType::STREAM, flags, None) {
            Ok(socket) => match connect(&socket, address) {
                Ok(()) | Err(Errno::INPROGRESS) => (Some(socket), None),
                Err(error) => (None, Some(Err(Silence::Refused(error)))),
            },
            Err(error) => (None, Some(Err(Silence::Refused(error)))),
        };
        Self { socket, sent: 0, heard: Vec::with_capacity(STATUS_LINE), answer }
    }

    /// The event to wait for: that it can be written, and later that it can be read.
    fn polled(&self) -> Option<PollFd<'_>> {
        let flags = if self.sent < REQUEST.len() { PollFlags::OUT } else { PollFlags::IN };
        self.socket.as_ref().map(|socket| PollFd::new(socket, flags))
    }

    /// Does everything that is possible without waiting.
    fn go_on(&mut self) {
        let Some(socket) = &self.socket else { return };
        let done = if self.sent < REQUEST.len() {
            let connected = sockopt::socket_error(socket).and_then(|error| error);
            connected
                .and_then(|()| send(socket, &REQUEST[self.sent..], SendFlags::NOSIGNAL))
                .map(|sent| self.sent += sent)
        } else {
            let mut some = [0; STATUS_LINE];
            let most = STATUS_LINE - self.heard.len();
            recv(socket, &mut some[..most], RecvFlags::empty()).map(|(read, _)| {
                self.heard.extend_from_slice(&some[..read]);
                if read == 0 {
                    self.answer = Some(Err(Silence::HungUp));
                } else if self.heard.len() == STATUS_LINE {
                    self.answer = Some(verdict(&self.heard));
                }
            })
        };
        match done {
            Ok(()) | Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => self.answer = Some(Err(Silence::Refused(error))),
        }
        if self.answer.is_some() {
            self.socket = None;
        }
    }
}

/// The verdict on the beginning of an answer. A service with a status below 500 is there.
fn verdict(line: &[u8]) -> Result<(), Silence> {
    let status = line.strip_prefix(b"HTTP/1.").and_then(|rest| match rest {
        [b'0'..=b'9', b' ', status @ ..] if status.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(status).ok()?.parse::<u16>().ok()
        }
        _ => None,
    });
    match status {
        Some(100..500) => Ok(()),
        Some(status) => Err(Silence::Status(status)),
        None => Err(Silence::Other),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Long enough for a busy machine. A test whose server answers does not wait for it.
    const LIMIT: Duration = Duration::from_secs(60);

    /// A server that does this with its first connection; returns its address.
    fn server(serve: impl FnOnce(std::net::TcpStream) + Send + 'static) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || serve(listener.accept().unwrap().0));
        address
    }

    /// A server that reads the whole request, and answers with these pieces.
    fn answers(pieces: &'static [&'static str]) -> SocketAddr {
        server(move |mut stream| {
            let mut request = vec![0; REQUEST.len()];
            stream.read_exact(&mut request).unwrap();
            assert_eq!(request, REQUEST);
            for piece in pieces {
                // The client may have heard enough.
                let _ = stream.write_all(piece.as_bytes()).and_then(|()| stream.flush());
            }
        })
    }

    #[test]
    fn each_answer_has_its_verdict() {
        let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let addresses = [
            answers(&["HTTP/1.1 200 OK\r\n\r\n{}"]),
            answers(&["H", "TTP/1", ".0 404 Not Found\r\n"]),
            answers(&["HTTP/1.1 503 Service Unavailable\r\n\r\n"]),
            answers(&["SSH-2.0-OpenSSH_9.2\r\n"]),
            answers(&["HTTP/1.1 2xx OK\r\n"]),
            answers(&["HTTP/1.1"]),
            refused,
        ];
        assert_eq!(
            ask(&addresses, LIMIT),
            [
                Ok(()),
                Ok(()),
                Err(Silence::Status(503)),
                Err(Silence::Other),
                Err(Silence::Other),
                Err(Silence::HungUp),
                Err(Silence::Refused(Errno::CONNREFUSED)),
            ]
        );
    }

    #[test]
    fn who_never_answers_keeps_nobody_else_from_it() {
        // The first server never accepts. The second accepts, and says nothing until the client gives up.
        let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
        let mute = server(|mut stream| drop(stream.read_to_end(&mut Vec::new())));
        let limit = Duration::from_millis(300);
        let answers = ask(&[deaf.local_addr().unwrap(), mute], limit);
        assert_eq!(answers, [Err(Silence::Late(limit)), Err(Silence::Late(limit))]);
        let mute = server(|mut stream| drop(stream.read_to_end(&mut Vec::new())));
        let all: Vec<SocketAddr> = std::iter::repeat_n(deaf.local_addr().unwrap(), AT_ONCE).chain([mute]).collect();
        assert!(ask(&all, limit).iter().all(Result::is_err));
        assert_eq!(ask(&[], limit), []);
    }
}
