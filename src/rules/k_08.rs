//! K-08 尾数异常: last digits are not what measuring gives.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("K-08"),
    title: ("尾数异常", "Digits not natural"),
    inputs: &["text of minute values"],
    condition: "chi-square of the last digit above chi2 (33.72: p < 0.0001 at 9 degrees of freedom) on >= n records, of days whose \
                records spread over >= units of the last digit (skip if resolution is coarser)",
    figures: &[ours("chi2", 3372, 2), ours("n", 2000, 0), ours("units", 5, 0), ours("w_d", 7, 0)],
    window: "7 d",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[],
    time: TimeBase::Event,
    source: "thesis 2016 on digits in wastewater reports (Benford); last digit preferred, ranges are too narrow for Benford",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Span(run),
};
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let mut counts = [0i64; 10];
        // Within few digits a day's values lie about their mean, whoever made them: from a spread of five on all digits come alike.
        let Some(decimals) = (0..24u8).filter_map(|hour| series.cell(hour)).map(|cell| cell.decimals).max() else { continue };
        let least = view.figure(&RULE, "units", factor) * Decimal::new(1, u32::from(decimals));
        let spreads = |of: &SeriesProfile| of.records.as_ref().and_then(Records::variance).is_some_and(|variance| variance >= least * least);
        for (.., of) in window.series(factor, view.count(&RULE, "w_d", factor)).filter(|(.., of)| spreads(of)) {
            for (count, more) in counts.iter_mut().zip(of.last_digits.unwrap_or_default()) {
                *count += i64::from(more);
            }
        }
        let all: i64 = counts.iter().sum();
        if all < i64::from(view.count(&RULE, "n", factor)) || is_coarse(&counts) {
            continue;
        }
        // Σ(n − N/10)²/(N/10) = (10 Σn² − N²)/N
        let squares: i64 = counts.iter().map(|count| count * count).sum();
        let chi = Decimal::from(10 * squares - all * all) / Decimal::from(all);
        if chi > view.figure(&RULE, "chi2", factor) {
            let chi = chi.round_dp(1).normalize();
            let most = (0..10).max_by_key(|digit| (counts[*digit], std::cmp::Reverse(*digit))).unwrap_or_default();
            let words = (
                format!("{all}个数据的末位数字分布异常（卡方{chi}），{most}最多"),
                format!("the last digits of {all} records are not evenly spread (chi-square {chi}); {most} comes most often"),
            );
            hits.fire(view, &RULE, factor, None, RULE.severity, json!({"chi2": chi, "records": all, "counts": counts}), words);
        }
    }
}

/// Whether the resolution is coarser than a digit: only every second one comes, or every fifth.
fn is_coarse(counts: &[i64; 10]) -> bool {
    [2, 5].into_iter().any(|step| (0..step).any(|first| counts.iter().enumerate().all(|(digit, count)| *count == 0 || digit % step == first)))
}
