//! What one day leaves for the rules of spans: hourly means and what its minutes showed, so small that ninety days of an outlet are
//! read at once. Facts of the day by the register and the rule set under which it was last judged.

use super::course::{self, GAP_SLOTS, slots, time_of};
use super::view::{DayView, SeriesView};
use crate::domain::time::{Day, Hour};
use crate::domain::{FactorCode, Neighbour};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Decimals of the figures here: millionths.
const DECIMALS: u32 = 6;

/// What one outlet's day leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Hours in which the outlet ran, a bit each.
    pub running: u32,
    /// … and in which nothing was started, stopped or calibrated (guard X3).
    pub steady: u32,
    /// Hours in which a gap of ten minutes or more began, in all factors.
    pub gaps: u32,
    /// By factor.
    pub series: BTreeMap<FactorCode, SeriesProfile>,
}

/// What one series' day leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesProfile {
    /// Valid hourly means as measured.
    pub measured: Hourly,
    /// … and as converted, of a series that is.
    pub converted: Hourly,
    /// Hours with records that were sent as back-fill or so late that they count as one.
    pub refilled: u32,
    /// Sums over the records under a normal mark.
    pub records: Option<Records>,
    /// Gaps that begin soon after a value near the limit.
    pub vanished: u8,
    /// Falls from near the limit (C-03).
    pub cliffs: u8,
    /// Beginnings of marks M, C and D (E-04).
    pub marks: u8,
    /// Those of them that begin soon after a value above the limit.
    pub marks_over: u8,
    /// Gaps of the series in its five-minute course: how often one follows on a value above eight tenths of the limit, and how many
    /// such values there are; the same of values at or below (K-11).
    pub missing: [u16; 4],
    /// How often each digit was the last one printed.
    pub last_digits: Option<[u16; 10]>,
}

/// Values of the hours of a day that have one, in millionths.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hourly {
    hours: u32,
    values: Vec<i64>,
}

/// Sums over the records of a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// Records.
    pub count: u32,
    /// Their sum, millionths.
    pub sum: i128,
    /// The sum of their squares, square millionths.
    pub squares: i128,
}

/// A value in millionths; none where it does not fit.
#[must_use]
pub fn millionths(value: Decimal) -> Option<i64> {
    let mut value = value.round_dp(DECIMALS);
    value.rescale(DECIMALS);
    i64::try_from(value.mantissa()).ok()
}

/// The value of millionths.
#[must_use]
pub fn of_millionths(value: i64) -> Decimal {
    Decimal::new(value, DECIMALS).normalize()
}

impl Hourly {
    /// The hours of a day that have a value.
    #[must_use]
    pub fn of(value: impl Fn(u8) -> Option<Decimal>) -> Self {
        let mut hourly = Self::default();
        for hour in 0..24u8 {
            if let Some(value) = value(hour).and_then(millionths) {
                hourly.hours |= 1 << hour;
                hourly.values.push(value);
            }
        }
        hourly
    }

    /// Whether no hour has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hours == 0
    }

    /// The value of an hour.
    #[must_use]
    pub fn at(&self, hour: u8) -> Option<i64> {
        let before = self.hours & ((1u32 << hour) - 1);
        (self.hours >> hour & 1 == 1).then(|| self.values.get(before.count_ones() as usize).copied()).flatten()
    }

    /// Hour of the day and value, of the hours in `of`.
    pub fn iter(&self, of: u32) -> impl DoubleEndedIterator<Item = (u8, i64)> + '_ {
        (0..24u8).filter(move |hour| of >> hour & 1 == 1).filter_map(|hour| Some((hour, self.at(hour)?)))
    }
}

impl Profile {
    /// The profile of a day whose hours are all closed.
    #[must_use]
    pub fn of(view: &DayView<'_>) -> Self {
        let bits = |holds: &dyn Fn(u8) -> bool| (0..24u8).filter(|hour| holds(*hour)).fold(0u32, |bits, hour| bits | 1 << hour);
        Self {
            running: bits(&|hour| view.is_running(hour) == Some(true)),
            steady: bits(&|hour| view.is_steady(hour)),
            gaps: gaps(view),
            series: view.series.iter().map(|series| (series.factor(), SeriesProfile::of(view, series))).collect(),
        }
    }
}

impl SeriesProfile {
    fn of(view: &DayView<'_>, series: &SeriesView<'_>) -> Self {
        let refilled = |hour: &u8| series.odd(*hour).is_some_and(|odd| odd.refilled_secs > 0);
        let (mut records, mut last_digits) = (Records::default(), [0u16; 10]);
        for shape in (0..24u8).filter_map(|hour| series.shape(hour)) {
            for (known, more) in last_digits.iter_mut().zip(shape.last_digits) {
                *known = known.saturating_add(more);
            }
            let Some(sums) = shape.sums.filter(|sums| u32::from(sums.decimals) <= DECIMALS) else { continue };
            let unit = 10i128.pow(DECIMALS - u32::from(sums.decimals));
            records.count += sums.count;
            records.sum += i128::from(sums.sum) * unit;
            records.squares += i128::from(sums.squares) * unit * unit;
        }
        let mut profile = Self {
            measured: Hourly::of(|hour| series.value(hour)),
            converted: Hourly::of(|hour| series.converted(hour)),
            refilled: (0..24u8).filter(refilled).fold(0, |bits, hour| bits | 1 << hour),
            records: (records.count > 0).then_some(records),
            last_digits: last_digits.iter().any(|count| *count > 0).then_some(last_digits),
            ..Self::default()
        };
        if series.is_pollutant() {
            profile.vanished = super::a_09::vanished(view, series);
            profile.cliffs = super::c_03::cliffs(view, series);
            (profile.marks, profile.marks_over) = super::e_04::marks(view, series);
            profile.missing = super::k_11::missing(view, series);
        }
        profile
    }
}

