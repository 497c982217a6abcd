//! E-16 小时标记与分钟标记矛盾: the hour's record is marked normal although its minutes were not.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("E-16"),
    title: ("小时标记与分钟标记矛盾", "Flag of the mean contradicts its minutes"),
    inputs: &["hour flag", "minute flags"],
    condition: "gas: hour N although < 75% of minutes N; water: hour N although any value abnormal",
    figures: &[given("gas_pct", 75, 0)],
    window: "1 h",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Event,
    source: "HJ 212-2017 notes under C.16-C.18",
    grade: Grade::P,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Gas: fewer than three quarters normal; water: one that is abnormal.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    for series in &view.series {
        let Some(cell) = series.cell(hour).filter(|cell| cell.origin == Origin::Minutes) else { continue };
        if cell.reported.as_ref().is_none_or(|reported| reported.marker != Marker::NORMAL) {
            continue;
        }
        // By the marks as they were sent: what people declare is not the logger's.
        let all: u32 = cell.marked.iter().map(|(_, minutes)| *minutes).sum();
        let normal = all.saturating_sub(series.odd(hour).map_or(0, |odd| odd.sent_abnormal_secs / 60));
        let wrong = if view.is_gas() {
            Decimal::from(normal * 100) < view.figure(&RULE, "gas_pct", series.factor()) * Decimal::from(all)
        } else {
            normal < all
        };
        if wrong {
            let words = (format!("小时标记正常，{all}分钟中仅{normal}分钟正常"), format!("marked normal, {normal} of {all} minutes were"));
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"normal": normal, "minutes": all}), words);
        }
    }
}
