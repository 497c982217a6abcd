//! Emission amounts (排放量), and what stands in for them where data are missing (§2, §6; worked example A11).
//!
//! Amounts only: a substituted figure never enters a concentration, a mean or a verdict.

use super::cell::HourCell;
use crate::domain::number::{self, Ratio};
use crate::domain::{Medium, RuleSet};
use rust_decimal::Decimal;
use serde::Serialize;

/// kg of one hour: the measured (not converted) concentration times the volume. Gas: mg/m³ × m³ × 10⁻⁶; water: mg/L × m³ × 10⁻³.
#[must_use]
pub fn hour(cell: &HourCell, flow: &HourCell, medium: Medium, set: &RuleSet) -> Option<Ratio> {
    let scale = if medium == Medium::Gas { 6 } else { 3 };
    Some(cell.measured(set)?.times(flow.volume.as_deref()?).times(&Ratio::of(Decimal::new(1, scale))))
}

/// What stands in for a run of missing hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Substitution {
    /// Valid hours that were searched.
    pub window_h: u32,
    /// Valid hours that were there to search.
    pub found_h: u32,
    /// kg for each missing hour: the largest of them.
    pub per_hour: Ratio,
    /// kg for the whole run.
    pub total: Ratio,
}

/// The 180/720/2160 rule. `capture_pct` is the quarter's capture rate, `run_h` the consecutive missing hours, `history` the
/// amounts of the valid hours before them, newest first. None: the tables say nothing (capture rate below the lower edge), or
/// there is no history: the amount is unrecoverable, and a person decides.
#[must_use]
pub fn substitute(capture_pct: &Ratio, run_h: u32, history: &[Ratio], set: &RuleSet) -> Option<Substitution> {
    let (windows, edges) = (&set.substitution_windows_h.value, &set.substitution_capture_pct.value);
    let edge = |at: usize| edges.get(at).map(|edge| Ratio::whole(i64::from(*edge)));
    let window_h = if *capture_pct >= edge(0)? {
        *windows.get(usize::from(run_h > set.substitution_short_h.value))?
    } else if *capture_pct >= edge(1)? {
        *windows.get(2)?
    } else {
        return None;
    };
    let searched = &history[..history.len().min(window_h as usize)];
    let per_hour = searched.iter().max()?.clone();
    let total = per_hour.times(&Ratio::whole(i64::from(run_h)));
    Some(Substitution { window_h, found_h: searched.len() as u32, per_hour, total })
}

/// Inputs of the conversion chain (§4; worked example A03): what a logger that sends raw values would have to compute.
#[derive(Debug, Clone, Copy)]
pub struct Stack {
    /// Oxygen, dry, %.
    pub oxygen_dry: Decimal,
    /// Reference oxygen, %.
    pub reference_oxygen: Decimal,
    /// Moisture, %.
    pub moisture: Decimal,
    /// Temperature, °C.
    pub temperature: Decimal,
    /// Atmospheric pressure, Pa.
    pub atmosphere: Decimal,
    /// Gauge pressure of the duct, Pa.
    pub gauge: Decimal,
}

fn exact(text: &str) -> Ratio {
    number::parse(text).map_or_else(|_| Ratio::whole(0), Ratio::of)
}

impl Stack {
    fn dry_share(&self) -> Ratio {
        Ratio::whole(1).minus(&Ratio::of(self.moisture).times(&exact("0.01")))
    }

    /// Wet → dry: C / (1 − Xsw).
    #[must_use]
    pub fn dry(&self, wet: &Ratio) -> Option<Ratio> {
        wet.divided(&self.dry_share())
    }

    /// Actual, wet → standard, dry: × 101325/(Ba + Ps) × (273 + ts)/273 ÷ (1 − Xsw).
    #[must_use]
    pub fn standard_dry(&self, actual: &Ratio) -> Option<Ratio> {
        let pressure = exact("101325").divided(&Ratio::of(self.atmosphere + self.gauge))?;
        let heat = Ratio::of(self.temperature + Decimal::from(273)).divided(&Ratio::whole(273))?;
        self.dry(&actual.times(&pressure).times(&heat))
    }

    /// 折算: × (21 − O₂ref)/(21 − O₂).
    #[must_use]
    pub fn converted(&self, dry: &Ratio) -> Option<Ratio> {
        let twenty_one = Decimal::from(21);
        dry.times(&Ratio::of(twenty_one - self.reference_oxygen)).divided(&Ratio::of(twenty_one - self.oxygen_dry))
    }

    /// Actual volume → standard dry volume: the inverse of [`Stack::standard_dry`].
    #[must_use]
    pub fn standard_dry_flow(&self, actual: &Ratio) -> Option<Ratio> {
        let pressure = Ratio::of(self.atmosphere + self.gauge).divided(&exact("101325"))?;
        let heat = Ratio::whole(273).divided(&Ratio::of(self.temperature + Decimal::from(273)))?;
        Some(actual.times(&pressure).times(&heat).times(&self.dry_share()))
    }
}

/// ppm → mg/m³ at 0 °C and 101.325 kPa: M / 22.4 × ppm.
#[must_use]
pub fn ppm_to_mg(ppm: &Ratio, molar_mass: Decimal) -> Ratio {
    ppm.times(&Ratio::of(molar_mass)).divided(&exact("22.4")).unwrap_or_else(|| Ratio::whole(0))
}

/// NOx as NO₂: NO × 46.005/30.006 + NO₂, all in mg/m³.
#[must_use]
pub fn nox_as_no2(no: &Ratio, no2: &Ratio) -> Ratio {
    let factor = exact("46.005").divided(&exact("30.006")).unwrap_or_else(|| Ratio::whole(0));
    no.times(&factor).plus(no2)
}
