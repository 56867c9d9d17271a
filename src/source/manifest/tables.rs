//! Reads the text of a manifest, at once or in pieces.

use camino::Utf8Path;

use super::nesting;
use super::pieces::{ENOUGH, Piece, pieces};
use super::reader::{Reader, Tables};
use super::settings::Settings;
use crate::base::parallel;
use crate::source::mistake::{ManifestError, Mistake, Place, Problem, SourceError};
use crate::spec::options::Layout;
use crate::spec::{Dashboard, Gateway, Metrics, Options, Part, Service, SpecError};

/// The services in the text of a manifest at this path: the gateways, with their ports, and the others. A manifest must name at least one
/// service. Only the services of these parts are returned. They are checked for `layout`, or else for the manifest's own layout, and that
/// layout is returned, too.
pub(crate) fn services(
    path: &Utf8Path,
    text: &str,
    layout: Option<Layout>,
    parts: &[Part],
) -> Result<(Layout, Vec<Service>), SourceError> {
    let Tables { defaults, gateways, dashboard, watch, metrics } = tables(path, text)?;
    let layout = layout.or(defaults.layout).unwrap_or_default();
    let (offsets, wanted): (Vec<usize>, Vec<_>) =
        gateways.into_iter().map(|(at, name, options)| (at, (name, options))).unzip();
    let mut problems: Vec<(usize, SpecError)> = Vec::new();
    let gateways = Gateway::resolve(wanted).unwrap_or_else(|more| {
        problems.extend(more.into_iter().map(|(index, problem)| (offsets[index], problem)));
        Vec::new()
    });
    let mut places: Vec<usize> =
        offsets.iter().copied().chain(dashboard.as_ref().map(|(at, _)| *at)).chain(watch).collect();
    let dashboard = dashboard.and_then(|(at, options)| match Dashboard::beside(&gateways, options) {
        Ok(dashboard) => Some(dashboard),
        Err(problem) => {
            problems.push((at, problem));
            None
        }
    });
    places.extend(metrics.as_ref().map(|(at, _)| *at));
    let metrics = metrics.and_then(|(at, options)| match Metrics::beside(&gateways, dashboard.as_ref(), &options) {
        Ok(metrics) => Some(Service::from(metrics)),
        Err(problem) => {
            problems.push((at, problem.into()));
            None
        }
    });
    let watch = watch.map(|_| Service::Watch);
    let services = gateways.into_iter().map(Service::from).chain(dashboard.map(Service::from)).chain(watch);
    let mut services: Vec<Service> = services.chain(metrics).collect();
    if let Some(watchdog) = Service::and_watchdog(&services) {
        // The watchdog has no place in the manifest. It is there because of the first gateway that uses it.
        places.extend(offsets.first());
        services.push(watchdog);
    }
    // An image may have no dashboard. But if it has no gateway, that is probably a mistake.
    if problems.is_empty() && places.is_empty() && parts.contains(&Part::Gateways) {
        let mistake = Mistake::at(Place::File(path.to_owned()), ManifestError::Empty);
        return Err(SourceError(vec![mistake]));
    }
    let (places, services): (Vec<usize>, Vec<Service>) =
        places.into_iter().zip(services).filter(|(_, service)| parts.contains(&service.name().part())).unzip();
    if problems.is_empty() {
        let apart = layout.check(&services).err().unwrap_or_default();
        problems = apart.into_iter().map(|(index, problem)| (places[index], problem.into())).collect();
    }
    if problems.is_empty() {
        Ok((layout, services))
    } else {
        let problems = problems.into_iter().map(|(at, problem)| (at, Problem::Spec(problem)));
        Err(SourceError(Reader::new(path, text).mistakes(problems)))
    }
}

/// The settings in the text of a manifest that stands at this path.
pub(crate) fn parse(path: &Utf8Path, text: &str) -> Result<Settings, SourceError> {
    let Tables { defaults, gateways, .. } = tables(path, text)?;
    let gateways = gateways.into_iter().map(|(_, name, options)| (name, options)).collect();
    Ok(Settings { defaults, gateways })
}

fn tables(path: &Utf8Path, text: &str) -> Result<Tables, SourceError> {
    if let Some(offset) = nesting::too_deep(text) {
        let problem = ManifestError::Nesting { most: nesting::MOST };
        return Err(SourceError(Reader::new(path, text).mistakes([(offset, problem.into())])));
    }
    let whole = || Reader::new(path, text).tables(Options::default()).map_err(SourceError);
    in_pieces(path, text, ENOUGH).map_or_else(whole, Ok)
}

/// What a text says if it can be read in pieces and has no mistake. If it has a mistake, reading it as a whole finds the mistake better.
fn in_pieces(path: &Utf8Path, text: &str, enough: usize) -> Option<Tables> {
    let (head, pieces) = pieces(text, enough)?;
    let mut tables = Reader::new(path, head).tables(Options::default()).ok()?;
    let some = |(start, text): &Piece<'_>| {
        let mut some = Reader::new(path, text).tables(tables.defaults.clone())?;
        for (at, ..) in &mut some.gateways {
            *at += start;
        }
        some.dashboard = some.dashboard.map(|(at, options)| (at + start, options));
        some.watch = some.watch.map(|at| at + start);
        some.metrics = some.metrics.map(|(at, options)| (at + start, options));
        Ok::<_, Vec<Mistake>>(some)
    };
    for some in parallel::each(&pieces, 1, some, |_| Ok(())).ok()? {
        tables.gateways.extend(some.gateways);
        // Each of these is in at most one piece.
        tables.dashboard = tables.dashboard.or(some.dashboard);
        tables.watch = tables.watch.or(some.watch);
        tables.metrics = tables.metrics.or(some.metrics);
    }
    Some(tables)
}

/// Checks that this text says the same in the smallest possible pieces as it says as a whole.
///
/// # Panics
/// If it does not.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn same_in_pieces(path: &Utf8Path, text: &str) {
    if nesting::too_deep(text).is_none()
        && let Some(tables) = in_pieces(path, text, 0)
    {
        let whole = Reader::new(path, text).tables(Options::default()).expect("its pieces could be read");
        assert_eq!(format!("{tables:?}"), format!("{whole:?}"));
    }
}
