//! K-10 日周期重复: each day repeats the one before.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("K-10"),
    title: ("日周期重复", "Daily repeat"),
    inputs: &["minute or hour series"],
    condition: "correlation of the hours with those of the day before > r (that of peers is not asked: a rule sees one outlet)",
    figures: &[ours("r", 95, 2), ours("min_hours", 200, 0), ours("w_d", 14, 0)],
    window: "14 d",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "rule catalogue (FFT daily repeat); figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Span(run),
};
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let values: std::collections::BTreeMap<Hour, i64> = window.running(factor, view.count(&RULE, "w_d", factor)).collect();
        let pairs: Vec<(i64, i64)> = values.iter().filter_map(|(hour, value)| Some((*value, *values.get(&Hour(hour.0 + 24))?))).collect();
        if (pairs.len() as u32) < view.count(&RULE, "min_hours", factor) {
            continue;
        }
        if let Some(r) = correlation(&pairs).filter(|r| *r > view.figure(&RULE, "r", factor)) {
            let words = (
                format!("与前一日同时段的相关系数{r}，几乎逐日重复"),
                format!("its correlation with the same hours of the day before is {r}: each day all but repeats the last"),
            );
            hits.fire(view, &RULE, factor, None, RULE.severity, json!({"correlation": r, "pairs": pairs.len()}), words);
        }
    }
}
