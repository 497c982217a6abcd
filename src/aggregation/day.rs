//! Hour and day means, read from cells (rules 4, 5, 7, 9–11; §8 for water).

use super::cell::{Conversion, HourCell, Reported as Sent};
use super::ph;
use crate::domain::number::Ratio;
use crate::domain::time::Day;
use crate::domain::{Beside, FactorCode, HourClass, Kind, Mean, Medium, Origin, Record, Reported, RuleSet, Span};
use crate::protocol::marker::Marker;
use crate::registry::Outlet;
use rust_decimal::Decimal;
use std::ops::Range;
use std::sync::Arc;

/// pH 值.
const PH: &str = "w01001";

/// Cells of one series and day. What is written of a day shares them.
pub type Cells = [Option<Arc<HourCell>>; 24];

/// One series' day, and what the register says of it.
#[derive(Debug, Clone, Copy)]
pub struct SeriesDay<'c> {
    /// What.
    pub factor: FactorCode,
    /// When.
    pub day: Day,
    /// Its closed hours.
    pub cells: &'c Cells,
    /// Those of the outlet's flow series; none: nothing is known of the flow.
    pub flow: Option<&'c Cells>,
    /// The outlet's row.
    pub outlet: &'c Outlet,
    /// Whether the series has a converted mean.
    pub converts: bool,
    /// Hours for which one value of a sampling analyser stands: 1, 2 or 4.
    pub cycle_hours: u8,
    /// Hours of approved exemptions, a bit each.
    pub exempt: u32,
    /// What the logger reports for the day (CN 2031).
    pub reported: Option<&'c Record>,
    /// Figures in force.
    pub set: &'c RuleSet,
}

/// A cycle of a water analyser: the hours for which one value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// Its hours.
    pub hours: Range<u8>,
    /// m³ that passed in them, where that is known.
    pub volume: Option<Ratio>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a water cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Its value enters the day.
    Used(Ratio),
    /// Due, and without a value that counts.
    Unused,
    /// Nothing flowed: not due.
    NoFlow,
    /// An approved exemption: not due.
    Exempt,
    /// The day's standard check: not due.
    Check,
}

impl Cycle {
    /// The value that enters the day.
    #[must_use]
    pub fn used(&self) -> Option<&Ratio> {
        if let Fate::Used(value) = &self.fate { Some(value) } else { None }
    }

    fn is_due(&self) -> bool {
        matches!(self.fate, Fate::Used(_) | Fate::Unused)
    }
}

