//! I-04 区域同类偏离: hours far above those of like outlets in the region.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("I-04"),
    title: ("区域同类偏离", "Far above peers"),
    inputs: &["hour values of >= 3 peers of the same industry (邻点比对)"],
    condition: "x > k * mean(peers) in >= hours hours of the day; peers: running outlets of the same trade and region, >= min_peers",
    figures: &[given("k", 2, 0), given("min_peers", 3, 0), ours("hours", 6, 0)],
    window: "1 h",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::LowLevel],
    time: TimeBase::Event,
    source: "open logger code (regional peers); the number of hours set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
/// Levels near nothing are left out: twice nothing is nothing.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for Neighbour { factor, sight } in window.neighbours() {
        let Sight::Above { hours, hour, value, mean, peers } = sight else { continue };
        let Some(series) = view.of_factor(*factor) else { continue };
        // A figure beyond all measure is never passed.
        let beyond = mean.checked_mul(view.figure(&RULE, "k", *factor)).is_some_and(|edge| *value > edge);
        let enough = hours.count_ones() >= view.count(&RULE, "hours", *factor) && *peers >= view.count(&RULE, "min_peers", *factor);
        if !beyond || !enough || view.is_low(series, *value) {
            continue;
        }
        let count = hours.count_ones();
        let words = (
            format!("{count}个小时均值远高于同区域同行业{peers}个排放口，{hour:02}时为{value}，其均值为{mean}"),
            format!(
                "{count} hourly means lie far above those of {peers} outlets of its trade and region: {value} at {hour:02}:00, theirs {mean} on average"
            ),
        );
        let facts = json!({"hours": count, "hour": hour, "value": value, "mean_of_peers": mean, "peers": peers});
        hits.fire(view, &RULE, *factor, None, RULE.severity, facts, words);
    }
}
