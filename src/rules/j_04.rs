//! J-04 预警: the mean of the day so far comes near the daily limit.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("J-04"),
    title: ("预警", "Near the limit"),
    inputs: &["valid running mean of the day", "limit"],
    condition: "running mean > a*limit after >= n valid hours",
    figures: &[ours("a", 8, 1), ours("n", 6, 0)],
    window: "day so far",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Event,
    source: "default here",
    grade: Grade::D,
    kind: CaseKind::Exceedance,
    refer: Refer::Note,
    run: Run::Hour(run),
};
/// Said in the hour in which it first does.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    for series in view.pollutants() {
        let Some(limit) = view.limits(series.factor(), Basis::Day).next() else { continue };
        let Ok(figure) = number::parse(&limit.limit) else { continue };
        let edge = figure * view.figure(&RULE, "a", series.factor());
        let least = view.count(&RULE, "n", series.factor()) as usize;
        let mean = |until: u8| {
            let values: Vec<Decimal> =
                (0..=until).filter_map(|hour| if limit.converted { series.converted(hour) } else { series.value(hour) }).collect();
            (values.len() >= least && !values.is_empty()).then(|| values.iter().sum::<Decimal>() / Decimal::from(values.len()))
        };
        let Some(now) = mean(hour).filter(|mean| *mean > edge) else { continue };
        if hour.checked_sub(1).and_then(mean).is_none_or(|before| before <= edge) {
            let now = now.round_dp(3);
            let words = (format!("当日累计均值{now}，接近日限值{figure}"), format!("{now} so far, near the daily limit of {figure}"));
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"so_far": now, "limit": figure}), words);
        }
    }
}
