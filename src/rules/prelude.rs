//! The words that rules are written in.

pub(super) use super::Runs;
pub(super) use super::carry::Streak;
pub(super) use super::course::*;
pub(super) use super::j_02::compare_with;
pub(super) use super::profile::{Hourly, Profile, Records, SeriesProfile, Window, millionths, of_millionths};
pub(super) use super::rule::{Guard, Refer, Rule, Run, TimeBase, given, ours};
pub(super) use super::statistics::*;
pub(super) use super::tools::*;
pub(super) use super::view::{AMBIENT, DayView, Hits, SeriesView, decimal, raw_mean};
pub(super) use crate::aggregation::{Fate, SLOTS};
pub(super) use crate::domain::number::{self, Ratio};
pub(super) use crate::domain::time::{DAY_MS, Day, HOUR_MS, Hour, MINUTE_MS, Moment};
pub(super) use crate::domain::{
    Basis, CaseKind, Confidence, FactKind, FactorCode, Grade, HourClass, Kind, Neighbour, Origin, RuleId, Severity, Sight,
};
pub(super) use crate::protocol::marker::Marker;
pub(super) use rust_decimal::Decimal;
pub(super) use serde_json::json;
