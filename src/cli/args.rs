//! The arguments of `gen-service`.

use camino::Utf8PathBuf;
use clap::builder::{NonEmptyStringValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::ArgValueCompleter;

use super::completions::{Completions, how_to_install};
use super::render_args::{RENDER_ARGS, RenderArgs};
use super::{offered, version};
use crate::spec::Part;
use crate::spec::options::{Key, Layout};

/// Render s6 service directories for the gateways of Hermes profiles
#[derive(Debug, Parser)]
#[command(
    name = "gen-service",
    version,
    long_version = version::long(),
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "\
Examples:
  gen-service coder --hermes-cli run                      print the scripts
  gen-service coder --hermes-cli run --out out            write out/gateway-coder
  gen-service --manifest gateways.toml --out out          write all of a manifest
  gen-service --manifest gateways.toml --out out --check  exit 1 if it differs

Exit codes: 0 done; 1 failed, or --check found a difference; 2 wrong usage or invalid input"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that a person sets")]
pub(crate) struct GenService {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Profiles to render. A name is [a-z0-9][a-z0-9_-]*, of at most 243 characters
    #[arg(value_name = "PROFILE", required_unless_present_any = ["manifest", "schema", "part", "prune"], add = ArgValueCompleter::new(offered::profiles))]
    pub(crate) profiles: Vec<String>,

    /// Render what this manifest names. - is standard input
    #[arg(long, value_name = "FILE", value_parser = path(), value_hint = ValueHint::FilePath, conflicts_with_all = ["profiles", RENDER_ARGS])]
    pub(crate) manifest: Option<Utf8PathBuf>,

    /// Render only gateways, dashboard, watch, watchdog or metrics of the manifest
    #[arg(
        long = "part",
        value_name = "PART",
        value_enum,
        long_help = "Render only this part of the manifest. You may repeat it [default: all parts]"
    )]
    pub(crate) part: Vec<OnePart>,

    /// Write to this directory. Omit it to print the scripts
    #[arg(long, value_name = "DIR", value_parser = path(), value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<Utf8PathBuf>,

    /// Only compare DIR with what would be rendered. Exit 1 if they differ
    #[arg(long, requires = "out", conflicts_with_all = ["prune", "force"])]
    pub(crate) check: bool,

    /// Remove service directories that are no longer in the manifest
    #[arg(long, requires = "out")]
    pub(crate) prune: bool,

    /// Replace files even if gen-service did not write them
    #[arg(long, requires = "out")]
    pub(crate) force: bool,

    /// Print JSON
    #[arg(long, conflicts_with = "quiet")]
    pub(crate) json: bool,

    /// Print only errors
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// Print the JSON Schema of a manifest, for editors
    #[arg(long, exclusive = true)]
    pub(crate) schema: bool,

    /// Form of what is rendered: s6, s6-rc or s6-overlay [default: s6]
    #[arg(
        long,
        value_name = "LAYOUT",
        value_enum,
        long_help = "What to render: service directories, source definitions of s6-rc, or these definitions below /etc/s6-overlay \
                     [default: s6, or the layout of the manifest]"
    )]
    pub(crate) layout: Option<OneLayout>,

    #[command(flatten)]
    pub(crate) options: RenderArgs,

    #[arg(long, value_name = "NAME", help = Key::After.summary(), help_heading = "Gateway", conflicts_with = "manifest")]
    pub(crate) after: Vec<String>,
}

impl GenService {
    /// Checks that an option that needs a manifest has one. The message of clap would name the options that this one excludes.
    ///
    /// # Errors
    /// Wrong usage, as clap reports it.
    pub(crate) fn checked(self) -> Result<Self, clap::Error> {
        let needs = if self.prune { Some("--prune") } else { (!self.part.is_empty()).then_some("--part") };
        match needs.filter(|_| self.manifest.is_none()) {
            Some(needs) => {
                let message = format!("{needs} needs a manifest; give one with --manifest FILE");
                Err(Self::command().error(ErrorKind::MissingRequiredArgument, message))
            }
            None => Ok(self),
        }
    }

    /// The parts of the manifest to render.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let named = |part: &Part| self.part.is_empty() || self.part.iter().any(|one| Part::from(*one) == *part);
        Part::ALL.into_iter().filter(named).collect()
    }
}

/// The commands. Without one, the program renders.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(after_help = how_to_install!("gen-service"))]
    Completions(Completions),
}

/// A part of the manifest, as a word.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum OnePart {
    Gateways,
    Dashboard,
    Watch,
    Watchdog,
    Metrics,
}

impl From<OnePart> for Part {
    fn from(part: OnePart) -> Self {
        match part {
            OnePart::Gateways => Self::Gateways,
            OnePart::Dashboard => Self::Dashboard,
            OnePart::Watch => Self::Watch,
            OnePart::Watchdog => Self::Watchdog,
            OnePart::Metrics => Self::Metrics,
        }
    }
}

/// A layout, as a word.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum OneLayout {
    S6,
    S6Rc,
    S6Overlay,
}

impl From<OneLayout> for Layout {
    fn from(layout: OneLayout) -> Self {
        match layout {
            OneLayout::S6 => Self::S6,
            OneLayout::S6Rc => Self::S6Rc,
            OneLayout::S6Overlay => Self::S6Overlay,
        }
    }
}

/// A path. An empty path is an error: usually somebody forgot to set a variable.
fn path() -> impl TypedValueParser<Value = Utf8PathBuf> {
    NonEmptyStringValueParser::new().map(Utf8PathBuf::from)
}
