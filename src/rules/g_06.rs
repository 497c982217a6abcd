//! G-06 瞬时超标被平均隐藏: minutes far above the limit in an hour that complies.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("G-06"),
    title: ("瞬时超标被平均隐藏", "Hidden minute exceedances"),
    inputs: &["minute values", "hour mean"],
    condition: "hour <= limit but >= n minutes > r*limit",
    figures: &[ours("n", 10, 0).fixed(), ours("r", 2, 0)],
    window: "1 h",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "default here; not a violation",
    grade: Grade::D,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Hour(run),
};
/// No violation: a hint. The ten minutes are fixed in the cell.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    for series in view.pollutants().filter(|_| view.is_running(hour) == Some(true)) {
        let Some(limit) = view.limit(series.factor(), Basis::Hour).or_else(|| view.limit(series.factor(), Basis::Day)) else { continue };
        let mean = if series.day.converts { series.converted(hour) } else { series.value(hour) };
        let Some(hot) = series.cell(hour).filter(|cell| cell.seen.minutes > 0).and_then(|cell| cell.seen.hot) else { continue };
        if mean.is_some_and(|mean| mean <= limit) && hot > limit * view.figure(&RULE, "r", series.factor()) {
            let words = (format!("小时均值达标，但至少10分钟在{hot}以上"), format!("the hour complies, ten minutes of it lie at {hot} or above"));
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"at_least": hot, "limit": limit}), words);
        }
    }
}
