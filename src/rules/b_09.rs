//! B-09 削顶/平顶: the top is cut off at the end of the range.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("B-09"),
    title: ("削顶/平顶", "Clipped at the top"),
    inputs: &["minute: concentration", "range or T flag"],
    condition: "value >= f*max(seen in 30 d, on >= seen_d days) and identical to printed precision for >= n minutes and >= records, or >= n minutes at >= g*range",
    figures: &[ours("f", 999, 3), ours("n_min", 10, 0), ours("g", 98, 2), ours("seen_d", 7, 0), ours("records", 3, 0)],
    window: "10 min",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Running, Guard::Settled, Guard::LowLevel, Guard::Resolution],
    time: TimeBase::Event,
    source: "rule catalogue (flat top near limit or range); figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// The largest value stands for minutes at the end of the range, or at the largest value of the month before. A water analyser holds its
/// value through its cycle: gas only.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let days = |series: &SeriesView<'_>| view.count(&RULE, "seen_d", series.factor()) as usize;
    for series in view.pollutants().filter(|_| view.is_gas() && view.is_steady(hour)) {
        let Some(seen) = series.cell(hour).filter(|cell| cell.origin == Origin::Minutes).map(|cell| &cell.seen) else { continue };
        let Some(high) = seen.high.filter(|high| !series.is_coarse(hour, *high)) else { continue };
        let near_range = series.range().is_some_and(|range| high >= range * view.figure(&RULE, "g", series.factor()));
        let before = view.prior.highest.get(&series.factor()).filter(|highest| highest.len() >= days(series));
        let highest = before.and_then(|highest| highest.iter().max().copied());
        let at_top = highest.is_some_and(|highest| high >= highest * view.figure(&RULE, "f", series.factor()));
        // Below the range a few records that are the same prove little, whatever their length.
        let records = seen.top_secs / 60 / u32::from(view.outlet.minute_interval.max(1));
        let at_top = at_top && records >= view.count(&RULE, "records", series.factor());
        let long = Decimal::from(seen.top_secs) >= view.figure(&RULE, "n_min", series.factor()) * Decimal::from(60);
        if (near_range || at_top) && long {
            let minutes = seen.top_secs / 60;
            let severity = if view.is_low(series, high) { Severity::Info } else { RULE.severity };
            let words = (format!("{minutes}分钟停在最高值{high}"), format!("{high} for {minutes} minutes, and no higher"));
            let facts = json!({"value": high, "range": series.range(), "highest_before": highest, "minutes": minutes});
            hits.fire(view, &RULE, series.factor(), Some(hour), severity, facts, words);
        }
    }
}
