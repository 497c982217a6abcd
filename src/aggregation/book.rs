//! The records of one series in one open hour. A record is its period and its packet: seen again it changes nothing,
//! corrected (higher QN, then later sequence) it replaces, and late it is simply there.

use super::cell::{HourCell, Reported, SeriesRules};
use super::seen::{self, Sighting, Versions};
use super::shape::Shape;
use crate::domain::number::{Ratio, Sum};
use crate::domain::time::MINUTE_MS;
use crate::domain::{Origin, ReadingKey, Record};
use rust_decimal::Decimal;

/// Records of one series and hour, sorted by period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HourBook {
    minutes: Vec<(u8, Record)>,
    samples: Vec<(u16, Record)>,
    hour: Option<Record>,
    /// Five-minute means of a furnace (CN 2111).
    fives: Vec<(u8, Record)>,
    versions: Versions,
}

impl HourBook {
    /// Enters a record. Says whether the hour may be different now.
    pub fn enter(&mut self, key: ReadingKey, record: Record) -> bool {
        match key {
            ReadingKey::Minute(minute) => {
                // Minutes outrank samples of loggers of their rank, whichever came first.
                self.samples.retain(|(_, sample)| sample.from.rank > record.from.rank);
                enter(&mut self.minutes, minute, record, u16::from(minute) * 60, &mut self.versions)
            }
            ReadingKey::Sample(second) => {
                let outranked = self.minutes.iter().any(|(_, minute)| minute.from.rank >= record.from.rank);
                !outranked && enter(&mut self.samples, second, record, second, &mut self.versions)
            }
            ReadingKey::Five(minute) => enter(&mut self.fives, minute, record, u16::from(minute) * 60, &mut self.versions),
            ReadingKey::Hour => match &mut self.hour {
                Some(known) if known.from >= record.from || same(known, &record) => {
                    self.versions.note(known, &record, 0);
                    if known.from < record.from {
                        known.from = record.from;
                    }
                    false
                }
                slot => {
                    if let Some(known) = slot {
                        self.versions.note(known, &record, 0);
                    }
                    *slot = Some(record);
                    true
                }
            },
            ReadingKey::Day => false,
        }
    }

