//! D-09 氧量人为压低: oxygen lies lower than it ever does while the concentration is as always.

use super::prelude::*;
use std::collections::BTreeMap;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-09"),
    title: ("氧量人为压低", "Artificial oxygen"),
    inputs: &["a19001 vs process"],
    condition: "O2 below its own 1st percentile of >= min_hours hours of w days while most converted pollutants are within near_pct and the flow within flow_pct of its median, for >= n h",
    figures: &[
        ours("n", 4, 0),
        ours("percentile", 1, 0),
        ours("near_pct", 5, 0),
        ours("flow_pct", 10, 0),
        ours("min_hours", 240, 0),
        ours("w_d", 90, 0),
    ],
    window: "90 d",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "conversion lever: lower O2 lowers the converted value; default here",
    grade: Grade::D,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    let Some(oxygen) = view.oxygen().map(SeriesView::factor) else { return };
    let days = view.count(&RULE, "w_d", oxygen);
    let first = view.day.hour(0);
    let past = |factor| -> Vec<i64> { window.running(factor, days).filter(|(hour, _)| *hour < first).map(|(_, value)| value).collect() };
    let before = sorted(past(oxygen).into_iter());
    let Some(lowest) = percentile(&before, view.figure(&RULE, "percentile", oxygen)) else { return };
    if (before.len() as u32) < view.count(&RULE, "min_hours", oxygen) {
        return;
    }
    // A run may begin on the day before.
    let recent = |factor| -> BTreeMap<Hour, i64> { window.running(factor, 2).collect() };
    let near = per_mille(view.figure(&RULE, "near_pct", oxygen));
    let usual: Vec<(BTreeMap<Hour, i64>, i64)> = view
        .pollutants()
        .filter(|series| series.day.converts)
        .filter_map(|series| Some((recent(series.factor()), median(&past(series.factor()))?)))
        .collect();
    // Less air is less gas as well: where the flow tells of it, oxygen is what it says.
    let flow = flow_of(view).and_then(|series| Some((recent(series.factor()), median(&past(series.factor()))?)));
    let flow_near = per_mille(view.figure(&RULE, "flow_pct", oxygen));
    let need = view.count(&RULE, "n", oxygen);
    let (mut row, mut last) = (0, None);
    for (hour, value) in recent(oxygen) {
        let measured = usual.iter().filter_map(|(known, usual)| Some(is_within(*usual, *known.get(&hour)?, near)));
        let (as_always, others) = measured.fold((0u32, 0u32), |(same, others), is| if is { (same + 1, others) } else { (same, others + 1) });
        let flows = flow.as_ref().is_none_or(|(known, usual)| known.get(&hour).is_some_and(|value| is_within(*usual, *value, flow_near)));
        row = if value < lowest && as_always > others && flows { follows(last, hour, row) + 1 } else { 0 };
        last = Some(hour);
        if is_due(hour, row, need, first) {
            let shown = of_millionths(value).round_dp(3).normalize();
            let lowest = of_millionths(lowest).normalize();
            let words = (
                format!("连续{row}小时氧量（{shown}%）低于{days}日内99%的小时（{lowest}%），而浓度与流速如常"),
                format!(
                    "for {row} hours oxygen ({shown} %) is below 99 % of the hours of {days} days ({lowest} %), with concentrations and flow as always"
                ),
            );
            hits.fire(view, &RULE, oxygen, Some(hour.of_day()), RULE.severity, json!({"oxygen": shown, "percentile_1": lowest, "hours": row}), words);
        }
    }
}
