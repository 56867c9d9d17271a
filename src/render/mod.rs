//! Turns a service (a gateway, the dashboard, the watch, ...) into its files on a disk. No I/O.

mod parts;
mod quote;
mod resize;
mod service_dir;
mod tree_entry;

pub(crate) use resize::move_script;
pub(crate) use service_dir::{MARK, is_known, mark, note};
pub use service_dir::{Mode, ServiceDir, ServiceFile};
pub(crate) use tree_entry::{CONTENTS, slots};
pub use tree_entry::{TreeEntry, render_bundle, render_in};

use crate::spec::{Gateway, Service, ServiceName};
use parts::{of_gateway, parts};

/// Renders the service directory of a gateway. The same gateway gives the same bytes on every machine.
pub fn render(gateway: &Gateway) -> ServiceDir {
    let name = ServiceName::Gateway(gateway.profile.clone());
    let parts = of_gateway(gateway, &name, false);
    ServiceDir::new(name, parts.together())
}

/// Renders the service directory of a service, in the same way.
pub fn render_service(service: &Service) -> ServiceDir {
    let name = service.name();
    let parts = parts(service, &name, false);
    ServiceDir::new(name, parts.together())
}
