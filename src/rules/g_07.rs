//! G-07 小数位变化: the values are printed with another number of decimals than before.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("G-07"),
    title: ("小数位变化", "Printed precision changed"),
    inputs: &["text of values"],
    condition: "number of decimals differs from the mode of the past 30 d (seen on >= seen_d days) for >= n packets",
    figures: &[ours("n", 60, 0), ours("seen_d", 7, 0)],
    window: "1 h",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[],
    time: TimeBase::Event,
    source: "default here",
    grade: Grade::D,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Hour(run),
};
/// By the most decimals of an hour, against those of most days before, of which there must be seven.
fn run(view: &DayView<'_>, hour: u8, runs: &mut Runs, hits: &mut Hits) {
    for series in &view.series {
        let (Some(cell), Some((usual, days))) = (series.cell(hour), view.prior.decimals.get(&series.factor())) else { continue };
        if *days < view.count(&RULE, "seen_d", series.factor()) || cell.decimals == *usual || cell.valid_minutes == 0 {
            runs.put(RULE.id, series.factor(), None);
            continue;
        }
        let packets = (cell.seen.minutes / u32::from(view.outlet.minute_interval.max(1))).max(1);
        let before = runs.get(RULE.id, series.factor()).and_then(|run| run.value).unwrap_or_default();
        let run = runs.extend(RULE.id, series.factor(), view.day.hour(hour), None, |_| true);
        let so_far = before + Decimal::from(packets);
        runs.put(RULE.id, series.factor(), Some(Streak { value: Some(so_far), ..run }));
        if so_far >= view.figure(&RULE, "n", series.factor()) {
            let words = (format!("小数位由{usual}变为{}", cell.decimals), format!("{} decimals instead of {usual}", cell.decimals));
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"usual": usual, "now": cell.decimals}), words);
        }
    }
}
