//! C-11 日流量突变: from one day to the next the water flow changes by half.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("C-11"),
    title: ("日流量突变", "Water flow jumps day to day"),
    inputs: &["day: w00000 volume"],
    condition: "|Q(d)-Q(d-1)|/Q(d-1) > r with >= min_hours hours of each, and no note",
    figures: &[ours("r", 5, 1), ours("min_hours", 22, 0), ours("w_d", 2, 0).fixed()],
    window: "2 d",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[],
    time: TimeBase::Event,
    source: "open logger code (fraction configurable); 0.5 set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
/// Days whose flow is known in nearly every hour; a day about which somebody declares something is left to people.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    let Some(factor) = view.outlet.flow_factor.filter(|_| !view.is_gas() && view.declared.is_empty()) else { return };
    let volume = |profile: &Profile| {
        let hours: Vec<i64> = profile.series.get(&factor)?.measured.iter(u32::MAX).map(|(_, value)| value).collect();
        (hours.len() as u32 >= view.count(&RULE, "min_hours", factor))
            .then(|| hours.iter().map(|value| i128::from(*value)).sum::<i128>() / hours.len() as i128)
    };
    let before = window.earlier(1).next().and_then(|(_, profile)| volume(profile)).filter(|before| *before > 0);
    let (Some(now), Some(before)) = (volume(window.today()), before) else { return };
    if (now - before).abs() * 1000 > before * i128::from(milli(view.figure(&RULE, "r", factor))) {
        let text = |value: i128| of_millionths(value as i64).round_dp(3).normalize();
        let words = (
            format!("日均流量由{}变为{}", text(before), text(now)),
            format!("a mean flow of {} after {} on the day before", text(now), text(before)),
        );
        hits.fire(view, &RULE, factor, None, RULE.severity, json!({"flow": text(now), "flow_before": text(before)}), words);
    }
}
