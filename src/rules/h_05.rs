//! H-05 同一MN多来源: one logger sends from two addresses at the same time.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("H-05"),
    title: ("同一MN多来源", "One MN from two sources"),
    inputs: &["peer address, MN"],
    condition: "same MN on >= 2 addresses within t with overlapping DataTime, coming back >= returns times",
    figures: &[ours("t_min", 10, 0).fixed(), ours("returns", 2, 0)],
    window: "10 min",
    severity: Severity::Critical,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Arrival,
    source: "default here",
    grade: Grade::D,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// It must come back to an address that it left, twice in the records of an hour: a change of address alone is a new connection.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let returns = view.series.iter().filter_map(|series| series.odd(hour)).map(|odd| odd.peer_returns).max().unwrap_or_default();
    if returns >= view.count(&RULE, "returns", FactorCode::WHOLE) {
        let words =
            (format!("同一设备编码在两个地址间往返{returns}次"), format!("one device id came back {returns} times to an address it had left"));
        hits.fire(view, &RULE, FactorCode::WHOLE, Some(hour), RULE.severity, json!({"returns": returns}), words);
    }
}
