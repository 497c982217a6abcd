//! Readings, cells and means → findings. One file per rule; rules keep no state and change no number.

pub mod exceedance;

use crate::domain::number::Ratio;
use crate::domain::time::{Day, Moment};
use crate::domain::{Basis, Confidence, FactorCode, Finding, Kind, Limit, Mean, OutletId, RuleSet, Series};
use crate::protocol::factor;
use crate::registry::Registry;
use exceedance::Outcome;
use serde_json::json;
use uuid::Uuid;

/// Namespace of every id that is derived from content: v5 of the project's name.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x9c1d_40f2_6f0e_5b52_8a6c_2f1d_2120_0212);

/// Chinese and English name of a factor; its code where the tables have none.
#[must_use]
pub fn factor_names(code: FactorCode) -> (String, String) {
    factor::find(code.as_str()).map_or_else(|| (code.to_string(), code.to_string()), |row| (row.zh.to_owned(), row.en.to_owned()))
}

/// A limit row as findings and pages show it, with the figure in force and why it is that one.
#[must_use]
pub fn limit_body(limit: &Limit, figure: &str, figure_note: Option<&str>) -> serde_json::Value {
    json!({
        "type": limit.limit_type,
        "figure": figure,
        "figure_note": figure_note,
        "unit": limit.unit,
        "basis": limit.basis,
        "converted": limit.converted,
        "standard": limit.standard,
        "source": limit.source,
        "grade": limit.grade,
        "grade_zh": limit.grade.says().0,
        "grade_en": limit.grade.says().1,
        "note": limit.note,
        "valid_from": limit.valid_from.to_string(),
        "valid_to": limit.valid_to.map(|to| to.to_string()),
    })
}

/// Everything a day's rules look at.
#[derive(Debug)]
pub struct DayView<'r> {
    /// The register in force.
    pub registry: &'r Registry,
    /// Where.
    pub outlet: OutletId,
    /// When.
    pub day: Day,
    /// Figures in force.
    pub set: &'r RuleSet,
    /// The day's means, all factors.
    pub means: &'r [Mean],
    /// Whether they are confirmed.
    pub confirmed: bool,
    /// Engine time.
    pub now: Moment,
}

/// Runs the day's rules. Every limit row gives one finding, standing or not, so that what no longer holds is seen to end.
#[must_use]
pub fn judge_day(view: &DayView<'_>) -> Vec<Finding> {
    let Some(outlet) = view.registry.outlet(view.outlet, view.day.start()) else { return Vec::new() };
    let mut findings = Vec::new();
    let temperature = outlet.temperature_factor.and_then(|factor| {
        let mean = view.means.iter().find(|mean| mean.factor == factor && mean.kind == Kind::Measured && mean.valid)?;
        mean.value.as_ref()
    });
    for code in view.registry.factors(view.outlet) {
        let means: Vec<Mean> = view.means.iter().filter(|mean| mean.factor == code).cloned().collect();
        let series = Series { outlet: view.outlet, factor: code };
        for limit in view.registry.limits(series, Basis::Day, view.day.start()) {
            let Outcome::Judged(judgement) = exceedance::judge(&means, limit, temperature, view.set) else { continue };
            let names = factor_names(code);
            let (zh, en) = exceedance::sentence(
                (&outlet.name, if outlet.name_en.is_empty() { &outlet.name } else { &outlet.name_en }),
                (&names.0, &names.1),
                outlet.medium,
                &view.day.to_string(),
                &judgement,
            );
            let identity = format!("{}|{}|{}|{:?}|{}|{}", exceedance::ID, view.outlet, code, limit.limit_type, limit.standard, view.day);
            let comparison = &judgement.comparison;
            findings.push(Finding {
                id: Uuid::new_v5(&NAMESPACE, identity.as_bytes()),
                rule: exceedance::ID.to_owned(),
                outlet: view.outlet,
                factor: code,
                day: view.day,
                severity: exceedance::severity(comparison),
                confidence: if comparison.marginal { Confidence::Medium } else { Confidence::High },
                standing: comparison.exceeds,
                revision: 1,
                confirmed: view.confirmed,
                at: view.now,
                facts: json!({
                    "kind": judgement.mean.kind,
                    "value": judgement.mean.value.as_ref().map(Ratio::shown),
                    "value_exact": judgement.mean.value,
                    "valid_hours": judgement.mean.count,
                    "due": judgement.mean.due,
                    "volume_m3": judgement.mean.volume.as_ref().map(Ratio::shown),
                    "limit": limit_body(limit, judgement.figure, judgement.figure_note),
                    "multiple": comparison.multiple.as_ref().map(Ratio::shown),
                    "marginal": comparison.marginal,
                }),
                sentence_zh: zh,
                sentence_en: en,
                source: exceedance::source(outlet.medium),
            });
        }
    }
    findings
}

/// Whether the day's means exceed any limit: asked before evidence is fetched.
#[must_use]
pub fn day_exceeds(view: &DayView<'_>) -> bool {
    judge_day(view).iter().any(|finding| finding.standing)
}
