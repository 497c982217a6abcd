//! D-13 BOD大于COD: more oxygen demand of the living than of all.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-13"),
    title: ("BOD大于COD", "BOD above COD"),
    inputs: &["w01017", "w01018"],
    condition: "BOD5 > COD",
    figures: &[],
    window: "1 h / 1 d",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Settled],
    time: TimeBase::Event,
    source: "rule catalogue",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// BOD5 cannot be above COD.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let value = |code: &str| view.of(code).and_then(|series| series.value(hour));
    let (Some(bod), Some(cod)) = (value("w01017"), value("w01018")) else { return };
    if bod > cod && view.is_settled(hour) && !view.is_dry(hour) {
        let words = (format!("BOD5 {bod}大于COD {cod}"), format!("BOD5 {bod}, COD {cod}"));
        hits.fire(view, &RULE, FactorCode::known("w01017"), Some(hour), RULE.severity, json!({"bod": bod, "cod": cod}), words);
    }
}
