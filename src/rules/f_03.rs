//! F-03 量程设置不合理: a range that does not suit the limit.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("F-03"),
    title: ("量程设置不合理", "Range does not suit the limit"),
    inputs: &["range", "limit"],
    condition: "range > a*limit or range < b*limit",
    figures: &[ours("a", 5, 0), ours("b", 12, 1)],
    window: "1 upload",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Event,
    source: "default here",
    grade: Grade::D,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Day(run),
};
/// Looked at on the first day of a month, and on a factor's first day.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    for series in view.pollutants().filter(|series| view.day.to_string().ends_with("-01") || !view.prior.present.contains_key(&series.factor())) {
        let (Some(range), Some(limit)) = (series.range(), view.any_limit(series.factor())) else { continue };
        if range > limit * view.figure(&RULE, "a", series.factor()) || range < limit * view.figure(&RULE, "b", series.factor()) {
            let words = (format!("量程{range}，限值{limit}"), format!("a range of {range}, a limit of {limit}"));
            hits.fire(view, &RULE, series.factor(), None, RULE.severity, json!({"range": range, "limit": limit}), words);
        }
    }
}
