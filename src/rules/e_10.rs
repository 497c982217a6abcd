//! E-10 故障时间过长: a fault too long, or too much of the year in start-up, shut-down and fault.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("E-10"),
    title: ("故障时间过长", "Fault too long or too often"),
    inputs: &["D marks; start-up, shut-down, fault, accident marks"],
    condition: "one block > a h, or start-up/shut-down/fault/accident hours of the year > b per furnace, or furnace-drying and cool-down hours > c, or PM hourly mean > d inside such a mark (waste incineration)",
    figures: &[given("a_h", 4, 0), given("b_h_year", 60, 0), given("c_h_year", 700, 0), given("d_mg_m3", 150, 0)],
    window: "block / year",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Event,
    source: "list of 18 situations, no. 5; figures recalled from GB 18485-2014 and Decree 10, see marker-rules.md I6, I7, I10",
    grade: Grade::M,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// The caps of a year, and the dust inside such a mark, are those of incinerators.
fn run(view: &DayView<'_>, hour: u8, runs: &mut Runs, hits: &mut Hits) {
    let whole = FactorCode::WHOLE;
    let Some((factor, minutes)) = longest_mark(view, hour, Marker::FAULT) else {
        runs.put(RULE.id, whole, None);
        return waste(view, hour, 0, hits);
    };
    let run = runs.extend(RULE.id, whole, view.day.hour(hour), None, |_| true);
    if run.hours > view.count(&RULE, "a_h", whole) {
        let words = (format!("连续故障{}小时", run.hours), format!("{} hours of fault running", run.hours));
        hits.fire(view, &RULE, whole, Some(hour), RULE.severity, json!({"hours": run.hours, "factor": factor}), words);
    }
    waste(view, hour, minutes, hits);
}

fn waste(view: &DayView<'_>, hour: u8, fault: u32, hits: &mut Hits) {
    if !view.burns_waste() {
        return;
    }
    let whole = FactorCode::WHOLE;
    let special = |hour: u8, marker| longest_mark(view, hour, marker).map_or(0, |(_, minutes)| minutes);
    let drying = view.prior.marked.drying_year + (0..=hour).map(|hour| special(hour, Marker::BANKED_FIRE)).sum::<u32>();
    if special(hour, Marker::BANKED_FIRE) > 0 && drying > view.count(&RULE, "c_h_year", whole).saturating_mul(60) {
        let hours = drying / 60;
        let words = (format!("本年烘炉、闷炉累计{hours}小时"), format!("{hours} hours of drying and banked fire in the year"));
        hits.fire(view, &RULE, whole, Some(hour), RULE.severity, json!({"year_hours": hours}), words);
    }
    let here = fault + special(hour, Marker::START_UP) + special(hour, Marker::SHUT_DOWN);
    if here == 0 {
        return;
    }
    let so_far: u32 =
        (0..hour).map(|hour| [Marker::FAULT, Marker::START_UP, Marker::SHUT_DOWN].map(|marker| special(hour, marker)).iter().sum::<u32>()).sum();
    let year = view.prior.marked.trouble_year + so_far + here;
    if year > view.count(&RULE, "b_h_year", whole).saturating_mul(60) {
        let hours = year / 60;
        let words = (format!("本年启停炉、故障累计{hours}小时"), format!("{hours} hours of start-up, shut-down and fault in the year"));
        hits.fire(view, &RULE, whole, Some(hour), RULE.severity, json!({"year_hours": hours}), words);
    }
    let dust = view.of("a34013").and_then(|series| series.cell(hour)).and_then(raw_mean);
    if let Some(dust) = dust.filter(|dust| *dust > view.figure(&RULE, "d_mg_m3", whole)) {
        let words = (format!("标记时段颗粒物{dust}"), format!("dust of {dust} inside the mark"));
        hits.fire(view, &RULE, FactorCode::known("a34013"), Some(hour), RULE.severity, json!({"dust": dust}), words);
    }
}
