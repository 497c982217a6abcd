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
    severity_note: "warn for a declaration entered or changed after t_h and within permitted_d",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Arrival,
    source: "marks due by 12:00 next day (recalled), 10-day repair window of older practice; 24 h set here",
    grade: Grade::M,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// From normal to any other in a later version of the record; or by a declaration that people entered, or changed, when its period was
/// long over: after `t_h` a warning, after `permitted_d` days as grave as the first.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let (start, end) = (view.day.hour(hour).start(), view.day.hour(hour).end());
    for declaration in view.declared.iter().filter(|one| one.from < end && start < one.to) {
        let factor = declaration.factor.unwrap_or(FactorCode::WHOLE);
        let Some(said) = declaration.changed.or(declaration.entered) else { continue };
        let late = Decimal::from((said.0 - declaration.to.0) / MINUTE_MS);
        if late > view.figure(&RULE, "t_h", factor) * Decimal::from(60) {
            let grave = late > view.figure(&RULE, "permitted_d", factor) * Decimal::from(24 * 60);
            let (hours, changed) = ((said.0 - declaration.to.0) / HOUR_MS, declaration.changed.is_some());
            let how = if changed { ("修改", "changed") } else { ("填报", "entered") };
            let words = (
                format!("人工标记{}在时段结束{hours}小时后{}", declaration.id, how.0),
                format!("declaration {} was {} {hours} hours after its period", declaration.id, how.1),
            );
            let facts = json!({"declaration": declaration.id, "hours_later": hours, "changed": changed, "author": declaration.author});
            hits.fire(view, &RULE, factor, Some(hour), if grave { RULE.severity } else { Severity::Warn }, facts, words);
        }
    }
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
