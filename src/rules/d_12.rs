//! D-12 氨氮大于总氮: more nitrogen as ammonia than in all.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-12"),
    title: ("氨氮大于总氮", "Ammonia nitrogen above total nitrogen"),
    inputs: &["w21003", "w21001"],
    condition: "NH3-N > TN*(1+p)",
    figures: &[given("p_pct", 10, 0)],
    window: "1 h",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Settled],
    time: TimeBase::Event,
    source: "open logger code; rule catalogue; 10% for analyser error set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Beyond the error of two analysers.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let value = |code: &str| view.of(code).and_then(|series| series.value(hour));
    let (Some(ammonia), Some(total)) = (value("w21003"), value("w21001")) else { return };
    let factor = FactorCode::known("w21003");
    let most = total * (Decimal::ONE + pct(view.figure(&RULE, "p_pct", factor)));
    if ammonia > most && view.is_settled(hour) && !view.is_dry(hour) {
        let words = (format!("氨氮{ammonia}大于总氮{total}"), format!("ammonia nitrogen {ammonia}, total nitrogen {total}"));
        hits.fire(view, &RULE, factor, Some(hour), RULE.severity, json!({"ammonia": ammonia, "total": total}), words);
    }
}
