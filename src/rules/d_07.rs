//! D-07 氧量停炉其他参数在产: the oxygen is that of air while the flue is warm and the gas flows.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-07"),
    title: ("氧量停炉其他参数在产", "Oxygen says stopped, the rest says running"),
    inputs: &["a19001", "a01012", "a01011", "concentrations"],
    condition: "O2 >= m and of temperature >= ambient+dt, velocity >= r*median(30 d) at least signs",
    figures: &[ours("m_pct", 19, 0), ours("dt_C", 25, 0), ours("r", 5, 1), ours("signs", 2, 0)],
    window: "1 h",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Settled],
    time: TimeBase::Event,
    source: "list of 18 situations, no. 16; Henan case study 2022 (flue temperature, O2, excess air)",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Needs a month's median of the velocity (or flow).
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let Some(series) = view.oxygen().filter(|_| view.is_steady(hour)) else { return };
    let Some(value) = series.value(hour).filter(|value| *value >= view.figure(&RULE, "m_pct", series.factor())) else { return };
    if median_of_flow(view).is_none() {
        return hits.missing(&RULE, "a month's median of velocity or flow");
    }
    let (velocity, warmer) = (view.figure(&RULE, "r", series.factor()), view.figure(&RULE, "dt_C", series.factor()));
    // Oxygen is no sign here: it is what is doubted.
    let (runs, _) = view.signs(hour, Decimal::ZERO, velocity, warmer);
    if runs >= view.count(&RULE, "signs", series.factor()) {
        let words = (format!("氧含量{value}%而烟温、流速为生产状态"), format!("an oxygen content of {value} % while the flue is warm and flows"));
        hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"oxygen_pct": value}), words);
    }
}
