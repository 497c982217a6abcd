//! C-06 采样管脱落/漏气: oxygen leaps to that of the air while the gases fall together: the sampling line is open.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("C-06"),
    title: ("采样管脱落/漏气", "Sampling line open to air"),
    inputs: &["minute: SO2, NOx, O2, humidity"],
    condition: "five-minute O2 rises by >= o to >= m within t minutes while SO2 and NOx fall >= p together and temperature, flow stay within 10%",
    figures: &[ours("o_pct_points", 3, 0), ours("m_pct", 19, 0), ours("p_pct", 60, 0), ours("t_min", 10, 0)],
    window: "10 min",
    severity: Severity::Critical,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::Settled, Guard::LowLevel],
    time: TimeBase::Event,
    source: "vendor model list (line open, unsealed line); cases of false sampling; figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Day(run),
};
fn run(view: &DayView<'_>, hits: &mut Hits) {
    let Some(oxygen) = view.oxygen().map(course) else { return };
    let gases = gases(view);
    if gases.is_empty() {
        return;
    }
    let whole = FactorCode::WHOLE;
    let rise = milli(view.figure(&RULE, "o_pct_points", whole));
    let (most, left) = (milli(view.figure(&RULE, "m_pct", whole)), 1000 - per_mille(view.figure(&RULE, "p_pct", whole)));
    let within = slots_of(view.count(&RULE, "t_min", whole));
    let mut place = 1;
    while place < oxygen.len() {
        let opens = |at: &usize| {
            let (Some(before), Some(after)) = (oxygen[place - 1], oxygen[*at]) else { return false };
            let falls = |gas: &[Option<i64>]| gas[place - 1].zip(gas[*at]).is_some_and(|(from, to)| has_fallen(from, to, left));
            after >= most && before < most && after - before >= rise && all_do(&gases, place - 1, falls)
        };
        let at = (place..(place + within).min(oxygen.len())).find(opens);
        let Some(at) = at.filter(|at| is_steady(view, place - 1, *at) && flue_stays(view, place - 1, *at, 100) == Some(true)) else {
            place += 1;
            continue;
        };
        let (before, after) = (oxygen_text(oxygen[place - 1]), oxygen_text(oxygen[at]));
        let words = (
            format!("{}氧量由{before}%升至{after}%，气态污染物同时陡降，烟温、流速未变", clock_of(at)),
            format!("{}: oxygen from {before} to {after} % while the gases fall, with temperature and flow unchanged", clock_of(at)),
        );
        let facts = json!({"at": clock_of(at), "oxygen_before": before, "oxygen_after": after});
        hits.fire(view, &RULE, whole, Some(time_of(at).0), RULE.severity, facts, words);
        place = at + within;
    }
}

fn oxygen_text(value: Option<i64>) -> Decimal {
    Decimal::new(value.unwrap_or_default(), 3).normalize()
}
