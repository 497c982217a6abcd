//! B-08 超量程: a value above the instrument's range, under a normal mark.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("B-08"),
    title: ("超量程", "Over range"),
    inputs: &["minute: measured standard dry value", "registered range"],
    condition: "value > range upper end",
    figures: &[given("ratio", 10, 1)],
    window: "1 record",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[Guard::Settled],
    time: TimeBase::Event,
    source: "list of 18 situations, no. 3",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Above the range an instrument does not measure.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    for series in &view.series {
        let Some(secs) = series.odd(hour).map(|odd| odd.over_secs).filter(|secs| *secs > 0) else { continue };
        let (Some(high), Some(range)) = (series.cell(hour).and_then(|cell| cell.seen.high), series.range()) else { continue };
        if high > range * view.figure(&RULE, "ratio", series.factor()) && view.is_settled(hour) {
            let words =
                (format!("{}分钟超过量程{range}，最高{high}", secs / 60), format!("{} minutes above the range of {range}, up to {high}", secs / 60));
            let facts = json!({"highest": high, "range": range, "minutes": secs / 60});
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, facts, words);
        }
    }
}
