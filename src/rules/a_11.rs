//! A-11 补传与实时不一致: a back-fill says another value than what came live.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("A-11"),
    title: ("补传与实时不一致", "Back-fill contradicts what came live"),
    inputs: &["stored versions"],
    condition: "same MN, CN, DataTime, factor arrives again with a value differing by more than one unit of the last printed digit",
    figures: &[ours("last_digit_units", 1, 0).fixed()],
    window: "168 h",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Arrival,
    source: "marks/changes after the fact, MEE falsification rules 2015 (altering data)",
    grade: Grade::P,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// More than one unit of the last printed digit; both versions are in the journal.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    for series in &view.series {
        let Some(versions) = series.odd(hour).map(|odd| odd.versions).filter(|versions| versions.refilled > 0) else { continue };
        let (before, after) = versions.example.unwrap_or_default();
        let words = (
            format!("{}条记录补传值与实时值不同，如{before}改为{after}", versions.refilled),
            format!("{} back-filled records differ from what came live, {before} became {after}", versions.refilled),
        );
        let facts = json!({"records": versions.refilled, "before": before, "after": after});
        hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, facts, words);
    }
}
