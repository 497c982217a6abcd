//! What the instruments show. Every value is a pure function of seed, outlet, factor, time and scenario, so minute, hour
//! and day records of one logger agree whenever they are computed, and however often.
//!
//! A row holds the records of all factors of a stream, in the order of its plan. At an outlet that has a plant, values follow
//! from each other, and deeds bend them:
//!
//! ```text
//! truths (plant, load) ─▶ shown (instrument) ─▶ converted, marked, totalled (logger) ─▶ hours ─▶ days
//! ```
//!
//! Only `+ - * /` are used on floats, and means are integers: the same seed gives the same digits on every machine.

use super::chance;
use super::deeds::{Deed, DeedKind, Gas};
use super::plan::{Derived, Exceedance, FactorPlan, Mark, Plant, Scenario, StreamPlan};
use crate::domain::time::{DAY_MS, Day, HOUR_MS, Hour, Moment};
use std::cmp::Ordering;
use std::fmt;

/// 正常.
const NORMAL: &str = "N";
/// 故障: what a whole is when too few of its parts are normal.
const FAULT: &str = "D";
/// 校准.
const CALIBRATION: &str = "C";
/// Oxygen of air, as HJ 212-2017 formula (28) has it.
const AIR_OXYGEN: f64 = 21.0;
/// Formula (28) diverges near 21 %: the divisor is never smaller.
const OXYGEN_ROOM_MIN: f64 = 0.5;
/// Molar masses of NO2 and NO (HJ 212-2017 formula 21).
const NO2_OVER_NO: f64 = 46.005 / 30.006;
/// A load that outlets have in common turns every so often.
const SWAY_MS: i64 = 3 * HOUR_MS;
/// What span gas shows, as a share of the range.
pub const SPAN_SHARE: f64 = 0.8;
/// Decimals of volumes, m³, and of masses, kg.
const VOLUME_DECIMALS: u8 = 3;
const MASS_DECIMALS: u8 = 6;

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
    /// 累计值 of the period: m³ of a flow, kg of what flows with it.
    pub total: Option<Figure>,
    /// 数据标记.
    pub marker: &'p str,
}

/// What chance has in store for one factor of an outlet, by purpose.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lots {
    series: u64,
    drift: u64,
    dash: u64,
    min: u64,
    max: u64,
    moment: u64,
    rest: u64,
    tremble: u64,
}

impl Lots {
    /// The lots of a stream's factors under a seed.
    pub(super) fn of(seed: u64, stream: &StreamPlan) -> Vec<Self> {
        stream.factors.iter().map(|factor| Self::of_one(seed, &stream.outlet, &factor.factor)).collect()
    }

    /// The lots of one factor of an outlet.
    fn of_one(seed: u64, outlet: &str, factor: &str) -> Self {
        let lot = |purpose: &str| chance::hash(seed, &[outlet, factor, purpose]);
        Self {
            series: lot("series"),
            drift: lot("drift"),
            dash: lot("dash"),
            min: lot("min"),
            max: lot("max"),
            moment: lot("moment"),
            rest: lot("rest"),
            tremble: lot("tremble"),
        }
    }
}

/// The bits that a lot holds for a time.
fn draw(lot: u64, at: i64) -> u64 {
    chance::mix(lot ^ chance::mix(at as u64))
}

/// The instruments of one stream.
#[derive(Debug, Clone)]
pub struct Weather<'p> {
    stream: &'p StreamPlan,
    scenario: &'p Scenario,
    seed: u64,
    lots: &'p [Lots],
    plant: Option<&'p Plant>,
    deeds: Vec<&'p Deed>,
    again: bool,
}

impl<'p> Weather<'p> {
    /// The instruments of a stream in a scenario, with the seed and what it has in store for them; `again`: as they are told of the
    /// second time.
    pub(super) fn new(stream: &'p StreamPlan, scenario: &'p Scenario, (seed, lots): (u64, &'p [Lots]), again: bool) -> Self {
        let plant = scenario.plants.iter().find(|plant| plant.outlet == stream.outlet);
        let deeds = scenario.deeds.iter().filter(|deed| plant.is_some() && deed.outlet == stream.outlet).collect();
        Self { stream, scenario, seed, lots, plant, deeds, again }
    }

    /// The minute records that start at `start`.
    #[must_use]
    pub fn minute(&self, start: Moment) -> Vec<Record<'p>> {
        let mut row = self.measured(start);
        self.convert(&mut row, 0, start);
        if let Some(plant) = self.plant {
            self.mark(&mut row, start);
            let volume = self.volume_of_minute(&row);
            self.add_totals(plant, &mut row, volume, start);
        }
        row
    }

