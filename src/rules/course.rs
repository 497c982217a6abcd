//! The course of a day in slots of five minutes: what rules of shape look at. A record of more than five minutes has no course. It ends at
//! midnight: a fall, or a value near the limit, is not seen where what follows on it lies in the next day.

use super::view::{DayView, SeriesView};
use crate::aggregation::SLOTS;
use crate::domain::{Basis, Origin};
use rust_decimal::Decimal;

/// Minutes of a slot.
pub(super) const SLOT_MIN: u32 = 5;
/// Slots of ten minutes: what counts as a gap.
pub(super) const GAP_SLOTS: usize = 2;

/// What came in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// Something.
    Came,
    /// Nothing, and something was due.
    Nothing,
    /// Nothing is due: the outlet stands, or the receiver or the region was away.
    Excused,
}

/// Slots that minutes make, at least one.
pub(super) fn slots_of(minutes: u32) -> usize {
    minutes.div_ceil(SLOT_MIN).max(1) as usize
}

/// The hour and the minute of a slot of the day.
pub(super) fn time_of(slot: usize) -> (u8, u8) {
    ((slot / usize::from(SLOTS)) as u8, (slot % usize::from(SLOTS)) as u8 * SLOT_MIN as u8)
}

/// `05:35`.
pub(super) fn clock_of(slot: usize) -> String {
    let (hour, minute) = time_of(slot);
    format!("{hour:02}:{minute:02}")
}

/// What came in each slot of the day: of one series, or of any.
pub(super) fn slots(view: &DayView<'_>, of: Option<&SeriesView<'_>>) -> Vec<Slot> {
    let mut slots = Vec::with_capacity(24 * usize::from(SLOTS));
    for hour in 0..24u8 {
        let excused = view.is_away(hour) || view.stopped >> hour & 1 == 1 || view.is_running(hour) == Some(false);
        let came = |series: &SeriesView<'_>| match (series.cell(hour), series.shape(hour)) {
            (Some(_), Some(shape)) => shape.present | shape.claimed,
            // Records of an hour, or longer than a slot, stand for all of it.
            (Some(cell), None) if cell.origin != Origin::Nothing => u16::MAX,
            _ => 0,
        };
        let present = match of {
            Some(series) => came(series),
            None => view.series.iter().map(came).fold(0, |all, one| all | one),
        };
        slots.extend((0..SLOTS).map(|slot| match (present >> slot & 1 == 1, excused) {
            (true, _) => Slot::Came,
            (false, true) => Slot::Excused,
            (false, false) => Slot::Nothing,
        }));
    }
    slots
}

/// Gaps of so many slots or more: the first slot and the length. One with which the day begins may have begun the day before.
pub(super) fn gaps(slots: &[Slot], least: usize) -> Vec<(usize, usize)> {
    let mut gaps = Vec::new();
    let mut place = 0;
    while place < slots.len() {
        let length = slots[place..].iter().take_while(|slot| **slot == Slot::Nothing).count();
        if length >= least {
            gaps.push((place, length));
        }
        place += length.max(1);
    }
    gaps
}

/// The five-minute means of a series under a normal mark, in thousandths; none where there is none.
pub(super) fn course(series: &SeriesView<'_>) -> Vec<Option<i64>> {
    every(series, |shape, slot| shape.normal_mean(slot))
}

fn every(series: &SeriesView<'_>, value: impl Fn(&crate::aggregation::Shape, u8) -> Option<Decimal>) -> Vec<Option<i64>> {
    let hour = |hour: u8| {
        let shape = series.shape(hour);
        (0..SLOTS).map(|slot| thousandths(value(shape?, slot)?)).collect::<Vec<_>>()
    };
    (0..24u8).flat_map(hour).collect()
}

fn thousandths(mut value: Decimal) -> Option<i64> {
    value.rescale(3);
    i64::try_from(value.mantissa()).ok()
}

/// The course that a limit judges, whatever its mark, and the limit, both in thousandths: the lowest, of the hour or of the day;
/// converted by the oxygen of the slot, where that is under a normal mark, if the limit wants it.
pub(super) fn judged_course(view: &DayView<'_>, series: &SeriesView<'_>) -> Option<(Vec<Option<i64>>, i64)> {
    let rows = [Basis::Hour, Basis::Day].into_iter().filter_map(|basis| view.lowest(series.factor(), basis));
    let (limit, row) = rows.min_by_key(|(limit, _)| *limit)?;
    let limit = thousandths(limit)?;
    let measured = every(series, |shape, slot| shape.mean(slot));
    if !row.converted || !series.day.converts {
        return Some((measured, limit));
    }
    let reference = view.outlet.reference_oxygen?;
    let (oxidant, most) = (thousandths(view.outlet.oxidant_oxygen)?, thousandths(view.set.oxygen_low_confidence_pct.value)?);
    let span = oxidant - thousandths(reference)?;
    let oxygen = every(view.oxygen()?, |shape, slot| shape.normal_mean(slot));
    let converted = measured.iter().zip(oxygen).map(|(value, oxygen)| {
        let oxygen = oxygen.filter(|oxygen| *oxygen < most && *oxygen < oxidant)?;
        i64::try_from(i128::from((*value)?) * i128::from(span) / i128::from(oxidant - oxygen)).ok()
    });
    Some((converted.collect(), limit))
}

