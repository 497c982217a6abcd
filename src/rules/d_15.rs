//! D-15 有浓度无排放量: an emission of zero beside a real concentration and flow.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-15"),
    title: ("有浓度无排放量", "Emission zero with real concentration"),
    inputs: &["Cou", "Avg", "flow"],
    condition: "Cou = 0 and Avg > 0 and outlet running",
    figures: &[],
    window: "1 h",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Running, Guard::Settled],
    time: TimeBase::Event,
    source: "rule catalogue",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// By the hour's record.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let flow = view.outlet.flow_factor.and_then(|factor| view.of_factor(factor)).and_then(|flow| flow.value(hour));
    if flow.is_none_or(|flow| flow <= Decimal::ZERO) || !view.is_steady(hour) {
        return;
    }
    for series in view.pollutants() {
        let Some(reported) = series.cell(hour).and_then(|cell| cell.reported.as_deref()) else { continue };
        let (Some(total), Some(value)) = (reported.total, reported.measured.filter(|value| *value > Decimal::ZERO)) else { continue };
        // A mass below its last printed digit is a zero by rounding.
        let per = if view.is_gas() { Decimal::new(1, 6) } else { Decimal::new(1, 3) };
        let volume = view.outlet.flow_factor.and_then(|factor| view.of_factor(factor)).and_then(|flow| flow.day.volume(hour)).and_then(decimal);
        let mass = volume.and_then(|volume| volume.checked_mul(value)).and_then(|mass| mass.checked_mul(per));
        if total.is_zero() && mass.is_none_or(|mass| mass > Decimal::new(1, total.scale())) {
            let words = (format!("浓度{value}而排放量为0"), format!("a mass of 0 beside a concentration of {value}"));
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"value": value}), words);
        }
    }
}
