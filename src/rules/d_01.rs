//! D-01 折算逻辑错误: the converted value does not follow from the measured one and the oxygen.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-01"),
    title: ("折算逻辑错误", "Converted value does not follow"),
    inputs: &["Avg, ZsAvg of a factor", "O2 mean", "reference O2"],
    condition: "|ZsAvg / (Avg*(21-ref)/(21-O2)) - 1| > p and O2 < o2_max",
    figures: &[given("p_pct", 2, 0), given("o2_max_pct", 19, 0)],
    window: "1 h",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Event,
    source: "rule catalogue (2%); formula DB37/2376-2019 5.2",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// By the minutes where they have all three, else by the hour's record.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let Some(reference) = view.outlet.reference_oxygen else { return };
    for series in view.series.iter().filter(|series| series.day.converts) {
        let Some(cell) = series.cell(hour) else { continue };
        let oxygen = cell.oxygen().as_ref().and_then(decimal).or_else(|| view.oxygen().and_then(|oxygen| oxygen.value(hour)));
        let Some(oxygen) = oxygen.filter(|oxygen| *oxygen < view.figure(&RULE, "o2_max_pct", series.factor())) else { continue };
        let by_minutes = cell.said_converted().and_then(|(said, own)| Some((decimal(&said)?, decimal(&own)?)));
        let by_hour = || {
            let reported = cell.reported.as_deref().filter(|_| cell.origin == Origin::Reported)?;
            let own = reported.measured?.checked_mul(view.outlet.oxidant_oxygen - reference)?.checked_div(view.outlet.oxidant_oxygen - oxygen)?;
            Some((reported.converted?, own))
        };
        let Some((said, own)) = by_minutes.or_else(by_hour) else { continue };
        let unit = Decimal::new(1, u32::from(cell.decimals));
        let beyond = off(said, own).is_some_and(|off| off > pct(view.figure(&RULE, "p_pct", series.factor())));
        if beyond && (said - own).abs() > unit {
            let (said, own) = (said.round_dp(3), own.round_dp(3));
            let words = (
                format!("上报折算值{said}，按氧含量{}%应为{own}", oxygen.round_dp(2)),
                format!("converted {said} as sent, {own} by an oxygen content of {} %", oxygen.round_dp(2)),
            );
            let facts = json!({"sent": said, "own": own, "oxygen_pct": oxygen.round_dp(3)});
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, facts, words);
        }
    }
}
