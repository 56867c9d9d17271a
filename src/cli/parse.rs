//! Reads the arguments of a program. Here is what its help shows on a terminal, in place of what clap shows by itself.

use std::env::args_os;

use clap::builder::Resettable;
use clap::{Command, Parser};

use super::completions;

/// The arguments of this process. `None` if a shell asked for completions, and has its answer.
///
/// # Errors
/// Wrong usage, and the text of a help or a version, as clap reports them.
pub(super) fn arguments<P: Parser>() -> Result<Option<P>, clap::Error> {
    if completions::answers::<P>()? {
        return Ok(None);
    }
    let mut command = for_terminal(P::command(), args_os().any(|word| word == "-h"));
    let mut matches = command.try_get_matches_from_mut(args_os())?;
    P::from_arg_matches_mut(&mut matches).map(Some).map_err(|error| error.format(&mut command))
}

/// A program whose help fits a screen: an option has a line or two. Man pages and the reference have the long texts. `-h` is `--help`
/// without what follows the options.
fn for_terminal(program: Command, is_brief: bool) -> Command {
    let name = program.get_name().to_owned();
    let program = of_a_command(program, &name, is_brief);
    program.mut_subcommands(|command| {
        let name = format!("{name} {}", command.get_name());
        of_a_command(command, &name, is_brief)
    })
}

fn of_a_command(command: Command, name: &str, is_brief: bool) -> Command {
    let is_longer = command.get_after_help().is_some();
    let command = command.mut_args(|arg| {
        let names_its_values = arg.get_long_help().is_some() && arg.get_action().takes_values();
        // With a long text, clap would print each option on lines of its own.
        let arg = arg.long_help(Resettable::Reset);
        if names_its_values { arg.hide_possible_values(true) } else { arg }
    });
    if is_brief && is_longer { command.after_help(format!("{name} --help has more.")) } else { command }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::args::GenService;
    use crate::cli::control::command as gatewayctl;

    /// What a command prints for `--help` or `-h`, with its name.
    fn helps(option: &str) -> Vec<(String, String)> {
        let mut helps = Vec::new();
        for program in [GenService::command(), gatewayctl()] {
            let program = for_terminal(program, option == "-h").term_width(100);
            let name = program.get_name().to_owned();
            let commands = program.get_subcommands().map(|command| command.get_name().to_owned());
            for words in commands.map(|command| vec![name.clone(), command]).chain([vec![name.clone()]]) {
                let asked = words.iter().map(String::as_str).chain([option]);
                let help = program.clone().try_get_matches_from(asked).unwrap_err();
                helps.push((words.join(" "), help.to_string()));
            }
        }
        assert!(helps.len() > 20);
        helps
    }

    #[test]
    fn each_help_fits_a_screen() {
        let long: Vec<String> = helps("--help")
            .iter()
            .filter(|(_, help)| help.lines().count() > 53 || help.lines().any(|line| line.chars().count() > 100))
            .map(|(name, help)| format!("{name}: {} lines\n{help}", help.lines().count()))
            .collect();
        assert!(long.is_empty(), "{}", long.join("\n"));
    }

    #[test]
    fn a_short_text_names_the_values() {
        for program in [GenService::command(), gatewayctl()] {
            for arg in program.get_arguments().filter(|arg| arg.get_long_help().is_some()) {
                let short = arg.get_help().map(ToString::to_string).unwrap_or_default();
                for value in arg.get_possible_values().iter().filter(|_| arg.get_action().takes_values()) {
                    assert!(short.contains(value.get_name()), "{arg}: {short}");
                }
            }
        }
    }

    #[test]
    fn a_brief_help_says_where_the_rest_is() {
        for ((name, long), (_, brief)) in helps("--help").into_iter().zip(helps("-h")) {
            let behind = ["\n\nExamples:", "\n\nExit codes", "\n\nTo complete"];
            match behind.iter().find_map(|behind| long.split_once(behind)) {
                Some((head, _)) => assert_eq!(brief.trim_end(), format!("{head}\n\n{name} --help has more.")),
                None => assert_eq!(brief, long, "{name}"),
            }
        }
    }
}
