//! What came and what was valid: the rates of a month's hours, each between an edge that costs nothing and one that costs its share.

use super::{Charge, Month};
use crate::aggregation::month::{self, Hours};
use crate::domain::number::Ratio;
use crate::domain::{Declaration, FactorCode, Figure, HourClass, OutletId, RuleSet, ScoreItem, ScoreLine};
use crate::protocol::marker::Marker;
use crate::rules::is_pollutant;
use std::collections::{BTreeMap, BTreeSet};

/// Hours of one series.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SeriesHours {
    pub(super) hours: Hours,
    /// Check hours of water, one a day: they are not expected.
    checks: u32,
    /// Hours that did not come while the receiver or the region was away: they are not expected, and count nowhere.
    excused: u32,
}

/// The pollutants of an outlet and their hours.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) outlet: OutletId,
    pub(super) series: BTreeMap<FactorCode, SeriesHours>,
}

pub(super) fn tally(month: &Month<'_>, charge: &Charge<'_>) -> Tally {
    let outlet = charge.id();
    let came = charge.outlet.series.values().flatten().map(|series| series.factor);
    let factors: BTreeSet<FactorCode> = month.registry.factors(outlet).chain(came).filter(|factor| is_pollutant(*factor)).collect();
    let series = factors.into_iter().map(|factor| (factor, hours(month, charge, factor)));
    Tally { outlet, series: series.filter(|(_, known)| known.hours.all > 0).collect() }
}

fn hours(month: &Month<'_>, charge: &Charge<'_>, factor: FactorCode) -> SeriesHours {
    let mut known = SeriesHours::default();
    let excuses = month.excuses(charge.id());
    let stops: Vec<&Declaration> = month.declarations.iter().filter(|declaration| declaration.stops(charge.id())).collect();
    let checked = month.set.water_check_factors.value.iter().any(|code| code == factor.as_str());
    for day in &charge.days {
        let series = charge.outlet.series.get(day).and_then(|all| all.iter().find(|series| series.factor == factor));
        let mut check_left = checked;
        for of_day in 0..24u8 {
            let hour = day.hour(of_day);
            let own = series.is_some_and(|series| series.cells[usize::from(of_day)].is_some());
            let due = hour.start() >= month.began && month.is_closed(hour) && month.is_registered(charge.id(), factor, hour.start());
            if !own && !due {
                continue;
            }
            let by = series.map_or(of_day, |series| series.standing(of_day));
            let class = series.map_or(HourClass::Missing, |series| series.class(by));
            if class == HourClass::Missing && excuses.iter().any(|outage| outage.touches(hour.start(), hour.end())) {
                known.excused += 1;
                continue;
            }
            // Who is stopped may have its instruments off (averaging §7).
            let stopped = class == HourClass::Missing && stops.iter().any(|stop| stop.covers(hour.start(), hour.end()));
            known.hours.count(if stopped { HourClass::Stop } else { class });
            let cell = series.and_then(|series| series.cells[usize::from(by)].as_ref());
            let is_check = class == HourClass::Invalid && cell.is_some_and(|cell| cell.water && cell.minutes_marked(Marker::CALIBRATION) > 0);
            if is_check && std::mem::take(&mut check_left) {
                known.checks += 1;
            }
        }
    }
    known
}

/// What a rate costs: its share, nothing of it, or a part in proportion between the two edges; and why.
fn loss(rate: &Ratio, share: &Ratio, full_pct: u32, zero_pct: u32) -> (Ratio, String, String) {
    let (full, zero) = (Ratio::whole(i64::from(full_pct)), Ratio::whole(i64::from(zero_pct)));
    if *rate >= full {
        return (Ratio::whole(0), format!("不低于{full_pct}%，不扣分"), format!("not below {full_pct} %, nothing is deducted"));
    }
    if *rate <= zero {
        return (share.clone(), format!("不高于{zero_pct}%，扣去全部份额"), format!("not above {zero_pct} %, the whole share is deducted"));
    }
    let part = full.minus(rate).divided(&full.minus(&zero)).unwrap_or_else(|| Ratio::whole(1));
    let (zh, en) =
        (format!("低于{full_pct}%，按降至{zero_pct}%的比例扣分"), format!("below {full_pct} %, deducted in proportion down to {zero_pct} %"));
    (share.times(&part), zh, en)
}

