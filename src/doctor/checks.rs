//! Every check of doctor: its name, what it looks at, and what it reports. docs/reference/doctor.md is made from this, and a test checks that each
//! finding has one of these names.
//!
//! It is long since it is a table.

#![expect(clippy::disallowed_methods, reason = "files of this repository")]

use std::collections::BTreeSet;
use std::path::Path;

use super::finding::Level::{self, Error, Warning};

/// A check.
pub(crate) struct Check {
    /// Its name, which each of its findings has.
    pub(crate) name: &'static str,
    /// What it looks at, as the rest of a sentence. Whole sentences may follow.
    pub(crate) looks_at: &'static str,
    /// What it reports if something is wrong: how bad it is, what it is, and what to do.
    pub(crate) reports: &'static [(Level, &'static str, &'static str)],
}

/// All checks, in the order in which doctor prints them.
pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "s6",
        looks_at: "the programs of s6 in the directory of `--s6-bin-dir`. If all is well, it shows the version of s6",
        reports: &[(
            Error,
            "A program is missing that gatewayctl or a run script calls.",
            "Install s6-overlay, or give the right directory.",
        )],
    },
    Check {
        name: "scandir",
        looks_at: "the directory of `--scandir`. If it cannot be read, doctor checks nothing else",
        reports: &[(Error, "There is no scandir.", "Give the directory that s6-svscan watches.")],
    },
    Check {
        name: "s6-svscan",
        looks_at: "the process that watches the scandir",
        reports: &[(Error, "No s6-svscan watches the scandir.", "Start one, as `/init` of s6-overlay does.")],
    },
    Check {
        name: "mount",
        looks_at: "the file system of the scandir",
        reports: &[(
            Error,
            "It does not let scripts run (noexec), or it is read-only.",
            "`docker run --tmpfs /run:exec`, or remount it with exec,rw.",
        )],
    },
    Check {
        name: "room",
        looks_at: "the slots of s6-svscan. A gateway takes two, or one before s6 2.13",
        reports: &[(
            Warning,
            "Fewer than ten more gateways fit.",
            "Unregister what you do not need, or give s6-svscan a larger `-C` (`-c` before 2.13).",
        )],
    },
    Check {
        name: "links",
        looks_at: "the symlinks in the scandir",
        reports: &[(
            Error,
            "A dangling symlink keeps s6-svscan from starting or removing anything.",
            "Remove the symlink.",
        )],
    },
    Check {
        name: "leftovers",
        looks_at: "what killed runs left in the scandir",
        reports: &[
            (
                Warning,
                "A killed run left a file or directory.",
                "Run any `gatewayctl register`, `install` or `unregister`. Each of them removes it first.",
            ),
            (
                Error,
                "A run was killed in the middle, or has not ended yet: old files stand beside new ones, or only some gateways are there.",
                "Run its command again, or any `gatewayctl register`, `install` or `unregister`. Each of them takes it back first.",
            ),
        ],
    },
    Check {
        name: "ghosts",
        looks_at: "the supervisors whose service directory is gone",
        reports: &[(
            Error,
            "A supervisor runs although somebody removed its service directory. It holds the lock of the log.",
            "`gatewayctl reconcile`, or `s6-svscanctl -an SCANDIR`.",
        )],
    },
    Check {
        name: "supervisors",
        looks_at: "the supervisors of each service and of its logger, if an s6-svscan watches the scandir",
        reports: &[(
            Error,
            "A service lacks a supervisor.",
            "`s6-svscanctl -a SCANDIR`. If that does not help, look at `room` and `links`, or unregister the service and register it again.",
        )],
    },
    Check {
        name: "s6-rc",
        looks_at: "the services that s6-rc runs, and whether each is as s6-rc believes. It is silent if s6-rc runs none",
        reports: &[
            (Warning, "A service is down that s6-rc believes to be up.", "`gatewayctl start`, or `gatewayctl stop`."),
            (Warning, "A service is up that s6-rc believes to be down.", "`gatewayctl stop`, then `gatewayctl start`."),
            (
                Error,
                "Somebody took a service out of the scandir that is up for s6-rc.",
                "Put its symlink back, with the command that the line shows.",
            ),
        ],
    },
    Check {
        name: "ownership",
        looks_at: "who can write the scandir, what is in it, the programs of s6, the directory of `--state`, and every directory above them",
        reports: &[(
            Error,
            "A user other than root and the one who supervises can change what runs.",
            "Run the `chown` and `chmod` that the line shows, or unregister the gateway and register it again.",
        )],
    },
    Check {
        name: "event",
        looks_at: "who can write the `event/` of each supervisor. It is silent if all is well",
        reports: &[(
            Error,
            "Another user or group can. It could lead the supervisor to any file by a symlink.",
            "Unregister the gateway and register it again.",
        )],
    },
    Check {
        name: "supervise",
        looks_at: "who can write the `supervise/` of each supervisor. It is silent if all is well",
        reports: &[(
            Error,
            "Another user can. It could lead whoever asks the supervisor to any file by a symlink.",
            "Unregister the gateway and register it again. Give control with `--control-group`.",
        )],
    },
    Check {
        name: "variables",
        looks_at: "the variables that run scripts export before they drop root. It is silent if all is well",
        reports: &[(
            Error,
            "A run script exports a variable that the loader acts on.",
            "Render it with this gen-service, and register the gateway again.",
        )],
    },
    Check {
        name: "user",
        looks_at: "the users that gateways run as. It is silent if an ordinary user supervises",
        reports: &[(
            Error,
            "There is no such user.",
            "Add the user to the image, or render with `gen-service --user NAME`.",
        )],
    },
    Check {
        name: "saved",
        looks_at: "the saved manifest, which `register --save` writes. It is silent if all is well",
        reports: &[
            (Warning, "The saved manifest is not trusted, or holds a mistake.", "What the line says."),
            (
                Warning,
                "A saved manifest on the volume is not read, because the saved manifest is in another directory.",
                "Register its gateways again with `--save`, then remove it.",
            ),
        ],
    },
    Check {
        name: "home",
        looks_at: "the home of Hermes and its log directories",
        reports: &[
            (Error, "The home is not there, or cannot be opened.", "What the line says."),
            (Error, "The file system of the home is read-only.", "Mount a volume there that can be written."),
            (
                Error,
                "The service user cannot use the home, or a directory that a gateway needs.",
                "What the line says. No command in it makes root act in the home, where the service user could plant a symlink.",
            ),
            (Error, "Doctor cannot check this as that user.", "Look at the findings about `s6` and `user`."),
            (Warning, "You may not find out whether the gateways can write the home.", "Run doctor as root."),
        ],
    },
    Check {
        name: "crashes",
        looks_at: "the services that are down. The line quotes what each said last",
        reports: &[
            (
                Error,
                "A service was left down: it used up its crash budget, or ended with exit 78.",
                "Fix what its last line says, then `gatewayctl start`.",
            ),
            (Warning, "A gateway is down because another gateway serves its profile.", "Leave it down."),
            (
                Warning,
                "A service is down, and it did not end as a stopped service does.",
                "Read its log, or `docker logs`.",
            ),
            (Warning, "You may not see the state of some gateways.", "Run doctor as root."),
        ],
    },
    Check {
        name: "ports",
        looks_at: "the port of each service, from its run script and the container's variables. A gateway that should listen and is given no port has 8642",
        reports: &[(
            Error,
            "Two services have the same port. Only the first to start gets it.",
            "Register one of the gateways with another `--port`, or give the dashboard or the metrics server another port.",
        )],
    },
    Check {
        name: "watchdog",
        looks_at: "the gateways that should be restarted if they do not answer. It is silent if there is none",
        reports: &[
            (
                Error,
                "No watchdog is here, so nobody looks after them.",
                "Render it with `gen-service --part watchdog`, and install it.",
            ),
            (Warning, "The watchdog cannot ask a gateway.", "Set `API_SERVER_HOST` to an IP address."),
        ],
    },
    Check {
        name: "shard",
        looks_at: "the profiles on a volume that only this container has. It is silent without `GATEWAYS_CREATE` and `GATEWAYS_SHARD`",
        reports: &[
            (Error, "A variable about shards is not valid.", "What the line says."),
            (
                Warning,
                "The volume holds a profile of another shard.",
                "`gatewayctl shard` says how to move it. If the other volume has it already, delete it here.",
            ),
        ],
    },
    Check {
        name: "isolated",
        looks_at: "the users and the homes of isolated gateways. It is silent if there is none",
        reports: &[
            (
                Error,
                "An ordinary user supervises, who cannot give a gateway its own user.",
                "Start the container without `--user`.",
            ),
            (
                Error,
                "Another user can change the directory of the homes, or a directory above it.",
                "Give the directory to root, and let nobody else write it.",
            ),
            (
                Error,
                "Two gateways have the same user, or a user or group in the image has its number.",
                "Register one of the gateways again with another `--uid`.",
            ),
            (Error, "A home is not a directory, cannot be used, or belongs to another user.", "What the line says."),
            (Warning, "Others can look into a home.", "`chmod 0700` the home."),
            (
                Warning,
                "Every isolated gateway can reach the dashboard on loopback.",
                "Let it listen on 0.0.0.0 with a password, or stop it.",
            ),
            (
                Warning,
                "Every isolated gateway can read the password of the dashboard.",
                "Give the password as a secret in `[dashboard]`, or stop the dashboard.",
            ),
        ],
    },
    Check {
        name: "scripts",
        looks_at: "the run scripts",
        reports: &[
            (
                Error,
                "A run script cannot start: it is not executable, or its interpreter is missing.",
                "Unregister the service and register it again.",
            ),
            (
                Error,
                "Hermes' own service manager made it: nothing ends its loops, and its user controls its supervisor.",
                "`gatewayctl register --adopt`, or `gatewayctl reconcile`.",
            ),
            (
                Warning,
                "gen-service did not render it.",
                "Unregister the service and register it again, unless you wrote the script.",
            ),
        ],
    },
    Check {
        name: "loops",
        looks_at: "the recent deaths of each service",
        reports: &[(
            Error,
            "A service died five times within a minute, and starts again.",
            "Read its log. `gatewayctl stop` ends the loop.",
        )],
    },
    Check {
        name: "stop",
        looks_at: "the time that s6-overlay gives the gateways of `/etc/services.d` to stop",
        reports: &[(
            Warning,
            "It is less than a gateway may take.",
            "Set `S6_SERVICES_GRACETIME`, and `--stop-timeout` of `docker run`, as the line says.",
        )],
    },
    Check {
        name: "profiles",
        looks_at: "the profiles on the volume, and which gateway serves each",
        reports: &[
            (
                Error,
                "Two gateways serve one profile: its own, and that of `default`.",
                "`gatewayctl reconcile --prune`, or `gatewayctl stop --save` if a manifest names the gateway.",
            ),
            (
                Warning,
                "A gateway has no profile on the volume.",
                "Make the profile, or take the gateway out: `gatewayctl reconcile --prune`, or the manifest of the image.",
            ),
            (
                Warning,
                "No gateway serves a profile that the gateway of `default` should serve.",
                "Start or restart the gateway of `default`.",
            ),
        ],
    },
    Check {
        name: "files",
        looks_at: "the files in the home. It does this only for root",
        reports: &[
            (Warning, "Root owns something that the service user may have to write.", "`gatewayctl repair`."),
            (
                Error,
                "Something does not belong to the service user, and `gatewayctl repair` would leave it alone.",
                "What the line says.",
            ),
            (
                Warning,
                "The service user cannot read or write something, or cannot be asked.",
                "Look at their owners, on the machine that the volume comes from.",
            ),
        ],
    },
    Check {
        name: "hermes",
        looks_at: "the installed Hermes: its release, and whether it takes the command line of the run scripts. It asks as the service user, and waits at most `--timeout`",
        reports: &[
            (
                Error,
                "Hermes does not take the command line of a run script.",
                "Render with the `--hermes-cli` that the line names, or install another version.",
            ),
            (Error, "Hermes cannot be asked.", "Install hermes-agent, or render with `gen-service --hermes PATH`."),
            (
                Error,
                "The `--replace` of this release ends the gateway that serves all profiles.",
                "Render with `--hermes-cli run-beside`.",
            ),
            (
                Warning,
                "This gatewayctl does not know this release.",
                "Read docs/hermes-versions.md, and look for a newer gatewayctl.",
            ),
            (Warning, "You may not ask Hermes as the service user.", "Run doctor as root."),
        ],
    },
];

