//! What the instruments show. Every value is a pure function of seed, outlet, factor, time and scenario, so minute, hour
//! and day records of one logger agree whenever they are computed, and however often.
//!
//! Only `+ - * /` are used on floats, and means are integers: the same seed gives the same digits on every machine.

use super::chance;
use super::plan::{Exceedance, FactorPlan, Mark, Scenario, StreamPlan};
use crate::domain::time::{DAY_MS, Day, HOUR_MS, Hour, Moment};
use std::cmp::Ordering;
use std::fmt;

/// 正常.
const NORMAL: &str = "N";
/// Oxygen of air, as HJ 212-2017 formula (28) has it.
const AIR_OXYGEN: f64 = 21.0;
/// Formula (28) diverges near 21 %: the divisor is never smaller.
const OXYGEN_ROOM_MIN: f64 = 0.5;

/// A number as a logger writes it: whole units of the last decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figure {
    units: i64,
    decimals: u8,
}

/// What a logger says of one factor over one period, or at one moment (then all three figures are the same).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'p> {
    /// 最小值.
    pub min: Figure,
    /// 平均值.
    pub avg: Figure,
    /// 最大值.
    pub max: Figure,
    /// 折算值 of the mean.
    pub converted: Option<Figure>,
    /// 数据标记.
    pub marker: &'p str,
}

/// The instruments of one stream.
#[derive(Debug, Clone, Copy)]
pub struct Weather<'p> {
    seed: u64,
    stream: &'p StreamPlan,
    scenario: &'p Scenario,
}

impl<'p> Weather<'p> {
    /// The instruments of a stream in a scenario.
    #[must_use]
    pub fn new(seed: u64, stream: &'p StreamPlan, scenario: &'p Scenario) -> Self {
        Self { seed, stream, scenario }
    }

