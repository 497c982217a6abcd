//! J-03 连续超标: several valid hours running over the hourly limit.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("J-03"),
    title: ("连续超标", "Lasting exceedance"),
    inputs: &["hourly exceedances"],
    condition: "n consecutive valid hours above limit (invalid hours do not break the run)",
    figures: &[ours("n", 3, 0)],
    window: "3 h",
    severity: Severity::Critical,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Event,
    source: "list of 18 situations, nos. 6 and 7 (lengths not visible); 3 set here",
    grade: Grade::S,
    kind: CaseKind::Exceedance,
    refer: Refer::Alone,
    run: Run::Hour(run),
};
/// Invalid and missing hours do not break the row.
fn run(view: &DayView<'_>, hour: u8, runs: &mut Runs, hits: &mut Hits) {
    for series in &view.series {
        let Some(limit) = view.limits(series.factor(), Basis::Hour).next() else { continue };
        let valid = if limit.converted { series.converted(hour) } else { series.value(hour) };
        if valid.is_none() || series.day.exempt >> hour & 1 == 1 || series.day.is_dry(hour) {
            continue;
        }
        let Some((value, comparison)) = over(view, series, hour, limit) else {
            runs.put(RULE.id, series.factor(), None);
            continue;
        };
        let run = runs.extend(RULE.id, series.factor(), view.day.hour(hour), None, |_| true);
        if run.hours >= view.count(&RULE, "n", series.factor()) {
            let severity = if comparison.marginal || view.burns_waste() { Severity::Warn } else { RULE.severity };
            let mut facts = over_facts(&value, limit, &comparison);
            facts["hours_running"] = json!(run.hours);
            let words = (format!("连续{}个有效小时超标", run.hours), format!("{} valid hours running over the limit", run.hours));
            hits.fire(view, &RULE, series.factor(), Some(hour), severity, facts, words);
        }
    }
}
