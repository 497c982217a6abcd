//! E-11 事后改标记: a mark was put on data long after their hour.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("E-11"),
    title: ("事后改标记", "Mark changed after the fact"),
    inputs: &["versions of flags"],
    condition: "flag of a closed hour changes from N to any other after end+t, or later than the permitted manual-marking time",
    figures: &[ours("t_h", 24, 0), ours("permitted_d", 10, 0)],
    window: "168 h",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Arrival,
    source: "marks due by 12:00 next day (recalled), 10-day repair window of older practice; 24 h set here",
    grade: Grade::M,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// From normal to any other, in a later version of the record.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    for series in &view.series {
        let Some(versions) = series.odd(hour).map(|odd| odd.versions).filter(|versions| versions.remarked > 0) else { continue };
        let most = view.figure(&RULE, "t_h", series.factor()) * Decimal::from(3600);
        if Decimal::from(versions.remarked_secs) > most {
            let hours = versions.remarked_secs / 3600;
            let words = (
                format!("{}条记录在{hours}小时后由正常改为其他标记", versions.remarked),
                format!("{} records were marked {hours} hours after their hour", versions.remarked),
            );
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"records": versions.remarked, "hours_later": hours}), words);
        }
    }
}
