//! One outlet's day while it is resident: records of its open hours, cells of its closed ones.
//!
//! ```text
//!            first reading             hour + 10 min            00:30        13:00
//!   absent ────────────────▶ open ──▶ hours close one by one ──▶ provisional ──▶ confirmed ─▶ absent
//!      ▲                       │ a record of a closed hour                          ▲
//!      │                       ▼                                                    │
//!      └── published ◀─ recalled and computed again ◀─ quiet 60 s ◀─ reopened ──────┘
//! ```

use super::outcome::DayRow;
use crate::aggregation::{HourBook, HourCell, MarkSpan, Marks, SeriesDay, SeriesRules};
use crate::domain::time::{Day, Moment};
use crate::domain::{FactorCode, Mn, OutletDay, Reading, ReadingKey, RuleSet};
use crate::registry::{Outlet, Registry};
use crate::rules::{Carry, Runs};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A resident day.
#[derive(Debug, Default)]
pub(super) struct DayState {
    /// Records by hour, then factor: of the open hours, and of all while the day is `full`.
    pub(super) books: BTreeMap<u8, BTreeMap<FactorCode, HourBook>>,
    /// Its cells; what was published, confirmed and found.
    pub(super) row: DayRow,
    /// Every record of the day is resident: from its recall to the next entry that touches it.
    pub(super) full: bool,
    /// What was computed, published and found before is here: the day was begun here, or its row was recalled.
    pub(super) known: bool,
    /// Hours whose closing has a timer already.
    pub(super) timed: BTreeSet<u8>,
    /// Who reports here.
    pub(super) reporters: Vec<Mn>,
    /// What the day before hands over, where that day is not resident.
    pub(super) prior: Option<Carry>,
    /// Whether `prior` is what there is.
    pub(super) prior_known: bool,
    /// Runs of hours as they go on from the hour before this one; the hour is gone over again with the next.
    pub(super) runs: Option<(u8, Runs)>,
}

impl DayState {
    pub(super) fn from_row(row: DayRow) -> Self {
        Self { row, known: true, ..Self::default() }
    }

    /// Nothing is known of it: nothing came, and nothing was published.
    pub(super) fn is_blank(&self) -> bool {
        self.row.cells.is_empty() && self.row == DayRow::default()
    }

