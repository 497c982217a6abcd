//! The course of an hour: five-minute means, and sums over its records by which spread and memory are told. Facts without thresholds,
//! small, because every hour of every series keeps them.

use super::book::Weighed;
use super::seen::Sighting;
use crate::protocol::marker::Marker;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Five-minute slots of an hour.
pub const SLOTS: u8 = 12;
const SLOT_SECS: u16 = 300;
/// Decimals of the slots' means, where the figures leave room for them.
const DECIMALS: u32 = 3;

/// The course of an hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shape {
    /// Slots for which a number came, a bit each.
    pub present: u16,
    /// Slots with records under a normal mark only.
    pub normal: u16,
    /// Slots with a record under maintenance, calibration or fault, whether it has a number or not.
    pub claimed: u16,
    /// Decimals of `means`.
    decimals: u8,
    means: [i32; SLOTS as usize],
    /// Sums over records under a normal mark.
    pub sums: Option<Sums>,
    /// How often each digit was the last one printed, of records under a normal mark that are not zero.
    pub last_digits: [u16; 10],
}

/// Sums over records in units of their last printed digit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Decimals of the unit.
    pub decimals: u8,
    /// Records.
    pub count: u32,
    /// Their sum.
    pub sum: i64,
    /// The sum of their squares.
    pub squares: u64,
    /// Pairs of records of which one follows on the other.
    pub pairs: u32,
    /// The sum of the products of these pairs.
    pub products: i64,
    /// The sum of the first ones of these pairs.
    pub firsts: i64,
    /// … and of the second ones.
    pub seconds: i64,
}

impl Shape {
    /// The mean of a slot, whatever its mark.
    #[must_use]
    pub fn mean(&self, slot: u8) -> Option<Decimal> {
        (self.present >> slot & 1 == 1).then(|| Decimal::new(i64::from(self.means[usize::from(slot)]), u32::from(self.decimals)))
    }

    /// The mean of a slot under a normal mark.
    #[must_use]
    pub fn normal_mean(&self, slot: u8) -> Option<Decimal> {
        self.mean(slot).filter(|_| self.normal >> slot & 1 == 1)
    }

