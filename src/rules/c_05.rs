//! C-05 离群高值: an hour above everything of the week before, and twice its mean.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("C-05"),
    title: ("离群高值", "High outlier"),
    inputs: &["hour: concentration"],
    condition: "x > max(last 7 d) and x > k*mean(last 7 d)",
    figures: &[given("k", 2, 0), ours("min_hours", 72, 0), given("w_d", 7, 0)],
    window: "7 d",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::Settled],
    time: TimeBase::Event,
    source: "open logger code",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let first = view.day.hour(0);
        let values: Vec<(Hour, i64)> = window.running(factor, view.count(&RULE, "w_d", factor) + 1).collect();
        let k = i128::from(milli(view.figure(&RULE, "k", factor)));
        for (hour, value) in values.iter().filter(|(hour, _)| *hour >= first && view.is_settled(hour.of_day())) {
            let before = values.iter().filter(|(known, _)| *known < *hour).map(|(_, value)| *value);
            let Some(high) = before.clone().max() else { continue };
            let (count, sum, _) = sums(before);
            if count < i128::from(view.count(&RULE, "min_hours", factor)) || *value <= high || i128::from(*value) * count * 1000 <= sum * k {
                continue;
            }
            let (value, high, mean) = (of_millionths(*value), of_millionths(high), of_millionths((sum / count) as i64).round_dp(3));
            let words = (
                format!("{value}，前{count}个生产小时最高{high}、平均{mean}"),
                format!("{value} after {count} running hours of at most {high}, {mean} on average"),
            );
            hits.fire(view, &RULE, factor, Some(hour.of_day()), RULE.severity, json!({"value": value, "highest": high, "mean": mean}), words);
        }
    }
}
