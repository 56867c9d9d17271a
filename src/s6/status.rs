//! The state of a service, in the words of s6-svstat.

/// What s6-svstat says of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Whether its process runs.
    pub up: bool,
    /// Whether its supervisor starts it (again) when it is down.
    pub wanted_up: bool,
    /// Its process, while it is up.
    pub pid: Option<u32>,
    /// How it last ended, while it is down: `exit 78`, `SIGKILL`.
    pub last: Option<String>,
    /// Seconds since it came up or went down.
    pub seconds: u64,
}

impl Status {
    /// Reads the fields `up,wantedup,pid,exitcode,signal,updownfor`.
    pub(crate) fn parse(said: &str) -> Option<Self> {
        let fields: Vec<&str> = said.split_whitespace().collect();
        let [up, wanted, pid, code, signal, seconds] = fields.as_slice() else { return None };
        // It is shown as it is.
        if !signal.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let last = match (code.parse::<i32>().ok()?, *signal) {
            (-1, "NA") => None,
            (-1, signal) => Some(signal.to_owned()),
            (code, _) => Some(format!("exit {code}")),
        };
        let up = up.parse().ok()?;
        Some(Self {
            up,
            wanted_up: wanted.parse().ok()?,
            pid: pid.parse().ok(),
            last: last.filter(|_| !up),
            seconds: seconds.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_s6_svstat() {
        let up = Status { up: true, wanted_up: true, pid: Some(42), last: None, seconds: 7 };
        assert_eq!(Status::parse("true true 42 -1 NA 7\n"), Some(up));
        let down = Status { up: false, wanted_up: false, pid: None, last: Some("exit 78".to_owned()), seconds: 0 };
        assert_eq!(Status::parse("false false -1 78 NA 0\n"), Some(down.clone()));
        assert_eq!(Status::parse("false false -1 -1 SIGKILL 0\n").unwrap().last.as_deref(), Some("SIGKILL"));
        for odd in [
            "",
            "true",
            "true true 42 -1 NA",
            "up (pid 42) 7 seconds",
            "true true 42 -1 NA x",
            "false false -1 -1 \u{1b} 7",
        ] {
            assert_eq!(Status::parse(odd), None, "{odd}");
        }
    }
}