    /// The minute record that starts at `start`.
    #[must_use]
    pub fn minute(&self, factor: &FactorPlan, start: Moment) -> Record<'p> {
        let measured = self.measured(factor, start);
        let converted = self.converted(factor, measured.avg, |oxygen| self.measured(oxygen, start).avg);
        Record { converted, ..measured }
    }

    /// The hour's record: over its normal minutes; over all where none is normal.
    #[must_use]
    pub fn hour(&self, factor: &FactorPlan, hour: Hour) -> Record<'p> {
        let length = self.stream.minute_ms();
        let minutes: Vec<_> = (0..HOUR_MS / length).map(|at| self.minute(factor, hour.start().plus_ms(at * length))).collect();
        self.misreported(factor, hour.start(), summary(&minutes, factor.decimals + 1))
    }

    /// The day's record, over its hours by the same rule.
    #[must_use]
    pub fn day(&self, factor: &FactorPlan, day: Day) -> Record<'p> {
        let hours: Vec<_> = (0..24).map(|of_day| self.hour(factor, day.hour(of_day))).collect();
        let mut record = summary(&hours, factor.decimals + 1);
        // A day of water is weighted by its flow (HJ 212-2017 Annex D.1); pH, temperature and the flow itself are not.
        let flow = self.stream.factors.iter().find(|other| other.flow && !factor.flow && self.stream.st == "32");
        if let Some(flow) = flow.filter(|_| !matches!(factor.factor.as_str(), "w01001" | "w01010")) {
            let weights = (0..24).map(|of_day| self.hour(flow, day.hour(of_day)).avg);
            let normal = hours.iter().zip(weights).filter(|(hour, _)| hour.marker == NORMAL).map(|(hour, weight)| (hour.avg, weight));
            record.avg = Figure::weighted(normal, factor.decimals + 1).unwrap_or(record.avg);
        }
        self.misreported(factor, day.start(), record)
    }

    /// What the scenario has the logger say instead.
    fn misreported(&self, factor: &FactorPlan, start: Moment, record: Record<'p>) -> Record<'p> {
        let hit = |one: &&Exceedance| one.outlet == self.stream.outlet && one.factor == factor.factor && one.from <= start && start < one.to;
        let Some(lie) = self.scenario.misreports.iter().find(hit) else { return record };
        let said = |figure: Figure| Figure::of(figure.value() * lie.times, figure.decimals);
        Record { avg: said(record.avg), converted: record.converted.map(said), ..record }
    }

    /// The real-time value: between the extremes of its minute record.
    #[must_use]
    pub fn moment(&self, factor: &FactorPlan, at: Moment) -> Record<'p> {
        let (shown, marker) = self.shown(factor, at);
        let converted = self.converted(factor, shown, |oxygen| self.shown(oxygen, at).0);
        Record { min: shown, avg: shown, max: shown, converted, marker }
    }

    fn shown(&self, factor: &FactorPlan, at: Moment) -> (Figure, &'p str) {
        let length = self.stream.minute_ms();
        let minute = self.measured(factor, Moment(at.0.div_euclid(length) * length));
        let steps = u64::try_from(minute.max.units - minute.min.units).unwrap_or(0) + 1;
        let step = (self.bits(factor, "moment", at.0) % steps) as i64;
        (Figure { units: minute.min.units + step, ..minute.min }, minute.marker)
    }

    /// `C · (21 − reference) / (21 − O2)` from the figures as written (HJ 212-2017 formula 28).
    fn converted(&self, factor: &FactorPlan, measured: Figure, oxygen_of: impl Fn(&FactorPlan) -> Figure) -> Option<Figure> {
        let reference = factor.reference_oxygen?;
        let oxygen = oxygen_of(self.stream.factors.iter().find(|factor| factor.oxygen)?).value();
        let room = (AIR_OXYGEN - oxygen).max(OXYGEN_ROOM_MIN);
        Some(Figure::of(measured.value() * (AIR_OXYGEN - reference) / room, factor.decimals))
    }

    /// The minute record without its converted value.
    fn measured(&self, factor: &FactorPlan, start: Moment) -> Record<'p> {
        let marker = self.marker(factor, start);
        let figure = |value: f64| Figure::of(value.min(factor.ceiling).max(factor.floor), factor.decimals);
        if let Some(value) = disturbed(factor, marker) {
            let held = figure(value);
            return Record { min: held, avg: held, max: held, converted: None, marker };
        }
        let value = self.value(factor, start);
        let reach = |side| factor.base.abs() * factor.noise * 0.5 * chance::unit(self.bits(factor, side, start.0));
        let (min, max) = (figure(value - reach("min")), figure(value + reach("max")));
        Record { min, avg: figure(value), max, converted: None, marker }
    }

    /// Daily pattern, an hourly drift, a dash of noise, and what the scenario does to them.
    fn value(&self, factor: &FactorPlan, start: Moment) -> f64 {
        let series = self.bits(factor, "series", 0);
        let day_share = (start.0 - start.day().start().0) as f64 / DAY_MS as f64;
        let hour_share = (start.0 - start.hour().start().0) as f64 / HOUR_MS as f64;
        let drift_at = |hour: i64| chance::signed(self.bits(factor, "drift", hour));
        let (before, after) = (drift_at(start.hour().0), drift_at(start.hour().0 + 1));
        let smooth = hour_share * hour_share * (3.0 - 2.0 * hour_share);
        let drift = before + (after - before) * smooth;
        let dash = chance::signed(self.bits(factor, "dash", start.0));
        let times = |one: &Exceedance| {
            let hit = one.outlet == self.stream.outlet && one.factor == factor.factor && one.from <= start && start < one.to;
            hit.then_some(one.times)
        };
        let times: f64 = self.scenario.exceedances.iter().filter_map(times).product();
        let movement = factor.swing * wave(day_share + chance::unit(series)) + factor.noise * (0.6 * drift + 0.4 * dash);
        factor.base * (1.0 + movement) * times
    }

    fn marker(&self, factor: &FactorPlan, at: Moment) -> &'p str {
        let scenario: &'p Scenario = self.scenario;
        let hit = |mark: &&'p Mark| {
            let named = mark.factor.as_ref().is_none_or(|code| *code == factor.factor);
            mark.outlet == self.stream.outlet && named && mark.from <= at && at < mark.to
        };
        scenario.marks.iter().find(hit).map_or(NORMAL, |mark| mark.marker.as_str())
    }

    fn bits(&self, factor: &FactorPlan, purpose: &str, at: i64) -> u64 {
        let series = chance::hash(self.seed, &[&self.stream.outlet, &factor.factor, purpose]);
        chance::mix(series ^ chance::mix(at as u64))
    }
}

