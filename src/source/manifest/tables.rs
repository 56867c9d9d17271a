//! The text of a manifest, read at once or in pieces.

use camino::Utf8Path;

use super::nesting;
use super::pieces::{ENOUGH, Piece, pieces};
use super::reader::{Reader, Tables};
use super::settings::Settings;
use crate::base::parallel;
use crate::source::mistake::{ManifestError, Mistake, Place, Problem, SourceError};
use crate::spec::{Gateway, Options};

/// The gateways in the text of a manifest that stands at this path, at least one, with their ports.
pub(crate) fn gateways(path: &Utf8Path, text: &str) -> Result<Vec<Gateway>, SourceError> {
    let named = tables(path, text)?.gateways;
    if named.is_empty() {
        let mistake = Mistake::at(Place::File(path.to_owned()), ManifestError::Empty);
        return Err(SourceError(vec![mistake]));
    }
    let (offsets, wanted): (Vec<usize>, Vec<_>) =
        named.into_iter().map(|(at, name, options)| (at, (name, options))).unzip();
    Gateway::resolve(wanted).map_err(|problems| {
        let problems = problems.into_iter().map(|(index, problem)| (offsets[index], Problem::Spec(problem)));
        SourceError(Reader::new(path, text).mistakes(problems))
    })
}

/// The settings in the text of a manifest that stands at this path.
pub(crate) fn parse(path: &Utf8Path, text: &str) -> Result<Settings, SourceError> {
    let Tables { defaults, gateways } = tables(path, text)?;
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

/// What a text says that can be read in pieces and has no mistake. One that has is better looked for in all of it.
fn in_pieces(path: &Utf8Path, text: &str, enough: usize) -> Option<Tables> {
    let (head, pieces) = pieces(text, enough)?;
    let mut tables = Reader::new(path, head).tables(Options::default()).ok()?;
    let some = |(start, text): &Piece<'_>| {
        let mut some = Reader::new(path, text).tables(tables.defaults.clone())?.gateways;
        for (at, ..) in &mut some {
            *at += start;
        }
        Ok::<_, Vec<Mistake>>(some)
    };
    let gateways = parallel::each(&pieces, 1, some, |_| Ok(())).ok()?;
    tables.gateways = gateways.into_iter().flatten().collect();
    Some(tables)
}

/// Whether this text says the same in pieces, as small as they can be, as all at once.
///
/// # Panics
/// If it does not.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn same_in_pieces(path: &Utf8Path, text: &str) {
    if nesting::too_deep(text).is_none()
        && let Some(tables) = in_pieces(path, text, 0)
    {
        let whole = Reader::new(path, text).tables(Options::default()).expect("its pieces can be read");
        assert_eq!(format!("{tables:?}"), format!("{whole:?}"));
    }
}
