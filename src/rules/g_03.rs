//! G-03 最小平均最大次序错误: smallest, mean and largest value are out of order, or the same for hours.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("G-03"),
    title: ("最小平均最大次序错误", "Min, Avg, Max out of order"),
    inputs: &["Min, Avg, Max"],
    condition: "not (Min <= Avg <= Max), or Min = Avg = Max in >= n hours",
    figures: &[ours("n", 4, 0)],
    window: "1 h",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Event,
    source: "default here",
    grade: Grade::D,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Three figures that are one for hours are a hint only: some loggers send no others, and a water analyser gives one value.
fn run(view: &DayView<'_>, hour: u8, runs: &mut Runs, hits: &mut Hits) {
    for series in &view.series {
        let odd = series.odd(hour);
        if let Some(records) = odd.map(|odd| odd.wrong_order).filter(|records| *records > 0) {
            let words = (format!("{records}条记录的均值不在最小、最大值之间"), format!("the mean of {records} records lies outside its extremes"));
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"records": records}), words);
        }
        let records = series.cell(hour).map_or(0, |cell| cell.seen.minutes / u32::from(view.outlet.minute_interval.max(1)));
        let value = series.value(hour).filter(|value| !series.is_coarse(hour, *value) && view.is_steady(hour));
        let flat = odd.is_some_and(|odd| odd.flat > 0 && odd.flat >= records) && records > 0 && series.is_pollutant() && view.is_gas();
        if !(flat && value.is_some_and(|value| value > Decimal::ZERO)) {
            runs.put(RULE.id, series.factor(), None);
            continue;
        }
        let run = runs.extend(RULE.id, series.factor(), view.day.hour(hour), None, |_| true);
        if run.hours >= view.count(&RULE, "n", series.factor()) {
            let words =
                (format!("{}小时内各记录最小、平均、最大值相同", run.hours), format!("smallest, mean and largest are one for {} hours", run.hours));
            hits.fire(view, &RULE, series.factor(), Some(hour), Severity::Info, json!({"hours": run.hours}), words);
        }
    }
}
