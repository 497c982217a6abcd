//! C-02 陡降后平稳: a value falls by half, and then hardly moves, while the plant runs on as before.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("C-02"),
    title: ("陡降后平稳", "Cliff, then flat"),
    inputs: &["minute: concentration"],
    condition: "drop >= p within t minutes, then cv of five-minute means < c for >= h hours, plant load unchanged (flow within 10%)",
    figures: &[ours("p_pct", 50, 0), ours("t_min", 10, 0), ours("c", 3, 2), ours("h", 2, 0)],
    window: "2 h",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::Settled, Guard::LowLevel, Guard::Resolution],
    time: TimeBase::Event,
    source: "list of 18 situations, no. 11 (threshold not visible); figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Day(run),
};
fn run(view: &DayView<'_>, hits: &mut Hits) {
    let flow = flow_of(view).map(course);
    for series in view.pollutants() {
        let factor = series.factor();
        let values = course(series);
        let (within, hold) = (slots_of(view.count(&RULE, "t_min", factor)), slots_of(view.count(&RULE, "h", factor) * 60));
        let left = 1000 - per_mille(view.figure(&RULE, "p_pct", factor));
        let c = i128::from(milli(view.figure(&RULE, "c", factor)));
        let mut place = 1;
        while place + hold <= values.len() {
            // A fall in the midst of a slot shows in two: the flat stretch may begin with the second.
            let falls = |at: &usize| values[place - 1].zip(values[*at]).is_some_and(|(before, after)| has_fallen(before, after, left));
            let stretch = |at: usize| {
                let flat: Vec<i64> = values.get(at..at + hold)?.iter().flatten().copied().collect();
                let (count, sum, squares) = sums(flat.iter().copied());
                // Standard deviation over mean below c, squared.
                let still = flat.len() == hold && sum > 0 && (count * squares - sum * sum) * 1_000_000 < (c * c).saturating_mul(sum * sum);
                still.then_some((at, flat[0], sum / count))
            };
            let Some((at, first, flat_mean)) = (place..(place + within).min(values.len())).filter(falls).find_map(stretch) else {
                place += 1;
                continue;
            };
            let loaded = flow.as_ref().is_some_and(|flow| {
                let before = mean(&flow[place.saturating_sub(12)..place]);
                let after = mean(&flow[at..at + hold]);
                before.zip(after).is_some_and(|(before, after)| is_within(before, after, 100))
            });
            let level = Decimal::new(values[place - 1].unwrap_or_default(), 3).normalize();
            if loaded && is_steady(view, place - 1, at) && !is_coarse_over(view, series, Decimal::new(first, 3)) {
                let (flat_mean, hours) = (Decimal::new(flat_mean as i64, 3).normalize(), view.count(&RULE, "h", factor));
                let severity = if view.is_low(series, level) { Severity::Info } else { RULE.severity };
                let words = (
                    format!("{}由{level}陡降，此后{hours}小时稳定在{flat_mean}，流量未变", clock_of(at)),
                    format!("{}: from {level} down, then {hours} hours at {flat_mean}, with the flow unchanged", clock_of(at)),
                );
                let facts = json!({"at": clock_of(at), "before": level, "after": flat_mean, "hours": hours});
                hits.fire(view, &RULE, factor, Some(time_of(at).0), severity, facts, words);
                place = at + hold;
            } else {
                place += 1;
            }
        }
    }
}
