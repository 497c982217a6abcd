//! C-01 突变: an hour stands apart from the six before it.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("C-01"),
    title: ("突变", "Step"),
    inputs: &["hour: concentration"],
    condition: "|x(t)-median(6 h before)| > max(k*MAD(7 d), a*limit)",
    figures: &[ours("k", 6, 0), ours("a", 3, 1), ours("min_hours", 48, 0), ours("w_d", 7, 0)],
    window: "6 h",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::Settled],
    time: TimeBase::Event,
    source: "rule catalogue gives only an example (10 to 80); figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let Some(limit) = view.any_limit(factor) else { continue };
        let values: Vec<(Hour, i64)> = window.running(factor, view.count(&RULE, "w_d", factor) + 1).collect();
        let first = view.day.hour(0);
        let past: Vec<i64> = values.iter().filter(|(hour, _)| *hour < first).map(|(_, value)| *value).collect();
        if past.len() < view.count(&RULE, "min_hours", factor) as usize {
            continue;
        }
        let Some((_, spread)) = mad(&past) else { continue };
        let (Some(step), k) = (millionths(limit * view.figure(&RULE, "a", factor)), view.figure(&RULE, "k", factor)) else { continue };
        let Some(most) = millionths(of_millionths(spread) * k).map(|spread| spread.max(step)) else { continue };
        for (hour, value) in values.iter().filter(|(hour, _)| *hour >= first && view.is_settled(hour.of_day())) {
            let before: Vec<i64> = values.iter().filter(|(known, _)| known.0 < hour.0 && known.0 >= hour.0 - 6).map(|(_, value)| *value).collect();
            let Some(middle) = median(&before).filter(|_| before.len() >= 4) else { continue };
            if (value - middle).abs() > most {
                let (value, middle) = (of_millionths(*value), of_millionths(middle));
                let words = (format!("由前6小时中位数{middle}变为{value}"), format!("{value} after a median of {middle} in the six hours before"));
                hits.fire(view, &RULE, factor, Some(hour.of_day()), RULE.severity, json!({"value": value, "median_before": middle}), words);
            }
        }
    }
}
