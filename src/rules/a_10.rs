//! A-10 补传数据异常偏低: what is back-filled lies lower, or stiller, than what stands on both sides of it.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("A-10"),
    title: ("补传数据异常偏低", "Back-fill too good"),
    inputs: &["back-filled records (RF=1 or receive-DataTime > 2 h)", "neighbours"],
    condition: "mean(back-filled hours) < r * mean(valid hours within a day of them) or, of >= still_hours, the mean step from hour to hour < s * that of the same; of >= min_hours each",
    figures: &[ours("r", 7, 1), ours("s", 3, 1), ours("min_hours", 6, 0), ours("still_hours", 12, 0), ours("w_d", 8, 0)],
    window: "8 d",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::LowLevel],
    time: TimeBase::Arrival,
    source: "idea: situations list and patents on tampered resend; figures set here",
    grade: Grade::D,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
/// Hours count: those of the day and of the days before that were back-filled without a break, beside the valid hours around them.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        if window.today().series.get(&factor).is_none_or(|today| today.refilled == 0) {
            continue;
        }
        let (mut filled, mut around) = (Vec::new(), Vec::new());
        for (day, profile, of) in window.series(factor, view.count(&RULE, "w_d", factor)) {
            for (hour, value) in of.measured.iter(profile.running) {
                if of.refilled >> hour & 1 == 1 { filled.push((day.hour(hour), value)) } else { around.push((day.hour(hour), value)) }
            }
        }
        // The last stretch, and what stands within a day of it.
        let Some(last) = filled.last().map(|(hour, _)| hour.0) else { continue };
        let mut first = last;
        for (hour, _) in filled.iter().rev() {
            first = if first - hour.0 <= 1 { hour.0 } else { first };
        }
        filled.retain(|(hour, _)| hour.0 >= first);
        around.retain(|(hour, _)| hour.0 >= first - 24 && hour.0 <= last + 24);
        let least = view.count(&RULE, "min_hours", factor) as usize;
        if filled.len() < least || around.len() < least {
            continue;
        }
        let (count, sum, _) = sums(filled.iter().map(|(_, value)| *value));
        let (others, sum_around, _) = sums(around.iter().map(|(_, value)| *value));
        let r = i128::from(milli(view.figure(&RULE, "r", factor)));
        let s = i128::from(milli(view.figure(&RULE, "s", factor)));
        let lower = sum * others * 1000 < sum_around * count * r;
        // From hour to hour, so that the daily pattern, of which a gap sees a part, is no swing.
        let ((steps, moved), (steps_around, moved_around)) = (swing(&filled), swing(&around));
        let long = filled.len() >= view.count(&RULE, "still_hours", factor) as usize;
        let stiller = long && steps > 0 && steps_around > 0 && moved * steps_around * 1_000_000 < (moved_around * steps).saturating_mul(s * s);
        if lower || stiller {
            let mean = |sum: i128, count: i128| of_millionths((sum / count.max(1)) as i64).round_dp(3).normalize();
            let (inside, outside) = (mean(sum, count), mean(sum_around, others));
            let words = if lower {
                (
                    format!("补传{count}小时均值{inside}，前后为{outside}"),
                    format!("{count} back-filled hours have a mean of {inside}, those around them {outside}"),
                )
            } else {
                (
                    format!("补传{count}小时几乎不波动（均值{inside}），前后则有波动"),
                    format!("{count} back-filled hours hardly move (mean {inside}), those around them do"),
                )
            };
            let severity = if view.is_low(series, outside) { Severity::Info } else { RULE.severity };
            hits.fire(
                view,
                &RULE,
                factor,
                None,
                severity,
                json!({"hours": count as i64, "mean": inside, "mean_around": outside, "lower": lower, "stiller": stiller}),
                words,
            );
        }
    }
}

/// Steps from one hour to the next, and the sum of their squares in square thousandths.
fn swing(hours: &[(Hour, i64)]) -> (i128, i128) {
    let steps = hours.windows(2).filter(|pair| pair[0].0.0 + 1 == pair[1].0.0).map(|pair| i128::from((pair[1].1 - pair[0].1) / 1000));
    steps.fold((0, 0), |(count, squares), step| (count + 1, squares + step * step))
}
