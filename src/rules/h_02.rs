//! H-02 时间戳异常: stamps in the future or off the grid of their CN.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("H-02"),
    title: ("时间戳异常", "Stamp in the future or off the grid"),
    inputs: &["DataTime"],
    condition: "DataTime > now + t, or not on the minute, hour or day grid of its CN",
    figures: &[ours("t_s", 120, 0).fixed()],
    window: "1 record",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Arrival,
    source: "default here",
    grade: Grade::D,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// By the hour of arrival. How far in the future counts is the setting by which values are taken (`future_accept_min`).
fn run(view: &DayView<'_>, hits: &mut Hits) {
    for fact in view.facts {
        if let FactKind::OddStamps { off_grid, future } = fact.kind {
            let words =
                (format!("{off_grid}个数值时间不在整点上，{future}个为未来时间"), format!("{off_grid} values off the grid, {future} in the future"));
            let facts = json!({"off_grid": off_grid, "future": future});
            hits.fire(view, &RULE, FactorCode::WHOLE, Some(fact.at.hour().of_day()), RULE.severity, facts, words);
        }
    }
}
