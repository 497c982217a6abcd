//! J-06 无效日均指示超标: a day that is not valid, and whose valid hours lie above the limit.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("J-06"),
    title: ("无效日均指示超标", "Invalid day with high indication"),
    inputs: &["valid hours < 20", "mean of the valid hours"],
    condition: "indicative mean > limit and valid hours >= n",
    figures: &[ours("n", 8, 0)],
    window: "1 d",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Event,
    source: "default here; worked example A06b",
    grade: Grade::D,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// Indicative; worked example A06b.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    // Water that nothing weighs has no daily mean, not even an indicative one.
    let unweighted = |mean: &&crate::domain::Mean| mean.note.as_deref() == Some("unweighted");
    for mean in view.means.iter().filter(|mean| !mean.valid && view.closed == 24 && !unweighted(mean)) {
        let Some(value) = mean.indicative.as_ref() else { continue };
        for limit in view.limits(mean.factor, Basis::Day).filter(|limit| limit.converted == (mean.kind == Kind::Converted)) {
            if mean.count >= view.count(&RULE, "n", mean.factor) && compare_with(value, limit.limit_type, view.figure_of(limit, None)).exceeds {
                let shown = value.shown();
                let words = (
                    format!("日数据无效，{}个有效小时均值{shown}，限值{}", mean.count, limit.limit),
                    format!("no valid day, {} valid hours make {shown}, the limit is {}", mean.count, limit.limit),
                );
                let facts = json!({"indicative": shown, "valid_hours": mean.count, "limit": limit.limit});
                hits.fire(view, &RULE, mean.factor, None, RULE.severity, facts, words);
            }
        }
    }
}
