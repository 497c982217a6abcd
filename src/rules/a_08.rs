//! A-08 上报间隔异常: packets came later after each other than their interval and a half, several times running.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("A-08"),
    title: ("上报间隔异常", "Reporting interval stretched"),
    inputs: &["receive time", "period set in 1061-1064"],
    condition: "interval between consecutive packets of a kind > period for n in a row",
    figures: &[ours("n", 3, 0)],
    window: "3 periods",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Survey],
    time: TimeBase::Arrival,
    source: "open logger-platform code (interval > platform period for N cycles); n set here",
    grade: Grade::S,
    kind: CaseKind::MissingLink,
    refer: Refer::Note,
    run: Run::Hour(run),
};
/// By the records of one hour, in the order in which they arrived.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    if view.is_away(hour) {
        return;
    }
    let longest = view.series.iter().filter_map(|series| series.odd(hour)).map(|odd| odd.stretched).max().unwrap_or_default();
    if longest >= view.count(&RULE, "n", FactorCode::WHOLE) {
        let words = (format!("连续{longest}次上报间隔超过周期的1.5倍"), format!("{longest} intervals running longer than one and a half periods"));
        hits.fire(view, &RULE, FactorCode::WHOLE, Some(hour), RULE.severity, json!({"intervals": longest}), words);
    }
}
