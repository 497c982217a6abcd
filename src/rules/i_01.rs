//! I-01 多站同值: hour by hour the values of another outlet.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("I-01"),
    title: ("多站同值", "Two outlets identical"),
    inputs: &["hour series of two outlets, same factor (邻点比对)"],
    condition: "share of equal non-zero hourly means of two outlets, at equal time or shifted by up to max_shift_h, >= p over >= n hours of \
                of_d days (set for all outlets alike), of which >= distinct differ",
    figures: &[ours("p_pct", 95, 0), ours("n", 120, 0), ours("max_shift_h", 48, 0), ours("distinct", 12, 0), ours("of_d", 7, 0)],
    window: "7 d",
    severity: Severity::Critical,
    severity_note: "warn between outlets of one site, which may share an analyser",
    confidence: Confidence::Low,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "vendor model list (borrowed data of another station); figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
/// Both outlets are named: that they are the same is a fact, and who copied is not known from the data. The graver of two is said.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for seen in window.neighbours().chunk_by(|one, other| one.factor == other.factor) {
        let factor = seen[0].factor;
        let figure = |name| view.figure(&RULE, name, factor);
        let twins = seen.iter().filter_map(|seen| {
            let Sight::Same { other, shift_h, equal, of, distinct } = &seen.sight else { return None };
            let share = Decimal::from(*equal) * Decimal::ONE_HUNDRED >= figure("p_pct") * Decimal::from(*of);
            let enough = *of >= view.count(&RULE, "n", factor) && *distinct >= view.count(&RULE, "distinct", factor);
            let near = shift_h.unsigned_abs() <= view.count(&RULE, "max_shift_h", factor);
            (share && enough && near).then_some((other, *shift_h, *equal, *of, *distinct))
        });
        let Some((other, shift_h, equal, of, distinct)) = twins.max_by_key(|(other, _, equal, ..)| (!other.same_site, *equal)) else { continue };
        let severity = if other.same_site { Severity::Warn } else { RULE.severity };
        let (zh, en) = beside(other, shift_h);
        let words = (format!("{of}个小时均值中有{equal}个与{zh}逐时相同"), format!("{equal} of {of} hourly means are {en}"));
        let facts = json!({"other": other.id, "shift_h": shift_h, "equal": equal, "of": of, "distinct": distinct, "same_site": other.same_site});
        hits.fire(view, &RULE, factor, None, severity, facts, words);
    }
}
