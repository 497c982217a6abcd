//! F-04 漂移超标: a calibration showed a drift beyond what an instrument may have.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("F-04"),
    title: ("漂移超标", "Drift beyond limit"),
    inputs: &["zero/span check results"],
    condition: "a calibration's smallest value > z*range (dust: z2) and at most alarm_pct: the zero; or its largest differs from the span gas by > s*range and at most twice alarm_pct: the span",
    figures: &[given("z_pct", 25, 1), given("s_pct", 25, 1), given("z2_pct", 2, 0), given("alarm_pct", 5, 0)],
    window: "1 check",
    severity: Severity::Warn,
    severity_note: "high at alarm_pct",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Event,
    source: "HJ 75-2017 2.5%/2% recalled; another page says 5%",
    grade: Grade::M,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Zero by the smallest value of the block; span where the register has the span gas. What lies further off is no such gas: a calibration
/// without any is E-07.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    for series in view.pollutants().filter(|_| view.is_gas()) {
        let (Some((low, high)), Some(range)) = (calibration(series, hour), series.range()) else { continue };
        let figure = |name| range * pct(view.figure(&RULE, name, series.factor()));
        let (most, alarm) = (figure(if series.code() == "a34013" { "z2_pct" } else { "z_pct" }), figure("alarm_pct"));
        let zero = Some(low.abs()).filter(|low| *low > most && *low <= alarm);
        let span = series.row.and_then(|row| row.span_gas).map(|span| (high - span).abs());
        let span = span.filter(|span| *span > figure("s_pct") && *span <= alarm + alarm);
        for (drift, says) in [(zero, ("零点", "zero")), (span, ("量程", "span"))] {
            let Some(drift) = drift else { continue };
            let severity = if drift > alarm { Severity::High } else { RULE.severity };
            let words = (format!("{}漂移{drift}，量程{range}", says.0), format!("a {} drift of {drift} in a range of {range}", says.1));
            hits.fire(view, &RULE, series.factor(), Some(hour), severity, json!({"of": says.1, "drift": drift, "range": range}), words);
        }
    }
}
