//! D-05 截面积/标准过量空气系数被改: the duct area that flow and velocity imply has moved, and stays.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-05"),
    title: ("截面积/标准过量空气系数被改", "Duct area or excess-air basis moved"),
    inputs: &["Q/velocity ratio", "Zs/Avg/O2 relation"],
    condition: "implied area or implied reference O2 changes by > p and stays",
    figures: &[ours("p_pct", 2, 0), ours("hold_h", 4, 0)],
    window: "4 h",
    severity: Severity::High,
    severity_note: "critical in the source; the pressure of the air is not known, and moves the flow by two percent",
    confidence: Confidence::Medium,
    guards: &[Guard::Running, Guard::Settled],
    time: TimeBase::Event,
    source: "vendor model list; list of 18 situations, no. 15",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Against the area of the days before, in the state that fits best.
fn run(view: &DayView<'_>, hour: u8, runs: &mut Runs, hits: &mut Hits) {
    let factor = view.outlet.flow_factor.unwrap_or(FactorCode::WHOLE);
    let Some((known, _)) = view.prior.area else { return };
    if !view.is_gas() || !view.is_steady(hour) {
        return;
    }
    if !has_state(view, hour) {
        return hits.missing(&RULE, "flue temperature and moisture (a01012, a01014)");
    }
    let Some(area) = implied_area(view, hour, known) else { return };
    let p = pct(view.figure(&RULE, "p_pct", factor));
    if off(area, known).is_none_or(|off| off <= p) {
        return runs.put(RULE.id, factor, None);
    }
    let run = runs
        .extend(RULE.id, factor, view.day.hour(hour), Some(area), |run| run.value.and_then(|before| off(area, before)).is_some_and(|off| off <= p));
    if run.hours >= view.count(&RULE, "hold_h", factor) {
        let (area, known) = (area.round_dp(3), known.round_dp(3));
        let words = (format!("由流量推算的截面积由{known}m²变为{area}m²"), format!("the implied area went from {known} to {area} m2"));
        hits.fire(view, &RULE, factor, Some(hour), RULE.severity, json!({"before_m2": known, "now_m2": area}), words);
    }
}
