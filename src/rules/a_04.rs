//! A-04 缺数超期未补传: a gap is older than the time in which it may be filled.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("A-04"),
    title: ("缺数超期未补传", "Gap never back-filled"),
    inputs: &["hour(factor)"],
    condition: "an expected hour is still missing T after its end",
    figures: &[given("T_h", 168, 0).fixed()],
    window: "168 h",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[Guard::Survey],
    time: TimeBase::Event,
    source: "list of 18 situations, no. 1 (7 days)",
    grade: Grade::S,
    kind: CaseKind::MissingLink,
    refer: Refer::Alone,
    run: Run::Day(run),
};
/// The day on which the time ran out carries the finding.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    let term = i64::from(view.count(&RULE, "T_h", FactorCode::WHOLE)) * HOUR_MS;
    for gap in &view.prior.gaps {
        let overdue = Hour(gap.0.0 + i64::from(gap.1)).start().plus_ms(term);
        if overdue.day() == view.day {
            let (from, hours) = (gap.0.start().to_string(), gap.1);
            let words = (format!("自{from}起{hours}小时数据逾期未补传"), format!("{hours} hours from {from} were never back-filled"));
            hits.fire(view, &RULE, FactorCode::WHOLE, None, RULE.severity, json!({"from": from, "hours": hours}), words);
        }
    }
}
