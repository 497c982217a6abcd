//! B-13 零值微波动: nearly all of the day within one percent of the range, and not still.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("B-13"),
    title: ("零值微波动", "Zero with a tremor"),
    inputs: &["minute: concentration"],
    condition: "|value| <= 0.01*range for >= share_pct of running minutes (running_h at least) and stdev > 0",
    figures: &[ours("p_pct_range", 1, 0).fixed(), ours("share_pct", 95, 0), ours("running_h", 20, 0)],
    window: "24 h",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::LowLevel],
    time: TimeBase::Event,
    source: "vendor model list (zero micro-fluctuation); figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// Where a month shows that the outlet is not clean by nature.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    for series in view.pollutants().filter(|series| view.closed == 24 && series.range().is_some()) {
        let running = || (0..24u8).filter(|hour| view.is_running(*hour) == Some(true)).filter_map(|hour| series.cell(hour));
        let (near, all) = running().fold((0, 0), |(near, all), cell| (near + cell.seen.near_zero_secs, all + 60 * cell.valid_minutes));
        let trembles = running().any(|cell| cell.min != cell.max);
        let Some(usual) = view.prior.median(series.factor()).filter(|usual| !view.is_low(series, *usual)) else { continue };
        let share = view.figure(&RULE, "share_pct", series.factor());
        let enough = all >= 3600 * view.count(&RULE, "running_h", series.factor());
        if trembles && enough && Decimal::from(near) * Decimal::ONE_HUNDRED >= share * Decimal::from(all) {
            let words = (format!("全日在零附近微动，常值约{usual}"), format!("trembles about zero all day, {usual} is usual"));
            hits.fire(view, &RULE, series.factor(), None, RULE.severity, json!({"minutes": near / 60, "usual": usual}), words);
        }
    }
}
