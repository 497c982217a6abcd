//! What a fleet is and what happens to it: plain values, written by a person or drawn from a seed.

use super::chance::Chance;
use super::deeds::Deed;
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment};
use crate::protocol::sm4::Key;
use crate::protocol::{CrcDialect, Edition};
use std::collections::{BTreeMap, BTreeSet};

/// A whole fleet. The same plan gives the same bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct FleetPlan {
    /// Determines every value and every accident that the scenario does not name.
    pub seed: u64,
    /// The loggers, each with a connection of its own.
    pub loggers: Vec<LoggerPlan>,
    /// When they start. A period that began earlier is not reported.
    pub start: Moment,
    /// What happens.
    pub scenario: Scenario,
}

/// One data logger (数采仪).
#[derive(Debug, Clone, PartialEq)]
pub struct LoggerPlan {
    /// 设备唯一标识: 24 hex digits, 14 characters in 2005.
    pub mn: String,
    /// 访问密码.
    pub password: String,
    /// Which edition it speaks.
    pub edition: Edition,
    /// Which check it writes. Encrypted packets always carry the standard's (HJ 212-2025 Annex A.2).
    pub crc: CrcDialect,
    /// Encrypts the data areas of a 2025 logger.
    pub key: Option<Key>,
    /// Whether it asks for answers (bit A of Flag).
    pub answers: bool,
    /// What it measures.
    pub streams: Vec<StreamPlan>,
}

/// What a logger sends about one outlet under one system code.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamPlan {
    /// Our name of the outlet; it never travels.
    pub outlet: String,
    /// 系统编码: `31` gas, `32` water.
    pub st: String,
    /// MinInterval: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20 or 30 minutes (HJ 212-2017 table 4). Any other value counts as 10.
    pub minute_interval_min: u8,
    /// RtdInterval in seconds; 0 sends no real-time data.
    pub real_interval_secs: u32,
    /// Stamps interval data with the end of the period, as some loggers do, instead of the start.
    pub stamp_end: bool,
    /// In the order in which they are sent.
    pub factors: Vec<FactorPlan>,
}

impl StreamPlan {
    /// The length of a minute record.
    #[must_use]
    pub fn minute_ms(&self) -> i64 {
        let minutes = match self.minute_interval_min {
            minutes @ (1..=6 | 10 | 12 | 15 | 20 | 30) => minutes,
            _ => 10,
        };
        i64::from(minutes) * MINUTE_MS
    }
}

/// One factor of a stream and how it behaves. All numbers are finite and in the unit that the logger writes.
#[derive(Debug, Clone, PartialEq)]
pub struct FactorPlan {
    /// 2017 code, `a21026`: what the scenario calls it.
    pub factor: String,
    /// The code that is sent; in 2005 another one.
    pub wire_code: String,
    /// Around which the value moves.
    pub base: f64,
    /// How far the daily pattern carries it, as a share of `base`.
    pub swing: f64,
    /// How far chance carries it, as a share of `base`.
    pub noise: f64,
    /// Decimals of minute and real-time values; hour and day means have one more. At most 6.
    pub decimals: u8,
    /// 基准氧含量: the factor is also sent converted (折算), by the stream's oxygen.
    pub reference_oxygen: Option<f64>,
    /// This is the oxygen of the stream.
    pub oxygen: bool,
    /// This is the flow of the stream: it weighs the day means of a water stream.
    pub flow: bool,
    /// No value is lower.
    pub floor: f64,
    /// No value is higher.
    pub ceiling: f64,
}

/// What happens to a fleet. Periods are half-open: `from` belongs to them, `to` does not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scenario {
    /// Values that rise.
    pub exceedances: Vec<Exceedance>,
    /// Values that carry a data mark.
    pub marks: Vec<Mark>,
    /// Hour and day records that say something else than the minutes did.
    pub misreports: Vec<Exceedance>,
    /// Loggers that cannot be reached.
    pub link_losses: Vec<LinkLoss>,
    /// Clocks that are wrong.
    pub clock_errors: Vec<ClockError>,
    /// How many of a thousand packets arrive with a flipped bit and are sent again.
    pub damage_per_thousand: u32,
    /// Outlets whose values hang together.
    pub plants: Vec<Plant>,
    /// What is done at those outlets, or happens there.
    pub deeds: Vec<Deed>,
}

/// An outlet whose values hang together as those of a plant do: some follow from others, all go to rest when it does, a whole
/// carries the mark of its parts, and a converted mean is the conversion of means. Deeds happen at such outlets only.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plant {
    /// Where.
    pub outlet: String,
    /// How factors follow, by 2017 code; the others move by themselves.
    pub derived: BTreeMap<String, Derived>,
    /// 2017 codes of the factors that are sent with the volume or mass of the period (累计值, `-Cou`).
    pub totals: BTreeSet<String>,
}

/// How a factor's true value follows from others of its stream, or from its own past.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Derived {
    /// NOx as NO2, of NO (`a21003`) and NO2 (`a21004`): HJ 212-2017 formula 21.
    NitrogenOxides,
    /// Dry flow at standard state, m³/s, of velocity (`a01011`), temperature, pressure and moisture: formulas 30 and 31, at an
    /// atmospheric pressure of 101,325 Pa.
    Flow {
        /// Cross-section of the duct.
        area_m2: f64,
    },
    /// A sampling analyser: what it takes at the beginning of a cycle stands for all of it.
    Cycle {
        /// Its length; the cycles of a day begin at midnight.
        hours: u8,
    },
}

