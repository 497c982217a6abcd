//! B-03 恒值(数采): the hourly value stood still, by the rule of a logger's own program.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("B-03"),
    title: ("恒值(数采)", "Constant gas or dust, logger-side rule"),
    inputs: &["hour: gas; hour: dust"],
    condition: "identical values longer than g hours (gas) or d hours (dust); counter resets at a gap > 1 h",
    figures: &[given("g_h", 6, 0), given("d_h", 4, 0), given("reset_gap_h", 1, 0).fixed()],
    window: "6 h / 4 h",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Running, Guard::LowLevel, Guard::Resolution],
    time: TimeBase::Event,
    source: "open logger code",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Gases longer than dust; an invalid or missing hour begins anew.
fn run(view: &DayView<'_>, hour: u8, runs: &mut Runs, hits: &mut Hits) {
    for series in view.pollutants().filter(|_| view.is_gas()) {
        let Some(value) =
            series.value(hour).filter(|value| view.is_running(hour) == Some(true) && *value > Decimal::ZERO && !series.is_coarse(hour, *value))
        else {
            runs.put(RULE.id, series.factor(), None);
            continue;
        };
        let run = runs.extend(RULE.id, series.factor(), view.day.hour(hour), Some(value), |run| {
            run.value == Some(value) && run.goes_on_at(view.day.hour(hour))
        });
        let most = view.count(&RULE, if series.code() == "a34013" { "d_h" } else { "g_h" }, series.factor());
        if run.hours > most {
            let severity = if view.is_low(series, value) { Severity::Info } else { RULE.severity };
            hits.fire(view, &RULE, series.factor(), Some(hour), severity, still_facts(run, value), still_words(run, value));
        }
    }
}
