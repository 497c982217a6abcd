//! C-03 临限陡降: again and again a value falls steeply as soon as it nears the limit.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("C-03"),
    title: ("临限陡降", "Cliff just under the limit"),
    inputs: &["minute: converted value", "limit"],
    condition: "value >= f*limit, then falls by >= p within t min; n or more times in w with no calibration mark",
    figures: &[ours("f", 9, 1), ours("p_pct", 50, 0), ours("t_min", 5, 0), ours("n", 3, 0), ours("w_d", 7, 0)],
    window: "7 d",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::Settled],
    time: TimeBase::Event,
    source: "vendor model list (steep drop when exceeding, remote control); figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
/// Falls are counted day by day, with the figures in force when the day is judged; the days are added up here.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let today = window.today().series.get(&factor).map_or(0, |today| today.cliffs);
        let days = view.count(&RULE, "w_d", factor);
        let count: u32 = window.series(factor, days).map(|(.., day)| u32::from(day.cliffs)).sum();
        if today > 0 && count >= view.count(&RULE, "n", factor) {
            let words =
                (format!("{days}日内{count}次在接近限值时陡降"), format!("{count} times in {days} days the value falls steeply from near the limit"));
            hits.fire(view, &RULE, factor, None, RULE.severity, json!({"count": count, "today": today, "of_days": days}), words);
        }
    }
}

/// Falls of the day's course from near the limit, without a calibration.
pub(super) fn cliffs(view: &DayView<'_>, series: &SeriesView<'_>) -> u8 {
    let factor = series.factor();
    let Some((values, limit)) = judged_course(view, series) else { return 0 };
    let edge = i128::from(limit) * i128::from(milli(view.figure(&RULE, "f", factor)));
    let left = 1000 - per_mille(view.figure(&RULE, "p_pct", factor));
    // A fall in the midst of a slot shows in two.
    let within = slots_of(view.count(&RULE, "t_min", factor)) + 1;
    let (mut count, mut place) = (0u8, 1);
    while place < values.len() {
        let from = values[place - 1].filter(|value| i128::from(*value) * 1000 >= edge);
        let falls = |at: &usize| from.zip(values[*at]).is_some_and(|(from, to)| has_fallen(from, to, left));
        let at = (place..(place + within).min(values.len())).find(falls);
        match at.filter(|at| (place - 1..=*at).all(|slot| !is_claimed(series, slot)) && is_steady(view, place - 1, *at)) {
            Some(at) => (count, place) = (count.saturating_add(1), at + 1),
            None => place += 1,
        }
    }
    count
}
