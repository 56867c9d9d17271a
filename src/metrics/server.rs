//! Serves a text over HTTP to every client. It is one thread in a process of root, and every process on the machine can reach it, also those of the
//! users of gateways.
//!
//! So it uses nothing of a request but its first line. A connection has a few seconds and a few kilobytes. If there are too many connections, the
//! server closes the oldest, and those that have not asked yet before all others. So it serves a client that asks as soon as it is connected, as a
//! scraper does. It measures once a second at most.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::connection::{Asked, Connection, Next};
use super::text::CONTENT_TYPE;
use crate::base::interrupted;

/// The most connections that are open at once.
const MOST: usize = 64;

/// How long a measurement is used again.
const FRESH: Duration = Duration::from_secs(1);

/// A socket that listens.
pub(crate) struct Server {
    listener: TcpListener,
    open: Vec<Connection>,
    /// The last answer, and the time of its measurement.
    last: Option<(Instant, Rc<[u8]>)>,
}

impl Server {
    /// Listens at this address.
    ///
    /// # Errors
    /// If the operating system refuses: another process listens there, or the machine has no such address.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, open: Vec::new(), last: None })
    }

    /// The address that it listens at.
    ///
    /// # Errors
    /// If the operating system refuses.
    #[cfg(test)]
    fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves the text from `measure`, or its error, until a signal comes.
    ///
    /// # Errors
    /// If the operating system refuses to wait.
    pub(crate) fn serve(&mut self, measure: &mut dyn FnMut() -> Result<String, String>) -> io::Result<()> {
        while !interrupted() {
            self.round(measure)?;
        }
        Ok(())
    }

    /// Waits for an event, a second at most, and handles it.
    fn round(&mut self, measure: &mut dyn FnMut() -> Result<String, String>) -> io::Result<()> {
        let second = Timespec { tv_sec: 1, tv_nsec: 0 };
        let mut polled: Vec<PollFd<'_>> = self.open.iter().map(Connection::polled).collect();
        polled.push(PollFd::new(&self.listener, PollFlags::IN));
        match poll(&mut polled, Some(&second)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        drop(polled);
        self.accept();
        let mut open = std::mem::take(&mut self.open);
        open.retain_mut(|connection| match connection.go_on() {
            Next::Wait => !connection.is_late(),
            Next::End => false,
            Next::Asked(asked) => {
                connection.take(self.answer(asked, measure));
                matches!(connection.go_on(), Next::Wait)
            }
        });
        let mut too_many = open.len().saturating_sub(MOST);
        open.retain(|connection| {
            let goes = too_many > 0 && !connection.has_asked();
            too_many -= usize::from(goes);
            !goes
        });
        open.drain(..too_many);
        self.open = open;
        Ok(())
    }

    /// Accepts waiting clients, but no more than the limit.
    fn accept(&mut self) {
        for _ in 0..MOST {
            match self.listener.accept() {
                Ok((stream, _)) if stream.set_nonblocking(true).is_ok() => self.open.push(Connection::new(stream)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // There may be no descriptor left. Then the waiting client would wake this loop again and again.
                Err(_) if !self.open.is_empty() => drop(self.open.remove(0)),
                _ => {}
            }
        }
    }

    /// The answer to this request.
    fn answer(&mut self, asked: Asked, measure: &mut dyn FnMut() -> Result<String, String>) -> Rc<[u8]> {
        const PLAIN: &str = "text/plain; charset=utf-8";
        if let Asked::Else(status, said) = asked {
            return response(status, PLAIN, said);
        }
        if let Some((at, answer)) = &self.last
            && at.elapsed() < FRESH
        {
            return Rc::clone(answer);
        }
        let answer = match measure() {
            Ok(text) => response("200 OK", CONTENT_TYPE, &text),
            Err(why) => response("500 Internal Server Error", PLAIN, &format!("{why}\n")),
        };
        self.last = Some((Instant::now(), Rc::clone(&answer)));
        answer
    }
}

fn response(status: &str, kind: &str, text: &str) -> Rc<[u8]> {
    let length = text.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    (head + text).into_bytes().into()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::thread;

    use super::*;
    use crate::metrics::connection::LONGEST;

    /// Runs a server while `ask` runs; returns how often it measured.
    fn served(text: &str, ask: impl FnOnce(SocketAddr) + Send) -> usize {
        let mut server = Server::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let (address, done, measured) = (server.address().unwrap(), AtomicBool::new(false), AtomicUsize::new(0));
        thread::scope(|scope| {
            scope.spawn(|| {
                ask(address);
                done.store(true, Ordering::Relaxed);
                // The server waits for an event.
                let _ = TcpStream::connect(address);
            });
            while !done.load(Ordering::Relaxed) {
                let mut measure = || {
                    measured.fetch_add(1, Ordering::Relaxed);
                    Ok(text.to_owned())
                };
                server.round(&mut measure).unwrap();
            }
        });
        measured.into_inner()
    }

    fn ask(address: SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    const GET: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

    #[test]
    fn who_asks_is_answered_and_it_is_not_measured_for_each() {
        let text = "a_number 1\n".repeat(100_000);
        let measured = served(&text, |address| {
            let answer = ask(address, GET);
            assert!(
                answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text"),
                "{answer:.80}"
            );
            assert!(answer.ends_with(&format!("\r\n\r\n{text}")), "all of it");
            // The request comes in pieces, and the client takes the answer late.
            let mut slow = TcpStream::connect(address).unwrap();
            for byte in GET {
                slow.write_all(&[*byte]).unwrap();
            }
            assert!(ask(address, b"GET / HTTP/1.1\r\n\r\n").ends_with("\r\n\r\nmetrics are at /metrics\n"));
            let long = [b"GET /metrics HTTP/1.1\r\nA: ".as_slice(), &[b'a'; 2 * LONGEST]].concat();
            let mut stream = TcpStream::connect(address).unwrap();
            // The server closes it while it writes this.
            let _ = stream.write_all(&long);
            let mut answer = String::new();
            let _ = slow.read_to_string(&mut answer);
            assert!(answer.ends_with(&text), "all of it, slowly");
        });
        assert!((1..=2).contains(&measured), "{measured}");
    }

    /// A client that only holds connections, and never asks, keeps no other client out.
    #[test]
    fn who_holds_connections_keeps_nobody_out() {
        served("a_number 1\n", |address| {
            let held: Vec<TcpStream> = (0..4 * MOST).map(|_| TcpStream::connect(address).unwrap()).collect();
            for stream in &held {
                // Some of them begin to ask.
                let _ = (&*stream).write_all(b"GET /metrics HTTP/1.1\r\n");
            }
            for _ in 0..3 {
                assert!(ask(address, GET).ends_with("\r\n\r\na_number 1\n"));
            }
        });
    }

    /// Nor does a client that asks and takes no answer. It has a few seconds.
    #[test]
    fn who_takes_no_answer_keeps_nobody_out() {
        let text = "a_number 1\n".repeat(1_000_000);
        served(&text, |address| {
            let held: Vec<TcpStream> = (0..3 * MOST)
                .map(|_| {
                    let mut stream = TcpStream::connect(address).unwrap();
                    stream.write_all(GET).unwrap();
                    stream
                })
                .collect();
            assert!(ask(address, GET).ends_with(&text));
            drop(held);
        });
    }
}