impl SeriesDay<'_> {
    fn is_exempt(&self, hour: u8) -> bool {
        self.exempt >> hour & 1 == 1
    }

    /// The class of an hour beside its neighbours.
    #[must_use]
    pub fn class(&self, hour: u8) -> HourClass {
        let at = usize::from(hour);
        let Some(cell) = &self.cells[at] else { return HourClass::Missing };
        let stops = |at: usize| self.cells.get(at).is_some_and(|cell| cell.as_ref().is_some_and(|cell| cell.class == HourClass::Stop));
        cell.class(at.checked_sub(1).is_some_and(stops) || stops(at + 1), self.set)
    }

    /// The hour whose cell stands for an hour: its own, or that of the analyser's cycle.
    #[must_use]
    pub fn standing(&self, hour: u8) -> u8 {
        let length = self.cycle_hours.max(1);
        let came = |hour: &u8| self.cells[usize::from(*hour)].as_ref().is_some_and(|cell| cell.received_minutes > 0);
        let first = hour / length * length;
        if came(&hour) { hour } else { (first..first + length).find(came).unwrap_or(hour) }
    }

    /// m³ that passed in an hour, where that is known.
    #[must_use]
    pub fn volume(&self, hour: u8) -> Option<&Ratio> {
        self.flow?[usize::from(hour)].as_ref()?.volume.as_deref()
    }

    fn is_flow(&self) -> bool {
        self.outlet.flow_factor == Some(self.factor)
    }

    /// Nothing flowed: what an analyser says of it is no value (rule 10).
    #[must_use]
    pub fn is_dry(&self, hour: u8) -> bool {
        self.outlet.medium == Medium::Water && !self.is_flow() && self.volume(hour).is_some_and(Ratio::is_zero)
    }

    fn blank(&self, span: Span, kind: Kind) -> Mean {
        Mean {
            factor: self.factor,
            span,
            start: self.day.start(),
            kind,
            value: None,
            valid: false,
            indicative: None,
            shadow: None,
            count: 0,
            due: 0,
            class: None,
            origin: None,
            cross_check: None,
            note: None,
            volume: None,
            reported: None,
            beside: Vec::new(),
        }
    }

    /// The means of one closed hour: measured, and converted where the outlet converts.
    #[must_use]
    pub fn hour_means(&self, hour: u8) -> Vec<Mean> {
        let Some(cell) = &self.cells[usize::from(hour)] else { return Vec::new() };
        let base = Mean {
            start: self.day.hour(hour).start(),
            count: cell.valid_minutes,
            due: 60,
            class: Some(self.class(hour)),
            origin: Some(cell.origin),
            ..self.blank(Span::Hour, Kind::Measured)
        };
        let own = cell.measured(self.set);
        let dry = self.is_dry(hour);
        let special = [Marker::START_UP, Marker::SHUT_DOWN, Marker::BANKED_FIRE].map(|marker| cell.minutes_marked(marker)).iter().sum::<u32>();
        let note = match () {
            () if dry => Some("zero_flow"),
            () if self.is_exempt(hour) => Some("exempt"),
            () if special >= self.set.hour_minutes_min.value => Some("exempt_pending_review"),
            () => None,
        };
        let sent = cell.reported.as_deref().copied().filter(|_| cell.origin != Origin::Reported);
        let reported = |sent: Option<Decimal>, own: Option<&Ratio>, tolerance| sent.map(|sent| beside(sent, own, tolerance));
        let measured = Mean {
            valid: own.is_some() && note.is_none(),
            indicative: if own.is_none() { cell.partial_mean() } else { None },
            shadow: cell.shadow(),
            volume: cell.volume.as_deref().cloned(),
            reported: reported(sent.and_then(|sent: Sent| sent.measured), own.as_ref(), self.set.reported_tolerance_pct.value),
            note: note.map(str::to_owned),
            value: own,
            ..base.clone()
        };
        if !self.converts {
            return vec![measured];
        }
        let conversion = cell.converted(self.outlet, self.set);
        let conversion_note = conversion.note();
        let (value, valid) = match conversion {
            Conversion::Value(value) => (Some(value), true),
            Conversion::LowConfidence(value) => (Some(value), self.outlet.low_confidence_counts),
            _ => (None, false),
        };
        let converted = Mean {
            kind: Kind::Converted,
            valid: valid && note.is_none(),
            cross_check: cell.cross_check(),
            reported: reported(sent.and_then(|sent| sent.converted), value.as_ref(), self.set.converted_tolerance_pct.value),
            note: note.or(conversion_note).map(str::to_owned),
            value,
            ..base
        };
        vec![measured, converted]
    }

    /// The means of the day.
    #[must_use]
    pub fn day_means(&self) -> Vec<Mean> {
        if self.cells.iter().all(Option::is_none) {
            return Vec::new();
        }
        let shadow: Vec<Ratio> = self.cells.iter().flatten().filter_map(|cell| cell.shadow()).collect();
        let mut measured = match self.outlet.medium {
            Medium::Gas => self.gas_day(Kind::Measured),
            Medium::Water if self.is_flow() => self.flow_day(),
            Medium::Water => self.water_day(),
        };
        measured.shadow = Ratio::mean(&shadow);
        if self.is_flow() {
            let volumes: Vec<&Ratio> = (0..24).filter_map(|hour| self.volume(hour)).collect();
            measured.volume = (!volumes.is_empty()).then(|| Ratio::sum(volumes));
        }
        let sent = |value: fn(&Record) -> Option<Decimal>| self.reported.and_then(value);
        measured.reported = sent(|record| record.measured).map(|sent| beside(sent, measured.value.as_ref(), self.set.reported_tolerance_pct.value));
        if !self.converts {
            return vec![measured];
        }
        let mut converted = self.gas_day(Kind::Converted);
        converted.reported =
            sent(|record| record.converted).map(|sent| beside(sent, converted.value.as_ref(), self.set.converted_tolerance_pct.value));
        vec![measured, converted]
    }

    /// The arithmetic mean of the valid hours outside exemptions, when there are enough of them (rule 7).
    fn gas_day(&self, kind: Kind) -> Mean {
        let mut note = None;
        let mut values = Vec::with_capacity(24);
        for hour in 0..24 {
            let Some(cell) = &self.cells[usize::from(hour)] else { continue };
            if self.is_exempt(hour) {
                note = note.or(Some("exempt_hours_left_out"));
                continue;
            }
            let value = match kind {
                Kind::Measured => cell.measured(self.set),
                Kind::Converted => {
                    let conversion = cell.converted(self.outlet, self.set);
                    note = note.or(conversion.note());
                    match conversion {
                        Conversion::Value(value) => Some(value),
                        Conversion::LowConfidence(value) if self.outlet.low_confidence_counts => Some(value),
                        _ => None,
                    }
                }
            };
            values.extend(value);
        }
        let valid = values.len() as u32 >= self.set.day_hours_min.value;
        self.arithmetic(kind, &values, 24, valid, note)
    }

    fn arithmetic(&self, kind: Kind, values: &[Ratio], due: u32, valid: bool, note: Option<&str>) -> Mean {
        let mean = Ratio::mean(values);
        Mean {
            value: mean.clone().filter(|_| valid),
            valid: valid && mean.is_some(),
            indicative: mean.filter(|_| !valid),
            count: values.len() as u32,
            due,
            note: note.map(str::to_owned),
            ..self.blank(Span::Day, kind)
        }
    }

    fn enough(&self, used: usize, due: usize) -> bool {
        due > 0 && used as u64 * 100 >= due as u64 * u64::from(self.set.water_day_used_pct.value)
    }

    /// The flow itself: the mean flow of its valid hours. Its volume is the day's.
    fn flow_day(&self) -> Mean {
        let values: Vec<Ratio> = self.cells.iter().flatten().filter_map(|cell| cell.measured(self.set)).collect();
        self.arithmetic(Kind::Measured, &values, 24, self.enough(values.len(), 24), None)
    }

    /// A water day (§8.2, §8.3): weighted by the volume of the hours for which each value stands.
    fn water_day(&self) -> Mean {
        let cycles = self.cycles();
        let flow_known = self.flow_known();
        let due = cycles.iter().filter(|cycle| cycle.is_due()).count();
        let used: Vec<(&Ratio, Option<&Ratio>)> = cycles.iter().filter_map(|cycle| Some((cycle.used()?, cycle.volume.as_ref()))).collect();
        let values: Vec<Ratio> = used.iter().map(|(value, _)| (*value).clone()).collect();
        let valid = self.enough(used.len(), due);
        let note = if due == 0 { Some("no_discharge") } else { None };
        let mut mean = self.arithmetic(Kind::Measured, &values, due as u32, valid, note);
        let mut named = |name: &str, value: Option<Ratio>| {
            mean.beside.extend(value.map(|value| Beside { name: name.to_owned(), value }));
        };
        if self.factor.as_str() == PH {
            named("arithmetic", Ratio::mean(&values));
            named("min", values.iter().min().cloned());
            named("max", values.iter().max().cloned());
            named("median", ph::median(&values));
            let ions = ph::mean(&values);
            (mean.value, mean.indicative) = if valid { (ions, None) } else { (None, ions) };
            mean.valid = mean.value.is_some();
            return mean;
        }
        if self.outlet.temperature_factor == Some(self.factor) {
            return mean;
        }
        if !flow_known {
            mean.note = mean.note.or(Some("unweighted".to_owned()));
            return mean;
        }
        named("arithmetic", Ratio::mean(&values));
        named("interval_weighted", interval_weighted(&cycles));
        let volume = Ratio::sum(used.iter().filter_map(|(_, volume)| *volume));
        let load = used.iter().filter_map(|(value, volume)| Some(value.times((*volume)?))).collect::<Vec<_>>();
        let weighted = Ratio::sum(&load).divided(&volume);
        (mean.value, mean.indicative) = if valid { (weighted, None) } else { (None, weighted) };
        mean.valid = mean.value.is_some();
        mean.volume = Some(volume);
        mean
    }

    fn flow_known(&self) -> bool {
        (0..24).any(|hour| self.volume(hour).is_some())
    }

    /// The cycles of a water day, in order.
    #[must_use]
    pub fn cycles(&self) -> Vec<Cycle> {
        let length = self.cycle_hours.max(1);
        let mut check_left = self.set.water_check_factors.value.iter().any(|code| code == self.factor.as_str());
        (0..24 / length).map(|at| self.cycle(at * length..(at + 1) * length, &mut check_left)).collect()
    }

    /// What the analyser says of one of its cycles.
    fn cycle(&self, hours: Range<u8>, check_left: &mut bool) -> Cycle {
        let volumes: Vec<&Ratio> = hours.clone().filter_map(|hour| self.volume(hour)).collect();
        let volume = (!volumes.is_empty()).then(|| Ratio::sum(volumes.iter().copied()));
        let dry = volumes.len() == hours.len() && volume.as_ref().is_some_and(Ratio::is_zero);
        let exempt = hours.clone().all(|hour| self.is_exempt(hour));
        let cells = || hours.clone().filter_map(|hour| self.cells[usize::from(hour)].as_ref());
        let abnormal = cells().any(|cell| cell.unused > 0);
        let values: Vec<Ratio> = cells().filter_map(|cell| cell.measured(self.set)).collect();
        let fate = match Ratio::mean(&values) {
            _ if dry => Fate::NoFlow,
            _ if exempt => Fate::Exempt,
            Some(value) if !abnormal && (volume.is_some() || !self.flow_known()) => Fate::Used(value),
            _ if *check_left && cells().any(|cell| cell.minutes_marked(Marker::CALIBRATION) > 0) => {
                *check_left = false;
                Fate::Check
            }
            _ => Fate::Unused,
        };
        Cycle { hours, volume, fate }
    }
}

