//! Names that cannot be had, or not by a secret, and why.

/// The variables by which Hermes knows that a supervisor runs it, so that it does not hand its command back to one.
pub(crate) const SUPERVISED_MARKERS: [&str; 2] = ["HERMES_S6_SUPERVISED_CHILD", "HERMES_SUPERVISED_CHILD"];

/// The variables that the script of an isolated gateway sets, or takes away: where Hermes keeps what is one user's.
pub(crate) const OF_ISOLATED: [&str; 10] = [
    "HERMES_GATEWAY_LOCK_DIR",
    "HERMES_HOMES",
    "LOGNAME",
    "TMPDIR",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
];

/// Names whose value some shell sets, evaluates or forbids to set, so that an `export` of it would not pass it on. A value is set by
/// `env`, and may have any of them; a secret is exported. Found by exporting every variable that dash, bash, busybox ash, mksh and yash
/// know; the tests do it again.
const SHELL_OWNED: [&str; 37] = [
    "BASHOPTS",
    "BASHPID",
    "BASH_ALIASES",
    "BASH_ARGC",
    "BASH_ARGV",
    "BASH_CMDS",
    "BASH_COMMAND",
    "BASH_LINENO",
    "BASH_SOURCE",
    "BASH_SUBSHELL",
    "BASH_VERSINFO",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HISTCMD",
    "IFS",
    "KSHEGID",
    "KSHGID",
    "KSHUID",
    "KSH_VERSION",
    "LINENO",
    "OLDPWD",
    "OPTIND",
    "PGRP",
    "PIPESTATUS",
    "PPID",
    "PWD",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "SHLVL",
    "SRANDOM",
    "UID",
    "USER_ID",
];

/// Names whose value some shell takes for a number, and rewrites or stumbles over where it is none.
const SHELL_NUMBERS: [&str; 4] = ["COLUMNS", "HISTSIZE", "LINES", "TMOUT"];

/// Names that the loader, the C library (glibc and musl) or a shell acts on, beside those that begin with one of [`ACTED_ON_PREFIXES`]. The
/// measure is what glibc itself ignores in a program that is run set-uid (its `unsecvars.h`), with what shells read when they start.
const ACTED_ON: [&str; 28] = [
    "BASH_ENV",
    "BASH_XTRACEFD",
    "CDPATH",
    "CHILD_MAX",
    "ENV",
    "EXECIGNORE",
    "GCONV_PATH",
    "GETCONF_DIR",
    "GLIBC_TUNABLES",
    "GLOBIGNORE",
    "HOSTALIASES",
    "LANG",
    "LANGUAGE",
    "LOCALDOMAIN",
    "LOCPATH",
    "MUSL_LOCPATH",
    "NIS_PATH",
    "NLSPATH",
    "OPTARG",
    "OPTERR",
    "POSIXLY_CORRECT",
    "PROMPT_COMMAND",
    "PS4",
    "RESOLV_HOST_CONF",
    "RES_OPTIONS",
    "TMPDIR",
    "TZ",
    "TZDIR",
];

/// What the names of whole families begin with that are acted on in the same way.
const ACTED_ON_PREFIXES: [&str; 5] = ["BASH_FUNC_", "LC_", "LD_", "MALLOC_", "S6_"];

/// Why no gateway can set this variable.
pub(super) fn reserved(name: &str) -> Option<&'static str> {
    if name == "HERMES_HOME" {
        Some("set it for the whole container, its scripts expand it when they run")
    } else if name == "HOME" {
        Some("every script sets it to HERMES_HOME")
    } else if name == "PATH" {
        Some("the supervisor sets it for all services")
    } else if SUPERVISED_MARKERS.contains(&name) {
        Some("gen-service sets it itself where hermes needs it")
    } else {
        None
    }
}

/// Why a secret cannot have this name: root reads it, and exports it before it drops to the service user.
pub(super) fn acted_on(name: &str) -> Option<&'static str> {
    let begins = |prefix: &&str| name.starts_with(*prefix);
    if SHELL_OWNED.contains(&name) || SHELL_NUMBERS.contains(&name) || name == "_" {
        Some("some shells keep that variable to themselves and would not pass it on")
    } else if ACTED_ON.contains(&name) || ACTED_ON_PREFIXES.iter().any(begins) {
        Some("the loader, the C library or a shell acts on that variable, and root runs them before it drops")
    } else {
        None
    }
}