/// The share of each of so many in an item.
pub(super) fn share(marks: u32, among: usize) -> Ratio {
    let marks = Ratio::whole(i64::from(marks));
    marks.divided(&Ratio::whole(among as i64)).unwrap_or(marks)
}

/// 有效传输率, an outlet a line: over the hours of all its pollutants.
pub(super) fn transmission(set: &RuleSet, tallies: &[Tally]) -> Vec<ScoreLine> {
    let rated = |tally: &Tally| {
        let sum = |figure: fn(&SeriesHours) -> u32| tally.series.values().map(figure).sum::<u32>();
        let left_out = sum(|known| known.hours.stop + known.checks);
        let (expected, received) = (sum(|known| known.hours.all) - left_out, sum(|known| known.hours.received).saturating_sub(left_out));
        let (valid, excused) = (sum(|known| known.hours.valid), sum(|known| known.excused));
        let rate = month::transmission(expected, received, valid, set)?;
        let measured = format!(
            "传输率 transmitted {} % × 有效率 valid {} % = {} %（应收 expected {expected}，收到 received {received}，有效 valid {valid}，不计 excused {excused}）",
            rate.transmitted.shown(),
            rate.valid_of_expected.shown(),
            rate.effective.shown()
        );
        Some((tally.outlet, rate.effective, measured))
    };
    let rated: Vec<_> = tallies.iter().filter_map(rated).collect();
    let share = share(set.contractor_transmission_marks.value, rated.len());
    let edges = (&set.contractor_transmission_full_pct, &set.contractor_transmission_zero_pct);
    let line = |(outlet, rate, measured)| rate_line(ScoreItem::Transmission, (outlet, None), &rate, measured, &share, edges);
    rated.into_iter().map(line).collect()
}

/// 有效数据捕集率, a series a line.
pub(super) fn capture(set: &RuleSet, tallies: &[Tally]) -> Vec<ScoreLine> {
    let rated = |outlet: OutletId, factor: FactorCode, known: &SeriesHours| {
        let Hours { all, valid, stop, invalid, .. } = known.hours;
        let rate = month::capture_rate(all, invalid, stop)?;
        let measured = format!("捕集率 capture {} %（有效 valid {valid} / 应有 due {}，停运 stop {stop}）", rate.shown(), all - stop);
        Some((outlet, factor, rate, measured))
    };
    let series = tallies.iter().flat_map(|tally| tally.series.iter().map(|(factor, known)| (tally.outlet, *factor, known)));
    let rated: Vec<_> = series.filter_map(|(outlet, factor, known)| rated(outlet, factor, known)).collect();
    let share = share(set.contractor_capture_marks.value, rated.len());
    let edges = (&set.contractor_capture_full_pct, &set.contractor_capture_zero_pct);
    let line = |(outlet, factor, rate, measured)| rate_line(ScoreItem::Capture, (outlet, Some(factor)), &rate, measured, &share, edges);
    rated.into_iter().map(line).collect()
}

fn rate_line(
    item: ScoreItem,
    (outlet, factor): (OutletId, Option<FactorCode>),
    rate: &Ratio,
    measured: String,
    share: &Ratio,
    (full, zero): (&Figure<u32>, &Figure<u32>),
) -> ScoreLine {
    let (deduction, why_zh, why_en) = loss(rate, share, full.value, zero.value);
    let source = if deduction == *share { &zero.source } else { &full.source };
    ScoreLine { item, outlet, factor, measured, share: Some(share.clone()), deduction, why_zh, why_en, source: source.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_costs_nothing_above_and_its_share_below_the_edges_and_a_part_between() {
        let cost = |numerator: i64, denominator: i64| {
            let rate = Ratio::whole(numerator).divided(&Ratio::whole(denominator)).expect("no zero");
            loss(&rate, &Ratio::whole(10), 95, 75).0.fraction()
        };
        assert_eq!([cost(95, 1), cost(85, 1), cost(75, 1), cost(0, 1)], ["0/1", "5/1", "10/1", "10/1"]);
        assert_eq!(cost(284, 3), "1/6", "94.67 %: a third of a percent of twenty");
    }
}
