//! The options of a program, from its clap definitions.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::{Arg, Command};

use super::markdown::{self, code, default_of, head, sentence, table};

/// The page of a program.
pub(super) fn page(mut program: Command) -> String {
    program.build();
    let name = program.get_name().to_owned();
    let mut page = head(&format!("Options of {name}"));
    let about = program.get_about().map(ToString::to_string).unwrap_or_default();
    for paragraph in about.split("\n\n") {
        let _ = write!(page, "\n{}\n", sentence(paragraph));
    }
    let _ = write!(
        page,
        "\nThis page has the text of `{name} --help`, and of `{name} COMMAND --help`. `--version` prints the version. "
    );
    page += "[Exit codes](exit-codes.md) has more about those.\n";
    let is_own = |arg: &Arg| !arg.is_global_set();
    let has_own = program.get_arguments().any(|arg| is_own(arg) && !is_of_clap(arg));
    if has_own {
        usage(&mut page, &mut program.clone());
        groups(&mut page, &program, "## ", is_own);
    }
    help_behind(&mut page, &program);
    page += "\n## Commands\n\n";
    let commands: Vec<Command> = commands(&program).cloned().collect();
    let rows: Vec<Vec<String>> = commands
        .iter()
        .map(|command| {
            let name = command.get_name();
            vec![format!("[`{name}`](#{name})"), about_of(command)]
        })
        .collect();
    page += &table(&["command", "what it does"], &rows);
    if program.get_arguments().any(Arg::is_global_set) {
        page += "\nEach command takes the [common options](#common-options) too.\n";
    }
    for mut command in commands {
        let _ = write!(page, "\n## {}\n\n{}\n", command.get_name(), about_of(&command));
        usage(&mut page, &mut command);
        groups(&mut page, &command, "### ", is_own);
        help_behind(&mut page, &command);
    }
    groups(&mut page, &program, "## ", Arg::is_global_set);
    variables(&mut page, &program);
    page
}

/// Whether clap adds it to every command.
fn is_of_clap(arg: &Arg) -> bool {
    matches!(arg.get_id().as_str(), "help" | "version")
}

/// The commands of a program for people.
fn commands(program: &Command) -> impl Iterator<Item = &Command> {
    program.get_subcommands().filter(|command| command.get_name() != "help" && !command.is_hide_set())
}

fn about_of(command: &Command) -> String {
    sentence(&command.get_about().map(ToString::to_string).unwrap_or_default())
}

fn usage(page: &mut String, command: &mut Command) {
    let usage = command.render_usage().to_string();
    let _ = write!(page, "\n```text\n{}\n```\n", usage.trim_start_matches("Usage: "));
}

/// The text that its help has after the options: examples and exit codes.
fn help_behind(page: &mut String, command: &Command) {
    if let Some(text) = command.get_after_help() {
        let _ = write!(page, "\n```text\n{text}\n```\n");
    }
}

/// The arguments and options of a command, a table for each heading of the help.
fn groups(page: &mut String, command: &Command, level: &str, wanted: impl Fn(&Arg) -> bool) {
    let is_own = |arg: &&Arg| wanted(arg) && !arg.is_hide_set() && !is_of_clap(arg);
    let args: Vec<&Arg> = command.get_arguments().filter(is_own).collect();
    let mut headings: Vec<Option<&str>> = Vec::new();
    for arg in &args {
        if !headings.contains(&arg.get_help_heading()) {
            headings.push(arg.get_help_heading());
        }
    }
    headings.sort_by_key(Option::is_some);
    for heading in headings {
        let rows: Vec<Vec<String>> =
            args.iter().filter(|arg| arg.get_help_heading() == heading).map(|arg| row(arg)).collect();
        match heading {
            Some(heading) => _ = write!(page, "\n{level}{heading}\n\n"),
            None if level == "## " => *page += "\n## Arguments and options\n\n",
            None => page.push('\n'),
        }
        *page += &table(&["option", "default", "meaning"], &rows);
    }
}

fn help_of(arg: &Arg) -> String {
    arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default()
}

fn row(arg: &Arg) -> Vec<String> {
    let short = arg.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
    let help = help_of(arg);
    let (help, default) = default_of(&help);
    let of_clap: Vec<String> = arg.get_default_values().iter().map(|value| code(&value.to_string_lossy())).collect();
    let takes = arg.get_action().takes_values();
    let default = match (takes, default) {
        (false, "") => String::new(),
        (_, "") => of_clap.join(", "),
        (_, default) => markdown::default(default),
    };
    let mut meaning = sentence(help);
    let words = arg.get_possible_values();
    let words: Vec<String> = words
        .iter()
        .filter(|_| takes && !arg.is_hide_possible_values_set())
        .map(|value| code(value.get_name()))
        .collect();
    if !words.is_empty() {
        meaning = format!("{meaning} One of {}.", words.join(", "));
    }
    vec![short + &code(&arg.to_string()), default, meaning]
}

/// The variables of the container that are defaults of options.
fn variables(page: &mut String, program: &Command) {
    let mut found: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for command in commands(program) {
        for arg in command.get_arguments() {
            let help = help_of(arg);
            for (at, _) in help.match_indices("`$") {
                let variable = help[at + 2..].split('`').next().unwrap_or_default();
                if !variable.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
                    continue;
                }
                let entry = found.entry(variable.to_owned()).or_default();
                entry.0 = code(&format!("--{}", arg.get_long().unwrap_or_default()));
                entry.1.push(format!("[`{0}`](#{0})", command.get_name()));
            }
        }
    }
    let rows: Vec<Vec<String>> =
        found.into_iter().map(|(name, (option, commands))| vec![code(&name), option, commands.join(", ")]).collect();
    if !rows.is_empty() {
        *page += "\n## Variables\n\nIf you omit one of these options, the command reads the container's variable instead, in `docker exec` too.\n\n";
        *page += &table(&["variable", "option", "commands"], &rows);
    }
}
