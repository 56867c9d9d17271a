//! The state of a service, in the words of s6-svstat, and as s6-supervise records it.

use std::fmt;
use std::time::SystemTime;

use signal_hook::low_level::signal_name;

use super::death::time_of;

/// What s6-svstat says about a service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of s6-supervise")]
pub struct Status {
    /// Whether its process runs.
    pub up: bool,
    /// Whether its supervisor starts it (again) when it is down.
    pub wanted_up: bool,
    /// Whether it is paused (`s6-svc -p`).
    pub paused: bool,
    /// Its process, while it is up.
    pub pid: Option<u32>,
    /// Whether its finish script runs, as far as that is known. s6-svstat does not report it.
    pub finishing: bool,
    /// How it last ended, while it is down. s6-svstat says exit 0 for a service that has never run.
    pub last: Option<Ended>,
    /// Seconds since it came up or went down.
    pub seconds: u64,
}

/// How a process ended: `exit 78`, `SIGKILL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With this exit code.
    Exit(u16),
    /// By the signal with this number; 0 if s6-svstat has no name for the signal.
    Signal(u16),
}

impl Ended {
    /// Its exit code, or 128 plus the number of the signal, as a shell says it.
    pub fn code(self) -> u16 {
        match self {
            Self::Exit(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }

    /// Reads a status of wait(2).
    fn of_wait(status: u16) -> Self {
        match status & 0x7f {
            0 => Self::Exit(status >> 8),
            signal => Self::Signal(signal),
        }
    }

    /// The signal of this name. An unknown signal has the number 0.
    fn by(name: &str) -> Self {
        Self::Signal((1..128).find(|&number| signal_name(number.into()) == Some(name)).unwrap_or_default())
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exit(code) => write!(f, "exit {code}"),
            Self::Signal(0) => f.write_str("a signal"),
            Self::Signal(signal) => match signal_name(signal.into()) {
                Some(name) => f.write_str(name),
                None => write!(f, "SIG{signal}"),
            },
        }
    }
}

/// The phase of a service that has a supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its process runs.
    Up,
    /// Its process runs, and is paused.
    Paused,
    /// It should be up, and has not run yet.
    Starting,
    /// It should be up, and has ended.
    Restarting,
    /// It was told to stop, and has not ended yet.
    Stopping,
    /// It is down because an operator stopped it, or because nobody has started it yet.
    Stopped,
    /// It is down because it has used up its crash budget, or ended with exit 78.
    Failed,
}

impl Status {
    /// Its phase. `has_died` says whether its supervisor remembers deaths. A stop by an operator clears them.
    pub(crate) fn phase(&self, has_died: bool) -> Phase {
        match (self.up, self.wanted_up) {
            (true, true) if self.paused => Phase::Paused,
            (true, true) => Phase::Up,
            (true, false) => Phase::Stopping,
            (false, true) if has_died || self.finishing => Phase::Restarting,
            (false, true) => Phase::Starting,
            // Its finish script is about to clear the deaths.
            (false, false) if self.finishing => Phase::Stopping,
            (false, false) if has_died => Phase::Failed,
            (false, false) => Phase::Stopped,
        }
    }

    /// Reads the fields `up,wantedup,paused,pid,exitcode,signal,updownfor`.
    pub(crate) fn parse(said: &str) -> Option<Self> {
        let fields: Vec<&str> = said.split_whitespace().collect();
        let [up, wanted, paused, pid, code, signal, seconds] = fields.as_slice() else { return None };
        let last = match (*code, *signal) {
            ("-1", "NA") => None,
            ("-1", signal) => Some(Ended::by(signal)),
            (code, _) => Some(Ended::Exit(code.parse().ok()?)),
        };
        let up = up.parse().ok()?;
        Some(Self {
            up,
            wanted_up: wanted.parse().ok()?,
            paused: paused.parse().ok()?,
            pid: pid.parse().ok(),
            finishing: false,
            last: last.filter(|_| !up),
            seconds: seconds.parse().ok()?,
        })
    }