/// Whether a slot of a series lies under maintenance, calibration or fault.
pub(super) fn is_claimed(series: &SeriesView<'_>, slot: usize) -> bool {
    let (hour, _) = time_of(slot);
    series.shape(hour).is_some_and(|shape| shape.claimed >> (slot % usize::from(SLOTS)) & 1 == 1)
}

/// The mean of the values that are there.
pub(super) fn mean(values: &[Option<i64>]) -> Option<i64> {
    let (sum, count) = values.iter().flatten().fold((0i128, 0i128), |(sum, count), value| (sum + i128::from(*value), count + 1));
    (count > 0).then(|| i64::try_from(sum / count).ok()).flatten()
}

/// Whether two values differ by a share of the first, in thousandths, at most.
pub(super) fn is_within(one: i64, other: i64, thousandths: i64) -> bool {
    i128::from(one - other).abs() * 1000 <= i128::from(one).abs() * i128::from(thousandths)
}

/// Whether a value has fallen to a share of the one before, in thousandths, or below.
pub(super) fn has_fallen(from: i64, to: i64, left_thousandths: i64) -> bool {
    from > 0 && i128::from(to) * 1000 <= i128::from(from) * i128::from(left_thousandths)
}

/// A percentage as thousandths of the whole.
pub(super) fn per_mille(percent: Decimal) -> i64 {
    thousandths(percent / Decimal::from(100)).unwrap_or(i64::MAX)
}

/// A figure in thousandths.
pub(super) fn milli(figure: Decimal) -> i64 {
    thousandths(figure.round_dp(3)).unwrap_or(i64::MAX)
}

/// The series by which the flow is told: velocity, flow of gas, flow of water.
pub(super) fn flow_of<'a>(view: &'a DayView<'_>) -> Option<&'a SeriesView<'a>> {
    ["a01011", "a00000", "w00000"].into_iter().find_map(|code| view.of(code))
}

/// A gas that the sampling line carries.
pub(super) struct Gas {
    course: Vec<Option<i64>>,
    /// At so much, in thousandths, and below a fall says nothing (guard X4).
    low: i64,
}

/// The gases that one sampling line carries: SO2 and NOx, those that are measured.
pub(super) fn gases(view: &DayView<'_>) -> Vec<Gas> {
    let gas = |series: &SeriesView<'_>| Gas { course: course(series), low: view.low(series).and_then(thousandths).unwrap_or(i64::MIN) };
    ["a21026", "a21002"].into_iter().filter_map(|code| view.of(code).map(gas)).collect()
}

/// Whether every gas does something, and one of them stands high enough at a slot to say something by it.
pub(super) fn all_do(gases: &[Gas], at: usize, does: impl Fn(&[Option<i64>]) -> bool) -> bool {
    gases.iter().all(|gas| does(&gas.course)) && gases.iter().any(|gas| gas.course[at].is_some_and(|value| value > gas.low))
}

/// Temperature and flow of the flue at two slots, or none where the outlet measures neither: they stayed within a share of what they were.
pub(super) fn flue_stays(view: &DayView<'_>, before: usize, after: usize, thousandths: i64) -> Option<bool> {
    let known: Vec<bool> = [view.of("a01012"), flow_of(view)]
        .into_iter()
        .flatten()
        .filter_map(|series| {
            let course = course(series);
            Some(is_within(course[before]?, course[after]?, thousandths))
        })
        .collect();
    (!known.is_empty()).then(|| known.iter().all(|stays| *stays))
}

/// The course of a factor.
pub(super) fn course_of(view: &DayView<'_>, code: &str) -> Option<Vec<Option<i64>>> {
    view.of(code).map(course)
}

/// Whether the outlet runs steadily in the hours of both slots (guards X1 and X3).
pub(super) fn is_steady(view: &DayView<'_>, first: usize, last: usize) -> bool {
    (time_of(first).0..=time_of(last).0).all(|hour| view.is_steady(hour))
}
