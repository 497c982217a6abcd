//! A-07 有效传输率低: the effective transmission rate (有效传输率) is below its mark.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("A-07"),
    title: ("有效传输率低", "Effective transmission rate low"),
    inputs: &["hour counts"],
    condition: "T*V < p",
    figures: &[given("p_pct", 90, 0)],
    window: "day, month, quarter",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Cycles],
    time: TimeBase::Event,
    source: "provincial bulletins naming <90% (Guangdong 2019); 75% in older national practice",
    grade: Grade::P,
    kind: CaseKind::MissingLink,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// Over the hours of all pollutants; V is of the hours that are due (averaging §7). Of the day a hint, of month and quarter a warning.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    if view.closed < 24 || view.prior.ever.is_none() {
        return;
    }
    let (month, quarter) = (is_month_end(view.day), is_quarter_end(view.day));
    let spans = [(true, None, Severity::Info, ("当日", "day")), (month, Some(false), RULE.severity, ("本月", "month"))];
    for (judged, of, severity, says) in spans.into_iter().chain([(quarter, Some(true), RULE.severity, ("本季度", "quarter"))]) {
        let hours = view.transmission(of);
        let least = Ratio::of(view.figure(&RULE, "p_pct", FactorCode::WHOLE));
        if let Some(rates) = hours.rates(view.set).filter(|rates| judged && rates.effective < least) {
            let share = rates.effective.rounded(1);
            let words = (format!("{}有效传输率{share}%", says.0), format!("effective transmission rate of the {} {share} %", says.1));
            let due = hours.all - hours.stop;
            let facts = json!({"span": says.1, "valid": hours.valid, "received": due - hours.missing, "due": due, "rate_pct": share});
            hits.fire(view, &RULE, FactorCode::WHOLE, None, severity, facts, words);
        }
    }
}
