//! Foreign rules beside ours, for comparison only (§12; worked examples A16, A17). No verdict reads them.

use std::collections::BTreeSet;

/// US 40 CFR 75.10(d): a valid point in each quarter of the hour; with calibration or maintenance in it, in two quarters.
#[must_use]
pub fn us_hour_is_valid(valid_minutes: &[u8], maintenance: bool) -> bool {
    let quarters: BTreeSet<u8> = valid_minutes.iter().map(|minute| minute / 15).collect();
    quarters.len() >= if maintenance { 2 } else { 4 }
}

/// EU 2010/75/EU Annex VI part 8: at most five half-hours of the operating ones thrown away.
#[must_use]
pub fn eu_day_is_valid(discarded_half_hours: u32) -> bool {
    discarded_half_hours <= 5
}
