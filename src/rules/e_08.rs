//! E-08 超期未校准: the last calibration that was seen is too long ago.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("E-08"),
    title: ("超期未校准", "Calibration overdue"),
    inputs: &["last C pass"],
    condition: "time since last passed zero/span check > max interval, where such checks were seen on >= seen_d days",
    figures: &[given("auto_h", 24, 0).fixed(), given("manual_d", 7, 0), given("dust_d", 15, 0), ours("seen_d", 3, 0)],
    window: "-",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[],
    time: TimeBase::Event,
    source: "HJ 75-2017 intervals recalled; overdue counts as out of control",
    grade: Grade::M,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// Only where calibrations are seen at all: a logger need not mark them.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    // A plant that stands needs no calibration.
    if (0..24u8).all(|hour| view.is_running(hour) != Some(true)) {
        return;
    }
    for series in view.pollutants().filter(|_| view.closed == 24 && view.is_gas()) {
        let Some((last, days)) = view.prior.calibrated.get(&series.factor()).copied() else { continue };
        if days < view.count(&RULE, "seen_d", series.factor()) {
            continue;
        }
        let today = (0..24u8).any(|hour| series.marked(hour, Marker::CALIBRATION) > 0);
        let most = view.figure(&RULE, if series.code() == "a34013" { "dust_d" } else { "manual_d" }, series.factor());
        let days = (view.day.end().0 - last.0) / DAY_MS;
        if !today && Decimal::from(days) > most {
            let words = (format!("已{days}天未见校准"), format!("no calibration seen for {days} days"));
            hits.fire(view, &RULE, series.factor(), None, RULE.severity, json!({"days": days}), words);
        }
    }
}