    /// Its series by factor, with what the register says of them at `at`.
    pub(super) fn series_days<'d>(&'d self, key: OutletDay, at: Moment, registry: &'d Registry, set: &'d RuleSet) -> Vec<SeriesDay<'d>> {
        let Some(outlet) = registry.outlet(key.outlet, at) else { return Vec::new() };
        let cells = self.row.cells.cells();
        let flow = outlet.flow_factor.and_then(|factor| cells.get(&factor)).map(Box::as_ref);
        let (start, end) = (key.day.start(), key.day.end());
        let series = cells.iter().map(|(factor, cells)| {
            let row = self.reporters.iter().find_map(|mn| registry.series(*mn, key.outlet, *factor, at));
            let exempts = |hour: &u8| {
                let hour = key.day.hour(*hour);
                registry.exemption(key.outlet, *factor, hour.start(), hour.end()).is_some()
            };
            let exempt = match registry.exemption(key.outlet, *factor, start, end) {
                None => 0,
                Some(_) => (0..24u8).filter(exempts).fold(0, |bits, hour| bits | 1 << hour),
            };
            SeriesDay {
                factor: *factor,
                day: key.day,
                cells,
                flow,
                outlet,
                converts: converts(registry, outlet, *factor, key.day),
                cycle_hours: row.map_or(1, |row| row.cycle_hours),
                exempt,
                reported: self.row.reported.get(factor),
                set,
            }
        });
        series.collect()
    }

    /// Records that are resident.
    pub(super) fn records(&self) -> usize {
        self.books.values().flat_map(BTreeMap::values).map(HourBook::len).sum()
    }

    pub(super) fn enter(&mut self, reading: &Reading) -> bool {
        if reading.key == ReadingKey::Day {
            let known = self.row.reported.get(&reading.factor);
            let newer = known.is_none_or(|known| known.from < reading.record.from);
            if newer {
                self.row.reported.insert(reading.factor, reading.record);
            }
            return newer;
        }
        self.books.entry(reading.hour.of_day()).or_default().entry(reading.factor).or_default().enter(reading.key, reading.record)
    }

    /// Computes the cells of one hour from its records.
    pub(super) fn compute(&mut self, key: OutletDay, hour: u8, registry: &Registry, marks: &Marks, rules: &RuleSet) {
        let computed = self.hour_cells(key, hour, registry, marks, rules);
        self.row.cells.change(|cells| {
            for cells in cells.values_mut() {
                cells[usize::from(hour)] = None;
            }
            for (factor, cell) in computed {
                cells.entry(factor).or_insert_with(|| Box::new([const { None }; 24]))[usize::from(hour)] = Some(Arc::new(cell));
            }
            cells.retain(|_, cells| cells.iter().any(Option::is_some));
        });
    }

    fn hour_cells(&self, key: OutletDay, hour: u8, registry: &Registry, marks: &Marks, rules: &RuleSet) -> Vec<(FactorCode, HourCell)> {
        let hour_at = key.day.hour(hour);
        let at = hour_at.start();
        let (Some(books), Some(outlet)) = (self.books.get(&hour), registry.outlet(key.outlet, at)) else { return Vec::new() };
        let row = |factor| self.reporters.iter().find_map(|mn| registry.series(*mn, key.outlet, factor, at));
        let spans = |factor| -> Vec<MarkSpan> { marks.over(key.outlet, factor, outlet.medium, at, hour_at.end()) };
        let beside = outlet.oxygen_factor.and_then(|factor| Some((books.get(&factor)?, factor, spans(factor))));
        let oxygen =
            beside.as_ref().map(|(book, factor, spans)| (*book, SeriesRules::new(*factor, outlet, row(*factor), false, hour_at, spans, rules)));
        let oxygen = oxygen.as_ref().map(|(book, rules)| (*book, rules));
        let series = books.iter().filter(|(_, book)| !book.is_empty()).map(|(factor, book)| {
            let over = spans(*factor);
            let rules = SeriesRules::new(*factor, outlet, row(*factor), converts(registry, outlet, *factor, key.day), hour_at, &over, rules);
            (*factor, book.close(oxygen, &rules))
        });
        series.collect()
    }
}

/// Who reports on an outlet: the main logger before the standby, whose range does not count for the main one's data.
pub(super) fn reporters(registry: &Registry, key: OutletDay) -> Vec<Mn> {
    let mut reporters = registry.loggers_of(key.outlet);
    reporters.sort_by_key(|mn| std::cmp::Reverse(registry.logger_rank(*mn, key.day.start())));
    reporters
}

/// A stored day, read for a person: the same means as the engine made of it.
#[derive(Debug)]
pub struct StoredDay {
    key: OutletDay,
    state: DayState,
}

impl StoredDay {
    /// The day of a row, by the register.
    #[must_use]
    pub fn new(key: OutletDay, row: DayRow, registry: &Registry) -> Self {
        let state = DayState { reporters: reporters(registry, key), ..DayState::from_row(row) };
        Self { key, state }
    }

    /// Its series, by factor.
    #[must_use]
    pub fn series<'d>(&'d self, registry: &'d Registry, set: &'d RuleSet) -> Vec<SeriesDay<'d>> {
        self.state.series_days(self.key, self.key.day.start(), registry, set)
    }

    /// What was published, confirmed and found.
    #[must_use]
    pub fn row(&self) -> &DayRow {
        &self.state.row
    }
}

/// Whether a factor's values are converted: a pollutant of an outlet that has a reference oxygen.
pub(super) fn converts(registry: &Registry, outlet: &Outlet, factor: FactorCode, day: Day) -> bool {
    use crate::domain::{Basis, Series};
    if outlet.reference_oxygen.is_none() || Some(factor) == outlet.oxygen_factor {
        return false;
    }
    let series = Series { outlet: outlet.id, factor };
    [Basis::Hour, Basis::Day].into_iter().any(|basis| registry.limits(series, basis, day.start()).any(|limit| limit.converted))
}
