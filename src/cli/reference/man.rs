//! The man pages of a program and of each of its commands, in docs/man.

use clap::Command;
use clap::builder::Resettable;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

/// Each page, with the name of its file.
pub(super) fn pages(program: Command) -> Vec<(String, String)> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let name = program.get_name().to_owned();
    let of_commands = program.get_subcommands().filter(|command| !command.is_hide_set()).map(|command| {
        let page_name = format!("{name}-{}", command.get_name());
        (format!("{page_name}.1"), page(command.clone().display_name(page_name), &name))
    });
    let mut pages: Vec<(String, String)> = of_commands.collect();
    let other = if name == "gatewayctl" { "gen-service" } else { "gatewayctl" };
    pages.push((format!("{name}.1"), page(program.clone(), other)));
    pages
}

/// The page of a command. It has no date and no version, so the same sources make the same bytes.
fn page(command: Command, see: &str) -> String {
    // A terminal shows the same text for `-h`, so it has no summary there.
    let command = command.mut_arg("help", |arg| arg.help("Print help").long_help(Resettable::Reset));
    let behind = command.get_after_help().map(ToString::to_string);
    let has_commands = command.has_subcommands();
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let man = Man::new(command);
    let mut text = format!(".TH {name} 1 \"\" gen-service \"gen-service\"\n").into_bytes();
    man.render_name_section(&mut text).unwrap();
    man.render_synopsis_section(&mut text).unwrap();
    man.render_description_section(&mut text).unwrap();
    man.render_options_section(&mut text).unwrap();
    if has_commands {
        man.render_subcommands_section(&mut text).unwrap();
    }
    let mut roff = Roff::new();
    // Columns keep their spaces.
    if let Some(behind) = behind {
        for part in behind.split("\n\n") {
            let (title, lines) = match part.split_once(":\n") {
                Some((title, lines)) => (title, lines.to_owned()),
                // Exit codes on one line.
                None => part.split_once(": ").map(|(title, codes)| (title, codes.replace("; ", "\n"))).unwrap(),
            };
            roff.control("SH", [title.to_uppercase().as_str()])
                .control("nf", [])
                .text([roman(lines)])
                .control("fi", []);
        }
    }
    roff.control("SH", ["SEE ALSO"]).control("BR", [see, "(1)"]);
    roff.to_writer(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}
