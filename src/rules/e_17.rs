//! E-17 定时标记: maintenance or fault is marked at the same hour, day after day.
//!
//! Beside the catalogue of 122, whose E-04 asks what the values were and needs windows of minutes: this one asks for the clock alone.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("E-17"),
    title: ("定时标记", "Marks at the same hour"),
    inputs: &["M and D marks, declarations among them"],
    condition: "a mark M or D begins in the same hour of the day on >= n of the last w days, and covers >= min_minutes of it",
    figures: &[ours("n", 5, 0), ours("w_d", 14, 0), ours("min_minutes", 16, 0)],
    window: "14 d",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "follows from the marking rules (marker-rules.md): a fault keeps no hours; figures set here",
    grade: Grade::D,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// Calibrations are daily and on the minute by nature: they are no part of it.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    let days = view.count(&RULE, "w_d", FactorCode::WHOLE) as i32;
    let today = beginnings(view);
    for hour in (0..24u8).filter(|hour| today >> hour & 1 == 1) {
        let known = view.prior.mark_beginnings.iter().filter(|(day, hours)| day.0 > view.day.0 - days && hours >> hour & 1 == 1);
        let count = 1 + known.count() as u32;
        if count >= view.count(&RULE, "n", FactorCode::WHOLE) {
            let words = (
                format!("{days}日内有{count}日在{hour:02}时开始标记维护或故障"),
                format!("maintenance or fault is marked from {hour:02}:00 on {count} of {days} days"),
            );
            hits.fire(view, &RULE, FactorCode::WHOLE, Some(hour), RULE.severity, json!({"days": count, "of_days": days}), words);
        }
    }
}

/// Hours of the day in which a mark begins, a bit each: while the outlet runs, and not where the hour before is marked as well.
pub(super) fn beginnings(view: &DayView<'_>) -> u32 {
    let hours = (0..view.closed).filter(|hour| is_marked(view, *hour) && view.is_running(*hour) == Some(true));
    let goes_on = |hour: u8| if hour == 0 { view.prior.marked_at_midnight } else { is_marked(view, hour - 1) };
    hours.filter(|hour| !goes_on(*hour)).fold(0, |bits, hour| bits | 1 << hour)
}

/// Whether a pollutant is marked for so much of an hour.
pub(super) fn is_marked(view: &DayView<'_>, hour: u8) -> bool {
    let least = view.count(&RULE, "min_minutes", FactorCode::WHOLE);
    view.pollutants().any(|series| series.marked(hour, Marker::MAINTENANCE) + series.marked(hour, Marker::FAULT) >= least)
}
