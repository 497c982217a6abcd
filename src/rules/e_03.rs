//! E-03 标记掩盖超标: with the marked minutes the hour is above its limit, without them it is not.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("E-03"),
    title: ("标记掩盖超标", "Marked minutes hide an exceedance"),
    inputs: &["all numeric minutes", "official mean", "limit"],
    condition: "shadow mean (any flag) > limit and (official mean null or <= limit)",
    figures: &[ours("min_numeric_minutes", 45, 0), given("again", 3, 0)],
    window: "1 h",
    severity: Severity::High,
    severity_note: "critical at `again` or more days in 30 d",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Event,
    source: "vendor model list (exceeding data marked invalid); rule catalogue; worked example A18",
    grade: Grade::S,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// The shadow mean (影子均值) holds every number but those of calibration, set values, stops and broken links; worked example A18.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    for series in view.pollutants() {
        let limits = view.limits(series.factor(), Basis::Hour).chain(view.limits(series.factor(), Basis::Day));
        let Some((limit, figure)) = limits.filter_map(|limit| Some((limit, number::parse(view.figure_of(limit, Some(hour))).ok()?))).next() else {
            continue;
        };
        let Some(cell) = series.cell(hour).filter(|cell| cell.hidden().is_some()) else { continue };
        if cell.shadow_minutes() < view.count(&RULE, "min_numeric_minutes", series.factor())
            || series.day.exempt >> hour & 1 == 1
            || series.day.is_dry(hour)
        {
            continue;
        }
        let Some(mut shadow) = cell.shadow().as_ref().and_then(decimal) else { continue };
        if limit.converted {
            let oxygen = view.oxygen().and_then(|oxygen| oxygen.cell(hour)).and_then(raw_mean);
            let rest = oxygen.map(|oxygen| view.outlet.oxidant_oxygen - oxygen).filter(|rest| *rest > Decimal::TWO);
            let reference = view.outlet.reference_oxygen.map(|reference| view.outlet.oxidant_oxygen - reference);
            let converted = rest.zip(reference).and_then(|(rest, reference)| shadow.checked_mul(reference)?.checked_div(rest));
            let Some(converted) = converted else { continue };
            shadow = converted;
        }
        let official = if limit.converted { series.converted(hour) } else { series.value(hour) };
        if shadow > figure && official.is_none_or(|official| official <= figure) {
            let days = view.prior.fired_since(RULE.id, Day(view.day.0 - 30)) as u32 + 1;
            let severity = if days >= view.count(&RULE, "again", series.factor()) { Severity::Critical } else { RULE.severity };
            let shadow = shadow.round_dp(3);
            let says = official.map_or_else(|| "无".to_owned(), |official| official.round_dp(3).to_string());
            let words = (
                format!("含标记数据的影子均值{shadow}超过限值{figure}，有效均值{says}"),
                format!(
                    "{shadow} with the marked minutes, above the limit of {figure}; the official mean is {}",
                    if official.is_some() { &says } else { "none" }
                ),
            );
            let facts = json!({"shadow": shadow, "limit": figure, "official": official, "marks": marks_of(cell)});
            hits.fire(view, &RULE, series.factor(), Some(hour), severity, facts, words);
        }
    }
}
