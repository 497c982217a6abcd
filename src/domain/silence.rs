//! Silence (断链) and outages: who is not heard, and whether the fault may be ours or the region's.

use super::Mn;
use super::time::Moment;
use serde::{Deserialize, Serialize};

/// A logger that is not heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Who.
    pub mn: Mn,
    /// Its last packet, or the end of the outage that came between.
    pub since: Moment,
    /// Its first packet afterwards; none: it is still silent.
    pub until: Option<Moment>,
    /// Its last packet, where an outage came between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Moment>,
    /// The outage that explains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excused: Option<String>,
    /// The survey found the fault at the outlet alone.
    #[serde(default)]
    pub referred: bool,
}

/// Whose outage it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutageScope {
    /// 平台: the receiver was away.
    Receiver,
    /// 区域.
    Region,
    /// 运维单位.
    Contractor,
    /// 网关.
    Gateway,
}

impl OutageScope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::Receiver, Self::Region, Self::Contractor, Self::Gateway];

    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Receiver => "receiver",
            Self::Region => "region",
            Self::Contractor => "contractor",
            Self::Gateway => "gateway",
        }
    }

    /// Chinese and English.
    #[must_use]
    pub const fn says(self) -> (&'static str, &'static str) {
        match self {
            Self::Receiver => ("接收平台中断", "outage of the receiver"),
            Self::Region => ("区域性中断", "outage of a region"),
            Self::Contractor => ("运维单位所辖点位中断", "outage of what a contractor maintains"),
            Self::Gateway => ("网关中断", "outage of a gateway"),
        }
    }
}

/// A time in which silence says nothing about a single outlet (guard X2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// Whose.
    pub scope: OutageScope,
    /// Which region, contractor or gateway; empty: the receiver.
    pub name: String,
    /// When the first fell silent.
    pub from: Moment,
    /// When enough of them were back; none: it goes on.
    pub to: Option<Moment>,
    /// Outlets that fell silent together, and of how many.
    pub silent: (u32, u32),
}

impl Outage {
    /// Whether it touches `[from, to)`.
    #[must_use]
    pub fn touches(&self, from: Moment, to: Moment) -> bool {
        self.from < to && self.to.is_none_or(|end| from < end)
    }
}

/// What a survey found (断链核查): the outages that stand. An entry of the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// Outages of regions and gateways that go on.
    pub outages: Vec<Outage>,
}
