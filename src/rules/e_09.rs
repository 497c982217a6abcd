//! E-09 维护时间过长: maintenance too long.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("E-09"),
    title: ("维护时间过长", "Maintenance too long"),
    inputs: &["M marks"],
    condition: "one block > a h, or M hours in the natural quarter > b per furnace (waste incineration)",
    figures: &[given("a_h", 4, 0), given("b_h_quarter", 30, 0)],
    window: "block / quarter",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Event,
    source: "list of 18 situations, no. 4 (figure not visible); 30 h a quarter recalled from Decree 10, see marker-rules.md I9",
    grade: Grade::M,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// One block by hours that hold mostly marked minutes; of incinerators also the hours of a quarter.
fn run(view: &DayView<'_>, hour: u8, runs: &mut Runs, hits: &mut Hits) {
    let Some((factor, minutes)) = longest_mark(view, hour, Marker::MAINTENANCE) else { return runs.put(RULE.id, FactorCode::WHOLE, None) };
    let run = runs.extend(RULE.id, FactorCode::WHOLE, view.day.hour(hour), None, |_| true);
    let most = view.count(&RULE, "a_h", FactorCode::WHOLE);
    if run.hours > most {
        let words = (format!("连续维护{}小时", run.hours), format!("{} hours of maintenance running", run.hours));
        hits.fire(view, &RULE, FactorCode::WHOLE, Some(hour), RULE.severity, json!({"hours": run.hours, "factor": factor}), words);
    }
    let so_far = (0..hour).filter_map(|hour| longest_mark(view, hour, Marker::MAINTENANCE)).map(|(_, minutes)| minutes).sum::<u32>();
    let quarter = view.prior.marked.maintenance_quarter + so_far + minutes;
    let most = view.count(&RULE, "b_h_quarter", FactorCode::WHOLE);
    if view.burns_waste() && quarter > most.saturating_mul(60) {
        let hours = quarter / 60;
        let words = (format!("本季度维护累计{hours}小时"), format!("{hours} hours of maintenance in the quarter"));
        hits.fire(view, &RULE, FactorCode::WHOLE, Some(hour), RULE.severity, json!({"quarter_hours": hours}), words);
    }
}
