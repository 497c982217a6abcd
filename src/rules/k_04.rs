//! K-04 MAD离群: an hour lies far from what its hour of the day usually is.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("K-04"),
    title: ("MAD离群", "Robust outlier"),
    inputs: &["hour value by hour-of-day"],
    condition: "|x-median|/(1.4826*MAD) > z",
    figures: &[ours("z", 5, 0), ours("min_days", 14, 0), ours("w_d", 30, 0)],
    window: "30 d",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::Settled],
    time: TimeBase::Event,
    source: "textbook; seasonal 2 sigma in a rule catalogue is too loose for alarms",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Span(run),
};
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let days = view.count(&RULE, "w_d", factor);
        for hour in (0..24u8).filter(|hour| view.is_steady(*hour)) {
            let Some(value) = window.today().series.get(&factor).and_then(|today| today.measured.at(hour)) else { continue };
            let past: Vec<i64> = window
                .earlier(days)
                .filter(|(_, profile)| profile.running >> hour & 1 == 1)
                .filter_map(|(_, profile)| profile.series.get(&factor)?.measured.at(hour))
                .collect();
            let Some((middle, spread)) = mad(&past).filter(|_| past.len() as u32 >= view.count(&RULE, "min_days", factor)) else { continue };
            let sigma = of_millionths(spread) * MAD_SIGMA;
            let distance = of_millionths((value - middle).abs());
            if spread > 0 && distance > sigma * view.figure(&RULE, "z", factor) {
                let (value, middle, times) = (
                    of_millionths(value).round_dp(3).normalize(),
                    of_millionths(middle).round_dp(3).normalize(),
                    (distance / sigma).round_dp(1).normalize(),
                );
                let words = (
                    format!("{value}，同时段中位数{middle}，偏离{times}倍稳健标准差"),
                    format!("{value}, where the same hour of other days has a median of {middle}: {times} robust standard deviations away"),
                );
                hits.fire(view, &RULE, factor, Some(hour), RULE.severity, json!({"value": value, "median": middle, "times": times}), words);
            }
        }
    }
}
