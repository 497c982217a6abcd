//! F-06 核查结果矛盾: the result of a check contradicts itself.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("F-06"),
    title: ("核查结果矛盾", "Check result contradicts itself"),
    inputs: &["CN 2062 fields"],
    condition: "ResultType = 1 although deviation > p, or SampleRd identical to StandardValue in >= n checks",
    figures: &[ours("p_pct", 10, 0), ours("n", 5, 0)],
    window: "5 checks",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Event,
    source: "default here",
    grade: Grade::D,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// Passed although it is far off, or the sample's own value to the digit many times running.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    let mut perfect = view.prior.perfect_checks.clone();
    for (at, check) in checks(view) {
        let row = perfect.entry(check.factor).or_default();
        *row = if check.deviation.is_some_and(|deviation| deviation.is_zero()) { *row + 1 } else { 0 };
        let contradicts = check.passed && check.deviation.is_some_and(|deviation| deviation > pct(view.figure(&RULE, "p_pct", check.factor)));
        let says = if contradicts {
            Some((
                format!("判为合格，但测得{}，标准值{}", check.measured, check.nominal),
                format!("passed at {} of {}", check.measured, check.nominal),
            ))
        } else if *row >= view.count(&RULE, "n", check.factor) {
            Some((format!("连续{row}次核查与标准值完全相同"), format!("{row} checks running gave the sample's own value")))
        } else {
            None
        };
        if let Some(words) = says {
            let facts = json!({"measured": check.measured, "nominal": check.nominal, "running": *row});
            hits.fire(view, &RULE, check.factor, Some(at.hour().of_day()), RULE.severity, facts, words);
        }
    }
}
