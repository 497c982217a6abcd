//! J-07 超标倍数: an hour at twice its limit or more.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("J-07"),
    title: ("超标倍数", "Large multiple"),
    inputs: &["value, limit"],
    condition: "C/L - 1 >= 1",
    figures: &[given("multiple", 1, 0)],
    window: "1 h / 1 d",
    severity: Severity::Critical,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Event,
    source: "coal power price rule 2014 No. 536 (steps at 1x)",
    grade: Grade::S,
    kind: CaseKind::Exceedance,
    refer: Refer::Alone,
    run: Run::Hour(run),
};
/// A day's multiple stands with its own finding (J-02).
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let severity = if view.burns_waste() { Severity::Warn } else { RULE.severity };
    fire_over(view, &RULE, hour, hits, |factor, comparison| {
        let least = Ratio::of(view.figure(&RULE, "multiple", factor));
        comparison.multiple.as_ref().is_some_and(|multiple| *multiple >= least).then_some(severity)
    });
}
