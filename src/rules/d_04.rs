//! D-04 流量与流速截面不符: the flow does not follow from velocity and duct area, in any of the usual states.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-04"),
    title: ("流量与流速截面不符", "Flow does not follow velocity and area"),
    inputs: &["a01011", "a01016 or registered area", "a00000", "a01012", "a01013", "a01014"],
    condition: "|Q / own - 1| > p, tried against actual, standard wet and standard dry",
    figures: &[ours("p_pct", 5, 0)],
    window: "1 h",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Running, Guard::Settled],
    time: TimeBase::Event,
    source: "HJ 75-2017 formula chain; area item in list of 18 (no. 15); 5% set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Actual, standard wet, standard dry: one of them must fit.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    if view.of("a01011").is_none() || !view.is_gas() || !view.is_steady(hour) {
        return;
    }
    if !has_state(view, hour) {
        return hits.missing(&RULE, "flue temperature and moisture (a01012, a01014)");
    }
    let Some(area) = view.outlet.stack_area_m2 else { return hits.missing(&RULE, "the registered area of the duct (stack_area_m2)") };
    let Some((volume, actual, states)) = flow_states(view, hour, area) else { return };
    let p = pct(view.figure(&RULE, "p_pct", FactorCode::WHOLE));
    let fits = std::iter::once(actual).chain(states).any(|own| off(volume, own).is_some_and(|off| off <= p));
    if !fits {
        let words = (
            format!("小时流量{}m³，按流速和截面积为{}m³（工况）", volume.round_dp(0), actual.round_dp(0)),
            format!("a flow of {} m3 in the hour, {} m3 by velocity and area (actual)", volume.round_dp(0), actual.round_dp(0)),
        );
        let factor = view.outlet.flow_factor.unwrap_or(FactorCode::WHOLE);
        hits.fire(view, &RULE, factor, Some(hour), RULE.severity, json!({"flow_m3": volume.round_dp(1), "own_m3": actual.round_dp(1)}), words);
    }
}
