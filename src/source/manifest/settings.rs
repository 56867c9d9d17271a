//! What a manifest says before ports are given out.

use crate::spec::{Options, ProfileName};

/// What a manifest says before ports are given out. It may name no gateway. Anything that is not in it has its default.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `[defaults]`.
    pub defaults: Options,
    /// The gateways in file order, each with the defaults filled in.
    pub gateways: Vec<(ProfileName, Options)>,
}
