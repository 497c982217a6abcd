//! What rules need to know of an hour's records once the records are gone: runs, extremes, order, versions. Facts without
//! thresholds, so that a rule set that changes its figures can be applied to stored cells.

use super::shape::Shape;
use crate::domain::number::exact;
use crate::domain::time::Hour;
use crate::domain::{Order, Record};
use crate::protocol::marker::Marker;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Seconds that the hottest part of an hour must last to count (rule G-06: ten minutes).
const HOT_SECS: u32 = 600;

/// An instant of a record as a rule sees it: what it said, under which mark it counts, for how many seconds it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sighting<'r> {
    pub(super) record: &'r Record,
    pub(super) marker: Marker,
    /// Second of the hour at which it begins.
    pub(super) second: u16,
    /// Seconds for which it stands.
    pub(super) secs: u32,
}

/// What was seen in an hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Seen {
    /// Minutes for which minute records came.
    pub minutes: u32,
    /// The value that stood longest as printed, under a normal mark, and its seconds.
    #[serde(with = "exact")]
    pub plateau: Option<(Decimal, u32)>,
    /// Seconds of the longest run at the hour's largest value.
    pub top_secs: u32,
    /// For ten minutes the value (converted, where the logger sends that) was at least this.
    #[serde(with = "exact")]
    pub hot: Option<Decimal>,
    /// Smallest value under a normal mark, before anything is left out.
    #[serde(with = "exact")]
    pub low: Option<Decimal>,
    /// Largest one.
    #[serde(with = "exact")]
    pub high: Option<Decimal>,
    /// Seconds of normal values at or below one percent of the range, zero and negatives counted.
    pub near_zero_secs: u32,
    /// Median of arrival less QN, of records that came as their period ended; seconds.
    pub clock_secs: Option<i32>,
    /// Records behind that median.
    pub clock_records: u32,
    /// The course of the hour, where records of five minutes or less came.
    pub shape: Option<Box<Shape>>,
    /// What is rare.
    pub odd: Option<Box<Odd>>,
}

/// What is rarely seen in an hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Odd {
    /// Seconds of negative values under a normal mark.
    pub negative_secs: u32,
    /// Seconds of values above the range under a normal mark.
    pub over_secs: u32,
    /// Records whose mean does not lie between their extremes, the hour's own included.
    pub wrong_order: u32,
    /// Records whose three figures are one.
    pub flat: u32,
    /// Seconds of records that were sent under another mark than the normal one.
    pub sent_abnormal_secs: u32,
    /// Seconds of records that were sent as back-fill, or arrived so late that they count as one.
    pub refilled_secs: u32,
    /// Smallest value under the calibration mark.
    #[serde(with = "exact")]
    pub calibration_low: Option<Decimal>,
    /// Largest one.
    #[serde(with = "exact")]
    pub calibration_high: Option<Decimal>,
    /// Blocks of calibration that begin in the hour, one that comes over from the hour before included.
    pub calibrations: u32,
    /// The hour begins in a calibration.
    pub calibrates_first: bool,
    /// … and ends in one.
    pub calibrates_last: bool,
    /// Smallest value under the mark of over-range.
    #[serde(with = "exact")]
    pub over_mark_low: Option<Decimal>,
    /// Longest row of packets that came later after each other than their interval and a half.
    pub stretched: u32,
    /// How often packets of the hour changed from one address to another and back.
    pub peer_returns: u32,
    /// Later versions of a record.
    pub versions: Versions,
}

/// Later versions of records that said something else (rules A-11, E-11, H-03, H-04).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Versions {
    /// Other values, sent as live data.
    pub live: u32,
    /// Other values, sent as back-fill: marked so, or more than two hours late.
    pub refilled: u32,
    /// The first such change: before and after.
    #[serde(with = "exact")]
    pub example: Option<(Decimal, Decimal)>,
    /// From a normal mark to another one.
    pub remarked: u32,
    /// Seconds after the end of the hour at which the latest of these arrived.
    pub remarked_secs: i32,
    /// Records sent again, not as back-fill, with a QN that lies before the known one by more than a minute.
    pub turned_back: u32,
}

