//! B-09 削顶/平顶: the top is cut off at the end of the range.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("B-09"),
    title: ("削顶/平顶", "Clipped at the top"),
    inputs: &["minute: concentration", "range or T flag"],
    condition: "value >= f*max(seen in 30 d) and identical to printed precision for >= n minutes, or >= n minutes at >= g*range",
    figures: &[ours("f", 999, 3), ours("n_min", 10, 0), ours("g", 98, 2)],
    window: "10 min",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Running, Guard::Settled],
    time: TimeBase::Event,
    source: "rule catalogue (flat top near limit or range); figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// The largest value stands for minutes at or near the end of the range. The branch that compares with the month's largest value
/// comes with the windowed rules.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    for series in view.pollutants().filter(|_| view.is_steady(hour)) {
        let Some(seen) = series.cell(hour).map(|cell| &cell.seen).filter(|seen| seen.minutes > 0) else { continue };
        let (Some(high), Some(range)) = (seen.high, series.range()) else { continue };
        let near = high >= range * view.figure(&RULE, "g", series.factor());
        if near && Decimal::from(seen.top_secs) >= view.figure(&RULE, "n_min", series.factor()) * Decimal::from(60) {
            let minutes = seen.top_secs / 60;
            let words = (format!("{minutes}分钟停在{high}，量程{range}"), format!("{high} for {minutes} minutes, the range ends at {range}"));
            let facts = json!({"value": high, "range": range, "minutes": minutes});
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, facts, words);
        }
    }
}
