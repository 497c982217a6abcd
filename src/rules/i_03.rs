//! I-03 历史数据重放: the day was there before: hour by hour the values of an earlier one.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("I-03"),
    title: ("历史数据重放", "Own history replayed"),
    inputs: &["own hour series"],
    condition: "the last n hours of the day equal an earlier block of the past w days in >= p of points, of which >= distinct differ",
    figures: &[ours("n", 24, 0), ours("p_pct", 98, 0), ours("distinct", 12, 0), ours("w_d", 90, 0)],
    window: "90 d",
    severity: Severity::Critical,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "vendor model list (borrowed own history); figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
/// The last n hours of the day against every earlier stretch of the span. What stands still, or is zero, repeats by nature.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.series.iter().filter(|series| series.is_pollutant() || series.code() == "a19001") {
        let factor = series.factor();
        let length = view.count(&RULE, "n", factor) as usize;
        let first = Day(view.day.0 - view.count(&RULE, "w_d", factor) as i32).hour(0).0;
        let last = view.day.hour(23).0;
        let mut hours: Vec<Option<i64>> = vec![None; usize::try_from(last - first + 1).unwrap_or_default()];
        for (hour, value) in window
            .series(factor, view.count(&RULE, "w_d", factor) + 1)
            .flat_map(|(day, profile, series)| series.measured.iter(profile.running).map(move |(hour, value)| (day.hour(hour), value)))
        {
            if let Some(place) = usize::try_from(hour.0 - first).ok().and_then(|place| hours.get_mut(place)) {
                *place = Some(value).filter(|value| *value != 0);
            }
        }
        if hours.len() < 2 * length {
            continue;
        }
        let block = hours[hours.len() - length..].to_vec();
        let distinct: std::collections::BTreeSet<i64> = block.iter().flatten().copied().collect();
        let differing = view.count(&RULE, "distinct", factor) as usize;
        if distinct.len() < differing {
            continue;
        }
        let misses = Decimal::from(length) * (Decimal::ONE - pct(view.figure(&RULE, "p_pct", factor)));
        let misses = usize::try_from(misses.floor()).unwrap_or_default();
        let same = |start: &usize| {
            let mut left = misses + 1;
            block.iter().zip(&hours[*start..start + length]).all(|(one, other)| {
                left -= usize::from(one.is_none() || one != other);
                left > 0
            })
        };
        if let Some(start) = (0..=hours.len() - 2 * length).rev().find(same) {
            let known = Hour(first + start as i64).start();
            let words =
                (format!("{length}小时数据与{known}起的{length}小时逐时相同"), format!("{length} hours are those from {known} on, hour by hour"));
            hits.fire(
                view,
                &RULE,
                factor,
                None,
                RULE.severity,
                json!({"hours": length, "same_as": known.to_string(), "distinct": distinct.len()}),
                words,
            );
        }
    }
}