    /// The course of records; none: there is none, for nothing shorter than five minutes came.
    pub(super) fn of(sightings: &[Sighting<'_>]) -> Option<Box<Self>> {
        let mut shape = Self::default();
        let mut means: [Weighed; SLOTS as usize] = Default::default();
        for one in sightings.iter().filter(|one| one.secs <= u32::from(SLOT_SECS)) {
            let slot = one.second / SLOT_SECS;
            if slot >= u16::from(SLOTS) {
                continue;
            }
            let bit = 1 << slot;
            if matches!(one.marker, Marker::MAINTENANCE | Marker::CALIBRATION | Marker::FAULT) {
                shape.claimed |= bit;
            }
            let Some(value) = one.record.measured else { continue };
            let normal = matches!(one.marker, Marker::NORMAL | Marker::ABSENT);
            shape.normal = if normal && (shape.present & bit == 0 || shape.normal & bit != 0) { shape.normal | bit } else { shape.normal & !bit };
            shape.present |= bit;
            means[usize::from(slot)].add(value, 1);
        }
        if shape.present | shape.claimed == 0 {
            return None;
        }
        let has_room = (0..=DECIMALS).rev().any(|decimals| {
            shape.decimals = decimals as u8;
            means.iter().zip(&mut shape.means).all(|(of, mean)| match of.sum.mean_rounded(of.weight, decimals) {
                None => of.weight == 0,
                Some(mut value) => {
                    value.rescale(decimals);
                    i32::try_from(value.mantissa()).map(|value| *mean = value).is_ok()
                }
            })
        });
        // What is so large is no course of anything.
        if !has_room {
            return None;
        }
        shape.sums = Sums::of(sightings, &mut shape.last_digits);
        Some(Box::new(shape))
    }
}

impl Sums {
    /// None: nothing came under a normal mark, or the figures have so many digits that their squares do not fit.
    fn of(sightings: &[Sighting<'_>], last_digits: &mut [u16; 10]) -> Option<Self> {
        let normal = |one: &Sighting<'_>| if matches!(one.marker, Marker::NORMAL | Marker::ABSENT) { one.record.measured } else { None };
        let decimals = sightings.iter().filter_map(normal).map(|value| value.scale()).max()?;
        let mut sums = Self { decimals: u8::try_from(decimals).ok()?, ..Self::default() };
        // The record before, and where it ends.
        let mut before: Option<(i64, u32)> = None;
        for one in sightings {
            let Some(mut value) = normal(one) else {
                before = None;
                continue;
            };
            value.rescale(decimals);
            let value = i64::try_from(value.mantissa()).ok()?;
            if value != 0 {
                let digit = &mut last_digits[(value.unsigned_abs() % 10) as usize];
                *digit = digit.saturating_add(1);
            }
            sums.count += 1;
            sums.sum = sums.sum.checked_add(value)?;
            sums.squares = sums.squares.checked_add(value.unsigned_abs().checked_mul(value.unsigned_abs())?)?;
            if let Some((known, _)) = before.filter(|(_, end)| *end == u32::from(one.second)) {
                sums.pairs += 1;
                sums.products = sums.products.checked_add(known.checked_mul(value)?)?;
                (sums.firsts, sums.seconds) = (sums.firsts + known, sums.seconds + value);
            }
            before = Some((value, u32::from(one.second) + one.secs));
        }
        Some(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Order, PacketRef, Record};

    fn records(values: &[(&str, Marker)]) -> Vec<(Record, Marker)> {
        let from = PacketRef { rank: 1, qn: 1, sequence: 1 };
        let marker = Marker::NORMAL;
        let (order, converted, total) = (Order::Unsaid, None, None);
        let record = |text: &str| Record {
            measured: crate::domain::number::parse(text).ok(),
            converted,
            total,
            marker,
            order,
            refill: false,
            delay_secs: 0,
            peer: 0,
            from,
        };
        values.iter().map(|(text, marker)| (record(text), *marker)).collect()
    }

    fn shape(values: &[(&str, Marker)], secs: u16) -> Shape {
        *course(values, secs).expect("a course")
    }

    fn course(values: &[(&str, Marker)], secs: u16) -> Option<Box<Shape>> {
        let records = records(values);
        let sight = |(place, (record, marker)): (usize, &'_ (Record, Marker))| (place as u16 * secs, *record, *marker);
        let seen: Vec<(u16, Record, Marker)> = records.iter().enumerate().map(sight).collect();
        let sightings: Vec<Sighting<'_>> =
            seen.iter().map(|(second, record, marker)| Sighting { record, marker: *marker, second: *second, secs: u32::from(secs) }).collect();
        Shape::of(&sightings)
    }

    #[test]
    fn a_slot_is_normal_only_where_all_of_its_records_are() {
        let normal = ("10.0", Marker::NORMAL);
        let shape = shape(&[normal, normal, normal, normal, normal, normal, ("70.0", Marker::MAINTENANCE), normal, normal, normal], 60);
        assert_eq!((shape.present, shape.normal, shape.claimed), (0b11, 0b01, 0b10));
        assert_eq!(shape.mean(0), Some(Decimal::new(10_000, 3)));
        assert_eq!(shape.mean(1), Some(Decimal::new(22_000, 3)));
        assert_eq!((shape.normal_mean(1), shape.mean(2)), (None, None));
    }

    #[test]
    fn sums_are_in_units_of_the_last_digit_and_pairs_are_neighbours() {
        let shape = shape(&[("1.5", Marker::NORMAL), ("2", Marker::NORMAL), ("9.9", Marker::FAULT), ("1.0", Marker::NORMAL)], 300);
        let sums = shape.sums.expect("sums");
        assert_eq!(sums, Sums { decimals: 1, count: 3, sum: 45, squares: 225 + 400 + 100, pairs: 1, products: 300, firsts: 15, seconds: 20 });
        assert_eq!(shape.last_digits, [2, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn figures_without_room_for_decimals_keep_fewer_and_squares_that_do_not_fit_are_left_out() {
        let shape = shape(&[("1234567890.123456789", Marker::NORMAL)], 300);
        assert_eq!(shape.mean(0), Some(Decimal::from(1_234_567_890)));
        assert_eq!(shape.sums, None);
        assert_eq!(course(&[("9876543210", Marker::NORMAL)], 300), None);
    }
}