    /// Reads what s6-supervise writes to `supervise/status` (`s6_svstatus_pack` in the source of s6, the same from 2.11 to 2.15, except that 2.13 has
    /// 8 bytes more): when it came up or went down and when it was ready, 12 bytes each; its pid, 8; how it ended, 2; flags, 1. `None` if the record
    /// has another form.
    pub(crate) fn of_record(record: &[u8], now: SystemTime) -> Option<Self> {
        let group = match record.len() {
            35 => 0,
            43 => 8,
            _ => return None,
        };
        let pid = u64::from_be_bytes(record[24..32].try_into().ok()?);
        let ended = u16::from_be_bytes(record[32 + group..34 + group].try_into().ok()?);
        let flags = record[34 + group];
        let flag = |bit: u8| flags >> bit & 1 == 1;
        // If this flag is set, the process is that of the finish script.
        let up = pid != 0 && !flag(1);
        // s6-supervise writes it twice when the process ends: when it goes down, and when its finish script has ended. Before the first run, both
        // times are the same.
        let has_run = record[..12] != record[12..24] || ended != 0;
        Some(Self {
            up,
            wanted_up: flag(2),
            paused: flag(0),
            pid: u32::try_from(pid).ok().filter(|_| up),
            finishing: pid != 0 && flag(1),
            last: (!up && has_run).then(|| Ended::of_wait(ended)),
            seconds: now.duration_since(time_of(&record[..12])?).unwrap_or_default().as_secs(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::s6::Death;

    #[test]
    fn fields_of_s6_svstat() {
        let up = Status {
            up: true,
            wanted_up: true,
            paused: false,
            pid: Some(42),
            finishing: false,
            last: None,
            seconds: 7,
        };
        assert_eq!(Status::parse("true true false 42 -1 NA 7\n"), Some(up));
        let down = Status {
            up: false,
            wanted_up: false,
            paused: false,
            pid: None,
            finishing: false,
            last: Some(Ended::Exit(78)),
            seconds: 0,
        };
        assert_eq!(Status::parse("false false false -1 78 NA 0\n"), Some(down.clone()));
        for (signal, last) in [("SIGKILL", Ended::Signal(9)), ("???", Ended::Signal(0))] {
            let said = format!("false false false -1 -1 {signal} 0\n");
            assert_eq!(Status::parse(&said), Some(Status { last: Some(last), ..down.clone() }));
        }
        for odd in [
            "",
            "true",
            "true true false 42 -1 NA",
            "up (pid 42) 7 seconds",
            "true true false 42 -1 NA x",
            "false false false -1 -2 NA 7",
        ] {
            assert_eq!(Status::parse(odd), None, "{odd}");
        }
    }

    /// As s6-supervise 2.11 writes it.
    const UP: [u8; 35] = [
        0x40, 0, 0, 0, 0x6b, 0x0a, 0xb4, 0xe7, 0x3b, 0x78, 0x1d, 0xce, 0x40, 0, 0, 0, 0x6b, 0x0a, 0xb4, 0xe7, 0x3b,
        0x73, 0x63, 0x36, 0, 0, 0, 0, 0, 0, 0x5d, 0x3d, 0, 0, 4,
    ];

    #[test]
    fn records_of_s6_supervise() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let up = Status {
            up: true,
            wanted_up: true,
            paused: false,
            pid: Some(23869),
            finishing: false,
            last: None,
            seconds: 7,
        };
        assert_eq!(Status::of_record(&UP, at(1_795_863_754)), Some(up.clone()));
        // A clock that goes back, and the process group that s6 2.13 records.
        let mut longer = [&UP[..32], &[0; 8], &UP[32..]].concat();
        assert_eq!(Status::of_record(&longer, at(0)), Some(Status { seconds: 0, ..up }));
        longer[42] = 0b11;
        let down = Status::of_record(&longer, at(0)).unwrap();
        assert_eq!(
            (down.up, down.wanted_up, down.paused, down.pid, down.last),
            (false, false, true, None, Some(Ended::Exit(0)))
        );
        for (status, said, code) in
            [(0x4e00, "exit 78", 78), (9, "SIGKILL", 137), (0x8f, "SIGTERM", 143), (40, "SIG40", 168)]
        {
            let ended = Ended::of_wait(status);
            assert_eq!((ended.to_string().as_str(), ended.code()), (said, code));
        }
        assert_eq!(Ended::Signal(0).to_string(), "a signal");
        for odd in [&UP[..34], &[0; 35], &[0xff; 35], &[]] {
            assert_eq!(Status::of_record(odd, at(0)), None, "{odd:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_record_is_too_odd(record in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..50)) {
            let _ = (Status::of_record(&record, UNIX_EPOCH), Death::of_records(&record));
        }
    }

    /// As s6-supervise 2.11 writes it for a service that has never run, and after a TERM.
    #[test]
    fn what_has_never_run_has_not_ended() {
        let never = [
            0x40, 0, 0, 0, 0x6b, 0x0b, 0x43, 0x4c, 0x15, 0x76, 0x52, 0x4a, 0x40, 0, 0, 0, 0x6b, 0x0b, 0x43, 0x4c, 0x15,
            0x76, 0x52, 0x4a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8,
        ];
        let mut ended = never;
        (ended[20..24]).copy_from_slice(&[0x34, 0x5f, 0xe8, 0x21]);
        let last = |record: &[u8]| Status::of_record(record, UNIX_EPOCH).unwrap().last;
        assert_eq!((last(&never), last(&ended)), (None, Some(Ended::Exit(0))));
        ended[33] = 15;
        assert_eq!(last(&ended), Some(Ended::Signal(15)));
    }

    #[test]
    fn phases() {
        let status = |up, wanted_up, paused, finishing| Status {
            up,
            wanted_up,
            paused,
            pid: None,
            finishing,
            last: None,
            seconds: 0,
        };
        for (status, has_died, phase) in [
            (status(true, true, false, false), true, Phase::Up),
            (status(true, true, true, false), false, Phase::Paused),
            (status(true, false, true, false), false, Phase::Stopping),
            (status(false, true, false, false), false, Phase::Starting),
            (status(false, true, false, false), true, Phase::Restarting),
            (status(false, true, false, true), false, Phase::Restarting),
            (status(false, false, false, true), true, Phase::Stopping),
            (status(false, false, false, false), true, Phase::Failed),
            (status(false, false, true, false), false, Phase::Stopped),
        ] {
            assert_eq!(status.phase(has_died), phase, "{status:?} {has_died}");
        }
    }
}
