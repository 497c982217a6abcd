//! J-08 临界: above the limit by less than its last digit can show.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("J-08"),
    title: ("临界", "Marginal"),
    inputs: &["value, limit"],
    condition: "value > limit but half-even rounding to limit's decimals gives <= limit",
    figures: &[],
    window: "1 h / 1 d",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Event,
    source: "GB/T 8170-2008; worked example A14",
    grade: Grade::S,
    kind: CaseKind::Exceedance,
    refer: Refer::Note,
    run: Run::Hour(run),
};
/// The hour; the day says so in its own finding.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    fire_over(view, &RULE, hour, hits, |_, comparison| comparison.marginal.then_some(RULE.severity));
}
