//! D-17 多污染物同一信号: pollutants of different analysers move as one.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-17"),
    title: ("多污染物同一信号", "Pollutants all on one signal"),
    inputs: &["SO2, NOx, PM, CO minute series"],
    condition: "pairwise correlation of first differences of five-minute means > r for all pairs of >= min_factors over the day",
    figures: &[ours("r", 98, 2), ours("min_factors", 3, 0), ours("min_points", 100, 0)],
    window: "24 h",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::Settled],
    time: TimeBase::Event,
    source: "vendor model list (several pollutants same trend, wrong raw signal); figure set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// First differences of the five-minute means of a day, in every pair of at least three pollutants.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    const FACTORS: [&str; 4] = ["a21026", "a21002", "a34013", "a21005"];
    let whole = FactorCode::WHOLE;
    let moves = |values: Vec<Option<i64>>| -> Vec<Option<i64>> { values.windows(2).map(|pair| Some(pair[1]? - pair[0]?)).collect() };
    let courses: Vec<Vec<Option<i64>>> = FACTORS.into_iter().filter_map(|code| course_of(view, code)).map(moves).collect();
    if (courses.len() as u32) < view.count(&RULE, "min_factors", whole) {
        return;
    }
    let (r, least) = (view.figure(&RULE, "r", whole), view.count(&RULE, "min_points", whole) as usize);
    let mut lowest = Decimal::ONE;
    for (place, one) in courses.iter().enumerate() {
        for other in &courses[place + 1..] {
            let steady = |slot: &usize| is_steady(view, *slot, slot + 1);
            let pairs: Vec<(i64, i64)> = (0..one.len()).filter(steady).filter_map(|slot| one[slot].zip(other[slot])).collect();
            match correlation(&pairs).filter(|_| pairs.len() >= least) {
                Some(value) if value > r => lowest = lowest.min(value),
                _ => return,
            }
        }
    }
    let count = courses.len();
    let words = (
        format!("{count}种污染物5分钟变化完全同步（相关系数不低于{lowest}）"),
        format!("{count} pollutants change in step from five minutes to five minutes (correlation of {lowest} at least)"),
    );
    hits.fire(view, &RULE, whole, None, RULE.severity, json!({"factors": count, "lowest_correlation": lowest}), words);
}
