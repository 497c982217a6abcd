//! K-05 相关性消失: what moved together does so no longer.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("K-05"),
    title: ("相关性消失", "Link to load lost"),
    inputs: &["pollutant, O2, load, flow"],
    condition: "|r(w days)| falls by > d from that of the base days before and 95% intervals do not overlap",
    figures: &[ours("d", 4, 1), ours("min_hours", 200, 0), ours("w_d", 30, 0), ours("base_d", 180, 0)],
    window: "210 d",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "patent on cross-correlation and density; figure set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Span(run),
};
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    const BESIDE: [&str; 4] = ["a19001", "a01011", "a00000", "w00000"];
    let load = view.series.iter().map(SeriesView::factor).filter(|factor| super::d_18::is_load(*factor));
    let beside: Vec<FactorCode> = BESIDE.into_iter().map(FactorCode::known).filter(|beside| view.of_factor(*beside).is_some()).chain(load).collect();
    for series in view.pollutants() {
        let factor = series.factor();
        let (days, base) = (view.count(&RULE, "w_d", factor), view.count(&RULE, "base_d", factor));
        for beside in beside.iter().copied() {
            let pairs = |count, without| -> Vec<(i64, i64)> { window.pairs(factor, beside, count, without).map(|(_, pair)| pair).collect() };
            let (now, before) = (pairs(days, 0), pairs(base + days, days));
            let least = view.count(&RULE, "min_hours", factor) as usize;
            if now.len() < least || before.len() < least {
                continue;
            }
            let (Some(now_r), Some(before_r)) = (correlation(&now), correlation(&before)) else { continue };
            // Half the width of the interval of 95 %, by the standard error of a coefficient.
            let half = |r: Decimal, count: usize| {
                root(Decimal::from(count - 1)).and_then(|root| (Decimal::new(196, 2) * (Decimal::ONE - r * r)).checked_div(root))
            };
            let (Some(now_half), Some(before_half)) = (half(now_r, now.len()), half(before_r, before.len())) else { continue };
            let apart = now_r.abs() + now_half < before_r.abs() - before_half;
            if before_r.abs() - now_r.abs() > view.figure(&RULE, "d", factor) && apart {
                let names = view.names(beside);
                let words = (
                    format!("与{}的相关系数由{before_r}变为{now_r}", names.0),
                    format!("its correlation with {} is {now_r}, after {before_r} in the {base} days before", names.1),
                );
                hits.fire(
                    view,
                    &RULE,
                    factor,
                    None,
                    RULE.severity,
                    json!({"beside": beside.as_str(), "correlation": now_r, "before": before_r, "of_days": days}),
                    words,
                );
                break;
            }
        }
    }
}
