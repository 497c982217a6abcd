//! A-06 有效数据捕集率低: too small a share of a month's or quarter's running hours is valid.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("A-06"),
    title: ("有效数据捕集率低", "Valid-data capture rate low"),
    inputs: &["hour class"],
    condition: "(H-invalid-stop)/(H-stop) < q over the quarter, or < m over the month",
    figures: &[given("quarter_pct", 75, 0), given("month_warn_pct", 90, 0)],
    window: "quarter, month",
    severity: Severity::High,
    severity_note: "warn for the monthly figure",
    confidence: Confidence::Medium,
    guards: &[Guard::Cycles],
    time: TimeBase::Event,
    source: "HJ 75-2017 75% recalled; 90% monthly warning from a rule catalogue",
    grade: Grade::M,
    kind: CaseKind::MissingLink,
    refer: Refer::Alone,
    run: Run::Day(run),
};
/// Judged on the last day of the month; of a quarter on its last.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    if view.closed < 24 || !is_month_end(view.day) {
        return;
    }
    let quarter = is_quarter_end(view.day);
    let spans = [(false, "month_warn_pct", Severity::Warn, ("本月", "month")), (true, "quarter_pct", Severity::High, ("本季度", "quarter"))];
    for factor in view.known_pollutants() {
        for (of_quarter, name, severity, says) in spans.iter().filter(|(of_quarter, ..)| quarter || !of_quarter) {
            let hours = view.tally(factor, *of_quarter);
            let due = hours.all.saturating_sub(hours.stop);
            let least = view.figure(&RULE, name, factor);
            if due > 0 && Decimal::from(hours.valid * 100) < least * Decimal::from(due) {
                let share = Decimal::from(hours.valid * 100).checked_div(Decimal::from(due)).unwrap_or_default().round_dp(1);
                let words = (format!("{}有效数据捕集率{share}%", says.0), format!("capture rate of the {} {share} %", says.1));
                let facts = json!({"span": says.1, "valid": hours.valid, "due": due, "rate_pct": share});
                hits.fire(view, &RULE, factor, None, *severity, facts, words);
            }
        }
    }
}
