//! A-09 临限断数: data stop coming as soon as a value nears the limit, more than once in a month.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("A-09"),
    title: ("临限断数", "Data vanish on the way up"),
    inputs: &["minute(factor)", "limit"],
    condition: "gap >= g starts within b minutes after a five-minute mean >= f*limit, and repeats >= n times in w",
    figures: &[ours("g_min", 5, 0), ours("b_min", 10, 0), ours("f", 9, 1), ours("n", 2, 0), ours("w_d", 30, 0)],
    window: "30 d",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::Survey],
    time: TimeBase::Event,
    source: "Henan CEMS study 2022: signs of switching off when an exceedance is expected; figures set here",
    grade: Grade::P,
    kind: CaseKind::MissingLink,
    refer: Refer::Score,
    run: Run::Span(run),
};
/// Gaps are counted day by day, with the figures in force when the day is judged; the days are added up here.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let today = window.today().series.get(&factor).map_or(0, |today| today.vanished);
        let days = view.count(&RULE, "w_d", factor);
        let count: u32 = window.series(factor, days).map(|(.., day)| u32::from(day.vanished)).sum();
        if today > 0 && count >= view.count(&RULE, "n", factor) {
            let words = (
                format!("{days}日内{count}次在接近限值后数据中断"),
                format!("{count} times in {days} days the data stop soon after a value near the limit"),
            );
            hits.fire(view, &RULE, factor, None, RULE.severity, json!({"count": count, "today": today, "of_days": days}), words);
        }
    }
}

/// Gaps of the day's course that begin soon after a value near the limit.
pub(super) fn vanished(view: &DayView<'_>, series: &SeriesView<'_>) -> u8 {
    let factor = series.factor();
    let Some((values, limit)) = judged_course(view, series) else { return 0 };
    let edge = i128::from(limit) * i128::from(milli(view.figure(&RULE, "f", factor)));
    let back = slots_of(view.count(&RULE, "b_min", factor));
    let near = |(first, _): &&(usize, usize)| {
        let before = &values[first.saturating_sub(back)..*first];
        before.iter().flatten().any(|value| i128::from(*value) * 1000 >= edge)
    };
    let gaps = gaps(&slots(view, Some(series)), slots_of(view.count(&RULE, "g_min", factor)));
    u8::try_from(gaps.iter().filter(near).count()).unwrap_or(u8::MAX)
}
