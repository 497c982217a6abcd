//! I-05 同类偏低: a median far below those of outlets with the same limit, and a sign of values that are made.

use super::carry::FIRED_DAYS;
use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("I-05"),
    title: ("同类偏低", "Far below peers"),
    inputs: &["median of 30 d against >= 10 peers with same limit (邻点比对)"],
    condition: "median of the hours of of_d days (>= min_hours of them) < percentile of the medians of >= min_peers peers with the same limit, \
                and B-14, C-09 or K-05 fires for the factor on the same day or did at the outlet in the 30 days before",
    figures: &[ours("percentile", 5, 0), ours("min_peers", 10, 0), ours("min_hours", 200, 0), ours("of_d", 30, 0)],
    window: "30 d",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "ambient station case (28 against 140) as analogy; figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
/// The rules that bear it out.
const BORNE_OUT_BY: [RuleId; 3] = [super::b_14::RULE.id, super::c_09::RULE.id, super::k_05::RULE.id];

/// Low alone is what a good plant is.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for Neighbour { factor, sight } in window.neighbours() {
        let Sight::Below { median, edge, peers } = sight else { continue };
        let since = Day(view.day.0 - FIRED_DAYS);
        let fires = |rule: &RuleId| hits.found().contains_key(&(*rule, *factor)) || view.prior.fired_since(*rule, since) > 0;
        let Some(by) = BORNE_OUT_BY.into_iter().find(fires).filter(|_| *peers >= view.count(&RULE, "min_peers", *factor)) else { continue };
        let days = view.count(&RULE, "of_d", *factor);
        let words = (
            format!("{days}日中位值{median}低于{peers}个同限值排放口的低位值{edge}，且{FIRED_DAYS}日内有{by}"),
            format!(
                "its median of {days} days, {median}, lies below {edge}, where the lowest of {peers} outlets with the same limit lie, and {by} fired within {FIRED_DAYS} days"
            ),
        );
        let facts = json!({"median": median, "edge": edge, "peers": peers, "borne_out_by": by});
        hits.fire(view, &RULE, *factor, None, RULE.severity, facts, words);
    }
}
