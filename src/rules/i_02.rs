//! I-02 多排口趋势一致: the values rise and fall with another outlet's, hour by hour.

use super::neighbours;
use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("I-02"),
    title: ("多排口趋势一致", "Two outlets in step"),
    inputs: &["hour series of two outlets, same factor (邻点比对)"],
    condition: "max over lags of up to lag_h of the correlation of the differences from hour to hour > r over >= n differences of of_d days, \
                >= signs_pct of the last 128 with the same sign; \
                between outlets that one contractor maintains (group_max of them at a time) or that stand at one site (of_d and group_max are set for \
                all outlets alike; r >= 0.81, n >= 72)",
    figures: &[
        ours("r", 95, 2),
        ours("lag_h", 24, 0),
        ours("n", 120, 0),
        ours("of_d", 7, 0),
        ours("group_max", 10_000, 0),
        ours("signs_pct", neighbours::SIGNS_EQUAL_PCT, 0).fixed(),
    ],
    window: "7 d",
    severity: Severity::High,
    severity_note: "info between outlets of one site, which may share a furnace",
    confidence: Confidence::Low,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "rule catalogue (identical trend); patent on cross-correlation; figure set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
/// The graver of two is said.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for seen in window.neighbours().chunk_by(|one, other| one.factor == other.factor) {
        let factor = seen[0].factor;
        let twins = seen.iter().filter_map(|seen| {
            let Sight::InStep { other, lag_h, correlation, of } = &seen.sight else { return None };
            let beyond = *correlation > view.figure(&RULE, "r", factor) && *of >= view.count(&RULE, "n", factor);
            (beyond && lag_h.unsigned_abs() <= view.count(&RULE, "lag_h", factor)).then_some((other, *lag_h, *correlation, *of))
        });
        let Some((other, lag_h, correlation, of)) = twins.max_by_key(|(other, _, correlation, _)| (!other.same_site, *correlation)) else { continue };
        let severity = if other.same_site { Severity::Info } else { RULE.severity };
        let (zh, en) = beside(other, lag_h);
        let words = (
            format!("逐时升降与{zh}一致，{of}个差值的相关系数为{correlation}"),
            format!("it rises and falls with {en}: {of} differences from hour to hour correlate by {correlation}"),
        );
        let facts = json!({"other": other.id, "lag_h": lag_h, "correlation": correlation, "of": of, "same_site": other.same_site});
        hits.fire(view, &RULE, factor, None, severity, facts, words);
    }
}