impl Versions {
    /// Notes that `new` arrived for the period of `known`. `start` is the second of the hour at which it begins.
    pub(super) fn note(&mut self, known: &Record, new: &Record, start: u16) {
        if new.from.sequence <= known.from.sequence || new.from.rank != known.from.rank {
            return;
        }
        let late = new.refill || new.delay_secs > REFILL_SECS;
        if let (Some(before), Some(after)) = (known.measured.or(known.converted), new.measured.or(new.converted)) {
            let unit = Decimal::new(1, before.scale().min(after.scale()));
            if (before - after).abs() > unit {
                if late {
                    self.refilled += 1;
                } else {
                    self.live += 1;
                }
                self.example.get_or_insert((before, after));
            }
        }
        let normal = |marker| matches!(marker, Marker::NORMAL);
        if normal(known.marker) && !normal(new.marker) && new.marker != Marker::ABSENT {
            self.remarked += 1;
            self.remarked_secs = self.remarked_secs.max(i32::from(start) + new.delay_secs - 3600);
        }
        if !new.refill && known.from.qn > 0 && new.from.qn > 0 && new.from.qn + 60_000 < known.from.qn {
            self.turned_back += 1;
        }
    }
}

/// A record that arrives so much later than its period is a back-fill, marked or not (rule A-10).
const REFILL_SECS: i32 = 2 * 3600 + 3600;

