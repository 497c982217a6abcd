//! J-05 月达标率低于95%: too few of a month's hours within the limit, where ultra-low emission is agreed.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("J-05"),
    title: ("月达标率低于95%", "Month below 95 %"),
    inputs: &["valid hours of the month", "limit"],
    condition: "(valid-above)/valid < p, ultra-low outlets only",
    figures: &[given("p_pct", 95, 0)],
    window: "1 month",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Event,
    source: "MEE 2019 No. 35 for steel",
    grade: Grade::S,
    kind: CaseKind::Exceedance,
    refer: Refer::Alone,
    run: Run::Day(run),
};
/// Trades whose name says ultra-low (超低).
fn run(view: &DayView<'_>, hits: &mut Hits) {
    let ultra = view.outlet.trade.contains("ultra-low") || view.outlet.trade.contains("超低");
    if view.closed < 24 || !is_month_end(view.day) || !ultra {
        return;
    }
    for series in view.pollutants() {
        let hours = view.tally(series.factor(), false);
        let within = hours.valid.saturating_sub(hours.above);
        if hours.valid > 0 && Decimal::from(within * 100) < view.figure(&RULE, "p_pct", series.factor()) * Decimal::from(hours.valid) {
            let share = Decimal::from(within * 100).checked_div(Decimal::from(hours.valid)).unwrap_or_default().round_dp(1);
            let words = (format!("本月达标小时占{share}%"), format!("{share} % of the month's hours within the limit"));
            hits.fire(
                view,
                &RULE,
                series.factor(),
                None,
                RULE.severity,
                json!({"valid": hours.valid, "above": hours.above, "share_pct": share}),
                words,
            );
        }
    }
}
