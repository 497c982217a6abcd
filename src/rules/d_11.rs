//! D-11 NOx与NO/NO2矛盾: NOx is not the sum of its parts.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-11"),
    title: ("NOx与NO/NO2矛盾", "NOx less than its parts"),
    inputs: &["a21002", "a21003", "a21004"],
    condition: "|NOx/(NO*46.005/30.006+NO2)-1| > p",
    figures: &[ours("p_pct", 5, 0)],
    window: "1 h",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Running, Guard::Settled, Guard::LowLevel],
    time: TimeBase::Event,
    source: "formula of HJ 75-2017 chain; 5% set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// NO counts as NO2, by 46.005 to 30.006.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let value = |code: &str| view.of(code).and_then(|series| series.value(hour));
    let (Some(nox), Some(no), Some(no2)) = (value("a21002"), value("a21003"), value("a21004")) else { return };
    let Some(series) = view.of("a21002").filter(|series| view.is_steady(hour) && !view.is_low(series, nox)) else { return };
    let own = no * Decimal::new(46_005, 3) / Decimal::new(30_006, 3) + no2;
    let unit = Decimal::new(2, series.cell(hour).map_or(0, |cell| u32::from(cell.decimals)));
    let beyond = off(nox, own).is_some_and(|off| off > pct(view.figure(&RULE, "p_pct", series.factor())));
    if beyond && (nox - own).abs() > unit {
        let (nox, own) = (nox.round_dp(2), own.round_dp(2));
        let words = (format!("NOx为{nox}，由NO、NO2计为{own}"), format!("NOx is {nox}, its parts make {own}"));
        hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"nox": nox, "parts": own}), words);
    }
}
