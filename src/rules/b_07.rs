//! B-07 负值: a value that cannot be.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("B-07"),
    title: ("负值", "Negative value"),
    inputs: &["hour/minute: concentration, velocity, O2, emission"],
    condition: "value < 0",
    figures: &[given("small_negative_pct_range", 25, 1)],
    window: "1 record",
    severity: Severity::Warn,
    severity_note: "info while >= -small_negative_pct_range of range",
    confidence: Confidence::Medium,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "list of 18 situations, no. 3; drift edge recalled from HJ 75-2017",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Down to the drift that an instrument may have it is a hint.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let watched = |series: &&SeriesView<'_>| series.is_pollutant() || matches!(series.code(), "a01011" | "a19001" | "a00000" | "w00000");
    for series in view.series.iter().filter(watched).filter(|_| view.is_running(hour) == Some(true)) {
        let Some(secs) = series.odd(hour).map(|odd| odd.negative_secs).filter(|secs| *secs > 0) else { continue };
        let Some(low) = series.cell(hour).and_then(|cell| cell.seen.low) else { continue };
        let edge = series.range().map(|range| -(range * pct(view.figure(&RULE, "small_negative_pct_range", series.factor()))));
        let small = edge.is_some_and(|edge| low >= edge);
        if edge.is_none() {
            hits.missing(&RULE, "the registered range");
        }
        let severity = if small { Severity::Info } else { RULE.severity };
        let words = (format!("{}分钟为负值，最低{low}", secs / 60), format!("negative for {} minutes, {low} at the lowest", secs / 60));
        hits.fire(view, &RULE, series.factor(), Some(hour), severity, json!({"lowest": low, "minutes": secs / 60}), words);
    }
}