/// Looks at an hour's records, which come in the order of their periods.
pub(super) fn look(
    sightings: &[Sighting<'_>],
    hour: Hour,
    reported: Option<&Record>,
    versions: Versions,
    range: Option<Decimal>,
    converts: bool,
) -> Seen {
    let mut seen = Seen::default();
    let wrong_order = u32::from(reported.is_some_and(|reported| reported.order == Order::Wrong));
    let mut odd = Odd { versions, wrong_order, ..Odd::default() };
    let mut hot: Vec<(Decimal, u32)> = Vec::with_capacity(sightings.len());
    let near_zero = range.map(|range| range * Decimal::new(1, 2));
    let (mut run, mut calibrating): (Option<(Decimal, u32)>, bool) = (None, false);
    for Sighting { record, marker, secs, .. } in sightings.iter().copied() {
        match record.order {
            Order::Wrong => odd.wrong_order += 1,
            Order::Flat => odd.flat += 1,
            Order::Ascending | Order::Unsaid => {}
        }
        odd.sent_abnormal_secs += if matches!(record.marker, Marker::NORMAL | Marker::ABSENT) { 0 } else { secs };
        odd.refilled_secs += if record.refill || record.delay_secs > REFILL_SECS { secs } else { 0 };
        let value = record.measured.or(record.converted);
        let calibrates = marker == Marker::CALIBRATION;
        if calibrates {
            odd.calibrations += u32::from(!calibrating);
            if let Some(value) = value {
                odd.calibration_low = Some(odd.calibration_low.map_or(value, |low| low.min(value)));
                odd.calibration_high = Some(odd.calibration_high.map_or(value, |high| high.max(value)));
            }
        }
        calibrating = calibrates;
        let Some(value) = value else { continue };
        if marker == Marker::OVER_RANGE {
            odd.over_mark_low = Some(odd.over_mark_low.map_or(value, |low| low.min(value)));
        }
        if !matches!(marker, Marker::NORMAL | Marker::ABSENT) {
            run = None;
            continue;
        }
        seen.low = Some(seen.low.map_or(value, |low| low.min(value)));
        odd.negative_secs += if value.is_sign_negative() && !value.is_zero() { secs } else { 0 };
        odd.over_secs += if range.is_some_and(|range| value > range) { secs } else { 0 };
        seen.near_zero_secs += if near_zero.is_some_and(|edge| value.abs() <= edge) { secs } else { 0 };
        let same = |other: Decimal| other == value && other.scale() == value.scale();
        let length = run.filter(|(known, _)| same(*known)).map_or(0, |(_, length)| length) + secs;
        run = Some((value, length));
        if seen.plateau.is_none_or(|(_, longest)| length > longest) {
            seen.plateau = Some((value, length));
        }
        match seen.high {
            Some(high) if value < high => {}
            Some(high) if value == high => seen.top_secs = seen.top_secs.max(length),
            _ => (seen.high, seen.top_secs) = (Some(value), length),
        }
        if let Some(value) = if converts { record.converted } else { Some(value) } {
            hot.push((value, secs));
        }
    }
    if let (Some(first), Some(last)) = (sightings.first(), sightings.last()) {
        odd.calibrates_first = first.marker == Marker::CALIBRATION && first.second == 0;
        odd.calibrates_last = last.marker == Marker::CALIBRATION && u32::from(last.second) + last.secs >= 3600;
    }
    seen.hot = hottest(hot);
    by_arrival(sightings, &mut odd);
    let offsets = clock_offsets(sightings, hour);
    seen.clock_records = offsets.len() as u32;
    seen.clock_secs = median(offsets);
    if odd != Odd::default() {
        seen.odd = Some(Box::new(odd));
    }
    seen
}

/// The value at or above which the hour's highest ten minutes lie.
fn hottest(mut values: Vec<(Decimal, u32)>) -> Option<Decimal> {
    values.sort_by_key(|(value, _)| std::cmp::Reverse(*value));
    let mut secs = 0;
    values.into_iter().find_map(|(value, length)| {
        secs += length;
        (secs >= HOT_SECS).then_some(value)
    })
}

/// Arrival less QN, seconds, of what came as live data.
fn clock_offsets(sightings: &[Sighting<'_>], hour: Hour) -> Vec<i64> {
    let live = sightings.iter().filter(|one| !one.record.refill && one.record.delay_secs < REFILL_SECS && one.record.from.qn > 0);
    let offset = |one: &Sighting<'_>| {
        let arrived = hour.start().0 / 1000 + i64::from(one.second) + i64::from(one.record.delay_secs);
        arrived - one.record.from.qn.div_euclid(1000)
    };
    live.map(offset).collect()
}

fn median(mut values: Vec<i64>) -> Option<i32> {
    values.sort_unstable();
    values.get(values.len() / 2).and_then(|middle| i32::try_from(*middle).ok())
}

/// What shows in the order of arrival: intervals, addresses.
fn by_arrival(sightings: &[Sighting<'_>], odd: &mut Odd) {
    if sightings.len() < 3 {
        return;
    }
    // A standby logger has an address of its own.
    let rank = sightings.iter().map(|one| one.record.from.rank).max().unwrap_or_default();
    let mut arrivals: Vec<(u64, i64, u32, u32)> = sightings
        .iter()
        .filter(|one| one.record.from.rank == rank)
        .map(|one| (one.record.from.sequence, i64::from(one.second) + i64::from(one.record.delay_secs), one.secs, one.record.peer))
        .collect();
    arrivals.sort_unstable();
    let mut row = 0;
    let mut homes: Vec<u32> = Vec::new();
    for pair in arrivals.windows(2) {
        let [(_, before, ..), (_, after, secs, _)] = [pair[0], pair[1]];
        row = if (after - before) * 2 > i64::from(secs) * 3 { row + 1 } else { 0 };
        odd.stretched = odd.stretched.max(row);
    }
    for (.., peer) in arrivals.iter().filter(|(.., peer)| *peer != 0) {
        if homes.last() == Some(peer) {
            continue;
        }
        odd.peer_returns += u32::from(homes.contains(peer));
        homes.push(*peer);
    }
    // A row shorter than a rule could want is no news.
    if odd.stretched < 3 {
        odd.stretched = 0;
    }
}
