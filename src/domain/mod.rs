//! The nouns of the trade: site, outlet, logger, series, reading, hour cell, mean, limit, finding. Plain values; they know
//! the standard's words from `protocol` and use them unchanged.

mod declaration;
mod disposition;
mod fact;
mod finding;
mod limit;
mod mean;
mod neighbour;
pub mod number;
mod reading;
mod ruleset;
mod score;
mod shard;
mod silence;
pub mod time;

pub use declaration::{Comparison, Declaration, DeclarationKind, STATEMENT_TEXT_MAX, StatementFault, Visit};
pub use disposition::{CaseEvent, CaseStatement, Disposition, Happening, Stage};
pub use fact::{FACTS_MAX, Fact, FactKind, enter_fact};
pub use finding::{CaseKind, Confidence, Finding, Hit, RuleSetting, Severity, Source};
pub use limit::{Basis, Grade, Limit, LimitType};
pub use mean::{Beside, HourClass, Kind, Mean, Origin, Reported, Span, Status, note_zh};
pub use neighbour::{Neighbour, Neighbours, OtherOutlet, Sight};
pub use reading::{Order, PacketRef, Reading, ReadingKey, Record, UnusableReason};
pub use ruleset::{Figure, RuleSet, short_hash};
pub use score::{ItemScore, SCORE_LEN_MAX, SCORE_LINES_MAX, Score, ScoreItem, ScoreLine};
pub use shard::{Shard, shard_of};
pub use silence::{Outage, OutageScope, Silence, Survey};

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! name_type {
    ($name:ident, $capacity:literal, $doc:literal) => {
        #[doc = $doc]
        ///
        /// Ordered as its text is; padded with NUL, eight bytes are compared at a time.
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name([u8; $capacity]);

        impl $name {
            /// A name of the program's own, which is short.
            #[allow(dead_code)] // Not every kind of name has one.
            pub(crate) const fn known(text: &'static str) -> Self {
                let (mut bytes, mut at) = ([0; $capacity], 0);
                while at < text.len() {
                    bytes[at] = text.as_bytes()[at];
                    at += 1;
                }
                Self(bytes)
            }

            /// The longest name, in bytes.
            pub const LEN_MAX: usize = $capacity;

            /// Takes a name; `None` if it is longer than [`Self::LEN_MAX`], or holds a NUL.
            #[must_use]
            pub fn new(text: &str) -> Option<Self> {
                let mut bytes = [0; $capacity];
                bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
                (!text.as_bytes().contains(&0)).then_some(Self(bytes))
            }

            /// The name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                let len = self.0.iter().position(|byte| *byte == 0).unwrap_or($capacity);
                std::str::from_utf8(&self.0[..len]).unwrap_or_default()
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                let words = self.0.as_chunks::<8>().0.iter().zip(other.0.as_chunks::<8>().0);
                for (one, other) in words {
                    if one != other {
                        return u64::from_be_bytes(*one).cmp(&u64::from_be_bytes(*other));
                    }
                }
                std::cmp::Ordering::Equal
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "maxLength": $capacity, "description": $doc})
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(&text).ok_or_else(|| serde::de::Error::custom("a name that is too long"))
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
name_type!(FactorCode, 16, "污染因子编码 of HJ 212-2017 Annex B, `a21026`; a local code where the table has none.");

name_type!(RuleId, 8, "Id of a rule: group letter and number, `B-01`.");

impl FactorCode {
    /// In the place of a factor: what concerns the whole outlet.
    pub const WHOLE: FactorCode = FactorCode::known("whole");
}

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

/// From what an outlet's day is computed again when something it was computed by has changed. A deeper one does all that a
/// shallower one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// The means stand; they are judged again.
    Verdicts,
    /// The hours stand; means are made of them again.
    Means,
    /// Everything, from the stored packets.
    Readings,
}

impl Depth {
    /// The word under which it is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verdicts => "verdicts",
            Self::Means => "means",
            Self::Readings => "readings",
        }
    }

    /// Reads the word; what is unknown is the deepest.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match text {
            "verdicts" => Self::Verdicts,
            "means" => Self::Means,
            _ => Self::Readings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_as_their_texts_are() {
        let texts = ["", "0", "a", "a1", "a10000000000", "a2", "b", "z9", "é"];
        for one in texts {
            for other in texts {
                let names = (FactorCode::new(one).expect("short"), FactorCode::new(other).expect("short"));
                assert_eq!(names.0.cmp(&names.1), one.cmp(other), "{one} {other}");
                assert_eq!(names.0.as_str(), one);
            }
        }
        assert!(FactorCode::new("a\0").is_none() && FactorCode::new(&"x".repeat(17)).is_none());
    }
}
