//! D-08 氧量与污染物联合分布异常: oxygen and pollutant stand where they never stood together, at high oxygen.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-08"),
    title: ("氧量与污染物联合分布异常", "Oxygen and pollutant do not move apart"),
    inputs: &["a19001", "concentration"],
    condition: "for >= n hours on end O2 above its 90th percentile and the point outside the 1% contour of the joint density of >= min_hours hours of w days",
    figures: &[ours("density_pct", 1, 0), given("o2_percentile", 90, 0), ours("n", 4, 0), ours("min_hours", 240, 0), ours("w_d", 90, 0)],
    window: "90 d",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "patent of the Chinese environmental research academy (joint density, O2 90th percentile); contour set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
/// The density is that of ten by ten fields, which part the hours of the span into tenths by oxygen and by concentration; a point
/// counts with the fields around it.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    let Some(oxygen) = view.oxygen().map(SeriesView::factor) else { return };
    for series in view.pollutants().filter(|series| series.day.converts) {
        let factor = series.factor();
        let hours = window.pairs(oxygen, factor, view.count(&RULE, "w_d", factor), 0);
        let pairs: Vec<(Hour, i64, i64)> = hours.map(|(hour, (oxygen, value))| (hour, oxygen, value)).collect();
        let first = view.day.hour(0);
        // A run may begin on the day before: what it never stood beside lies before that.
        let yesterday = Hour(first.0 - 24);
        let past: Vec<&(Hour, i64, i64)> = pairs.iter().filter(|(hour, ..)| *hour < yesterday).collect();
        if (past.len() as u32) < view.count(&RULE, "min_hours", factor) {
            continue;
        }
        let by_size = (sorted(past.iter().map(|(_, oxygen, _)| *oxygen)), sorted(past.iter().map(|(.., value)| *value)));
        let tenths = |sorted: &[i64]| -> Vec<i64> { (1..10).filter_map(|tenth| percentile(sorted, Decimal::from(tenth * 10))).collect() };
        let (by_oxygen, by_value) = (tenths(&by_size.0), tenths(&by_size.1));
        let high = percentile(&by_size.0, view.figure(&RULE, "o2_percentile", factor));
        let field = |edges: &[i64], value: i64| edges.partition_point(|edge| *edge <= value);
        let mut counts = [[0u32; 10]; 10];
        for (_, oxygen, value) in &past {
            counts[field(&by_oxygen, *oxygen)][field(&by_value, *value)] += 1;
        }
        let around = |oxygen: usize, value: usize| -> u32 {
            let near = |at: usize| at.saturating_sub(1)..=(at + 1).min(9);
            near(oxygen).flat_map(|row| near(value).map(move |column| (row, column))).map(|(row, column)| counts[row][column]).sum()
        };
        let share = view.figure(&RULE, "density_pct", factor) * Decimal::from(past.len()) / Decimal::ONE_HUNDRED;
        // Beyond all that was ever seen there is no field.
        let edges = |sorted: &[i64]| (sorted.first().copied(), sorted.last().copied());
        let (oxygen_edges, value_edges) = (edges(&by_size.0), edges(&by_size.1));
        let need = view.count(&RULE, "n", factor);
        let (mut row, mut last) = (0, None);
        for (hour, oxygen, value) in pairs.iter().filter(|(hour, ..)| *hour >= yesterday) {
            let beyond =
                |edges: (Option<i64>, Option<i64>), value: i64| edges.0.is_some_and(|low| value < low) || edges.1.is_some_and(|high| value > high);
            let never = beyond(oxygen_edges, *oxygen) || beyond(value_edges, *value);
            let outside = never || Decimal::from(around(field(&by_oxygen, *oxygen), field(&by_value, *value))) < share;
            row = if outside && high.is_some_and(|high| *oxygen > high) { follows(last, *hour, row) + 1 } else { 0 };
            last = Some(*hour);
            if is_due(*hour, row, need, first) {
                let (oxygen, value) = (of_millionths(*oxygen).round_dp(3).normalize(), of_millionths(*value).round_dp(3).normalize());
                let words = (
                    format!("连续{row}小时氧量偏高且与浓度的组合罕见（氧量{oxygen}%，浓度{value}）"),
                    format!("for {row} hours oxygen is high and stands with concentrations as it hardly ever did ({oxygen} % with {value})"),
                );
                hits.fire(
                    view,
                    &RULE,
                    factor,
                    Some(hour.of_day()),
                    RULE.severity,
                    json!({"oxygen": oxygen, "value": value, "hours": row, "past_hours": past.len()}),
                    words,
                );
            }
        }
    }
}
