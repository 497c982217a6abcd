//! F-02 参数偏离备案: slope or intercept is far from what the register says.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("F-02"),
    title: ("参数偏离备案", "Parameter far from its register"),
    inputs: &["slope, intercept"],
    condition: "|value/registered - 1| > p",
    figures: &[given("p_pct", 10, 0)],
    window: "1 upload",
    severity: Severity::Critical,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Event,
    source: "rule catalogue (10%)",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// i13008 斜率, i13007 截距. An intercept of zero has no share: it is compared as it is, with the share of the range.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    for fact in view.facts {
        let FactKind::Information { factor: Some(factor), id, value } = &fact.kind else { continue };
        if fact.from.rank == 0 {
            continue;
        }
        let Some(series) = view.of_factor(*factor) else { continue };
        let row = series.row;
        let registered = match id.to_ascii_lowercase().as_str() {
            "i13008" => row.and_then(|row| row.slope),
            "i13007" => row.and_then(|row| row.intercept),
            _ => continue,
        };
        let Some(registered) = registered else {
            hits.missing(&RULE, "the registered slope and intercept (series.csv)");
            continue;
        };
        let Ok(value) = number::parse(value) else { continue };
        let p = pct(view.figure(&RULE, "p_pct", *factor));
        let far = match off(value, registered) {
            Some(off) => off > p,
            None => series.range().is_some_and(|range| value.abs() > range * p),
        };
        if far {
            let words = (format!("参数{id}为{value}，备案{registered}"), format!("parameter {id} is {value}, registered is {registered}"));
            let facts = json!({"parameter": id, "value": value, "registered": registered});
            hits.fire(view, &RULE, *factor, Some(fact.at.hour().of_day()), RULE.severity, facts, words);
        }
    }
}
