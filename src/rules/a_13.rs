//! A-13 固定时段断数: nothing comes from the same hour of the day on, day after day.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("A-13"),
    title: ("固定时段断数", "Gap at the same clock time"),
    inputs: &["gaps"],
    condition: "gaps >= 10 min start in the same 1-h slot on >= n days of the last 14",
    figures: &[ours("n", 5, 0), ours("w_d", 14, 0)],
    window: "14 d",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::Survey],
    time: TimeBase::Event,
    source: "default here; cf. power-off item in a vendor model list",
    grade: Grade::D,
    kind: CaseKind::MissingLink,
    refer: Refer::Score,
    run: Run::Span(run),
};
/// A gap begins when of no factor anything comes for ten minutes while the receiver is there.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    let days = view.count(&RULE, "w_d", FactorCode::WHOLE);
    for hour in (0..24u8).filter(|hour| window.today().gaps >> hour & 1 == 1) {
        let count = window.days(days).filter(|(_, profile)| profile.gaps >> hour & 1 == 1).count() as u32;
        if count >= view.count(&RULE, "n", FactorCode::WHOLE) {
            let words =
                (format!("{days}日内有{count}日在{hour:02}时起数据中断"), format!("the data stop from {hour:02}:00 on {count} of {days} days"));
            hits.fire(view, &RULE, FactorCode::WHOLE, Some(hour), RULE.severity, json!({"days": count, "of_days": days}), words);
        }
    }
}
