//! Hour and day means, read from cells (rules 4, 5, 7).

use super::cell::{Conversion, HourCell, classify};
use crate::domain::number::Ratio;
use crate::domain::time::{Day, Hour};
use crate::domain::{FactorCode, HourClass, Kind, Mean, RuleSet, Span};
use crate::protocol::marker::Marker;
use crate::registry::Outlet;

/// The hour's class beside its neighbours.
fn class_of(cells: &[Option<HourCell>; 24], at: usize, set: &RuleSet) -> HourClass {
    let Some(cell) = &cells[at] else { return HourClass::Missing };
    let stops = |at: usize| cells[at].as_ref().is_some_and(|cell| cell.class == HourClass::Stop);
    let neighbour = at.checked_sub(1).is_some_and(stops) || (at < 23 && stops(at + 1));
    classify(cell.valid_minutes, cell.minutes_marked(Marker::STOPPED), cell.received_minutes, neighbour, set)
}

/// The means of one closed hour: measured, and converted where the outlet converts.
#[must_use]
pub fn hour_means(factor: FactorCode, hour: Hour, cells: &[Option<HourCell>; 24], outlet: &Outlet, converts: bool, set: &RuleSet) -> Vec<Mean> {
    let at = usize::from(hour.of_day());
    let class = class_of(cells, at, set);
    let Some(cell) = &cells[at] else { return Vec::new() };
    let base = Mean {
        factor,
        span: Span::Hour,
        start: hour.start(),
        kind: Kind::Measured,
        value: cell.measured(set),
        valid: cell.measured(set).is_some(),
        indicative: None,
        shadow: cell.shadow(),
        count: cell.valid_minutes,
        due: 60,
        class: Some(class),
        origin: Some(cell.origin),
        cross_check: None,
        note: None,
    };
    let mut means = Vec::with_capacity(2);
    let conversion = if converts { cell.converted(outlet, set) } else { Conversion::None };
    if converts {
        let note = conversion.note().map(str::to_owned);
        let (value, valid) = match conversion {
            Conversion::Value(value) => (Some(value), true),
            Conversion::LowConfidence(value) => (Some(value), outlet.low_confidence_counts),
            _ => (None, false),
        };
        means.push(Mean { kind: Kind::Converted, value, valid, shadow: None, cross_check: cell.cross_check(), note, ..base.clone() });
    }
    if base.value.is_none() {
        let indicative = cell.partial_mean();
        means.insert(0, Mean { indicative, ..base });
    } else {
        means.insert(0, base);
    }
    means
}

/// The means of a day (rule 7): the arithmetic mean of its valid hours, when there are enough of them.
#[must_use]
pub fn day_means(factor: FactorCode, day: Day, cells: &[Option<HourCell>; 24], outlet: &Outlet, converts: bool, set: &RuleSet) -> Vec<Mean> {
    if cells.iter().all(Option::is_none) {
        return Vec::new();
    }
    let hours = || cells.iter().flatten();
    let measured: Vec<Ratio> = hours().filter_map(|cell| cell.measured(set)).collect();
    let shadow: Vec<Ratio> = hours().filter_map(HourCell::shadow).collect();
    let mut means = vec![day_mean(factor, day, Kind::Measured, &measured, Ratio::mean(&shadow), None, set)];
    if converts {
        let mut note = None;
        let mut converted = Vec::with_capacity(24);
        for cell in hours() {
            let conversion = cell.converted(outlet, set);
            note = note.or(conversion.note());
            match conversion {
                Conversion::Value(value) => converted.push(value),
                Conversion::LowConfidence(value) if outlet.low_confidence_counts => converted.push(value),
                _ => {}
            }
        }
        means.push(day_mean(factor, day, Kind::Converted, &converted, None, note, set));
    }
    means
}

fn day_mean(factor: FactorCode, day: Day, kind: Kind, hours: &[Ratio], shadow: Option<Ratio>, note: Option<&str>, set: &RuleSet) -> Mean {
    let mean = Ratio::mean(hours);
    let valid = hours.len() as u32 >= set.day_hours_min.value;
    Mean {
        factor,
        span: Span::Day,
        start: day.start(),
        kind,
        value: mean.clone().filter(|_| valid),
        valid,
        indicative: mean.filter(|_| !valid),
        shadow,
        count: hours.len() as u32,
        due: 24,
        class: None,
        origin: None,
        cross_check: None,
        note: note.map(str::to_owned),
    }
}
