//! G-02 日均值与小时值不一致: the logger's day is not the mean of its hours.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("G-02"),
    title: ("日均值与小时值不一致", "Day is not the mean of its hours"),
    inputs: &["day Avg", "valid hour Avg"],
    condition: "|day - own| > max(one last-digit unit, p*own)",
    figures: &[ours("p_pct", 1, 0)],
    window: "1 d",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Event,
    source: "HJ 212-2017 D.1, D.2",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// Of days that are valid and whole; by the reading of this house (water by flow, pH by its ions).
fn run(view: &DayView<'_>, hits: &mut Hits) {
    for mean in view.means.iter().filter(|mean| mean.kind == Kind::Measured && mean.valid && view.closed == 24) {
        let whole = view.of(mean.factor.as_str()).is_some_and(|series| (0..24u8).all(|hour| series.value(hour).is_some() && !view.is_dry(hour)));
        let (Some(reported), Some(own)) = (&mean.reported, mean.value.as_ref().and_then(decimal)) else { continue };
        // Another reading of the same values that fits is no contradiction.
        let beside = mean.beside.iter().filter_map(|beside| decimal(&beside.value));
        let unit = Decimal::new(1, reported.value.scale());
        let p = pct(view.figure(&RULE, "p_pct", mean.factor));
        let fits = std::iter::once(own).chain(beside).any(|own| (reported.value - own).abs() <= unit.max(own.abs() * p));
        if whole && !fits {
            let own = own.round_dp(4);
            let words = (format!("上报日均值{}，由小时值计为{own}", reported.value), format!("{} as sent, {own} by its hours", reported.value));
            hits.fire(view, &RULE, mean.factor, None, RULE.severity, json!({"sent": reported.value, "own": own}), words);
        }
    }
}
