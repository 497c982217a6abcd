//! The nouns of the trade: site, outlet, logger, series, reading, hour cell, mean, limit, finding. Plain values; they know
//! the standard's words from `protocol` and use them unchanged.

mod finding;
mod limit;
mod mean;
pub mod number;
mod reading;
mod ruleset;
pub mod time;

pub use finding::{Confidence, Finding, Severity, Source};
pub use limit::{Basis, Grade, Limit, LimitType};
pub use mean::{HourClass, Kind, Mean, Origin, Span, Status};
pub use ruleset::{Figure, RuleSet, short_hash};
pub use reading::{PacketRef, Reading, ReadingKey, Record, UnusableReason};

use arrayvec::ArrayString;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! name_type {
    ($name:ident, $capacity:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(ArrayString<$capacity>);

        impl $name {
            /// The longest name, in bytes.
            pub const LEN_MAX: usize = $capacity;

            /// Takes a name; `None` if it is longer than [`Self::LEN_MAX`].
            #[must_use]
            pub fn new(text: &str) -> Option<Self> {
                ArrayString::from(text).ok().map(Self)
            }

            /// The name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }
    };
}

name_type!(Mn, 40, "设备唯一标识 of a logger (数采仪): 24 hex digits by HJ 212-2017, 14 characters in 2005, up to 40 of anything in the field.");
name_type!(SiteId, 24, "Our name of a site (排污单位).");
name_type!(OutletId, 24, "Our name of an outlet or monitoring point (排放口 / 监测点).");
name_type!(FactorCode, 12, "污染因子编码 of HJ 212-2017 Annex B, `a21026`; a local code where the table has none.");

/// What an outlet discharges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    /// 废气.
    Gas,
    /// 废水.
    Water,
}

impl Medium {
    /// The register's word, and that of the factor tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gas => "gas",
            Self::Water => "water",
        }
    }
}

/// One factor at one outlet (排放口 × 因子).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Series {
    /// Where.
    pub outlet: OutletId,
    /// What.
    pub factor: FactorCode,
}

/// One outlet's natural day: the unit of recall and of verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OutletDay {
    /// Where.
    pub outlet: OutletId,
    /// When.
    pub day: time::Day,
}
