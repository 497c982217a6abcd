//! D-18 负荷与流量矛盾: the flow no longer follows the load.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-18"),
    title: ("负荷与流量矛盾", "Load rises, flow does not"),
    inputs: &["electricity ST 44 or load, flow"],
    condition: "correlation(load, flow) over w days below r2 after above r1 in the base days before",
    figures: &[ours("r1", 6, 1), ours("r2", 2, 1), ours("min_hours", 120, 0), ours("w_d", 30, 0), ours("base_d", 30, 0)],
    window: "60 d",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[],
    time: TimeBase::Event,
    source: "rule catalogue; correlation figures set here; its fuel balance (30%) has no input in any protocol",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
/// The load is the outlet's series of production equipment (用电监控, ST 44, codes d2…). The fuel balance has no input in any protocol.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    let load = view.series.iter().map(SeriesView::factor).find(|factor| is_load(*factor));
    let Some(load) = load else { return hits.missing(&RULE, "the electricity of production (ST 44, d2…)") };
    let flow = ["a00000", "w00000", "a01011"].into_iter().find_map(|code| view.of(code));
    let Some(flow) = flow.map(SeriesView::factor) else {
        return hits.missing(&RULE, "velocity or flow");
    };
    let days = view.count(&RULE, "w_d", flow);
    let base = view.count(&RULE, "base_d", flow);
    let pairs = |count, without| -> Vec<(i64, i64)> { window.pairs(load, flow, count, without).map(|(_, pair)| pair).collect() };
    let (now, before) = (pairs(days, 0), pairs(base + days, days));
    let least = view.count(&RULE, "min_hours", flow) as usize;
    if now.len() < least || before.len() < least {
        return;
    }
    let (Some(now), Some(before)) = (correlation(&now), correlation(&before)) else { return };
    if now < view.figure(&RULE, "r2", flow) && before > view.figure(&RULE, "r1", flow) {
        let words = (
            format!("流量与用电负荷的相关系数由{before}降至{now}"),
            format!("the correlation of flow and load is {now}, after {before} in the {base} days before"),
        );
        hits.fire(view, &RULE, flow, None, RULE.severity, json!({"correlation": now, "before": before, "of_days": days}), words);
    }
}

/// Whether a series is the electricity of production equipment.
pub(super) fn is_load(factor: FactorCode) -> bool {
    factor.as_str().starts_with("d2")
}
