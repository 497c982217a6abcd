//! D-03 排放量不符: the mass of the hour is not its concentration times its flow.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-03"),
    title: ("排放量不符", "Mass does not equal concentration times flow"),
    inputs: &["Cou", "Avg", "a00000"],
    condition: "|Cou / (Avg*Q*1e-6) - 1| > p with Avg the measured standard dry value",
    figures: &[ours("p_pct", 5, 0)],
    window: "1 h",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Settled],
    time: TimeBase::Event,
    source: "HJ 212-2017 D.2; HJ 75-2017 formula chain; 5% set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// kg by mg/m³ and m³ of gas, by mg/L and m³ of water.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let Some(flow) = view.outlet.flow_factor.and_then(|factor| view.of_factor(factor)) else { return };
    let Some(volume) = flow.day.volume(hour).and_then(decimal).filter(|volume| *volume > Decimal::ZERO) else { return };
    for series in view.pollutants().filter(|_| view.is_settled(hour)) {
        let Some(reported) = series.cell(hour).and_then(|cell| cell.reported.as_deref()) else { continue };
        let (Some(total), Some(value)) = (reported.total, reported.measured) else { continue };
        let per = if view.is_gas() { Decimal::new(1, 6) } else { Decimal::new(1, 3) };
        let Some(own) = value.checked_mul(volume).and_then(|mass| mass.checked_mul(per)) else { continue };
        let unit = Decimal::new(1, total.scale());
        let beyond = off(total, own).is_some_and(|off| off > pct(view.figure(&RULE, "p_pct", series.factor())));
        if beyond && (total - own).abs() > unit && total > Decimal::ZERO {
            let own = own.round_dp(6).normalize();
            let words =
                (format!("上报排放量{total}kg，浓度乘流量为{own}kg"), format!("a mass of {total} kg as sent, {own} kg by concentration and flow"));
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"sent_kg": total, "own_kg": own}), words);
        }
    }
}
