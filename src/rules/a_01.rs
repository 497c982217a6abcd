//! A-01 小时数据缺失: an expected hour of a factor that came before did not come.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("A-01"),
    title: ("小时数据缺失", "Hour record missing"),
    inputs: &["hour(factor)", "expected set"],
    condition: "outlet not in STOP and no hour record for a registered factor at end+grace",
    figures: &[ours("grace_min", 10, 0).fixed()],
    window: "1 h",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[Guard::Survey],
    time: TimeBase::Event,
    source: "list of 18 situations, no. 1; grace set here",
    grade: Grade::S,
    kind: CaseKind::MissingLink,
    refer: Refer::Note,
    run: Run::Hour(run),
};
/// Once for the outlet when nothing came of it, else by factor.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    if view.prior.ever.is_none() || view.is_away(hour) || view.is_silent(hour) || view.is_running(hour) == Some(false) {
        return;
    }
    let absent =
        |factor: &FactorCode| view.prior.present.contains_key(factor) && view.of_factor(*factor).is_none_or(|series| series.cell(hour).is_none());
    let absent: Vec<FactorCode> = view.registered().into_iter().filter(absent).collect();
    let nothing = view.series.iter().all(|series| series.cell(hour).is_none());
    let factors = if nothing && !absent.is_empty() { vec![FactorCode::WHOLE] } else { absent };
    for factor in factors {
        let words = ("无小时数据".to_owned(), "no data of the hour".to_owned());
        hits.fire(view, &RULE, factor, Some(hour), RULE.severity, json!({}), words);
    }
}
