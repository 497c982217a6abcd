//! E-05 14分钟标记: hours in which just so many minutes are marked that the mean stays valid, and these are the high ones.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("E-05"),
    title: ("14分钟标记", "Mark shaved to keep the hour"),
    inputs: &["flagged minutes per hour"],
    condition: "hours with 10..15 flagged minutes >= n in w and mean(flagged values) > mean(unflagged values)*r",
    figures: &[ours("n", 5, 0), ours("r", 15, 1)],
    window: "7 d",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Event,
    source: "follows from the 45-min rule; default here",
    grade: Grade::D,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// Counted over seven days.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let today = shaved_hours(view, series, view.figure(&RULE, "r", series.factor()));
        let since = view.day.0 - 6;
        let before: u32 =
            view.prior.shaved.get(&series.factor()).into_iter().flatten().filter(|(day, _)| day.0 >= since).map(|(_, hours)| hours).sum();
        if today > 0 && before + today >= view.count(&RULE, "n", series.factor()) {
            let hours = before + today;
            let words = (
                format!("七日内{hours}个小时恰留足有效分钟，标记时段浓度偏高"),
                format!("{hours} hours in seven days that just stay valid, the marked minutes being the high ones"),
            );
            hits.fire(view, &RULE, series.factor(), None, RULE.severity, json!({"hours": hours}), words);
        }
    }
}
