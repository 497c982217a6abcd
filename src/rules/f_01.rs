//! F-01 参数被改: a parameter of an instrument was changed and nobody declared why.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("F-01"),
    title: ("参数被改", "Parameter changed"),
    inputs: &["slope, intercept, range, area, velocity coefficient, standard O2, K, pipe constants from CN 3020"],
    condition: "value differs from previous upload and no change ticket",
    figures: &[],
    window: "1 upload",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Event,
    source: "provincial parameter-capture practice (Liaoning); vendor model list",
    grade: Grade::P,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// Range, digestion temperature and time, intercept, slope, detection limit (i13001, i13004, i13005, i13007–i13009): other codes are
/// readings and clocks. A declaration of maintenance or calibration over the time is the ticket.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    let mut known = view.prior.parameters.clone();
    for fact in view.facts {
        let FactKind::Information { factor, id, value } = &fact.kind else { continue };
        if !is_constant(id) || fact.from.rank == 0 {
            continue;
        }
        let before = known.insert(parameter_key(*factor, id), (value.clone(), fact.at));
        let Some((before, since)) = before.filter(|(before, _)| !same_number(before, value)) else { continue };
        if view.is_ticketed(fact.at) {
            continue;
        }
        let words = (format!("参数{id}由{before}改为{value}"), format!("parameter {id} was changed from {before} to {value}"));
        // Logs of the instrument, the logger and the door, and who was logged in, within an hour of it.
        let near: Vec<_> = view.facts.iter().filter(|other| (other.at.0 - fact.at.0).abs() <= HOUR_MS).filter_map(beside).take(5).collect();
        let facts = json!({"near": near, "parameter": id, "before": before, "since": since.to_string(), "now": value, "at": fact.at.to_string()});
        hits.fire(view, &RULE, factor.unwrap_or(FactorCode::WHOLE), Some(fact.at.hour().of_day()), RULE.severity, facts, words);
    }
}

/// A log line or a state beside a change.
fn beside(fact: &crate::domain::Fact) -> Option<serde_json::Value> {
    match &fact.kind {
        FactKind::Information { id, value, .. } if !is_constant(id) => Some(json!({"at": fact.at.to_string(), "id": id, "value": value})),
        _ => None,
    }
}
