//! D-14 去除率异常高: day after day nearly nothing is left of what came in.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-14"),
    title: ("去除率异常高", "Removal too good"),
    inputs: &["inlet and outlet COD (register: inlet; 邻点比对)"],
    condition: "1 - out/in > p for >= n days running; by the means of the running hours of each day",
    figures: &[given("p_pct", 95, 0), given("n", 7, 0)],
    window: "7 d",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "rule catalogue (95%)",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
/// 化学需氧量.
pub(super) const COD: FactorCode = FactorCode::known("w01018");

fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    if view.outlet.inlet.is_none() {
        if view.of_factor(COD).is_some() {
            hits.missing(&RULE, "inlet");
        }
        return;
    }
    for Neighbour { factor, sight } in window.neighbours() {
        let Sight::Removal { inlet, pct } = sight else { continue };
        // The register may name another by now.
        if view.outlet.inlet != Some(*inlet) {
            continue;
        }
        let (edge, days) = (view.figure(&RULE, "p_pct", *factor), view.count(&RULE, "n", *factor) as usize);
        let running = pct.iter().take_while(|removal| **removal > edge).count();
        let Some(today) = pct.first().filter(|_| running >= days.max(1)) else { continue };
        let words = (
            format!("连续{running}日去除率高于{edge}%（当日{today}%，进口{inlet}）"),
            format!("for {running} days more than {edge} % was removed ({today} % on the day; the inlet is {inlet})"),
        );
        hits.fire(view, &RULE, *factor, None, RULE.severity, json!({"inlet": inlet, "days": running, "removal_pct": today}), words);
    }
}
