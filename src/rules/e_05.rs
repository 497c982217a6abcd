//! E-05 14分钟标记: hours in which just so many minutes are marked that the mean stays valid, and these are the high ones.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("E-05"),
    title: ("14分钟标记", "Mark shaved to keep the hour"),
    inputs: &["flagged minutes per hour"],
    condition: "hours with lo..hi flagged minutes >= n in w and mean(flagged values) > mean(unflagged values)*r",
    figures: &[ours("n", 5, 0), ours("r", 15, 1), ours("lo_min", 10, 0), ours("hi_min", 15, 0)],
    window: "7 d",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Event,
    source: "follows from the 45-min rule; default here",
    grade: Grade::D,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// Counted over seven days.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let today = shaved_hours(view, series);
        let since = view.day.0 - 6;
        let before: u32 =
            view.prior.shaved.get(&series.factor()).into_iter().flatten().filter(|(day, _)| day.0 >= since).map(|(_, hours)| hours).sum();
        if today > 0 && before + today >= view.count(&RULE, "n", series.factor()) {
            let hours = before + today;
            let words = (
                format!("七日内{hours}个小时恰留足有效分钟，标记时段浓度偏高"),
                format!("{hours} hours in seven days that just stay valid, the marked minutes being the high ones"),
            );
            hits.fire(view, &RULE, series.factor(), None, RULE.severity, json!({"hours": hours}), words);
        }
    }
}

/// Hours of the day with just so many marked minutes that the mean stays valid, these being higher than the rest by more than `r`.
pub(super) fn shaved_hours(view: &DayView<'_>, series: &SeriesView<'_>) -> u32 {
    let count = |name| view.count(&RULE, name, series.factor());
    let (r, few, many) = (view.figure(&RULE, "r", series.factor()), count("lo_min"), count("hi_min"));
    let shaved = |hour: &u8| {
        let Some(cell) = series.cell(*hour).filter(|_| series.value(*hour).is_some()) else { return false };
        let marked = cell.received_minutes.saturating_sub(cell.valid_minutes);
        let higher = cell.hidden().as_ref().and_then(decimal).zip(series.value(*hour));
        (few..=many).contains(&marked) && higher.is_some_and(|(hidden, rest)| hidden > rest * r)
    };
    (0..view.closed).filter(shaved).count() as u32
}
