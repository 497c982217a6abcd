//! G-04 累计量不符: the day's volume is not the sum of its hours.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("G-04"),
    title: ("累计量不符", "Sum of volumes differs"),
    inputs: &["day Cou", "hour Cou", "totaliser"],
    condition: "|day - sum(hours)|/sum > p or totaliser runs backwards",
    figures: &[ours("p_pct", 1, 0)],
    window: "1 d",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Event,
    source: "default here",
    grade: Grade::D,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// By the records of the logger itself (2031 and 2061).
fn run(view: &DayView<'_>, hits: &mut Hits) {
    for series in view.series.iter().filter(|_| view.closed == 24) {
        let Some(day) = series.day.reported.and_then(|record| record.total) else { continue };
        let hours: Vec<Decimal> = (0..24u8).filter_map(|hour| series.cell(hour)?.reported.as_ref()?.total).collect();
        let sum: Decimal = hours.iter().sum();
        let unit = Decimal::new(24, day.scale());
        let beyond = off(day, sum).is_some_and(|off| off > pct(view.figure(&RULE, "p_pct", series.factor())));
        if hours.len() == 24 && beyond && (day - sum).abs() > unit {
            let words = (format!("日累计{day}，小时累计之和{sum}"), format!("a day's total of {day}, its hours make {sum}"));
            hits.fire(view, &RULE, series.factor(), None, RULE.severity, json!({"day": day, "hours": sum}), words);
        }
    }
}
