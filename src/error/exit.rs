//! The exit codes of the programs, and what they mean. docs/reference/exit-codes.md is made from this file.

use crate::base::Signal;

/// How a program ends, for its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything is done.
    Done,
    /// Something failed, or differs, or is not as it should be.
    Failed,
    /// The caller has to change something.
    Usage,
    /// Something is down.
    SomeDown,
    /// The named thing is not there.
    Absent,
    /// This signal ended the run.
    Signal(Signal),
}

impl Exit {
    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::SomeDown => 3,
            Self::Absent => 4,
            Self::Signal(signal) => signal.exit_code(),
        }
    }
}

/// The meaning of a code.
#[cfg(test)]
pub(crate) struct Meaning {
    /// The meaning if gen-service ends with it. Empty if it never does.
    pub(crate) gen_service: &'static str,
    /// The meaning if a command of gatewayctl ends with it.
    pub(crate) gatewayctl: &'static str,
    /// Other meanings for some commands of gatewayctl, or when they do not end with it.
    pub(crate) commands: &'static [(&'static str, &'static str)],
}

#[cfg(test)]
impl Exit {
    /// All of them.
    pub(crate) fn all() -> Vec<Self> {
        let codes = [Self::Done, Self::Failed, Self::Usage, Self::SomeDown, Self::Absent];
        codes.into_iter().chain(Signal::ALL.map(Self::Signal)).collect()
    }

    /// What it means.
    pub(crate) fn meaning(self) -> Meaning {
        match self {
            Self::Done => Meaning {
                gen_service: "Done. With `--check`, the directory is exactly what would be rendered.",
                gatewayctl: "Done.",
                commands: &[
                    ("status", "Everything is up, or does not have to be."),
                    ("health", "Everything is healthy."),
                    ("doctor", "There is no error. There may be warnings."),
                    ("reconcile", "What can have a gateway has one. Profiles that cannot are warnings."),
                    ("unregister", "With `--if-exists`, the gateway may also have been absent."),
                    ("watch", "A signal ended it."),
                    ("watchdog", "A signal ended it."),
                    ("metrics", "With `--listen`, a signal ended it."),
                ],
            },
            Self::Failed => Meaning {
                gen_service: "The run failed. With `--check`, the directory differs.",
                gatewayctl: "The command failed.",
                commands: &[
                    ("status", "You may not see a gateway, and everything that you may see is up."),
                    ("health", "Something is unhealthy."),
                    ("doctor", "There is an error."),
                ],
            },
            Self::Usage => Meaning {
                gen_service: "Wrong usage or invalid input. Nothing was written.",
                gatewayctl: "Wrong usage or invalid input. Nothing was changed.",
                commands: &[],
            },
            Self::SomeDown => Meaning {
                gen_service: "",
                gatewayctl: "Only `status` ends with this code.",
                commands: &[(
                    "status",
                    "Something is not up. What its manifest leaves down counts only if it is a gateway, or if you name it.",
                )],
            },
            Self::Absent => Meaning {
                gen_service: "",
                gatewayctl: "There is no such gateway.",
                commands: &[
                    ("unregister", "Only without `--if-exists`."),
                    ("health", "Never. It ends with 1 instead."),
                ],
            },
            Self::Signal(_) => Meaning {
                gen_service: "A signal ended the run, which first took back what it had done.",
                gatewayctl: "A signal ended the run. If it was about to publish or to update, it first took that back.",
                commands: &[],
            },
        }
    }
}
