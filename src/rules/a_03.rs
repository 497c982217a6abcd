//! A-03 网络异常/全因子无数据: nothing was heard of any logger of the outlet.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("A-03"),
    title: ("网络异常/全因子无数据", "Link down: every factor silent"),
    inputs: &["all factors", "connection state"],
    condition: "no record of any factor and no heartbeat for >= T and guard X2 passes",
    figures: &[ours("T_min", 15, 0).fixed(), ours("escalate_h_1", 1, 0).fixed(), ours("escalate_h_2", 24, 0)],
    window: "15 min, 1 h, 24 h",
    severity: Severity::Warn,
    severity_note: "high when silent for 24 h",
    confidence: Confidence::High,
    guards: &[Guard::Survey],
    time: TimeBase::Arrival,
    source: "situation no. 3 (all factors silent in the period); minutes set here",
    grade: Grade::S,
    kind: CaseKind::MissingLink,
    refer: Refer::Alone,
    run: Run::Day(run),
};
/// The watch notes silences; the survey says which of them are the outlet's own.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    let (day_start, day_end) = (view.day.start(), view.day.end());
    for silence in view.silences.iter().filter(|silence| silence.excused.is_none()) {
        let until = silence.until.unwrap_or(view.now);
        let (from, to) = (silence.since.max(day_start), until.min(day_end));
        if from >= to {
            continue;
        }
        let minutes = (to.0 - silence.since.0) / MINUTE_MS;
        let grave = view.figure(&RULE, "escalate_h_2", FactorCode::WHOLE);
        let severity = if Decimal::from(minutes) >= grave * Decimal::from(60) { Severity::High } else { RULE.severity };
        let since = silence.since.to_string();
        let words = (format!("自{since}起无任何数据"), format!("nothing was received since {since}"));
        let facts = json!({
            "since": since,
            "until": silence.until.map(|until| until.to_string()),
            "logger": silence.mn,
            "surveyed": silence.referred,
        });
        hits.fire(view, &RULE, FactorCode::WHOLE, None, severity, facts, words);
    }
}
