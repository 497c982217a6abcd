//! What several rules need: comparisons, words, what a day knows of its flow and its checks.

use super::carry::Streak;
use super::j_02::{Comparison, compare_with};
use super::profile::{Window, of_millionths};
use super::rule::Rule;
use super::statistics::{Row, mad, median, sums};
use super::view::{DayView, Hits, SeriesView, decimal};
use crate::aggregation::HourCell;
use crate::domain::number::{self, Ratio};
use crate::domain::time::{Day, Hour, Moment};
use crate::domain::{Basis, FactKind, FactorCode, Limit, LimitType, OtherOutlet, Severity};
use crate::protocol::marker::Marker;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// A percentage as a share.
pub(super) fn pct(percent: Decimal) -> Decimal {
    percent * Decimal::new(1, 2)
}

/// |one / other − 1|; none where the other is zero or the quotient has no end.
pub(super) fn off(one: Decimal, other: Decimal) -> Option<Decimal> {
    if other.is_zero() {
        return None;
    }
    one.checked_div(other)?.checked_sub(Decimal::ONE).map(|off| off.abs())
}

/// Another outlet's values, so many hours before (below 0: after).
pub(super) fn beside(other: &OtherOutlet, shift_h: i32) -> (String, String) {
    let hours = shift_h.unsigned_abs();
    let (zh, en) = match shift_h {
        0 => ("同一时刻的值".to_owned(), "at the same time".to_owned()),
        1.. => (format!("{hours}小时前的值"), format!("{hours} hours before")),
        _ => (format!("{hours}小时后的值"), format!("{hours} hours later")),
    };
    let name = if other.name_en.is_empty() { &other.name } else { &other.name_en };
    (format!("{}（{}）{zh}", other.name, other.id), format!("those of {name} ({}) {en}", other.id))
}

/// The facts of something that stands still.
pub(super) fn still_facts(run: Streak, value: Decimal) -> Value {
    json!({"value": value.normalize(), "hours": run.hours, "since": run.since.start().to_string()})
}

/// The words of something that stands still.
pub(super) fn still_words(run: Streak, value: Decimal) -> (String, String) {
    let value = value.normalize();
    (format!("连续{}小时均为{value}", run.hours), format!("{value} for {} hours", run.hours))
}

/// A series' hour over a limit row.
pub(super) fn over(view: &DayView<'_>, series: &SeriesView<'_>, hour: u8, limit: &Limit) -> Option<(Ratio, Comparison)> {
    // Only what lies near the limit or above it is compared exactly.
    let about = if limit.converted { series.converted(hour) } else { series.value(hour) }?;
    let text = view.figure_of(limit, Some(hour));
    let figure = number::parse(text).ok()?;
    if limit.limit_type == LimitType::Max && about + Decimal::new(1, 4) < figure {
        return None;
    }
    let value = series.judged(hour, limit)?;
    let comparison = compare_with(&value, limit.limit_type, text);
    comparison.exceeds.then_some((value, comparison))
}

/// Fires a rule for every hourly mean over a limit of the hour: `severity` says how grave one is, or that it is none of the rule's.
pub(super) fn fire_over(view: &DayView<'_>, rule: &Rule, hour: u8, hits: &mut Hits, severity: impl Fn(FactorCode, &Comparison) -> Option<Severity>) {
    for series in &view.series {
        for limit in view.limits(series.factor(), Basis::Hour) {
            let Some((value, comparison)) = over(view, series, hour, limit) else { continue };
            let Some(severity) = severity(series.factor(), &comparison) else { continue };
            let (facts, words) = (over_facts(&value, limit, &comparison), over_words(&value, limit, &comparison));
            hits.fire(view, rule, series.factor(), Some(hour), severity, facts, words);
        }
    }
}

pub(super) fn over_facts(value: &Ratio, limit: &Limit, comparison: &Comparison) -> Value {
    json!({
        "value": value.shown(),
        "limit": super::limit_body(limit, &limit.limit, None),
        "multiple": comparison.multiple.as_ref().map(Ratio::shown),
        "marginal": comparison.marginal,
    })
}

