//! Ids as newtypes, so that a link can never stand where an affiliate should.
//!
//! On the wire an id is its prefix and its number (`lnk_42`); in a database it is the number.
//! Ids of links, programs, affiliates and sites are 32 bits wide because a click id carries them.

use std::{fmt, str::FromStr};

/// A text that is no id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}NUMBER")]
pub struct InvalidId {
    prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $inner:ty, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $inner);

        impl $name {
            /// What stands before the number in text.
            pub const PREFIX: &'static str = $prefix;

            /// The number.
            pub const fn get(self) -> $inner {
                self.0
            }

            /// The number as PostgreSQL's `bigint` keeps it.
            pub fn to_sql(self) -> i64 {
                i64::try_from(self.0).unwrap_or(i64::MAX)
            }

            /// From a `bigint`; `None` when it is out of this id's range.
            pub fn from_sql(value: i64) -> Option<Self> {
                <$inner>::try_from(value).ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let number = text.strip_prefix($prefix).filter(|digits| {
                    digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
                });
                number
                    .and_then(|digits| digits.parse().ok())
                    .map(Self)
                    .ok_or(InvalidId { prefix: $prefix })
            }
        }
    };
}

id!(
    /// A white-label tenant; the platform's own site is 1.
    SiteId, u32, "site_"
);
id!(
    /// What is promoted: destination, terms, events.
    ProgramId, u32, "prg_"
);
id!(
    /// Who promotes and is paid.
    AffiliateId, u32, "aff_"
);
id!(
    /// A code owned by an affiliate for a program; 0 stands for "no such link" (an orphan).
    LinkId, u32, "lnk_"
);
id!(
    /// One decided conversion.
    ConversionId, u64, "cnv_"
);
id!(
    /// One commission.
    CommissionId, u64, "cm_"
);

id!(
    /// That an affiliate promotes a program, or asks to.
    EnrolmentId, u64, "enr_"
);

/// The platform's own site.
pub const PLATFORM: SiteId = SiteId(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_prints_with_its_prefix_and_reads_back() {
        assert_eq!(LinkId(42).to_string(), "lnk_42");
        assert_eq!("lnk_42".parse(), Ok(LinkId(42)));
    }

    #[test]
    fn another_kinds_prefix_signs_zeros_and_overflow_are_refused() {
        for text in
            ["prg_42", "42", "lnk_", "lnk_-1", "lnk_+1", "lnk_042", "lnk_4294967296", "lnk_1 "]
        {
            assert!(text.parse::<LinkId>().is_err(), "{text}");
        }
    }
}
