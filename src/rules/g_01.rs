//! G-01 小时均值与分钟值不一致: the logger's hour is not the mean of its minutes.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("G-01"),
    title: ("小时均值与分钟值不一致", "Hour is not the mean of its minutes"),
    inputs: &["hour Avg", "valid minute Avg"],
    condition: "|hour - own| > max(one last-digit unit, p*own) with >= 45 minutes received",
    figures: &[ours("p_pct", 1, 0)],
    window: "1 h",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Event,
    source: "HJ 212-2017 D.2; rule catalogue; 1% set here (HJ 356-2019 uses 1% between devices, recalled)",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Both from the same logger; 45 minutes at least were received.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    for series in &view.series {
        let Some(cell) = series.cell(hour).filter(|cell| cell.origin == Origin::Minutes) else { continue };
        let (Some(sent), Some(own)) = (cell.reported.as_ref().and_then(|reported| reported.measured), series.value(hour)) else { continue };
        let unit = Decimal::new(1, sent.scale());
        let p = pct(view.figure(&RULE, "p_pct", series.factor()));
        // The logger knows nothing of marks that people put, nor of negatives that count as zero: the mean of all its numbers fits, too.
        let fits = [Some(own), cell.every_rounded()].into_iter().flatten().any(|own| (sent - own).abs() <= unit.max(own.abs() * p));
        if !fits {
            let own = own.round_dp(4);
            let words = (format!("上报小时均值{sent}，由分钟值计为{own}"), format!("{sent} as sent, {own} by its minutes"));
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"sent": sent, "own": own}), words);
        }
    }
}
