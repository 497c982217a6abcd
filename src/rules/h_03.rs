//! H-03 时钟回拨: a record came again with an earlier QN.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("H-03"),
    title: ("时钟回拨", "Clock turned back"),
    inputs: &["QN sequence of one MN"],
    condition: "QN decreases by > t without RF=1 and DataTime repeats",
    figures: &[ours("t_s", 60, 0).fixed()],
    window: "1 record",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Arrival,
    source: "rule catalogue (clock); figure set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Not as a back-fill, and earlier by more than a minute: the clock went back.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let records = view.series.iter().filter_map(|series| series.odd(hour)).map(|odd| odd.versions.turned_back).max().unwrap_or_default();
    if records > 0 {
        let words = (format!("{records}条记录以更早的时间重发"), format!("{records} records were sent again with an earlier time"));
        hits.fire(view, &RULE, FactorCode::WHOLE, Some(hour), RULE.severity, json!({"records": records}), words);
    }
}
