//! The number of the user that an isolated gateway runs as.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use super::error::OptionError;
use super::kind::Kind;

/// A user by number, and the group of the same number, without an entry in /etc/passwd: 1000 to 4294967293, without the numbers of other
/// users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(NonZeroU32);

/// The lowest number. Those below belong to the system.
const LOWEST: u32 = 1000;

/// The highest number. 4294967295 means "no user" to Linux, and 4294967294 is NFS's nobody.
const HIGHEST: u32 = 4_294_967_293;

/// The number of the service user in the image, `hermes`.
const SERVICE_USER: u32 = 10_000;

/// The owner that is shown for files of a user who has no number here, and "no user" in 16 bits.
const NOBODY: [u32; 2] = [65_534, 65_535];

/// The first number that a name can give. It is above the usual users of a machine. With [`NAMED_COUNT`] all stay below 65536, because a
/// container with mapped users has no more.
const NAMED: u32 = 20_000;

/// How many numbers names can give.
const NAMED_COUNT: u32 = 40_000;

impl Uid {
    pub(super) const NAME: &str = "uid";
    pub(super) const KIND: Kind = Kind::Integer(LOWEST as u64, HIGHEST as u64);

    /// One of the 40,000 numbers from 20000 up, chosen by `number`.
    pub(crate) const fn named(number: u32) -> Self {
        Self(NonZeroU32::new(NAMED + number % NAMED_COUNT).expect("20000 or more"))
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Uid {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        let wrong = |problem| {
            OptionError::new(Self::NAME, text, problem, "give a number that no other user has, such as 20001")
        };
        if text.is_empty() || !text.bytes().enumerate().all(|(i, b)| b.is_ascii_digit() || (i == 0 && b == b'-')) {
            return Err(wrong("is not a whole number"));
        }
        match text.parse() {
            Ok(SERVICE_USER) => Err(wrong("belongs to the service user")),
            Ok(number) if NOBODY.contains(&number) => {
                Err(wrong("belongs to the user nobody, which other programs may use"))
            }
            Ok(number @ LOWEST..=HIGHEST) => NonZeroU32::new(number).map(Self).ok_or_else(|| wrong("belongs to root")),
            Ok(0) => Err(wrong("belongs to root")),
            Ok(1..LOWEST) => Err(wrong("is below 1000 and belongs to the system")),
            _ => Err(wrong("is out of range")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_others_have_are_none() {
        for good in ["1000", "9999", "20000", "65533", "65536", "4294967293"] {
            assert_eq!(good.parse::<Uid>().unwrap().to_string(), good);
        }
        for (bad, message) in [
            ("0", "uid \"0\" belongs to root; give a number that no other user has, such as 20001"),
            ("999", "is below 1000"),
            ("10000", "belongs to the service user"),
            ("65534", "belongs to the user nobody"),
            ("65535", "belongs to the user nobody"),
            ("4294967294", "is out of range"),
            ("99999999999999999999", "is out of range"),
            ("-1", "is out of range"),
            ("", "is not a whole number"),
            ("+1000", "is not a whole number"),
            ("hermes", "is not a whole number"),
            ("1000\n", "is not a whole number"),
        ] {
            let error = bad.parse::<Uid>().unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn what_names_give_is_in_the_documented_range() {
        assert_eq!((Uid::named(0).get(), Uid::named(39_999).get(), Uid::named(40_000).get()), (20_000, 59_999, 20_000));
        assert!((20_000..60_000).contains(&Uid::named(u32::MAX).get()));
    }
}