    /// Records in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.minutes.len() + self.samples.len() + self.fives.len() + usize::from(self.hour.is_some())
    }

    /// Whether nothing was entered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Computes the hour. `oxygen` is the book of the outlet's oxygen series for the same hour, and the marks over it.
    #[must_use]
    pub fn close(&self, oxygen: Option<(&HourBook, &SeriesRules<'_>)>, rules: &SeriesRules<'_>) -> HourCell {
        let length = u32::from(rules.outlet.minute_interval);
        let seconds = u32::from(rules.outlet.real_interval_secs);
        let due = rules.set.hour_minutes_min.value;
        let received = self.minutes.len() as u32 * length;
        let sampled = (self.samples.len() as u32 * seconds / 60).min(60);
        let start = rules.hour.start();
        let minute_mark = |minute: u8, record: &Record, rules: &SeriesRules<'_>| {
            let from = start.plus_ms(i64::from(minute) * MINUTE_MS);
            rules.marker(record.marker, from, from.plus_ms(i64::from(length) * MINUTE_MS))
        };
        let sample_mark = |second: u16, record: &Record, rules: &SeriesRules<'_>| {
            let at = start.plus_ms(i64::from(second) * 1000);
            rules.marker(record.marker, at, at.plus_ms(1))
        };
        let hour_mark = |record: &Record, rules: &SeriesRules<'_>| rules.marker(record.marker, start, rules.hour.end());
        // Samples beside minutes are those of the main logger beside the standby's.
        let only_samples = self.minutes.is_empty() && self.hour.is_none();
        // The main logger's own hour stands before what only the standby sends of it.
        let outranked = |rank: Option<u8>| self.hour.zip(rank).is_some_and(|(hour, rank)| hour.from.rank > rank);
        let minutes_outranked = outranked(self.minutes.iter().map(|(_, record)| record.from.rank).max());
        let samples_outranked = outranked(self.samples.iter().map(|(_, record)| record.from.rank).max());
        let by_samples = !self.samples.is_empty() && !samples_outranked && (sampled >= due || only_samples);
        let by_minutes = !minutes_outranked && (received >= due || (self.hour.is_none() && !self.minutes.is_empty()));
        let mut cell = if !by_samples && by_minutes {
            let mut cell = HourCell::new(Origin::Minutes, received);
            for (minute, record) in &self.minutes {
                let marker = minute_mark(*minute, record, rules);
                cell.take(record, marker, length, rules);
                let beside =
                    oxygen.and_then(|(book, rules)| find(&book.minutes, *minute).map(|record| (record, minute_mark(*minute, record, rules))));
                cell.pair(record, marker, beside, length, rules);
            }
            cell
        } else if by_samples {
            let mut cell = HourCell::new(Origin::Samples, sampled);
            for (second, record) in &self.samples {
                let marker = sample_mark(*second, record, rules);
                cell.take(record, marker, 1, rules);
                let beside =
                    oxygen.and_then(|(book, rules)| find(&book.samples, *second).map(|record| (record, sample_mark(*second, record, rules))));
                cell.pair(record, marker, beside, 1, rules);
            }
            cell.samples_to_minutes(seconds);
            cell
        } else if let Some(hour) = &self.hour {
            let mut cell = HourCell::new(Origin::Reported, 60);
            let marker = hour_mark(hour, rules);
            cell.take(hour, marker, 60, rules);
            let beside = oxygen.and_then(|(book, rules)| book.hour.as_ref().map(|record| (record, hour_mark(record, rules))));
            cell.pair(hour, marker, beside, 60, rules);
            cell
        } else {
            HourCell::new(Origin::Nothing, 0)
        };
        cell.reported =
            self.hour.map(|hour| Box::new(Reported { measured: hour.measured, converted: hour.converted, total: hour.total, marker: hour.marker }));
        let sight = |second: u16, secs: u32, record, marker| Sighting { record, marker, second, secs };
        let minutes = || self.minutes.iter().map(|(at, record)| sight(u16::from(*at) * 60, length * 60, record, minute_mark(*at, record, rules)));
        let sightings: Vec<Sighting<'_>> = match cell.origin {
            Origin::Minutes => minutes().collect(),
            Origin::Samples => self.samples.iter().map(|(at, record)| sight(*at, seconds, record, sample_mark(*at, record, rules))).collect(),
            Origin::Reported => self.hour.iter().map(|record| sight(0, 3600, record, hour_mark(record, rules))).collect(),
            Origin::Nothing => Vec::new(),
        };
        // Where the hour's own record is the only one, it is a sighting already.
        let reported = self.hour.as_ref().filter(|_| cell.origin != Origin::Reported);
        cell.seen = seen::look(&sightings, rules.hour, reported, self.versions, rules.range_high, rules.converts);
        cell.seen.minutes = received;
        // What a furnace sends of five minutes (CN 2111) goes before what its minutes give; and minutes have a course although they are
        // too few for the mean.
        let fives = || self.fives.iter().map(|(at, record)| sight(u16::from(*at) * 60, 300, record, minute_mark(*at, record, rules)));
        cell.seen.shape = match cell.origin {
            _ if !self.fives.is_empty() => Shape::of(&fives().collect::<Vec<_>>()),
            Origin::Reported => Shape::of(&minutes().collect::<Vec<_>>()),
            _ => Shape::of(&sightings),
        };
        cell.close(rules);
        cell
    }
}

fn enter<K: Ord + Copy>(records: &mut Vec<(K, Record)>, key: K, record: Record, second: u16, versions: &mut Versions) -> bool {
    match records.binary_search_by_key(&key, |(known, _)| *known) {
        Err(at) => {
            records.insert(at, (key, record));
            true
        }
        Ok(at) => {
            let known = &mut records[at].1;
            versions.note(known, &record, second);
            if known.from >= record.from {
                return false;
            }
            let differs = !same(known, &record);
            *known = record;
            differs
        }
    }
}

/// Whether two records say the same, digit by digit.
fn same(one: &Record, other: &Record) -> bool {
    let text = |value: Option<Decimal>| value.map(|value| (value.mantissa(), value.scale()));
    one.marker == other.marker
        && text(one.measured) == text(other.measured)
        && text(one.converted) == text(other.converted)
        && text(one.total) == text(other.total)
}

fn find<K: Ord + Copy>(records: &[(K, Record)], key: K) -> Option<&Record> {
    records.binary_search_by_key(&key, |(known, _)| *known).ok().map(|at| &records[at].1)
}

/// Sums of one class of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Weighed {
    /// Σ value × weight.
    pub(super) sum: Sum,
    /// Σ weight.
    pub(super) weight: u32,
}

impl Weighed {
    pub(super) fn add(&mut self, value: Decimal, weight: u32) {
        self.sum.add(value, weight);
        self.weight += weight;
    }

    pub(super) fn mean(&self) -> Option<Ratio> {
        self.sum.mean(self.weight)
    }
}
