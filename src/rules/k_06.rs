//! K-06 发现异常形状: a day whose course is like that of no day before it.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("K-06"),
    title: ("发现异常形状", "Unlike any past day"),
    inputs: &["daily hour shape"],
    condition: "the likeness (correlation of hours) of the day to its nearest day is below that of 99.5 % of the days, of >= min_days",
    figures: &[ours("p", 995, 1), ours("min_days", 30, 0), ours("w_d", 180, 0)],
    window: "180 d",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "2023 water-quality paper: matrix profile did well against one-class SVM",
    grade: Grade::P,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Span(run),
};
/// The likeness of two days is the correlation of their hours: what a matrix profile of days calls distance. A day stands out when its
/// nearest day is farther than those of nearly all the others.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let days: Vec<(Day, [Option<i64>; 24])> = window
            .series(factor, view.count(&RULE, "w_d", factor))
            .map(|(day, profile, series)| {
                let mut hours = [None; 24];
                series.measured.iter(profile.running).for_each(|(hour, value)| hours[usize::from(hour)] = Some(value));
                (day, hours)
            })
            .filter(|(_, hours)| hours.iter().flatten().count() >= 20)
            .collect();
        if (days.len() as u32) < view.count(&RULE, "min_days", factor) || days.last().is_none_or(|(day, _)| *day != view.day) {
            continue;
        }
        let likeness = |one: &[Option<i64>; 24], other: &[Option<i64>; 24]| {
            let pairs: Vec<(i64, i64)> = one.iter().zip(other).filter_map(|(one, other)| (*one).zip(*other)).collect();
            correlation(&pairs)
        };
        let mut nearest = vec![None::<Decimal>; days.len()];
        for one in 0..days.len() {
            for other in one + 1..days.len() {
                let like = likeness(&days[one].1, &days[other].1);
                nearest[one] = nearest[one].max(like);
                nearest[other] = nearest[other].max(like);
            }
        }
        let Some(Some(today)) = nearest.last().copied() else { continue };
        let others: Vec<Decimal> = nearest[..nearest.len() - 1].iter().flatten().copied().collect();
        let below = others.iter().filter(|like| **like <= today).count();
        let share = (Decimal::ONE_HUNDRED - view.figure(&RULE, "p", factor)) * Decimal::from(others.len()) / Decimal::ONE_HUNDRED;
        if Decimal::from(below) < share.max(Decimal::ONE) {
            let words = (
                format!("当日变化形状与此前{}日均不相似（最大相关系数{today}）", others.len()),
                format!("a course like that of none of {} days before (correlation of {today} at most)", others.len()),
            );
            hits.fire(view, &RULE, factor, None, RULE.severity, json!({"likeness": today, "days": others.len()}), words);
        }
    }
}
