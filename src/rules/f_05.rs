//! F-05 标样核查不合格: an automatic standard check failed.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("F-05"),
    title: ("标样核查不合格", "Standard check failed"),
    inputs: &["CN 2062 SampleRd, StandardValue, ResultType"],
    condition: "ResultType = 0 or |SampleRd/StandardValue-1| > p -> invalid back to last pass, and forward to next pass",
    figures: &[given("p_pct", 10, 0)],
    window: "check",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Event,
    source: "HJ 356-2019 back-and-forth rule recalled; tolerance recalled from HJ 355-2019",
    grade: Grade::M,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// By the logger's own word, or by the deviation from the sample's value.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    for (at, check) in checks(view) {
        let p = pct(view.figure(&RULE, "p_pct", check.factor));
        let far = check.deviation.is_some_and(|deviation| deviation > p);
        if check.failed || far {
            let words = (
                format!("标样核查不合格：测得{}，标准值{}", check.measured, check.nominal),
                format!("a failed check: {} of {}", check.measured, check.nominal),
            );
            let facts = json!({"measured": check.measured, "nominal": check.nominal, "at": at.to_string()});
            hits.fire(view, &RULE, check.factor, Some(at.hour().of_day()), RULE.severity, facts, words);
        }
    }
}
