//! D-16 炉膛温度低于850: the furnace of an incinerator was too cold too often.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-16"),
    title: ("炉膛温度低于850", "Furnace too cold"),
    inputs: &["a01901 5-min mean"],
    condition: "mean < 850 C with waste being burned; count > n in the natural day",
    figures: &[given("min_C", 850, 0), given("n_per_day", 5, 0)],
    window: "5 min / 1 d",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "MEE Order 10 and GB 18485; count recalled",
    grade: Grade::M,
    kind: CaseKind::AbnormalData,
    refer: Refer::Alone,
    run: Run::Day(run),
};
/// Five-minute means of a natural day, under a normal mark, while waste burns (Decree 10; CN 2111, or made of minutes).
fn run(view: &DayView<'_>, hits: &mut Hits) {
    let Some(series) = view.of("a01901").filter(|_| view.burns_waste()) else { return };
    let least = view.figure(&RULE, "min_C", series.factor());
    let most = view.count(&RULE, "n_per_day", series.factor());
    let hours = (0..24u8).filter(|hour| view.is_running(*hour) == Some(true) && !view.has_special_mark(*hour));
    let cold: Vec<(u8, u8, Decimal)> = hours
        .filter_map(|hour| Some((hour, series.shape(hour)?)))
        .flat_map(|(hour, shape)| (0..SLOTS).filter_map(move |slot| Some((hour, slot * 5, shape.normal_mean(slot)?))))
        .filter(|(.., mean)| *mean < least)
        .map(|(hour, minute, mean)| (hour, minute, mean.normalize()))
        .collect();
    if cold.len() as u32 > most {
        let lowest = cold.iter().map(|(.., mean)| *mean).min().unwrap_or_default();
        let words = (
            format!("炉温5分钟均值低于{least}℃共{}次，最低{lowest}℃", cold.len()),
            format!("{} five-minute means below {least} °C, {lowest} °C at the lowest", cold.len()),
        );
        let times: Vec<String> = cold.iter().take(24).map(|(hour, minute, _)| format!("{hour:02}:{minute:02}")).collect();
        let facts = json!({"count": cold.len(), "lowest_c": lowest, "at": times});
        hits.fire(view, &RULE, series.factor(), None, RULE.severity, facts, words);
    }
}
