//! E-12 同仪器标记不一致: marks that factors of one analyser do not share.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("E-12"),
    title: ("同仪器标记不一致", "One analyser, several opinions"),
    inputs: &["flags of factors sharing an analyser"],
    condition: "flags differ between SO2, NOx, O2, CO of one analyser in the same minute for >= n min",
    figures: &[ours("n_min", 10, 0)],
    window: "1 h",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[],
    time: TimeBase::Event,
    source: "default here",
    grade: Grade::D,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Note,
    run: Run::Hour(run),
};
/// By minutes under any mark but the normal one; SO2, NOx, CO and oxygen are usually one analyser.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let of = |code: &str| {
        let cell = view.of(code)?.cell(hour)?;
        let odd = cell.marked.iter().filter(|(marker, _)| !matches!(*marker, Marker::NORMAL | Marker::ABSENT));
        Some(odd.map(|(_, minutes)| *minutes).sum::<u32>())
    };
    let minutes: Vec<u32> = ["a21026", "a21002", "a21005", "a19001"].into_iter().filter_map(of).collect();
    let (Some(least), Some(most)) = (minutes.iter().min(), minutes.iter().max()) else { return };
    if most - least >= view.count(&RULE, "n_min", FactorCode::WHOLE) {
        let words = (format!("同仪器各因子标记相差{}分钟", most - least), format!("marks of one analyser differ by {} minutes", most - least));
        hits.fire(view, &RULE, FactorCode::WHOLE, Some(hour), RULE.severity, json!({"minutes": most - least}), words);
    }
}
