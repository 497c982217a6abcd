//! B-04 恒值(分钟): every minute of the hour printed the same.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("B-04"),
    title: ("恒值(分钟)", "Constant minutes"),
    inputs: &["minute: concentration, O2, temperature, velocity"],
    condition: "identical minute values >= n while value > units*resolution",
    figures: &[ours("n_min", 60, 0), ours("units", 3, 0)],
    window: "60 min",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::Settled, Guard::Resolution, Guard::Cycles],
    time: TimeBase::Event,
    source: "default here, early form of B-01",
    grade: Grade::D,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Hour(run),
};
/// Early form of B-01; at more than three times the printed resolution.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let watched = |series: &&SeriesView<'_>| series.is_pollutant() || matches!(series.code(), "a19001" | "a01012" | "a01011");
    for series in view.series.iter().filter(watched).filter(|_| view.is_gas() && view.is_steady(hour)) {
        let Some((value, secs)) = series.cell(hour).filter(|cell| cell.origin == Origin::Minutes).and_then(|cell| cell.seen.plateau) else {
            continue;
        };
        let enough = Decimal::from(secs) >= view.figure(&RULE, "n_min", series.factor()) * Decimal::from(60);
        let resolution = Decimal::new(1, value.scale());
        if enough && value > resolution * view.figure(&RULE, "units", series.factor()) && !series.is_coarse(hour, value) {
            let words = (format!("{}分钟内数值均为{value}", secs / 60), format!("{value} for {} minutes", secs / 60));
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"value": value, "minutes": secs / 60}), words);
        }
    }
}
