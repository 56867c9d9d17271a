//! The deaths of a service, as s6-supervise records them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A death that a supervisor remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Death {
    /// When it was.
    pub(crate) at: SystemTime,
    /// How it ended: its exit code, or 128 plus the number of the signal that ended it, as a shell says it.
    pub(crate) code: u16,
}

impl Death {
    /// Reads what s6-supervise writes to `supervise/death_tally` (`s6_dtally_pack` in the source of s6, the same from 2.11 to 2.15): 14 bytes for
    /// each death, which are its time, its exit code and its signal. `None` if the records have another form.
    pub(crate) fn of_records(records: &[u8]) -> Option<Vec<Self>> {
        let (records, rest) = records.as_chunks::<14>();
        let death = |record: &[u8; 14]| {
            let [code, signal] = [record[12], record[13]].map(u16::from);
            Some(Self { at: time_of(&record[..12])?, code: if signal == 0 { code } else { 128 + signal } })
        };
        if rest.is_empty() { records.iter().map(death).collect() } else { None }
    }
}

/// The time in a TAI64N label (<https://cr.yp.to/libtai/tai64.html>): 8 bytes of seconds and 4 of nanoseconds.
pub(super) fn time_of(label: &[u8]) -> Option<SystemTime> {
    // TAI was 10 seconds ahead at the beginning of 1972, and 27 leap seconds came since. None comes until 2035, by the decision of 2022.
    const BEFORE_UTC: u64 = 37;
    let seconds = u64::from_be_bytes(label[..8].try_into().ok()?);
    let nanoseconds = u32::from_be_bytes(label[8..12].try_into().ok()?);
    let since = Duration::new(seconds.checked_sub((1 << 62) + BEFORE_UTC)?, nanoseconds.min(999_999_999));
    UNIX_EPOCH.checked_add(since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deaths_of_s6_supervise() {
        let killed = [0x40, 0, 0, 0, 0x6b, 0x0a, 0xb4, 0xe9, 0, 0x45, 0xc0, 0x7e, 0x89, 9];
        let deaths = Death::of_records(&[killed, killed].concat()).unwrap();
        assert_eq!(deaths.iter().map(|death| death.code).collect::<Vec<_>>(), [137, 137]);
        assert_eq!(deaths[0].at.duration_since(UNIX_EPOCH).unwrap().as_secs(), 1_795_863_748);
        assert_eq!(Death::of_records(&[]), Some(Vec::new()));
        assert_eq!(Death::of_records(&killed[..13]), None);
    }
}
