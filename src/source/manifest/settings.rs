//! What a manifest says, before ports are given out.

use crate::spec::{Options, ProfileName};

/// What a manifest says, before ports are given out: it may name no gateway, and what is not in it has its defaults.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `[defaults]`.
    pub defaults: Options,
    /// The gateways in file order, each with the defaults filled in.
    pub gateways: Vec<(ProfileName, Options)>,
}