fn over_words(value: &Ratio, limit: &Limit, comparison: &Comparison) -> (String, String) {
    let marginal = if comparison.marginal { ("（临界）", " (marginal once rounded)") } else { ("", "") };
    (
        format!("小时均值{}，超过{}小时限值{}{}{}", value.shown(), limit.standard, limit.limit, limit.unit, marginal.0),
        format!("an hourly mean of {}, above the limit of {} {} of {}{}", value.shown(), limit.limit, limit.unit, limit.standard, marginal.1),
    )
}

/// The hour's volume, what velocity and area make of it in the actual state, and in the standard states that can be computed.
pub(super) fn flow_states(view: &DayView<'_>, hour: u8, area: Decimal) -> Option<(Decimal, Decimal, Vec<Decimal>)> {
    let value = |code: &str| view.of(code).and_then(|series| series.value(hour));
    let flow = view.outlet.flow_factor.and_then(|factor| view.of_factor(factor))?;
    let volume = flow.day.volume(hour).and_then(decimal).filter(|volume| *volume > Decimal::ZERO)?;
    let velocity = value("a01011").filter(|velocity| *velocity > Decimal::ONE)?;
    let actual = velocity.checked_mul(area)?.checked_mul(Decimal::from(3600))?;
    let mut states = Vec::new();
    if let Some(temperature) = value("a01012") {
        let kelvin = temperature + Decimal::from(273);
        // 静压 in kPa; without it the flue is taken to be at the pressure of the air.
        let pressure = Decimal::ONE + value("a01013").unwrap_or_default().checked_div(Decimal::new(101_325, 3))?;
        let wet = actual.checked_mul(Decimal::from(273))?.checked_div(kelvin)?.checked_mul(pressure)?;
        states.push(wet);
        if let Some(moisture) = value("a01014") {
            states.push(wet.checked_mul(Decimal::ONE - pct(moisture))?);
        }
    }
    Some((volume, actual, states))
}

/// Whether the hour has what brings a flow to its standard state.
pub(super) fn has_state(view: &DayView<'_>, hour: u8) -> bool {
    ["a01012", "a01014"].iter().all(|code| view.of(code).is_some_and(|series| series.value(hour).is_some()))
}

/// The duct area that flow and velocity imply, in the state that comes nearest to a known one.
pub(super) fn implied_area(view: &DayView<'_>, hour: u8, known: Decimal) -> Option<Decimal> {
    let (volume, actual, states) = flow_states(view, hour, Decimal::ONE)?;
    let areas = std::iter::once(actual).chain(states).filter_map(|own| volume.checked_div(own));
    areas.min_by_key(|area| (*area - known).abs())
}

/// The velocity's (or flow's) share of its median of the month before.
pub(super) fn flow_share(view: &DayView<'_>, hour: u8) -> Option<Decimal> {
    let (factor, median) = median_of_flow(view)?;
    view.of_factor(factor)?.value(hour)?.checked_div(median)
}

/// The series by which flow is known, and its median of the month before.
pub(super) fn median_of_flow(view: &DayView<'_>) -> Option<(FactorCode, Decimal)> {
    let known = |factor: FactorCode| Some((factor, view.prior.median(factor).filter(|median| *median > Decimal::ZERO)?));
    known(FactorCode::known("a01011")).or_else(|| known(FactorCode::known("a00000")))
}

/// Minutes by mark, for the facts of a finding.
pub(super) fn marks_of(cell: &HourCell) -> Value {
    cell.marked.iter().map(|(marker, minutes)| (marker.text().to_owned(), json!(minutes))).collect::<serde_json::Map<_, _>>().into()
}

/// The series with most minutes under a mark in an hour, where that is most of the hour.
pub(super) fn longest_mark(view: &DayView<'_>, hour: u8, marker: Marker) -> Option<(FactorCode, u32)> {
    let least = view.set.hour_minutes_min.value;
    let marked = view.series.iter().map(|series| (series.factor(), series.marked(hour, marker)));
    marked.max_by_key(|(_, minutes)| *minutes).filter(|(_, minutes)| *minutes >= least)
}

