//! 邻点比对: what one outlet's day shows beside other outlets. A statement of the journal: it was computed outside, over the profiles of
//! every outlet, and the rules judge by what it says.

use super::time::Day;
use super::{FactorCode, OutletId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What is said of one outlet's day. A later one about the same day takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbours {
    /// Which outlet.
    pub outlet: OutletId,
    /// Which day: the last of the days that were compared.
    #[serde(with = "super::time::day_text")]
    pub day: Day,
    /// What was seen.
    pub seen: Vec<Neighbour>,
}

/// What is seen of one factor beside others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Of which factor.
    pub factor: FactorCode,
    /// What.
    #[serde(flatten)]
    pub sight: Sight,
}

/// Another outlet, as findings name it: its register may be another shard's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherOutlet {
    /// Its id.
    pub id: OutletId,
    /// 排放口名称.
    pub name: String,
    /// English name.
    pub name_en: String,
    /// Whether it stands at the same site, where two outlets may share a furnace or an analyser.
    pub same_site: bool,
}

/// What can be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "sight", rename_all = "snake_case")]
pub enum Sight {
    /// Hourly means that are another outlet's (I-01).
    Same {
        /// Whose.
        other: OtherOutlet,
        /// By so many hours later than the other's; below 0: earlier.
        shift_h: i32,
        /// Hours that are equal.
        equal: u32,
        /// Of how many that both have.
        of: u32,
        /// Different values among the equal ones.
        distinct: u32,
    },
    /// Hourly means that rise and fall with another outlet's (I-02).
    InStep {
        /// With whose.
        other: OtherOutlet,
        /// So many hours after the other's; below 0: before.
        lag_h: i32,
        /// Correlation of the differences from hour to hour.
        correlation: Decimal,
        /// Of how many differences.
        of: u32,
    },
    /// Hours that lie far above those of like outlets (I-04).
    Above {
        /// Hours of the day, a bit each.
        hours: u32,
        /// The one that lies farthest above.
        hour: u8,
        /// Its value, in the factor's unit.
        value: Decimal,
        /// The mean of the others in that hour.
        mean: Decimal,
        /// How many others.
        peers: u32,
    },
    /// What was taken out between the inlet and the outlet (D-14).
    Removal {
        /// The inlet.
        inlet: OutletId,
        /// 1 − outlet / inlet, percent, by days back from this one; as far as both have a mean.
        pct: Vec<Decimal>,
    },
    /// A median below those of outlets with the same limit (I-05).
    Below {
        /// The median of the outlet's hours.
        median: Decimal,
        /// The percentile of the others' medians that it lies below.
        edge: Decimal,
        /// How many others.
        peers: u32,
    },
}
