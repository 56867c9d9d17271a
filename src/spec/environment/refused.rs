//! The names that a variable or a secret cannot have, and why.

/// The variables that tell Hermes that a supervisor runs it. Without them Hermes would hand its command back to the supervisor.
pub(crate) const SUPERVISED_MARKERS: [&str; 2] = ["HERMES_S6_SUPERVISED_CHILD", "HERMES_SUPERVISED_CHILD"];

/// The variables that the script of an isolated gateway sets or unsets, because Hermes keeps a user's files at these places.
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

/// Names that some shell sets, evaluates or makes read-only, so an `export` of them would not pass the value on. A value may have any of
/// these names, because `env` sets it. A secret may not, because it is exported. The list was found by exporting every variable that dash,
/// bash, busybox ash, mksh and yash know. The tests do that again.
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

/// Names whose value some shell takes for a number. The shell rewrites the value, or fails if it is not a number.
const SHELL_NUMBERS: [&str; 4] = ["COLUMNS", "HISTSIZE", "LINES", "TMOUT"];

/// Names that the loader, the C library (glibc and musl) or a shell acts on, in addition to those with one of [`ACTED_ON_PREFIXES`]. The
/// list has what glibc itself ignores in a set-uid program (its `unsecvars.h`), and what shells read when they start.
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

/// The prefixes of whole families of names that are acted on in the same way.
const ACTED_ON_PREFIXES: [&str; 5] = ["BASH_FUNC_", "LC_", "LD_", "MALLOC_", "S6_"];

/// The reason why no gateway can set this variable, if there is one.
pub(super) fn reserved(name: &str) -> Option<&'static str> {
    if name == "HERMES_HOME" {
        Some("set it for the whole container, because scripts expand it when they run")
    } else if name == "HOME" {
        Some("every script sets it to HERMES_HOME")
    } else if name == "PATH" {
        Some("the supervisor sets it for all services")
    } else if SUPERVISED_MARKERS.contains(&name) {
        Some("gen-service sets it where hermes needs it")
    } else {
        None
    }
}

/// The reason why a secret cannot have this name, if there is one. Root reads a secret, and exports it before it drops to the service user.
pub(super) fn acted_on(name: &str) -> Option<&'static str> {
    let begins = |prefix: &&str| name.starts_with(*prefix);
    if SHELL_OWNED.contains(&name) || SHELL_NUMBERS.contains(&name) || name == "_" {
        Some("some shells reserve that name and do not pass it on")
    } else if ACTED_ON.contains(&name) || ACTED_ON_PREFIXES.iter().any(begins) {
        Some("the loader, the C library or a shell would act on it as root")
    } else {
        None
    }
}