/// One automatic standard check (CN 2062).
pub(super) struct StandardCheck<'f> {
    pub(super) factor: FactorCode,
    pub(super) measured: &'f str,
    pub(super) nominal: &'f str,
    pub(super) deviation: Option<Decimal>,
    pub(super) passed: bool,
    pub(super) failed: bool,
}

/// The day's checks.
pub(super) fn checks<'v>(view: &DayView<'v>) -> Vec<(Moment, StandardCheck<'v>)> {
    let facts: &'v [crate::domain::Fact] = view.facts;
    let read = |fact: &'v crate::domain::Fact| {
        let FactKind::Check { factor, measured, nominal, result } = &fact.kind else { return None };
        let values = (number::parse(measured).ok(), number::parse(nominal).ok());
        let deviation = if let (Some(measured), Some(nominal)) = values { off(measured, nominal) } else { None };
        let check = StandardCheck { factor: *factor, measured, nominal, deviation, passed: result == "1", failed: result == "0" };
        Some((fact.at, check))
    };
    facts.iter().filter_map(read).collect()
}

/// The place of a parameter among those that are remembered.
pub(super) fn parameter_key(factor: Option<FactorCode>, id: &str) -> String {
    factor.map_or_else(|| id.to_owned(), |factor| format!("{factor} {id}"))
}

/// Whether a code of Annex B.10 is a constant of an instrument, which nobody changes without a reason; the others are readings,
/// states, clocks and logs.
pub(super) fn is_constant(id: &str) -> bool {
    const CONSTANTS: [&str; 6] = ["i13001", "i13004", "i13005", "i13007", "i13008", "i13009"];
    CONSTANTS.contains(&id.to_ascii_lowercase().as_str())
}

/// In the place of a parameter's id: the instrument's serial number.
pub(super) const SERIAL: &str = "serial";

/// Whether two texts are the same number, or the same text.
pub(super) fn same_number(one: &str, other: &str) -> bool {
    one == other || number::parse(one).ok().is_some_and(|one| number::parse(other).is_ok_and(|other| one == other))
}

/// Whether a day is the last of its month.
pub(super) fn is_month_end(day: Day) -> bool {
    day.next().to_string().ends_with("-01")
}

/// Whether a day is the last of its quarter.
pub(super) fn is_quarter_end(day: Day) -> bool {
    let next = day.next().to_string();
    ["-01-01", "-04-01", "-07-01", "-10-01"].iter().any(|first| next.ends_with(first))
}

/// The printed resolution of a series is one percent of a level or coarser (guard X5), by the day's last hour that knows it.
pub(super) fn is_coarse_over(view: &DayView<'_>, series: &SeriesView<'_>, level: Decimal) -> bool {
    let known = (0..view.closed).rev().find(|hour| series.cell(*hour).is_some_and(|cell| cell.valid_minutes > 0));
    known.is_some_and(|hour| series.is_coarse(hour, level))
}

/// How long a row of hours is, where an hour goes on with it.
pub(super) fn follows(last: Option<Hour>, hour: Hour, row: u32) -> u32 {
    if last.is_some_and(|last| last.0 + 1 == hour.0) { row } else { 0 }
}

/// Whether a row that an hour is part of is a hit of the day with this first hour: when it is long enough, and where it goes on over midnight.
pub(super) fn is_due(hour: Hour, row: u32, need: u32, first: Hour) -> bool {
    hour >= first && (row == need || (row > need && hour == first))
}

/// The smallest and the largest value of the calibration that ends in an hour, of all hours of the day over which it reaches.
pub(super) fn calibration(series: &SeriesView<'_>, hour: u8) -> Option<(Decimal, Decimal)> {
    let odd = series.odd(hour).filter(|odd| odd.calibrations > 0 && !odd.calibrates_last)?;
    let (mut low, mut high, mut at, mut first) = (odd.calibration_low, odd.calibration_high, hour, odd.calibrates_first);
    while let Some((before, odd)) =
        at.checked_sub(1).filter(|_| first).and_then(|before| Some((before, series.odd(before)?))).filter(|(_, odd)| odd.calibrates_last)
    {
        low = low.into_iter().chain(odd.calibration_low).min();
        high = high.into_iter().chain(odd.calibration_high).max();
        (at, first) = (before, odd.calibrates_first);
    }
    low.zip(high)
}

