//! H-01 时钟偏差: the logger's clock is off.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("H-01"),
    title: ("时钟偏差", "Clock off"),
    inputs: &["QN", "receive time"],
    condition: "|median(receive - QN) over n packets| > t",
    figures: &[given("t_s", 60, 0), given("n", 60, 0)],
    window: "60 packets",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Arrival,
    source: "rule catalogue (1 min)",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// By the median of arrival less QN over sixty packets, of what was sent as live data.
fn run(view: &DayView<'_>, hour: u8, runs: &mut Runs, hits: &mut Hits) {
    let best =
        view.series.iter().filter_map(|series| series.cell(hour)).filter_map(|cell| Some((cell.seen.clock_records, cell.seen.clock_secs?))).max();
    let most = view.figure(&RULE, "t_s", FactorCode::WHOLE);
    let Some((records, secs)) = best.filter(|(_, secs)| Decimal::from(*secs).abs() > most) else {
        return runs.put(RULE.id, FactorCode::WHOLE, None);
    };
    let before = runs.get(RULE.id, FactorCode::WHOLE).and_then(|run| run.value).unwrap_or_default();
    let run = runs.extend(RULE.id, FactorCode::WHOLE, view.day.hour(hour), None, |_| true);
    let so_far = before + Decimal::from(records);
    runs.put(RULE.id, FactorCode::WHOLE, Some(Streak { value: Some(so_far), ..run }));
    if so_far >= view.figure(&RULE, "n", FactorCode::WHOLE) {
        let words = (format!("时钟偏差约{}秒", -secs), format!("the clock is off by {} s", -secs));
        hits.fire(view, &RULE, FactorCode::WHOLE, Some(hour), RULE.severity, json!({"seconds": -secs}), words);
    }
}