    /// The hour's records: over its normal minutes; over all where none is normal.
    #[must_use]
    pub fn hour(&self, hour: Hour) -> Vec<Record<'p>> {
        let start = hour.start();
        let minutes: Vec<Vec<Record<'p>>> = self.minutes_of(hour).map(|start| self.minute(start)).collect();
        let mut row = self.summaries(&minutes);
        if let Some(plant) = self.plant {
            let due = (HOUR_MS / self.stream.minute_ms()) as usize;
            self.mark_whole(&mut row, &minutes, due);
            for (factor, record) in self.stream.factors.iter().zip(&mut row) {
                let times = self.told(factor, start, |kind| if let DeedKind::Hour { times } = kind { Some(*times) } else { None });
                record.avg = scaled(record.avg, times);
                let mark = self.deeds.iter().find(|deed| matches!(deed.kind, DeedKind::HourMark { .. }) && deed.touches(&factor.factor, start));
                if let Some(Deed { kind: DeedKind::HourMark { marker }, .. }) = mark.copied() {
                    record.marker = marker.as_str();
                }
            }
            self.convert(&mut row, 1, start);
            let volume = self.flow().and_then(|at| volume(&minutes, at));
            self.add_totals(plant, &mut row, volume, start);
        }
        self.misreport(&mut row, start);
        row
    }

    /// The day's records, over its hours by the same rule.
    #[must_use]
    pub fn day(&self, day: Day) -> Vec<Record<'p>> {
        let start = day.start();
        let hours: Vec<Vec<Record<'p>>> = (0..24).map(|of_day| day.hour(of_day)).filter(|hour| self.has(*hour)).map(|hour| self.hour(hour)).collect();
        let mut row = self.summaries(&hours);
        let flow = self.flow().filter(|_| self.is_water());
        for (at, (factor, record)) in self.stream.factors.iter().zip(&mut row).enumerate() {
            // A day of water is weighted by its flow (HJ 212-2017 Annex D.1); pH, temperature and the flow itself are not.
            if let Some(flow) = flow.filter(|_| !factor.flow && !matches!(factor.factor.as_str(), "w01001" | "w01010")) {
                let normal = hours.iter().filter(|hour| hour[at].marker == NORMAL).map(|hour| (hour[at].avg, hour[flow].avg));
                record.avg = Figure::weighted(normal, factor.decimals + 1).unwrap_or(record.avg);
            }
        }
        if self.plant.is_some() {
            self.mark_whole(&mut row, &hours, 24);
            for (at, (factor, record)) in self.stream.factors.iter().zip(&mut row).enumerate() {
                let times = self.told(factor, start, |kind| if let DeedKind::Day { times } = kind { Some(*times) } else { None });
                record.avg = scaled(record.avg, times);
                record.converted = record.converted.map(|converted| scaled(converted, times));
                record.total = sum(hours.iter().filter_map(|hour| hour[at].total));
            }
        }
        self.misreport(&mut row, start);
        row
    }

    /// The real-time values: between the extremes of their minute records.
    #[must_use]
    pub fn moment(&self, at: Moment) -> Vec<Record<'p>> {
        let length = self.stream.minute_ms();
        let mut row = self.minute(Moment(at.0.div_euclid(length) * length));
        for (record, lots) in row.iter_mut().zip(self.lots) {
            let steps = u64::try_from(record.max.units - record.min.units).unwrap_or(0) + 1;
            let step = (draw(lots.moment, at.0) % steps) as i64;
            let shown = Figure { units: record.min.units + step, ..record.min };
            *record = Record { min: shown, avg: shown, max: shown, converted: None, total: None, ..*record };
        }
        self.convert(&mut row, 0, at);
        row
    }

    /// Whether there is power at an instant, so that there are records of it.
    pub(super) fn is_on(&self, at: Moment) -> bool {
        !self.deeds.iter().any(|deed| matches!(deed.kind, DeedKind::Off) && deed.when.span(at).is_some())
    }

    /// Whether there are records of an hour.
    pub(super) fn has(&self, hour: Hour) -> bool {
        self.minutes_of(hour).next().is_some()
    }

    /// Whether somebody leaves a factor out of a packet about this time.
    pub(super) fn omits(&self, factor: &FactorPlan, start: Moment) -> bool {
        self.deeds.iter().any(|deed| matches!(deed.kind, DeedKind::Omit) && deed.touches(&factor.factor, start))
    }

    /// Whether somebody withholds a row of this time.
    pub(super) fn withholds(&self, row: &[Record<'_>], start: Moment) -> bool {
        self.deeds.iter().any(|deed| match &deed.kind {
            DeedKind::DropAbove { of, limit } => deed.when.span(start).is_some() && self.judged(row, of).is_some_and(|value| value > *limit),
            _ => false,
        })
    }

    /// Starts of the minute records of an hour.
    fn minutes_of(&self, hour: Hour) -> impl Iterator<Item = Moment> {
        let length = self.stream.minute_ms();
        (0..HOUR_MS / length).map(move |at| hour.start().plus_ms(at * length)).filter(move |start| self.is_on(*start))
    }

    fn is_water(&self) -> bool {
        self.stream.st == "32"
    }

    /// The place of the stream's flow.
    fn flow(&self) -> Option<usize> {
        self.stream.factors.iter().position(|factor| factor.flow)
    }

    /// Several rows as one, factor by factor.
    fn summaries(&self, rows: &[Vec<Record<'p>>]) -> Vec<Record<'p>> {
        let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<_>>();
        self.stream.factors.iter().enumerate().map(|(at, factor)| summary(&column(at), factor.decimals + 1)).collect()
    }

    /// What the scenario has the logger say instead.
    fn misreport(&self, row: &mut [Record<'p>], start: Moment) {
        for (factor, record) in self.stream.factors.iter().zip(row) {
            let hit = |one: &&Exceedance| one.outlet == self.stream.outlet && one.factor == factor.factor && one.from <= start && start < one.to;
            if let Some(lie) = self.scenario.misreports.iter().find(hit) {
                let said = |figure: Figure| Figure::of(figure.value() * lie.times, figure.decimals);
                (record.avg, record.converted) = (said(record.avg), record.converted.map(said));
            }
        }
    }

    /// Converts a row (折算) by its oxygen, with so many decimals more than minutes have.
    fn convert(&self, row: &mut [Record<'p>], more: u8, start: Moment) {
        let Some(oxygen) = self.stream.factors.iter().position(|factor| factor.oxygen).map(|at| row[at].avg) else { return };
        for (factor, record) in self.stream.factors.iter().zip(row) {
            let times = || self.told(factor, start, |kind| if let DeedKind::Convert { times } = kind { Some(*times) } else { None });
            record.converted = converted(factor, record.avg, oxygen, factor.decimals + more).map(|converted| scaled(converted, times()));
        }
    }

    /// The minute records without what the logger makes of them.
    fn measured(&self, start: Moment) -> Vec<Record<'p>> {
        let truths = self.truths(start);
        (0..truths.len()).map(|at| self.measure(at, start, &truths)).collect()
    }

    fn measure(&self, at: usize, start: Moment, truths: &[f64]) -> Record<'p> {
        let (factor, lots) = (&self.stream.factors[at], &self.lots[at]);
        let marker = self.marker(factor, start);
        let record = |[min, avg, max]: [Figure; 3]| Record { min, avg, max, converted: None, total: None, marker };
        let figure = |value: f64| Figure::of(value.min(factor.ceiling).max(factor.floor), factor.decimals);
        if let Some(value) = disturbed(factor, marker) {
            return record([figure(value); 3]);
        }
        if let Some(plant) = self.plant {
            return record(self.shown(plant, at, start, truths).map(|value| Figure::of(value, factor.decimals)));
        }
        let value = truths[at];
        let reach = |lot| factor.base.abs() * factor.noise * 0.5 * chance::unit(draw(lot, start.0));
        record([value - reach(lots.min), value, value + reach(lots.max)].map(figure))
    }

    /// What the instruments would show if nobody touched them, in the order of the factors.
    fn truths(&self, start: Moment) -> Vec<f64> {
        let factors = &self.stream.factors;
        let Some(plant) = self.plant else { return (0..factors.len()).map(|at| self.value(at, start)).collect() };
        let own = |at: usize| match plant.derived.get(&factors[at].factor) {
            Some(Derived::Cycle { hours }) => self.own(at, cycle_start(start, *hours)),
            _ => self.own(at, start),
        };
        let mut truths: Vec<f64> = (0..factors.len()).map(own).collect();
        for (at, factor) in factors.iter().enumerate() {
            let of = |code: &str| factors.iter().position(|factor| factor.factor == code).map_or(0.0, |at| truths[at]);
            let derived = match plant.derived.get(&factor.factor) {
                Some(Derived::NitrogenOxides) => of("a21003") * NO2_OVER_NO + of("a21004"),
                Some(Derived::Flow { area_m2 }) => {
                    let cold = 273.0 / (273.0 + of("a01012"));
                    let dense = (101_325.0 + 1000.0 * of("a01013")) / 101_325.0;
                    of("a01011") * area_m2 * cold * dense * (1.0 - of("a01014") / 100.0)
                }
                _ => truths[at],
            };
            let dry = factor.flow && self.deeds.iter().any(|deed| matches!(deed.kind, DeedKind::NoFlow) && deed.when.span(start).is_some());
            truths[at] = if dry { 0.0 } else { derived };
        }
        truths
    }

    /// A value that follows from no other.
    fn own(&self, at: usize, start: Moment) -> f64 {
        let factor = &self.stream.factors[at];
        let mut value = self.value(at, start);
        for deed in &self.deeds {
            let Some((from, to)) = deed.when.span(start).filter(|_| deed.names(&factor.factor)) else { continue };
            match &deed.kind {
                DeedKind::Rise { times, up_ms, down_ms } => value *= risen(*times, (start.0 - from.0, *up_ms), (to.0 - start.0, *down_ms)),
                DeedKind::Stoking { minutes, times } if start.minute_of_hour() < *minutes => value *= times,
                DeedKind::Drift { by } => value += by * (start.0 - from.0) as f64 / (to.0 - from.0) as f64,
                _ => {}
            }
        }
        let slow = matches!(factor.factor.as_str(), "a01012" | "a01014");
        for deed in self.deeds.iter().filter(|deed| !slow && deed.touches(&factor.factor, start)) {
            let DeedKind::Follow { load, share } = &deed.kind else { continue };
            value = rest(factor) + (value - rest(factor)) * (1.0 + share * sway(chance::hash(self.seed, &[load, "load"]), start));
        }
        let load = |deed: &&Deed| if slow { deed.warmth(start) } else { deed.load(start) };
        let load = self.deeds.iter().map(load).fold(1.0, f64::min);
        if load < 1.0 {
            let rest = rest(factor) * (1.0 + 0.002 * chance::signed(draw(self.lots[at].rest, start.0)));
            value = rest + (value - rest) * load;
        }
        value
    }

    /// What the instrument of a plant shows: smallest, mean, largest.
    fn shown(&self, plant: &Plant, at: usize, start: Moment, truths: &[f64]) -> [f64; 3] {
        let (factor, lots) = (&self.stream.factors[at], &self.lots[at]);
        let taken = taken(plant, factor, start);
        let mut shown = about(plant, factor, lots, truths[at], start);
        for deed in &self.deeds {
            let Some((from, to)) = deed.when.span(start).filter(|_| deed.names(&factor.factor)) else { continue };
            shown = match &deed.kind {
                DeedKind::Hold { tremble } => {
                    let length = self.stream.minute_ms();
                    let held = self.truths(Moment(from.0.div_euclid(length) * length))[at].max(factor.floor);
                    [held * (1.0 + tremble * chance::signed(draw(lots.tremble, start.0))); 3]
                }
                DeedKind::Fix { value } => [*value; 3],
                DeedKind::Times { times } => shown.map(|value| value * times),
                DeedKind::Shift { by } => shown.map(|value| value + by),
                DeedKind::Cap { most } => shown.map(|value| value.min(*most)),
                DeedKind::Tuck { under, reach } if shown[1] > *under => {
                    let mean = under * (1.0 - reach * chance::unit(draw(lots.tremble, taken.0)));
                    [shown[0].min(mean), mean, mean + (under - mean) * chance::unit(draw(lots.max, taken.0))]
                }
                DeedKind::Dilute { share, gas } => shown.map(|value| value + (of_gas(factor, *gas) - value) * share),
                DeedKind::Smooth { by } => shown.map(|value| factor.base + (value - factor.base) * (1.0 - by)),
                DeedKind::Digits { of } => {
                    let mean = with_last_digit(shown[1], factor.decimals, of, draw(lots.tremble, taken.0));
                    [shown[0].min(mean), mean, shown[2].max(mean)]
                }
                DeedKind::Round { to } => shown.map(|value| (value / to).round() * to),
                DeedKind::Calibration { shape: true } => {
                    let zero = 2 * (start.0 - from.0) < to.0 - from.0;
                    [if zero { 0.0 } else { factor.ceiling * SPAN_SHARE }; 3]
                }
                DeedKind::Again { times, .. } if self.again => shown.map(|value| value * times),
                _ => self.invented(plant, at, start, truths, &deed.kind, from).unwrap_or(shown),
            };
        }
        shown
    }

    /// What a deed that began at `from` has the instrument show, whatever it measures.
    fn invented(&self, plant: &Plant, at: usize, start: Moment, truths: &[f64], kind: &DeedKind, from: Moment) -> Option<[f64; 3]> {
        let (factor, lots) = (&self.stream.factors[at], &self.lots[at]);
        let taken = taken(plant, factor, start);
        let shown = match kind {
            DeedKind::Random { mean, spread } => {
                let drawn = mean * (1.0 + spread * chance::signed(draw(lots.tremble, taken.0)));
                about(plant, factor, lots, drawn, taken)
            }
            DeedKind::Formula { mean, amplitude, period_ms } => {
                let turns = (taken.0 - from.0) as f64 / (*period_ms).max(1) as f64;
                [mean + amplitude * wave(turns); 3]
            }
            DeedKind::OneSignal { of } => {
                let other = self.stream.factors.iter().position(|other| other.factor == *of).filter(|other| *other != at)?;
                let share = factor.base / self.stream.factors[other].base;
                self.shown(plant, other, start, truths).map(|value| value * share)
            }
            DeedKind::Copy { of, shift_ms, times } => {
                let (theirs, then) = (Lots::of_one(self.seed, of, &factor.factor), taken.plus_ms(-shift_ms));
                about(plant, factor, &theirs, self.by_chance(factor, &theirs, then), then).map(|value| value * times)
            }
            DeedKind::Replay { ago_ms } => {
                let then = start.plus_ms(-ago_ms);
                self.shown(plant, at, then, &self.truths(then))
            }
            _ => return None,
        };
        Some(shown)
    }

    /// Marks that people set, and those of calibrations. What stands first in the plan counts.
    fn mark(&self, row: &mut [Record<'p>], start: Moment) {
        for &deed in &self.deeds {
            if deed.when.span(start).is_none() {
                continue;
            }
            let marker = match &deed.kind {
                DeedKind::Mark { marker } => marker.as_str(),
                DeedKind::MarkAbove { of, limit, marker } if self.judged(row, of).is_some_and(|value| value > *limit) => marker.as_str(),
                DeedKind::Calibration { .. } => CALIBRATION,
                DeedKind::Again { marker: Some(marker), .. } if self.again => marker.as_str(),
                _ => continue,
            };
            for (factor, record) in self.stream.factors.iter().zip(row.iter_mut()) {
                if record.marker == NORMAL && deed.names(&factor.factor) {
                    record.marker = marker;
                }
            }
        }
    }

    /// The figure of a row that a person looks at: converted, where there is such a one.
    fn judged(&self, row: &[Record<'_>], of: &str) -> Option<f64> {
        let at = self.stream.factors.iter().position(|factor| factor.factor == of)?;
        let record = row.get(at)?;
        Some(record.converted.unwrap_or(record.avg).value())
    }

    /// Marks a whole by its parts, of which `due` are expected: normal with 75 % of them (HJ 212-2017 C.17), of water with all
    /// (C.16, C.17, notes); else it carries the mark that 75 % carry, or is a fault.
    fn mark_whole(&self, row: &mut [Record<'p>], parts: &[Vec<Record<'p>>], due: usize) {
        for (at, record) in row.iter_mut().enumerate() {
            let count = |marker: &str| parts.iter().filter(|part| part[at].marker == marker).count();
            let normal = count(NORMAL);
            if normal * 4 >= due * 3 && (normal == parts.len() || !self.is_water()) {
                record.marker = NORMAL;
                continue;
            }
            let common = parts.iter().map(|part| part[at].marker).find(|&marker| marker != NORMAL && count(marker) * 4 >= due * 3);
            record.marker = common.unwrap_or(FAULT);
        }
    }

    /// m³ of a minute record.
    fn volume_of_minute(&self, row: &[Record<'p>]) -> Option<Figure> {
        let flow = row.get(self.flow()?)?.avg.value();
        let seconds = self.stream.minute_ms() as f64 / 1000.0;
        let cubic_metres = if self.is_water() { flow * seconds / 1000.0 } else { flow * seconds };
        Some(Figure::of(cubic_metres, VOLUME_DECIMALS))
    }

    /// Adds volume and masses: mg/m³ · m³ · 10⁻⁶, mg/L · m³ · 10⁻³, in kg.
    fn add_totals(&self, plant: &Plant, row: &mut [Record<'p>], volume: Option<Figure>, start: Moment) {
        let Some(volume) = volume else { return };
        let per_kilogram = if self.is_water() { 1000.0 } else { 1_000_000.0 };
        for (factor, record) in self.stream.factors.iter().zip(row) {
            if !plant.totals.contains(&factor.factor) {
                continue;
            }
            let mass = || {
                let times = self.told(factor, start, |kind| if let DeedKind::Total { times } = kind { Some(*times) } else { None });
                Figure::of(record.avg.value() * volume.value() / per_kilogram * times, MASS_DECIMALS)
            };
            record.total = Some(if factor.flow { volume } else { mass() });
        }
    }

    /// By how much deeds of one kind multiply a figure.
    fn told(&self, factor: &FactorPlan, start: Moment, times_of: impl Fn(&DeedKind) -> Option<f64>) -> f64 {
        let touching = self.deeds.iter().filter(|deed| deed.touches(&factor.factor, start));
        touching.filter_map(|deed| times_of(&deed.kind)).product()
    }

    /// Daily pattern, an hourly drift, a dash of noise, and what the scenario does to them.
    fn value(&self, at: usize, start: Moment) -> f64 {
        self.by_chance(&self.stream.factors[at], &self.lots[at], start)
    }

    fn by_chance(&self, factor: &FactorPlan, lots: &Lots, start: Moment) -> f64 {
        let series = draw(lots.series, 0);
        let day_share = (start.0 - start.day().start().0) as f64 / DAY_MS as f64;
        let hour_share = (start.0 - start.hour().start().0) as f64 / HOUR_MS as f64;
        let drift_at = |hour: i64| chance::signed(draw(lots.drift, hour));
        let (before, after) = (drift_at(start.hour().0), drift_at(start.hour().0 + 1));
        let smooth = hour_share * hour_share * (3.0 - 2.0 * hour_share);
        let drift = before + (after - before) * smooth;
        let dash = chance::signed(draw(lots.dash, start.0));
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
}

/// When an instrument took what it shows: a sampling analyser, at the beginning of its cycle.
fn taken(plant: &Plant, factor: &FactorPlan, at: Moment) -> Moment {
    match plant.derived.get(&factor.factor) {
        Some(Derived::Cycle { hours }) => cycle_start(at, *hours),
        _ => at,
    }
}

/// Smallest, mean and largest of a value; those of a sampling analyser are the same.
fn about(plant: &Plant, factor: &FactorPlan, lots: &Lots, value: f64, start: Moment) -> [f64; 3] {
    let sampled = matches!(plant.derived.get(&factor.factor), Some(Derived::Cycle { .. }));
    let reach = |lot| if sampled { 0.0 } else { value.abs() * factor.noise * 0.5 * chance::unit(draw(lot, start.0)) };
    [value - reach(lots.min), value, value + reach(lots.max)].map(|value| value.max(factor.floor))
}

/// When the cycle of a sampling analyser began that holds an instant.
fn cycle_start(at: Moment, hours: u8) -> Moment {
    let length = i64::from(hours.max(1)) * HOUR_MS;
    let midnight = at.day().start();
    midnight.plus_ms((at.0 - midnight.0).div_euclid(length) * length)
}

/// By how much a true value has risen, so long after the beginning and so long before the end, each with its ramp.
fn risen(times: f64, up: (i64, i64), down: (i64, i64)) -> f64 {
    let share = |(passed_ms, of_ms): (i64, i64)| if passed_ms < of_ms { passed_ms as f64 / of_ms as f64 } else { 1.0 };
    let share = share(up).min(share(down));
    if share < 1.0 { 1.0 + (times - 1.0) * share } else { times }
}

/// Where a load that wanders is, from -1 to 1.
fn sway(lot: u64, at: Moment) -> f64 {
    let turn = at.0.div_euclid(SWAY_MS);
    let share = at.0.rem_euclid(SWAY_MS) as f64 / SWAY_MS as f64;
    let (before, after) = (chance::signed(draw(lot, turn)), chance::signed(draw(lot, turn + 1)));
    before + (after - before) * share * share * (3.0 - 2.0 * share)
}

/// What an instrument shows of a pure gas.
fn of_gas(factor: &FactorPlan, gas: Gas) -> f64 {
    match (factor.oxygen, factor.factor.as_str(), gas) {
        (true, _, Gas::Air) => 20.9,
        (false, "a01014", Gas::Air) => 1.2,
        _ => 0.0,
    }
}

/// A value whose last printed digit is one of some.
fn with_last_digit(value: f64, decimals: u8, of: &str, bits: u64) -> f64 {
    let digits: Vec<i64> = of.bytes().filter(u8::is_ascii_digit).map(|digit| i64::from(digit - b'0')).collect();
    let Some(digit) = bits.checked_rem(digits.len() as u64).and_then(|at| digits.get(at as usize)) else { return value };
    let units = Figure::of(value, decimals).units;
    Figure { units: units - units.rem_euclid(10) + digit, decimals }.value()
}

/// What an instrument shows of a plant that stands still: air, at 20 °C, that hardly moves.
fn rest(factor: &FactorPlan) -> f64 {
    match factor.factor.as_str() {
        _ if factor.oxygen => 20.9,
        "a01011" => 0.2,
        "a01012" => 20.0,
        "a01013" => 0.0,
        "a01014" => 1.2,
        _ => factor.base * 0.01,
    }
}

/// `C · (21 − reference) / (21 − O2)` from the figures as written (HJ 212-2017 formula 28).
fn converted(factor: &FactorPlan, measured: Figure, oxygen: Figure, decimals: u8) -> Option<Figure> {
    let reference = factor.reference_oxygen?;
    let room = (AIR_OXYGEN - oxygen.value()).max(OXYGEN_ROOM_MIN);
    Some(Figure::of(measured.value() * (AIR_OXYGEN - reference) / room, decimals))
}

/// A figure so many times; once, it is the same.
fn scaled(figure: Figure, times: f64) -> Figure {
    if times == 1.0 { figure } else { Figure::of(figure.value() * times, figure.decimals) }
}

/// The sum of figures that have the same decimals. None of none.
fn sum(figures: impl Iterator<Item = Figure>) -> Option<Figure> {
    figures.reduce(|one, other| Figure { units: one.units + other.units, ..one })
}

/// m³ of the rows whose flow, at `at`, is normal; of all where none is.
fn volume(rows: &[Vec<Record<'_>>], at: usize) -> Option<Figure> {
    let normal = || rows.iter().filter(move |row| row[at].marker == NORMAL);
    let volumes = |row: &Vec<Record<'_>>| row[at].total;
    if normal().next().is_some() { sum(normal().filter_map(volumes)) } else { sum(rows.iter().filter_map(volumes)) }
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
        total: None,
        marker: if normal * 4 >= parts.len() * 3 { NORMAL } else { FAULT },
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