/// The literal reading of HJ 356-2019: the volume of an unused cycle goes to the sample before it. Beside, not judged.
fn interval_weighted(cycles: &[Cycle]) -> Option<Ratio> {
    let mut samples: Vec<(&Ratio, Ratio)> = Vec::new();
    for cycle in cycles {
        let volume = cycle.volume.clone().unwrap_or_else(|| Ratio::whole(0));
        match cycle.used() {
            Some(value) => samples.push((value, volume)),
            None => {
                if let Some((_, known)) = samples.last_mut() {
                    *known = known.plus(&volume);
                }
            }
        }
    }
    let load: Vec<Ratio> = samples.iter().map(|(value, volume)| value.times(volume)).collect();
    Ratio::sum(&load).divided(&Ratio::sum(samples.iter().map(|(_, volume)| volume)))
}

/// What the logger reports beside what we compute (§2.1): equal within one unit of its last digit, or `tolerance` percent.
#[must_use]
pub fn beside(sent: Decimal, own: Option<&Ratio>, tolerance: Decimal) -> Reported {
    let reported = Ratio::of(sent);
    let Some(own) = own else { return Reported { value: sent, difference_pct: None, agrees: None } };
    let off = reported.minus(own).abs();
    let share = own.abs().times(&Ratio::of(tolerance)).times(&Ratio::of(Decimal::new(1, 2)));
    let agrees = off <= Ratio::of(Decimal::new(1, sent.scale())) || off <= share;
    let times = reported.divided(own).map(|times| times.minus(&Ratio::whole(1)).times(&Ratio::whole(100)));
    Reported { value: sent, difference_pct: times, agrees: Some(agrees) }
}
