//! D-02 折算后由超标变达标: what the logger converts complies, what follows from its own figures does not.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-02"),
    title: ("折算后由超标变达标", "Conversion removes an exceedance"),
    inputs: &["own converted", "reported converted", "limit"],
    condition: "own > limit and reported <= limit, the two more than digit apart",
    figures: &[ours("digit_pct", 2, 0)],
    window: "1 h",
    severity: Severity::Critical,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Event,
    source: "follows from D-01",
    grade: Grade::D,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Against the hourly limit; where there is none, the daily one.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    for series in view.series.iter().filter(|series| series.day.converts) {
        let of_basis =
            |basis| view.limits(series.factor(), basis).filter(|limit| limit.converted).filter_map(|limit| number::parse(&limit.limit).ok()).min();
        let Some(limit) = of_basis(Basis::Hour).or_else(|| of_basis(Basis::Day)) else { continue };
        let Some(cell) = series.cell(hour).filter(|cell| cell.origin != Origin::Reported && series.converted(hour).is_some()) else { continue };
        // Both in one order of conversion: minute by minute where the logger converts minutes, else the milder of the two orders.
        let by_minutes = cell.said_converted().and_then(|(said, own)| Some((decimal(&said)?, decimal(&own)?)));
        let by_hour = || {
            let own = series.converted(hour)?;
            Some((cell.reported.as_ref()?.converted?, cell.cross_check().map_or(own, |other| other.min(own))))
        };
        let Some((said, own)) = by_minutes.or_else(by_hour) else { continue };
        // A last digit decides nothing.
        if own > limit && said <= limit && off(said, own).is_some_and(|off| off > pct(view.figure(&RULE, "digit_pct", series.factor()))) {
            let (said, own) = (said.round_dp(3), own.round_dp(3));
            let words = (
                format!("上报折算值{said}达标，按原始数据为{own}，限值{limit}"),
                format!("{said} as sent complies, {own} by its own figures, the limit is {limit}"),
            );
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"sent": said, "own": own, "limit": limit}), words);
        }
    }
}
