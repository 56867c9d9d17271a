//! The data that `status` shows for a service.

use anstyle::Style;

use crate::boot::{How, Next};
use crate::cli::documents::{self, LastExit, NextBootWord, StateWord};
use crate::cli::outcome::About;
use crate::cli::streams::{DIM, GREEN, RED, YELLOW};
use crate::s6::{Ended, Phase, Status};
use crate::spec::ServiceName;

/// The data of one service.
pub(super) struct Row {
    pub(super) service: ServiceName,
    pub(super) state: State,
    pub(super) port: Option<u16>,
    pub(super) deaths: Option<usize>,
    pub(super) next: Option<Next>,
    /// Whether its definition keeps it down, so that it may be down.
    pub(super) is_optional: bool,
}

pub(super) enum State {
    Known(Status, Phase),
    /// The service directory is there, but no supervisor runs in it.
    Unsupervised,
    /// This user may not see its state.
    Hidden,
    /// Another user can change its `supervise/`, which s6 uses to ask the supervisor.
    Foreign,
    /// The gateway of the root profile serves its profile. Its own gateway is absent or down.
    Served(How),
    /// It is absent.
    Missing,
    /// The service manager of a host says only whether it runs.
    Running(bool),
}

impl State {
    pub(super) fn is_up(&self) -> bool {
        match self {
            Self::Known(_, phase) => *phase == Phase::Up,
            Self::Running(running) => *running,
            Self::Served(how) => *how == How::Now,
            Self::Unsupervised | Self::Foreign | Self::Missing | Self::Hidden => false,
        }
    }

    pub(super) fn word(&self) -> (StateWord, Style) {
        match self {
            Self::Known(_, phase) => match phase {
                Phase::Up => (StateWord::Up, GREEN),
                Phase::Paused => (StateWord::Paused, YELLOW),
                Phase::Starting => (StateWord::Starting, YELLOW),
                Phase::Restarting => (StateWord::Restarting, RED),
                Phase::Stopping => (StateWord::Stopping, YELLOW),
                Phase::Stopped => (StateWord::Stopped, DIM),
                Phase::Failed => (StateWord::Failed, RED),
            },
            Self::Running(true) => (StateWord::Up, GREEN),
            Self::Running(false) => (StateWord::Down, RED),
            Self::Unsupervised => (StateWord::Unsupervised, RED),
            Self::Hidden => (StateWord::Hidden, DIM),
            Self::Foreign => (StateWord::Foreign, RED),
            Self::Served(How::Now) => (StateWord::Served, GREEN),
            Self::Served(How::Parked) => (StateWord::Parked, RED),
            Self::Served(How::Next | How::Never) => (StateWord::Unserved, RED),
            Self::Missing => (StateWord::Missing, RED),
        }
    }
}

impl Row {
    /// The row of an absent service.
    pub(super) fn new(service: &ServiceName) -> Self {
        let service = service.clone();
        Self { service, state: State::Missing, port: None, deaths: None, next: None, is_optional: false }
    }

    pub(super) fn status(&self) -> Option<&Status> {
        match &self.state {
            State::Known(status, _) => Some(status),
            _ => None,
        }
    }

    /// The same data as a JSON document.
    pub(super) fn document(&self) -> documents::Shown {
        let status = self.status();
        documents::Shown {
            about: About::named(&self.service),
            state: self.state.word().0,
            seconds: status.map(|status| status.seconds),
            pid: status.and_then(|status| status.pid),
            last_exit: status.and_then(|status| status.last).map(last_exit),
            restarts: self.deaths,
            port: self.port,
            next_boot: self.next_boot(),
        }
    }

    /// What the next boot does with it, as one word.
    pub(super) fn next_boot(&self) -> Option<NextBootWord> {
        self.next.map(|next| match next {
            Next::Starts => NextBootWord::Up,
            Next::StaysDown => NextBootWord::Down,
            Next::Gone => NextBootWord::Gone,
        })
    }
}

/// How the last run of a service ended.
fn last_exit(ended: Ended) -> LastExit {
    match ended {
        Ended::Exit(code) => LastExit { code: Some(code), signal: None },
        Ended::Signal(_) => LastExit { code: None, signal: Some(ended.to_string()) },
    }
}
