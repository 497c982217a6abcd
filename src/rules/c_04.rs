//! C-04 昼夜差异: night and day differ, and the flow does not.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("C-04"),
    title: ("昼夜差异", "Day against night"),
    inputs: &["hour: concentration, flow"],
    condition: "|median(night 22-06) - median(day 08-18)| / median(all) > r on >= n of 14 days while flow differs < 10%",
    figures: &[ours("r", 5, 1), ours("n", 10, 0), ours("w_d", 14, 0)],
    window: "14 d",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::LowLevel],
    time: TimeBase::Event,
    source: "list of 18 situations, no. 14 (threshold not visible); figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    let flow = flow_of(view).map(SeriesView::factor);
    let Some(flow) = flow else { return hits.missing(&RULE, "velocity or flow") };
    for series in view.pollutants() {
        let factor = series.factor();
        let (r, days) = (i128::from(milli(view.figure(&RULE, "r", factor))), view.count(&RULE, "w_d", factor));
        let differs = |profile: &Profile| {
            let of = |factor| profile.series.get(&factor).map(|series| &series.measured);
            let (night, day, all) = halves(of(factor)?, profile.running)?;
            let (flow_night, flow_day, _) = halves(of(flow)?, profile.running)?;
            let unlike = i128::from(night - day).abs() * 1000 > i128::from(all).abs() * r;
            (unlike && is_within(flow_day, flow_night, 100)).then_some((night, day))
        };
        let Some((night, day)) = differs(window.today()) else { continue };
        let count = window.days(days).filter(|(_, profile)| differs(profile).is_some()).count() as u32;
        if count >= view.count(&RULE, "n", factor) {
            let (night, day) = (of_millionths(night), of_millionths(day));
            let severity = if view.is_low(series, night.max(day)) { Severity::Info } else { RULE.severity };
            let words = (
                format!("{days}日内{count}日昼夜浓度差异大（当日夜间{night}，白天{day}），流量相近"),
                format!("on {count} of {days} days night and day differ (this day {night} and {day}) while the flow does not"),
            );
            hits.fire(view, &RULE, factor, None, severity, json!({"days": count, "of_days": days, "night": night, "day": day}), words);
        }
    }
}

/// Medians of the night (22 to 6 o'clock), of the working day (8 to 18) and of all hours.
fn halves(hours: &Hourly, running: u32) -> Option<(i64, i64, i64)> {
    let of = |holds: fn(u8) -> bool| -> Vec<i64> { hours.iter(running).filter(|(hour, _)| holds(*hour)).map(|(_, value)| value).collect() };
    let (night, day, all) = (of(|hour| !(6..22).contains(&hour)), of(|hour| (8..18).contains(&hour)), of(|_| true));
    if night.len() < 4 || day.len() < 4 { None } else { Some((median(&night)?, median(&day)?, median(&all)?)) }
}
