//! E-04 超标即标记: the mark begins where the limit is crossed.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("E-04"),
    title: ("超标即标记", "Mark begins where the limit is crossed"),
    inputs: &["mark start", "minute converted value", "limit"],
    condition: "mark M, C or D starts with, or within b minutes after, a five-minute converted value > limit, on >= n occasions and >= p of marks in w",
    figures: &[ours("b_min", 15, 0), ours("n", 3, 0), ours("p_pct", 50, 0), ours("w_d", 30, 0)],
    window: "30 d",
    severity: Severity::Critical,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[],
    time: TimeBase::Event,
    source: "rule catalogue (exceedances marked as maintenance or fault); figures set here",
    grade: Grade::S,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Score,
    run: Run::Span(run),
};
/// Beginnings are counted day by day, with the figures in force when the day is judged; the days are added up here.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let today = window.today().series.get(&factor).map_or(0, |today| today.marks_over);
        let days = view.count(&RULE, "w_d", factor);
        let (marks, over) = window
            .series(factor, days)
            .fold((0u32, 0u32), |(marks, over), (.., day)| (marks + u32::from(day.marks), over + u32::from(day.marks_over)));
        let enough = Decimal::from(over * 100) >= view.figure(&RULE, "p_pct", factor) * Decimal::from(marks);
        if today > 0 && over >= view.count(&RULE, "n", factor) && enough {
            let words = (
                format!("{days}日内{marks}次维护、校准或故障标记中{over}次始于超过限值之时"),
                format!("of {marks} marks of maintenance, calibration or fault in {days} days {over} begin as the limit is exceeded"),
            );
            hits.fire(view, &RULE, factor, None, RULE.severity, json!({"marks": marks, "over": over, "of_days": days}), words);
        }
    }
}

/// Beginnings of marks M, C and D in the day's course, and those of them that follow on a value above the limit or begin with one.
pub(super) fn marks(view: &DayView<'_>, series: &SeriesView<'_>) -> (u8, u8) {
    let factor = series.factor();
    let judged = judged_course(view, series);
    let back = slots_of(view.count(&RULE, "b_min", factor));
    let (mut marks, mut over) = (0u8, 0u8);
    for slot in 1..24 * usize::from(SLOTS) {
        if !is_claimed(series, slot) || is_claimed(series, slot - 1) {
            continue;
        }
        marks = marks.saturating_add(1);
        // Span gas is above every limit: what the mark of a calibration shows says nothing, what stands before it does. Neither says
        // anything what another mark shows that was there shortly before.
        let calibrates = series.marked(time_of(slot).0, Marker::CALIBRATION) > 0;
        let looked_at = (slot.saturating_sub(back)..slot).filter(|at| !is_claimed(series, *at)).chain((!calibrates).then_some(slot));
        let exceeds = |(values, limit): &(Vec<Option<i64>>, i64)| looked_at.clone().any(|at| values[at].is_some_and(|value| value > *limit));
        if judged.as_ref().is_some_and(exceeds) {
            over = over.saturating_add(1);
        }
    }
    (marks, over)
}
