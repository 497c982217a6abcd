//! B-06 零值: zero for hours while the outlet runs.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("B-06"),
    title: ("零值", "Zero while running"),
    inputs: &["hour: concentration"],
    condition: "value = 0 for >= n hours and outlet running (O2 < o2_pct, or flow above flow_share of its 30-day median)",
    figures: &[ours("n", 4, 0), ours("o2_pct", 19, 0), ours("flow_share", 1, 1)],
    window: "4 h",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Running, Guard::Settled, Guard::LowLevel],
    time: TimeBase::Event,
    source: "Tianjin study lists zero as anomaly type; n as in B-01",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Running by its parameters, not by its marks alone: oxygen, or flow beside the month's median.
fn run(view: &DayView<'_>, hour: u8, runs: &mut Runs, hits: &mut Hits) {
    let figure = |name| view.figure(&RULE, name, FactorCode::WHOLE);
    // The flue's temperature is no sign here.
    let (runs_by, _) = view.signs(hour, figure("o2_pct"), figure("flow_share"), Decimal::ONE_THOUSAND);
    for series in view.pollutants() {
        let zero = series.value(hour).is_some_and(|value| value.is_zero()) && view.is_steady(hour) && (runs_by > 0 || !view.is_gas());
        if !zero {
            runs.put(RULE.id, series.factor(), None);
            continue;
        }
        let run = runs.extend(RULE.id, series.factor(), view.day.hour(hour), None, |run| run.goes_on_at(view.day.hour(hour)));
        if run.hours >= view.count(&RULE, "n", series.factor()) {
            let usual = view.prior.median(series.factor());
            let severity = if usual.is_none_or(|usual| view.is_low(series, usual)) { Severity::Info } else { RULE.severity };
            hits.fire(view, &RULE, series.factor(), Some(hour), severity, still_facts(run, Decimal::ZERO), still_words(run, Decimal::ZERO));
        }
    }
}
