//! B-01 恒值(小时): the hourly value stood still.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("B-01"),
    title: ("恒值(小时)", "Same value four hours running"),
    inputs: &["hour: concentration incl. converted", "hour: velocity a01011", "hour: O2 a19001"],
    condition: "run of identical hourly values >= n and value >= 0 and outlet running",
    figures: &[given("n", 4, 0)],
    window: "4 h",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Running, Guard::Settled, Guard::LowLevel, Guard::Resolution, Guard::Cycles],
    time: TimeBase::Event,
    source: "list of 18 situations, no. 3",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Pollutants, velocity and oxygen; the values compared are those of the hours to the sixth decimal.
fn run(view: &DayView<'_>, hour: u8, runs: &mut Runs, hits: &mut Hits) {
    let watched = |series: &&SeriesView<'_>| series.is_pollutant() || series.code() == "a01011" || series.code() == "a19001";
    for series in view.series.iter().filter(watched) {
        let value = if series.day.cycle_hours > 1 || !view.is_steady(hour) { None } else { series.value(hour) };
        let Some(value) = value.filter(|value| !value.is_sign_negative() && !value.is_zero() && !series.is_coarse(hour, *value)) else {
            runs.put(RULE.id, series.factor(), None);
            continue;
        };
        let run = runs.extend(RULE.id, series.factor(), view.day.hour(hour), Some(value), |run| {
            run.value == Some(value) && run.goes_on_at(view.day.hour(hour))
        });
        if run.hours >= view.count(&RULE, "n", series.factor()) {
            let severity = if view.is_low(series, value) { Severity::Info } else { RULE.severity };
            hits.fire(view, &RULE, series.factor(), Some(hour), severity, still_facts(run, value), still_words(run, value));
        }
    }
}
