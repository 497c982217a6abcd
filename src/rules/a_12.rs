//! A-12 因子缺项: a factor that came for days is absent while the others come.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("A-12"),
    title: ("因子缺项", "Registered factor dropped from packets"),
    inputs: &["packet factor set", "registered set"],
    condition: "a factor present for >= d days is absent for >= n consecutive packets while others arrive",
    figures: &[ours("d", 7, 0), ours("n", 30, 0)],
    window: "30 packets",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Survey, Guard::Cycles],
    time: TimeBase::Event,
    source: "default here",
    grade: Grade::D,
    kind: CaseKind::MissingLink,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Packets are counted by the minutes of the other series of its loggers. An analyser that measures in cycles is there in the hours of a
/// cycle in which it was.
fn run(view: &DayView<'_>, hour: u8, runs: &mut Runs, hits: &mut Hits) {
    let only_one = view.registry.loggers_of(view.id()).len() < 2;
    for factor in view.registered() {
        let loggers = view.loggers_of(factor);
        let same = |series: &&SeriesView<'_>| only_one || view.loggers_of(series.factor()).iter().any(|mn| loggers.contains(mn));
        let cells = || view.series.iter().filter(same).filter_map(|series| series.cell(hour));
        let (minutes, others) = (cells().map(|cell| cell.seen.minutes).max().unwrap_or_default(), cells().next().is_some());
        let packets = (minutes / u32::from(view.outlet.minute_interval.max(1))).max(u32::from(others));
        let here = view.of_factor(factor).is_some_and(|series| series.cell(series.day.standing(hour)).is_some());
        let known = view.prior.present.get(&factor).copied().unwrap_or_default() >= view.count(&RULE, "d", factor);
        if here || !known || view.is_away(hour) || view.is_running(hour) == Some(false) {
            runs.put(RULE.id, factor, None);
            continue;
        }
        if !others {
            continue;
        }
        let before = runs.get(RULE.id, factor).and_then(|run| run.value).unwrap_or_default();
        let absent = before + Decimal::from(packets);
        let run = runs.extend(RULE.id, factor, view.day.hour(hour), None, |_| true);
        runs.put(RULE.id, factor, Some(Streak { value: Some(absent), ..run }));
        if absent >= view.figure(&RULE, "n", factor) {
            let since = run.since.start().to_string();
            let words = (format!("自{since}起报文缺少该因子"), format!("absent from the packets since {since}"));
            hits.fire(view, &RULE, factor, Some(hour), RULE.severity, json!({"since": since, "packets": absent}), words);
        }
    }
}