/// A factor's values are multiplied for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct Exceedance {
    /// Where.
    pub outlet: String,
    /// 2017 code.
    pub factor: String,
    /// First instant.
    pub from: Moment,
    /// First instant after it.
    pub to: Moment,
    /// By how much.
    pub times: f64,
}

/// Values carry a data mark (数据标记) for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Where.
    pub outlet: String,
    /// 2017 code; none: every factor of the outlet.
    pub factor: Option<String>,
    /// First instant.
    pub from: Moment,
    /// First instant after it.
    pub to: Moment,
    /// `M`, `C`, `D` …
    pub marker: String,
}

/// A logger has no connection for a while (断链). Minute, hour and day records of the gap are sent when it is back.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkLoss {
    /// Which logger.
    pub mn: String,
    /// First instant.
    pub from: Moment,
    /// First instant after it.
    pub to: Moment,
}

/// A logger's clock is ahead (or, negative, behind).
#[derive(Debug, Clone, PartialEq)]
pub struct ClockError {
    /// Which logger.
    pub mn: String,
    /// By how much.
    pub seconds: i64,
}

impl Scenario {
    /// A seeded mix of everything: an outlet exceeds on one day in four and is marked on one in six; a logger loses its
    /// link on one day in eight; one clock in twelve is wrong; two packets of a thousand are damaged.
    #[must_use]
    pub fn random(seed: u64, loggers: &[LoggerPlan], start: Moment, days: u32) -> Self {
        let mut scenario = Self { damage_per_thousand: 2, ..Self::default() };
        for logger in loggers {
            let mut chance = Chance::of(seed, &["scenario", &logger.mn]);
            if chance.below(12) == 0 {
                let seconds = 60 + chance.below(600) as i64;
                let seconds = if chance.below(2) == 0 { seconds } else { -seconds };
                scenario.clock_errors.push(ClockError { mn: logger.mn.clone(), seconds });
            }
            for day in 0..i64::from(days) {
                let first = start.plus_ms(day * DAY_MS);
                if chance.below(8) == 0 {
                    let (from, to) = period(&mut chance, first, 6);
                    scenario.link_losses.push(LinkLoss { mn: logger.mn.clone(), from, to });
                }
                for stream in &logger.streams {
                    scenario.add_troubles(&mut chance, stream, first);
                }
            }
        }
        scenario
    }

    fn add_troubles(&mut self, chance: &mut Chance, stream: &StreamPlan, first: Moment) {
        let pollutants: Vec<&FactorPlan> = stream.factors.iter().filter(|factor| !factor.oxygen).collect();
        if chance.below(4) == 0
            && let Some(factor) = chance.one_of(&pollutants)
        {
            let (from, to) = period(chance, first, 4);
            let times = 1.5 + chance.below(250) as f64 / 100.0;
            self.exceedances.push(Exceedance { outlet: stream.outlet.clone(), factor: factor.factor.clone(), from, to, times });
        }
        if chance.below(6) == 0
            && let Some(marker) = chance.one_of(&["M", "C", "D", "B", "F"])
        {
            let (from, to) = period(chance, first, 3);
            // A stopped source stops all of its instruments; the other marks belong to one of them.
            let factor = if *marker == "F" { None } else { chance.one_of(&pollutants).map(|factor| factor.factor.clone()) };
            self.marks.push(Mark { outlet: stream.outlet.clone(), factor, from, to, marker: (*marker).to_owned() });
        }
    }

    /// The part that concerns one logger.
    #[must_use]
    pub fn of_logger(&self, logger: &LoggerPlan) -> Self {
        let measures = |outlet: &str| logger.streams.iter().any(|stream| stream.outlet == outlet);
        Self {
            exceedances: self.exceedances.iter().filter(|one| measures(&one.outlet)).cloned().collect(),
            misreports: self.misreports.iter().filter(|one| measures(&one.outlet)).cloned().collect(),
            marks: self.marks.iter().filter(|one| measures(&one.outlet)).cloned().collect(),
            link_losses: self.link_losses.iter().filter(|one| one.mn == logger.mn).cloned().collect(),
            clock_errors: self.clock_errors.iter().filter(|one| one.mn == logger.mn).cloned().collect(),
            damage_per_thousand: self.damage_per_thousand,
            plants: self.plants.iter().filter(|plant| measures(&plant.outlet)).cloned().collect(),
            deeds: self.deeds.iter().filter(|deed| measures(&deed.outlet)).cloned().collect(),
        }
    }
}

/// A period that begins within a day of `first`, on a ten-minute mark after it, and lasts one to `hours_max` hours.
fn period(chance: &mut Chance, first: Moment, hours_max: u64) -> (Moment, Moment) {
    let from = first.plus_ms(chance.below(144) as i64 * 10 * MINUTE_MS);
    let to = from.plus_ms((1 + chance.below(hours_max) as i64) * HOUR_MS);
    (from, to)
}
