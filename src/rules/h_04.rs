//! H-04 重复且内容不同: the same record came live with another content.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("H-04"),
    title: ("重复且内容不同", "Same record, other content"),
    inputs: &["MN, CN, DataTime, factor"],
    condition: "as A-11, live not back-filled",
    figures: &[],
    window: "24 h",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Arrival,
    source: "default here",
    grade: Grade::D,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// As A-11, but not back-filled.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    for series in &view.series {
        let Some(versions) = series.odd(hour).map(|odd| odd.versions).filter(|versions| versions.live > 0) else { continue };
        let (before, after) = versions.example.unwrap_or_default();
        let words = (
            format!("{}条记录重复而内容不同，如{before}与{after}", versions.live),
            format!("{} records came twice and differ, {before} and {after}", versions.live),
        );
        let facts = json!({"records": versions.live, "before": before, "after": after});
        hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, facts, words);
    }
}
