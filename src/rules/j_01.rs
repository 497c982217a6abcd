//! J-01 小时超标: a valid hourly mean over a limit whose basis is the hour.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("J-01"),
    title: ("小时超标", "Hourly exceedance"),
    inputs: &["valid hourly converted mean", "limit(basis=hour)"],
    condition: "value > limit (strict)",
    figures: &[],
    window: "1 h",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Event,
    source: "limits file; HJ 76-2017 asks for an alarm above limit",
    grade: Grade::S,
    kind: CaseKind::Exceedance,
    refer: Refer::Alone,
    run: Run::Hour(run),
};
/// Strictly above, exact. Incinerators are judged by the day (Decree 10): of them it is a warning.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let milder = view.burns_waste();
    fire_over(view, &RULE, hour, hits, |_, comparison| Some(if comparison.marginal || milder { Severity::Warn } else { RULE.severity }));
}
