//! The time of `logs --since`.

use jiff::civil::{DateTime, Time};
use jiff::{Span, Timestamp, ZonedDateTime};

/// A time: a span ago, a time of the day, or a date. It is in the time zone of the container, as the times of a log are.
#[derive(Debug, Clone)]
pub(super) struct Since {
    seconds: i64,
    wall: String,
}

impl Since {
    /// Parses `10m`, `2h 30m`, `3 days`, `21:00`, `2026-11-28`, `2026-11-28 21:00` or `2026-11-28T20:00:00Z`.
    ///
    /// # Errors
    /// The forms that it can have.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        Self::before(text, &ZonedDateTime::now())
            .ok_or_else(|| "give a time, such as 10m, 2h, 21:00, 2026-11-28 or \"2026-11-28 21:00\"".to_owned())
    }

    fn before(text: &str, now: &ZonedDateTime) -> Option<Self> {
        let zone = || now.time_zone().clone();
        let ago = |span: Span| now.checked_sub(span.abs()).ok();
        let today = |time| now.date().to_datetime(time).to_zoned_datetime(zone()).ok();
        // The order counts: a date with a time would also parse as a time of the day.
        let at = text
            .parse::<Timestamp>()
            .map(|at| at.to_zoned_datetime(zone()))
            .ok()
            .or_else(|| text.parse::<DateTime>().ok().and_then(|at| at.to_zoned_datetime(zone()).ok()))
            .or_else(|| text.parse::<Time>().ok().filter(|_| text.contains(':')).and_then(today))
            .or_else(|| text.parse::<Span>().ok().and_then(ago))?;
        Some(Self { seconds: at.timestamp().as_second(), wall: at.strftime("%Y-%m-%d %H:%M:%S.%9f").to_string() })
    }

    /// The same in seconds since 1970.
    pub(super) fn seconds(&self) -> i64 {
        self.seconds
    }

    /// Whether it is not later than this time of a log.
    pub(super) fn is_before(&self, when: &str) -> bool {
        *self.wall <= *when
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_write_them() {
        let now: ZonedDateTime = "2026-11-28T21:30:15.5[UTC]".parse().unwrap();
        for (text, wall) in [
            ("10m", "2026-11-28 21:20:15.500000000"),
            ("2h 30m", "2026-11-28 19:00:15.500000000"),
            ("2 hours ago", "2026-11-28 19:30:15.500000000"),
            ("3 days", "2026-11-25 21:30:15.500000000"),
            ("1w", "2026-11-21 21:30:15.500000000"),
            ("90s", "2026-11-28 21:28:45.500000000"),
            ("21:00", "2026-11-28 21:00:00.000000000"),
            ("21:00:01", "2026-11-28 21:00:01.000000000"),
            ("2026-11-01", "2026-11-01 00:00:00.000000000"),
            ("2026-11-01 07:30", "2026-11-01 07:30:00.000000000"),
            ("2026-11-01T07:30:00+02:00", "2026-11-01 05:30:00.000000000"),
        ] {
            let since = Since::before(text, &now).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(since.wall, wall, "{text}");
            assert!(since.is_before(wall) && !since.is_before("2026-01-01 00:00:00.000000000") && !since.is_before(""));
        }
        for text in ["", "yesterdayish", "10", "25:00", "-", "99999999999999999999d", "2026-13-01"] {
            assert!(Since::before(text, &now).is_none(), "{text}");
        }
    }

    #[test]
    fn a_time_is_one_of_the_time_zone() {
        let now: ZonedDateTime = "2026-11-28T21:30:15-05:00[-05:00]".parse().unwrap();
        let since = Since::before("21:00", &now).unwrap();
        assert_eq!((since.wall.as_str(), since.seconds()), ("2026-11-28 21:00:00.000000000", 1_795_917_600));
    }
}
