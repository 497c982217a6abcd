//! A-02 分钟数据不足: a logger that sends minutes sent too few of them.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("A-02"),
    title: ("分钟数据不足", "Hour with too few minutes"),
    inputs: &["minute(factor)"],
    condition: "count(minute records of any registered factor in the hour) < min_minutes",
    figures: &[given("min_minutes", 45, 0)],
    window: "1 h",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[Guard::Survey],
    time: TimeBase::Event,
    source: "list of 18 situations, no. 1 (45); HJ 212-2017 Annex D.2",
    grade: Grade::S,
    kind: CaseKind::MissingLink,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Loggers that send hour records only are not meant.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    if view.is_away(hour) || view.is_silent(hour) || view.is_running(hour) == Some(false) {
        return;
    }
    for series in &view.series {
        let Some(minutes) = series.cell(hour).map(|cell| cell.seen.minutes).filter(|minutes| *minutes > 0) else { continue };
        let least = view.count(&RULE, "min_minutes", series.factor());
        if minutes < least {
            let words = (format!("仅收到{minutes}分钟数据，应不少于{least}"), format!("data of {minutes} minutes only, at least {least} are due"));
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"minutes": minutes}), words);
        }
    }
}
