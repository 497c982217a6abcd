//! D-19 有排放无流量: no flow while the pumps run.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-19"),
    title: ("有排放无流量", "Discharge without flow"),
    inputs: &["w00000", "treatment plant state ST 45 or electricity"],
    condition: "flow = 0 for >= h while the treatment pumps run",
    figures: &[ours("h", 4, 0)],
    window: "4 h",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[],
    time: TimeBase::Event,
    source: "default here",
    grade: Grade::D,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Pumps by 2021 (`SBn` 1) or by the electricity of the treatment (ST 44, `d3…`).
fn run(view: &DayView<'_>, hour: u8, runs: &mut Runs, hits: &mut Hits) {
    let Some(flow) = view.outlet.flow_factor.and_then(|factor| view.of_factor(factor)).filter(|_| !view.is_gas()) else { return };
    let device = |fact: &&crate::domain::Fact| matches!(&fact.kind, FactKind::Condition { code, .. } if code.starts_with("SB"));
    let end = view.day.hour(hour).end();
    let pumping = view.facts.iter().filter(device).rfind(|fact| fact.at < end);
    let by_state = pumping.is_some_and(|fact| matches!(&fact.kind, FactKind::Condition { word, .. } if word == "1"));
    let power = view.series.iter().filter(|series| series.code().starts_with("d3")).filter_map(|series| series.value(hour));
    let by_power = power.max().is_some_and(|power| power > Decimal::ZERO);
    if pumping.is_none() && !view.series.iter().any(|series| series.code().starts_with("d3")) {
        return hits.missing(&RULE, "the state of the treatment pumps (2021, or ST 44)");
    }
    if !(flow.value(hour).is_some_and(|flow| flow.is_zero()) && (by_state || by_power)) {
        return runs.put(RULE.id, flow.factor(), None);
    }
    let run = runs.extend(RULE.id, flow.factor(), view.day.hour(hour), None, |run| run.goes_on_at(view.day.hour(hour)));
    if run.hours >= view.count(&RULE, "h", flow.factor()) {
        let words = (format!("治理设施运行而流量为0，已{}小时", run.hours), format!("no flow for {} hours while the pumps run", run.hours));
        hits.fire(view, &RULE, flow.factor(), Some(hour), RULE.severity, json!({"hours": run.hours}), words);
    }
}