/// The mean of decimals.
pub(super) fn average(values: &[Decimal]) -> Option<Decimal> {
    values.iter().sum::<Decimal>().checked_div(Decimal::from(values.len()))
}

/// The square of the coefficient of variation, the lag-1 autocorrelation, the number and the mean of the records of a day's running
/// hours under a normal mark.
pub(super) fn day_memory(view: &DayView<'_>, series: &SeriesView<'_>) -> Option<(Decimal, Decimal, u32, Decimal)> {
    let running = (0..view.closed).filter(|hour| view.is_running(*hour) == Some(true));
    let hours: Vec<crate::aggregation::Sums> = running.filter_map(|hour| series.shape(hour)?.sums).collect();
    let decimals = u32::from(hours.iter().map(|sums| sums.decimals).max()?);
    let mut row = Row::default();
    for sums in &hours {
        let unit = 10i128.checked_pow(decimals - u32::from(sums.decimals))?;
        row.count += i128::from(sums.count);
        row.sum += i128::from(sums.sum) * unit;
        row.squares = row.squares.checked_add(i128::from(sums.squares).checked_mul(unit * unit)?)?;
        row.pairs += i128::from(sums.pairs);
        row.firsts += i128::from(sums.firsts) * unit;
        row.seconds += i128::from(sums.seconds) * unit;
        row.products = row.products.checked_add(i128::from(sums.products).checked_mul(unit * unit)?)?;
    }
    let (lag, variation) = super::statistics::memory(&row)?;
    let count = u32::try_from(row.count).ok()?;
    let mean = Decimal::try_from_i128_with_scale(row.sum, decimals).ok()?.checked_div(Decimal::from(count))?;
    Some((variation, lag, count, mean))
}

/// How the median absolute deviation of normal values goes into their standard deviation.
pub(super) const MAD_SIGMA: Decimal = Decimal::from_parts(14_826, 0, 0, false, 4);
/// 99 % of normal values lie above this many standard errors below their mean (one side).
pub(super) const Z_99: Decimal = Decimal::from_parts(2_326, 0, 0, false, 3);

/// Means of days of the distance of a series' hours from the median of their hour of the day, and how these means usually vary: by the
/// days before this one.
pub(super) fn residuals(view: &DayView<'_>, window: &Window<'_>, rule: &Rule, factor: FactorCode) -> Option<(Vec<(Day, Decimal)>, Decimal)> {
    let days = view.count(rule, "w_d", factor) + 1;
    let mut by_hour: [Vec<i64>; 24] = Default::default();
    for (_, profile, series) in window.series(factor, days).filter(|(day, ..)| *day < view.day) {
        for (hour, value) in series.measured.iter(profile.running) {
            by_hour[usize::from(hour)].push(value);
        }
    }
    let medians = by_hour.map(|values| median(&values));
    let residuals: Vec<(Day, i64)> = window
        .series(factor, days)
        .filter_map(|(day, profile, series)| {
            let of = |(hour, value): (u8, i64)| Some(value - medians[usize::from(hour)]?);
            let (count, sum, _) = sums(series.measured.iter(profile.running).filter_map(of));
            (count >= 6).then(|| i64::try_from(sum / count).ok().map(|mean| (day, mean))).flatten()
        })
        .collect();
    let before: Vec<i64> = residuals.iter().filter(|(day, _)| *day < view.day).map(|(_, value)| *value).collect();
    if (before.len() as u32) < view.count(rule, "min_days", factor) || residuals.last()?.0 != view.day {
        return None;
    }
    let (_, spread) = mad(&before).filter(|(_, spread)| *spread > 0)?;
    let residuals = residuals.into_iter().map(|(day, value)| (day, of_millionths(value))).collect();
    Some((residuals, of_millionths(spread) * MAD_SIGMA))
}
