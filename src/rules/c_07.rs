//! C-07 混入氮气/零气: all gases fall at once, oxygen with them, and stay down: nitrogen or zero gas is mixed in.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("C-07"),
    title: ("混入氮气/零气", "Nitrogen or zero gas mixed in"),
    inputs: &["minute: SO2, NOx, O2"],
    condition: "five-minute SO2, NOx and O2 all fall >= p within t and stay for hold, temperature and flow within 10%, no C mark",
    figures: &[ours("p_pct", 40, 0), ours("t_min", 5, 0), ours("hold_min", 30, 0)],
    window: "30 min",
    severity: Severity::Critical,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::Settled, Guard::LowLevel],
    time: TimeBase::Event,
    source: "vendor model list (mixed N2: gases fall steeply); figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Day(run),
};
fn run(view: &DayView<'_>, hits: &mut Hits) {
    let Some(oxygen) = view.oxygen().map(course) else { return };
    let gases = gases(view);
    if gases.is_empty() {
        return;
    }
    let whole = FactorCode::WHOLE;
    let left = 1000 - per_mille(view.figure(&RULE, "p_pct", whole));
    // A fall in the midst of a slot shows in two.
    let within = slots_of(view.count(&RULE, "t_min", whole)) + 1;
    let hold = slots_of(view.count(&RULE, "hold_min", whole));
    let mut place = 1;
    while place + hold <= oxygen.len() {
        let stays = |at: &usize| {
            let end = at + hold;
            let stays =
                |gas: &[Option<i64>]| gas[*at..end].iter().all(|to| gas[place - 1].zip(*to).is_some_and(|(from, to)| has_fallen(from, to, left)));
            end <= oxygen.len() && stays(&oxygen) && all_do(&gases, place - 1, stays)
        };
        let at = (place..(place + within).min(oxygen.len())).find(stays);
        let Some(at) = at.filter(|at| is_steady(view, place - 1, *at) && flue_stays(view, place - 1, *at, 100) == Some(true)) else {
            place += 1;
            continue;
        };
        let minutes = view.count(&RULE, "hold_min", whole);
        let words = (
            format!("{}气态污染物与氧量同时陡降，{minutes}分钟未恢复，烟温、流速未变", clock_of(at)),
            format!("{}: the gases and oxygen fall together and stay down for {minutes} minutes, with temperature and flow unchanged", clock_of(at)),
        );
        let oxygen_at = |slot: usize| Decimal::new(oxygen[slot].unwrap_or_default(), 3).normalize();
        let facts = json!({"at": clock_of(at), "oxygen_before": oxygen_at(place - 1), "oxygen_after": oxygen_at(at), "minutes": minutes});
        hits.fire(view, &RULE, whole, Some(time_of(at).0), RULE.severity, facts, words);
        place = at + hold;
    }
}