/// The arguments at the beginning of a call, as they are written: up to its end, or to the third.
fn arguments(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut depth, mut begin, mut is_text) = (0, 0, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => is_text = !is_text,
            _ if is_text => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth > 0 => depth -= 1,
            ',' | ')' if depth == 0 => {
                found.push(text[begin..at].trim());
                begin = at + 1;
                if c == ')' || found.len() == 3 {
                    break;
                }
            }
            _ => {}
        }
    }
    found
}

/// The names that the checks in a file use.
fn names(text: &str) -> BTreeSet<String> {
    let calls =
        [("Finding::ok(", 0), ("Finding::warning(", 0), ("Finding::error(", 0), ("Finding::said(", 0), ("or_ok(", 2)];
    let calls = calls.into_iter().flat_map(|(call, which)| {
        text.match_indices(call).map(move |(at, _)| arguments(&text[at + call.len()..])[which])
    });
    let named = text
        .match_indices("const CHECK: &str = ")
        .map(|(at, begin)| text[at + begin.len()..].split(';').next().unwrap());
    let named: Vec<&str> = named.collect();
    let literal = |word: &str| word.strip_prefix('"').and_then(|word| word.strip_suffix('"')).map(str::to_owned);
    let calls = calls.filter(|word| *word != "CHECK" || named.is_empty());
    calls
        .chain(named.iter().copied())
        .map(|word| literal(word).unwrap_or_else(|| panic!("{word} names no check")))
        .collect()
}

/// Each finding has a name of the table, and each name of the table is used.
#[test]
fn the_table_has_every_check() {
    let mut used = BTreeSet::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/doctor")).unwrap() {
        let path = entry.unwrap().path();
        if !path.ends_with("checks.rs") && !path.ends_with("finding.rs") {
            used.extend(names(&std::fs::read_to_string(&path).unwrap()));
        }
    }
    let listed: BTreeSet<String> = CHECKS.iter().map(|check| check.name.to_owned()).collect();
    assert_eq!(used, listed);
    assert_eq!(listed.len(), CHECKS.len(), "a name is there twice");
}
