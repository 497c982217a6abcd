//! F-07 设备更换/日志缺失: an instrument was swapped without a ticket, or the logger restarts again and again.

use super::prelude::*;
use std::collections::BTreeMap;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("F-07"),
    title: ("设备更换/频繁重启", "Instrument swapped or logger restarts"),
    inputs: &["CN 3019, 3020, 2081"],
    condition: "device id changes without ticket; restart message (2081) of one logger > n per day",
    figures: &[ours("n", 3, 0)],
    window: "1 d",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Event,
    source: "vendor model list (power-off); figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// Serial numbers by 3019, restarts by 2081. A gap in the log, which the list names as well, is not judged: nothing says how often a logger must
/// write into it.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    let mut by_logger: BTreeMap<u8, u32> = BTreeMap::new();
    for fact in view.facts.iter().filter(|fact| fact.kind == FactKind::Restart) {
        *by_logger.entry(fact.from.rank).or_default() += 1;
    }
    let restarts = by_logger.into_values().max().unwrap_or_default();
    if restarts > view.count(&RULE, "n", FactorCode::WHOLE) {
        let words = (format!("数采仪一日重启{restarts}次"), format!("the logger started {restarts} times in a day"));
        hits.fire(view, &RULE, FactorCode::WHOLE, None, RULE.severity, json!({"restarts": restarts}), words);
    }
    let mut known = view.prior.parameters.clone();
    for fact in view.facts {
        let FactKind::Instrument { factor, serial } = &fact.kind else { continue };
        if fact.from.rank == 0 {
            continue;
        }
        let before = known.insert(parameter_key(*factor, SERIAL), (serial.clone(), fact.at));
        if let Some((before, _)) = before.filter(|(before, _)| before != serial).filter(|_| !view.is_ticketed(fact.at)) {
            let words = (format!("仪器编号由{before}变为{serial}"), format!("the instrument's number went from {before} to {serial}"));
            let facts = json!({"before": before, "now": serial});
            hits.fire(view, &RULE, factor.unwrap_or(FactorCode::WHOLE), Some(fact.at.hour().of_day()), RULE.severity, facts, words);
        }
    }
}