/// What a marked instrument shows instead of its smoke or water: nothing, its range, zero gas, or its last calm value.
fn disturbed(factor: &FactorPlan, marker: &str) -> Option<f64> {
    match marker {
        NORMAL => None,
        "F" if factor.oxygen => Some(factor.ceiling),
        "F" | "C" => Some(factor.floor),
        "T" => Some(factor.ceiling),
        _ => Some(factor.base),
    }
}

/// A sine made of two parabolas: 0 at 0, 1 at ¼, −1 at ¾.
fn wave(turns: f64) -> f64 {
    let x = 1.0 - 2.0 * (turns - turns.floor());
    4.0 * x * (1.0 - x.abs())
}

/// Several records as one. 75 % normal parts make a normal whole, fewer a fault (HJ 212-2017 C.17, note).
fn summary<'p>(parts: &[Record<'p>], decimals: u8) -> Record<'p> {
    let normal = parts.iter().filter(|part| part.marker == NORMAL).count();
    let used = || parts.iter().filter(move |part| normal == 0 || part.marker == NORMAL);
    Record {
        min: used().map(|part| part.min).min_by_key(|figure| figure.units).unwrap_or_default(),
        avg: Figure::mean(used().map(|part| part.avg), decimals).unwrap_or_default(),
        max: used().map(|part| part.max).max_by_key(|figure| figure.units).unwrap_or_default(),
        converted: Figure::mean(used().filter_map(|part| part.converted), decimals),
        marker: if normal * 4 >= parts.len() * 3 { NORMAL } else { "D" },
    }
}

impl Figure {
    /// The nearest figure.
    #[must_use]
    pub fn of(value: f64, decimals: u8) -> Self {
        Self { units: (value * scale(decimals) as f64).round() as i64, decimals }
    }

    /// The number.
    #[must_use]
    pub fn value(self) -> f64 {
        self.units as f64 / scale(self.decimals) as f64
    }

    /// The mean of figures by weight, rounded once to the nearest. None where nothing weighs.
    #[must_use]
    pub fn weighted(figures: impl Iterator<Item = (Self, Self)>, decimals: u8) -> Option<Self> {
        let (mut sum, mut weights) = (0i128, 0i128);
        for (figure, weight) in figures {
            sum += i128::from(figure.units * scale(decimals.saturating_sub(figure.decimals))) * i128::from(weight.units);
            weights += i128::from(weight.units);
        }
        let units = (2 * sum + weights).checked_div_euclid(2 * weights)?;
        Some(Self { units: i64::try_from(units).ok()?, decimals })
    }

    /// The mean of figures, rounded once, a tie to the even digit (四舍六入五成双, GB/T 8170). None of none.
    #[must_use]
    pub fn mean(figures: impl Iterator<Item = Self>, decimals: u8) -> Option<Self> {
        let (mut sum, mut count) = (0i64, 0i64);
        for figure in figures {
            sum += figure.units * scale(decimals.saturating_sub(figure.decimals));
            count += 1;
        }
        let below = sum.checked_div_euclid(count)?;
        let units = match (2 * sum.rem_euclid(count)).cmp(&count) {
            Ordering::Less => below,
            Ordering::Equal => below + (below & 1),
            Ordering::Greater => below + 1,
        };
        Some(Self { units, decimals })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let (units, scale) = (self.units.unsigned_abs(), scale(self.decimals).unsigned_abs());
        if self.decimals == 0 {
            return write!(f, "{sign}{units}");
        }
        write!(f, "{sign}{}.{:0width$}", units / scale, units % scale, width = usize::from(self.decimals))
    }
}

fn scale(decimals: u8) -> i64 {
    10i64.pow(u32::from(decimals))
}
