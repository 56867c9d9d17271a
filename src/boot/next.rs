//! What the next boot of this container does with a service, as far as that is known.

use std::cell::{Cell, OnceCell};
use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use crate::s6::{LiveService, container};
use crate::spec::{ProfileName, ServiceName};
use crate::volume::{Homes, Intent, MOST_READ, SavedManifest, Store, Volume};

/// The directories of images whose service directories a boot publishes: that of s6-overlay, and those of the shipped hooks.
const OF_IMAGES: [&str; 3] = ["/etc/services.d", "/opt/gateways", "/opt/services"];

/// The directory of images with the definitions of s6-rc, and with the bundles of those that a boot starts.
const OF_S6_OVERLAY: &str = "/etc/s6-overlay";

/// What the next boot does with a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It exists, and starts.
    Starts,
    /// It exists, and stays down until it is started.
    StaysDown,
    /// It does not exist, because it is not saved anywhere.
    Gone,
}

/// Whether the shipped hook starts this service, which its definition keeps down, because a variable of the container asks for it
/// (`docker/cont-init.d/services`).
fn is_asked_for(service: &ServiceName) -> bool {
    match service {
        ServiceName::Dashboard => container::variable("HERMES_DASHBOARD")
            .is_some_and(|asked| matches!(asked.to_ascii_lowercase().as_str(), "1" | "true" | "yes")),
        ServiceName::Metrics => container::variable("GATEWAYS_METRICS").is_some(),
        ServiceName::Gateway(_) | ServiceName::Watch | ServiceName::Watchdog => false,
    }
}

/// What a boot of s6-overlay does with a service that it has among these definitions; `None` if it has none. A boot starts what is in the
/// bundles `user` and `user2`: those among the definitions if `user` is there, else those of `user-bundles.d`.
fn defined(of_s6_overlay: &Utf8Path, service: &ServiceName) -> Option<Next> {
    let definitions = of_s6_overlay.join("s6-rc.d");
    if !definitions.join(service.directory()).exists() {
        return None;
    }
    let is_old = definitions.join("user").is_dir();
    let bundles = if is_old { definitions } else { of_s6_overlay.join("user-bundles.d") };
    // Somebody else may have put the service there without its logger.
    let mut members = [service.pipeline(), service.directory()]
        .into_iter()
        .flat_map(|member| ["user", "user2"].map(|bundle| bundles.join(bundle).join("contents.d").join(&member)));
    Some(if members.any(|member| member.exists()) { Next::Starts } else { Next::StaysDown })
}

/// The things on which boots of this container depend.
#[derive(Debug)]
pub(crate) struct NextBoot {
    homes: Homes,
    /// The directory to which `register --save` writes, if it is not on the volume.
    state: Option<Utf8PathBuf>,
    /// Whether a boot gives each profile of the volume its gateway, and starts those that are recorded as running.
    recorded: bool,
    /// How many more bytes of the records of gateways may be read. The service user wrote them.
    left: Cell<usize>,
    /// What has to be known about the shared home.
    shared: OnceCell<Option<Shared>>,
}

/// The shared home.
#[derive(Debug)]
struct Shared {
    volume: Volume,
    /// The profiles that `register --save` wrote; `None` if that cannot be found out.
    saved: Option<BTreeSet<ProfileName>>,
}

impl NextBoot {
    /// The next boot with these homes. `state` is the directory of the saved manifest, if it is not on the volume.
    pub(crate) fn new(homes: Homes, state: Option<Utf8PathBuf>, recorded: bool) -> Self {
        Self { homes, state, recorded, left: Cell::new(MOST_READ), shared: OnceCell::new() }
    }

    /// What the next boot does with this service; `None` if that is unknown, because another hook may do anything.
    pub(crate) fn of(&self, service: &LiveService) -> Option<Next> {
        if service.is_of_s6_rc() {
            return defined(Utf8Path::new(OF_S6_OVERLAY), service.name());
        }
        let directory = service.name().directory();
        let baked = OF_IMAGES.iter().map(|place| Utf8Path::new(place).join(&directory)).find(|path| path.exists());
        if let Some(baked) = baked {
            let starts = !baked.join("down").exists() || is_asked_for(service.name());
            return Some(if starts { Next::Starts } else { Next::StaysDown });
        }
        match service.name() {
            ServiceName::Gateway(profile) if self.recorded => self.recorded(profile, service),
            _ => None,
        }
    }

    /// What a boot does that follows the records.
    fn recorded(&self, profile: &ProfileName, service: &LiveService) -> Option<Next> {
        let by = |intent: &Intent| match intent {
            // This user may not read it, or a boot will report what is wrong with it.
            Intent::Unreadable(_) => None,
            intent if intent.is_running() => Some(Next::Starts),
            _ => Some(Next::StaysDown),
        };
        let home = self.homes.of_service(service);
        if home.owner.is_isolated() {
            // A home that does not exist yet has no records.
            return home
                .open_if_made()
                .ok()?
                .map_or(Some(Next::StaysDown), |volume| by(&volume.intent_within(&home.profile, &self.left)));
        }
        let Shared { volume, saved } = self.shared.get_or_init(|| self.shared()).as_ref()?;
        if volume.lacks(profile) && !saved.as_ref()?.contains(profile) {
            return Some(Next::Gone);
        }
        by(&volume.intent_within(profile, &self.left))
    }

    fn shared(&self) -> Option<Shared> {
        let path = self.homes.shared();
        let store = Store::open(self.state.as_deref(), path).ok()?;
        let saved = SavedManifest::open(&store).and_then(|saved| saved.settings()).ok();
        let saved = saved.map(|settings| settings.gateways.into_iter().map(|(name, _)| name).collect());
        Some(Shared { volume: Volume::open(path).ok()?, saved })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{render_bundle, render_in};
    use crate::spec::options::{Key, Layout, Options};
    use crate::spec::{Gateway, Service};

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the directory is the test's own")]
    fn what_a_boot_of_s6_overlay_starts() {
        for (layout, below) in [(Layout::S6Rc, "s6-rc.d"), (Layout::S6Overlay, "")] {
            let directory = tempfile::tempdir().unwrap();
            let top = Utf8Path::from_path(directory.path()).unwrap();
            for (profile, down) in [("a", "false"), ("b", "true")] {
                let mut options = Options::default();
                options.set(Key::Down, down).unwrap();
                let service = Service::from(Gateway::resolve_one(profile.parse().unwrap(), options).unwrap());
                let entries = render_in(&service, layout);
                let bundle = render_bundle(&[service], layout);
                for path in entries.iter().chain(&bundle).map(|entry| top.join(below).join(entry.path())) {
                    let is_file = path.as_str().contains("contents.d") || path.ends_with("type");
                    std::fs::create_dir_all(if is_file { path.parent().unwrap() } else { &path }).unwrap();
                    if is_file {
                        std::fs::write(path, "").unwrap();
                    }
                }
            }
            let next = |profile: &str| defined(top, &ServiceName::Gateway(profile.parse().unwrap()));
            assert_eq!(
                [next("a"), next("b"), next("c")],
                [Some(Next::Starts), Some(Next::StaysDown), None],
                "{layout:?}"
            );
        }
    }
}
