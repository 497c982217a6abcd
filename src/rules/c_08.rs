//! C-08 混入含氧气体: moisture falls steeply with the gases while oxygen rises: dry gas is mixed in.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("C-08"),
    title: ("混入含氧气体", "Dry gas mixed in"),
    inputs: &["minute: humidity, O2, SO2, NOx"],
    condition: "humidity falls >= p with O2 up by >= o and gases down by >= gas for >= hold minutes, flow within 10%",
    figures: &[ours("p_pct", 40, 0), ours("gas_pct", 20, 0), ours("o_pct_points", 1, 0), ours("hold_min", 30, 0)],
    window: "30 min",
    severity: Severity::Critical,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::Settled, Guard::LowLevel],
    time: TimeBase::Event,
    source: "vendor model list (humidity falls steeply); figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Day(run),
};
fn run(view: &DayView<'_>, hits: &mut Hits) {
    let (Some(oxygen), Some(moisture)) = (view.oxygen().map(course), course_of(view, "a01014")) else { return };
    let gases = gases(view);
    if gases.is_empty() {
        return;
    }
    let whole = FactorCode::WHOLE;
    let left = 1000 - per_mille(view.figure(&RULE, "p_pct", whole));
    let gas_left = 1000 - per_mille(view.figure(&RULE, "gas_pct", whole));
    let (rise, hold) = (milli(view.figure(&RULE, "o_pct_points", whole)), slots_of(view.count(&RULE, "hold_min", whole)));
    // A change in the midst of a slot shows in two.
    let within = 2;
    let mut place = 1;
    while place + hold <= oxygen.len() {
        let dilutes = |at: &usize| {
            let slots = *at..(at + hold).min(oxygen.len());
            let falls = |of: &[Option<i64>], left: i64| {
                slots.clone().all(|slot| of[place - 1].zip(of[slot]).is_some_and(|(from, to)| has_fallen(from, to, left)))
            };
            let rises = slots.clone().all(|slot| oxygen[place - 1].zip(oxygen[slot]).is_some_and(|(from, to)| to - from >= rise));
            slots.len() == hold && rises && falls(&moisture, left) && all_do(&gases, place - 1, |gas| falls(gas, gas_left))
        };
        let at = (place..(place + within).min(oxygen.len())).find(dilutes);
        let Some(at) = at.filter(|at| is_steady(view, place - 1, *at) && flue_stays(view, place - 1, *at, 100) == Some(true)) else {
            place += 1;
            continue;
        };
        let of = |values: &[Option<i64>], slot: usize| Decimal::new(values[slot].unwrap_or_default(), 3).normalize();
        let (before, after) = (of(&moisture, place - 1), of(&moisture, at));
        let words = (
            format!("{}湿度由{before}%降至{after}%，氧量上升、气态污染物下降，流速未变", clock_of(at)),
            format!("{}: moisture from {before} to {after} %, oxygen up and the gases down, with the flow unchanged", clock_of(at)),
        );
        let facts = json!({"at": clock_of(at), "moisture_before": before, "moisture_after": after, "oxygen_before": of(&oxygen, place - 1), "oxygen_after": of(&oxygen, at)});
        hits.fire(view, &RULE, whole, Some(time_of(at).0), RULE.severity, facts, words);
        place = at + hold;
    }
}