/// Hours in which a gap of ten minutes or more begins: of no factor anything comes, and the receiver is there.
fn gaps(view: &DayView<'_>) -> u32 {
    // One with which the day begins is of this day, unless it goes on from the day before, or nothing ever came before.
    let began = |(slot, _): &(usize, usize)| *slot > 0 || (view.prior.ever.is_some() && !view.prior.nothing_at_midnight);
    course::gaps(&slots(view, None), GAP_SLOTS).into_iter().filter(began).fold(0, |bits, (slot, _)| bits | 1 << time_of(slot).0)
}

impl Records {
    /// The mean.
    #[must_use]
    pub fn mean(&self) -> Option<Decimal> {
        let sum = self.sum.checked_div(i128::from(self.count))?;
        Decimal::try_from_i128_with_scale(sum, DECIMALS).ok()
    }

    /// The variance.
    #[must_use]
    pub fn variance(&self) -> Option<Decimal> {
        let count = i128::from(self.count);
        let spread = count.checked_mul(self.squares)?.checked_sub(self.sum.checked_mul(self.sum)?)?;
        Decimal::try_from_i128_with_scale(spread.checked_div(count * count)?, 2 * DECIMALS).ok()
    }
}

/// The days before one, and the day itself: what a rule of a span looks at.
#[derive(Debug, Clone, Copy)]
pub struct Window<'w> {
    before: &'w Past,
    today: &'w Profile,
    day: Day,
}

/// What is known of an outlet beside one of its days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// Profiles of the days before it, and its own if it has one.
    pub days: BTreeMap<Day, Profile>,
    /// What the day shows beside other outlets.
    pub neighbours: Vec<Neighbour>,
}

impl<'w> Window<'w> {
    /// The days before `day`, and its own profile.
    #[must_use]
    pub fn new(before: &'w Past, today: &'w Profile, day: Day) -> Self {
        Self { before, today, day }
    }

    /// What the day shows beside other outlets.
    #[must_use]
    pub fn neighbours(&self) -> &'w [Neighbour] {
        &self.before.neighbours
    }

    /// The day itself.
    #[must_use]
    pub fn today(&self) -> &'w Profile {
        self.today
    }

    /// The days before it, `count` at most back, oldest first.
    pub fn earlier(&self, count: u32) -> impl DoubleEndedIterator<Item = (Day, &'w Profile)> + use<'w> {
        self.before.days.range(Day(self.day.0 - count as i32)..self.day).map(|(day, profile)| (*day, profile))
    }

    /// The last `count` days, this one included, oldest first.
    pub fn days(&self, count: u32) -> impl DoubleEndedIterator<Item = (Day, &'w Profile)> + use<'w> {
        self.earlier(count.saturating_sub(1)).chain([(self.day, self.today)])
    }

    /// One series over the last `count` days.
    pub fn series(&self, factor: FactorCode, count: u32) -> impl DoubleEndedIterator<Item = (Day, &'w Profile, &'w SeriesProfile)> + use<'w> {
        self.days(count).filter_map(move |(day, profile)| Some((day, profile, profile.series.get(&factor)?)))
    }

    /// Measured hourly values of a series over the last `count` days, in hours in which the outlet ran; oldest first.
    pub fn running(&self, factor: FactorCode, count: u32) -> impl DoubleEndedIterator<Item = (Hour, i64)> + use<'w> {
        self.series(factor, count)
            .flat_map(|(day, profile, series)| series.measured.iter(profile.running).map(move |(hour, value)| (day.hour(hour), value)))
    }

    /// The same of the values that a limit judges: converted ones, where it wants that.
    pub fn judged(&self, factor: FactorCode, count: u32, converted: bool) -> impl DoubleEndedIterator<Item = (Hour, i64)> + use<'w> {
        self.series(factor, count).flat_map(move |(day, profile, series)| {
            let values = if converted { &series.converted } else { &series.measured };
            values.iter(profile.running).map(move |(hour, value)| (day.hour(hour), value))
        })
    }

    /// Two series side by side, in the hours in which the outlet ran and both have a value: of the last `count` days but for the last
    /// `without`; oldest first.
    pub fn pairs(&self, one: FactorCode, other: FactorCode, count: u32, without: u32) -> impl Iterator<Item = (Hour, (i64, i64))> + use<'w> {
        let last = Day(self.day.0 - without as i32);
        self.days(count).take_while(move |(day, _)| *day <= last).flat_map(move |(day, profile)| {
            let both = profile.series.get(&one).zip(profile.series.get(&other));
            both.into_iter().flat_map(move |(one, other)| {
                one.measured.iter(profile.running).filter_map(move |(hour, value)| Some((day.hour(hour), (value, other.measured.at(hour)?))))
            })
        })
    }
}
