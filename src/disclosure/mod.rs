//! 信息公开: what the public is told of a day of the key units (重点排污单位): hour and day means, hour classes, exceedances.
//!
//! What enters: an outlet's stored day, by the register and the figures in force; and the tables as they were disclosed before. What
//! leaves: tables of texts, each row marked where it differs from what was disclosed. Files, clocks and folders are not known here.

mod calendar;
mod tables;

pub use calendar::Calendar;
pub use tables::{Changes, Row, Table, TableFault};

use crate::aggregation::SeriesDay;
use crate::domain::number::Ratio;
use crate::domain::time::Day;
use crate::domain::{Basis, FactorCode, HourClass, Kind, Limit, Mean, OutletId, RuleSet, Series, note_zh};
use crate::protocol::factor;
use crate::registry::{Outlet, Registry, Site};
use crate::rules::{factor_names, j_02};
use std::collections::BTreeSet;
use tables::{DAYS, EXCEEDANCES, HOURS};

/// Outlets in force on a day whose site is listed as a key unit on it.
#[must_use]
pub fn key_outlets(registry: &Registry, day: Day) -> Vec<OutletId> {
    let listed = |site: &Site| site.validity.holds(day.start()) && site.key_unit_from.is_some_and(|from| from <= day);
    let wanted = |outlet: &&Outlet| outlet.validity.holds(day.start()) && registry.site(outlet.site).is_some_and(listed);
    registry.outlets(day.start()).filter(wanted).map(|outlet| outlet.id).collect()
}

/// The tables of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// 小时均值.
    pub hours: Table,
    /// 日均值.
    pub days: Table,
    /// 超标.
    pub exceedances: Table,
}

impl Disclosure {
    /// A disclosure without rows.
    #[must_use]
    pub fn empty() -> Self {
        Self { hours: Table::new(&HOURS), days: Table::new(&DAYS), exceedances: Table::new(&EXCEEDANCES) }
    }

    /// Its tables, each with the name of its files.
    pub fn tables(&self) -> impl Iterator<Item = (&'static str, &Table)> {
        [("hours", &self.hours), ("days", &self.days), ("exceedances", &self.exceedances)].into_iter()
    }

    /// The same, to be marked.
    pub fn tables_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut Table)> {
        [("hours", &mut self.hours), ("days", &mut self.days), ("exceedances", &mut self.exceedances)].into_iter()
    }

    /// Adds an outlet's day. `series`: what came; what is registered and did not come is disclosed as missing.
    pub fn add(&mut self, registry: &Registry, set: &RuleSet, outlet: &Outlet, day: Day, series: &[SeriesDay<'_>]) {
        let place = Place { registry, outlet, day };
        let (loggers, start) = (registry.loggers_of(outlet.id), day.start());
        let due = |factor: &FactorCode| loggers.iter().any(|mn| registry.series(*mn, outlet.id, *factor, start).is_some());
        let factors: BTreeSet<FactorCode> = registry.factors(outlet.id).filter(due).chain(series.iter().map(|series| series.factor)).collect();
        let means: Vec<Mean> = series.iter().flat_map(SeriesDay::day_means).collect();
        for factor in factors {
            let of_factor = series.iter().find(|series| series.factor == factor);
            for hour in 0..24u8 {
                let hour_means = of_factor.map(|series| series.hour_means(hour)).unwrap_or_default();
                if hour_means.is_empty() {
                    self.hours.push(place.missing_hour(factor, hour));
                }
                self.hours.extend(hour_means.iter().map(|mean| place.hour(mean, hour)));
            }
            let of_day: Vec<Mean> = means.iter().filter(|mean| mean.factor == factor).cloned().collect();
            self.days.extend(of_day.iter().map(|mean| place.day_mean(mean)));
            if of_day.is_empty() {
                self.days.push(place.missing_day(factor));
            }
            self.exceedances.extend(exceedances(&place, set, factor, series, &of_day, &means));
        }
    }
}

/// Where a row is.
struct Place<'p> {
    registry: &'p Registry,
    outlet: &'p Outlet,
    day: Day,
}

impl Place<'_> {
    /// Site, outlet, day and hour; what all rows begin with.
    fn head(&self, hour: Option<u8>) -> Vec<String> {
        let site = self.registry.site(self.outlet.site).map_or("", |site| site.name.as_str());
        let hour = hour.map_or_else(String::new, |hour| format!("{hour:02}"));
        vec![self.outlet.site.to_string(), site.to_owned(), self.outlet.id.to_string(), self.outlet.name.clone(), self.day.to_string(), hour]
    }

    fn factor(&self, factor: FactorCode, kind: Kind) -> Vec<String> {
        let (zh, en) = factor_names(factor);
        vec![factor.to_string(), zh, en, self.unit(factor).to_owned(), word(&kind), kind.says().0.to_owned()]
    }

    /// The unit of a factor's numbers; empty for a mere number.
    fn unit(&self, factor: FactorCode) -> &str {
        let loggers = self.registry.loggers_of(self.outlet.id);
        let row = loggers.iter().find_map(|mn| self.registry.series(*mn, self.outlet.id, factor, self.day.start()));
        let unit = row.map_or_else(|| factor::find(factor.as_str()).map_or("", |row| row.unit), |row| row.unit.as_str());
        if matches!(unit, "-" | "1") { "" } else { unit }
    }

    fn hour(&self, mean: &Mean, hour: u8) -> Row {
        let (class, class_zh) = mean.class.map(class_words).unwrap_or_default();
        let figures = [shown(mean.value.as_ref()), class, class_zh, mean.valid.to_string(), mean.count.to_string()];
        let note = note_words(mean.note.as_deref().unwrap_or_default());
        Row::new([self.head(Some(hour)), self.factor(mean.factor, mean.kind), figures.to_vec(), note.to_vec()].concat())
    }

    fn missing_hour(&self, factor: FactorCode, hour: u8) -> Row {
        let (class, class_zh) = class_words(HourClass::Missing);
        let figures = [String::new(), class, class_zh, "false".to_owned(), "0".to_owned()];
        Row::new([self.head(Some(hour)), self.factor(factor, Kind::Measured), figures.to_vec(), note_words("").to_vec()].concat())
    }

    fn day_mean(&self, mean: &Mean) -> Row {
        let figures = [shown(mean.value.as_ref()), mean.valid.to_string(), mean.count.to_string(), mean.due.to_string()];
        let note = note_words(mean.note.as_deref().unwrap_or_default());
        Row::new([self.day_head(), self.factor(mean.factor, mean.kind), figures.to_vec(), note.to_vec()].concat())
    }

    fn missing_day(&self, factor: FactorCode) -> Row {
        let figures = ["", "false", "0", "24"].map(str::to_owned);
        Row::new([self.day_head(), self.factor(factor, Kind::Measured), figures.to_vec(), note_words("missing").to_vec()].concat())
    }

    fn day_head(&self) -> Vec<String> {
        let mut head = self.head(None);
        head.pop();
        head
    }

    fn exceedance(&self, factor: FactorCode, hour: Option<u8>, value: &Ratio, limit: &Limit, comparison: &j_02::Comparison) -> Row {
        let kind = if limit.converted { Kind::Converted } else { Kind::Measured };
        let figures = [
            word(&limit.basis),
            limit.basis.zh().to_owned(),
            value.shown(),
            word(&limit.limit_type),
            limit.limit_type.zh().to_owned(),
            limit.limit.clone(),
            limit.standard.clone(),
            shown(comparison.multiple.as_ref()),
            comparison.marginal.to_string(),
        ];
        Row::new([self.head(hour), self.factor(factor, kind), figures.to_vec()].concat())
    }
}

/// What is beyond a limit of its own basis: the day's mean beyond a daily one, each hour beyond an hourly one.
fn exceedances(place: &Place<'_>, set: &RuleSet, factor: FactorCode, series: &[SeriesDay<'_>], of_day: &[Mean], means: &[Mean]) -> Vec<Row> {
    let (registry, day) = (place.registry, place.day);
    let key = Series { outlet: place.outlet.id, factor };
    let warm = |mean: &&Mean| Some(mean.factor) == place.outlet.temperature_factor && mean.kind == Kind::Measured && mean.valid;
    let temperature = means.iter().find(warm).and_then(|mean| mean.value.as_ref());
    let with = |limit: &Limit, figure: &str| Limit { limit: figure.to_owned(), ..limit.clone() };
    let mut rows = Vec::new();
    for limit in registry.limits(key, Basis::Day, day.start()) {
        let j_02::Outcome::Judged(judged) = j_02::judge(of_day, limit, temperature, set) else { continue };
        if let Some(value) = judged.mean.value.as_ref().filter(|_| judged.comparison.exceeds) {
            rows.push(place.exceedance(factor, None, value, &with(limit, j_02::figure(limit, temperature, set).0), &judged.comparison));
        }
    }
    for hour in 0..24u8 {
        let hour_means = |factor| series.iter().find(|known| Some(known.factor) == factor).map(|known| known.hour_means(hour)).unwrap_or_default();
        let (water, hour_means) = (hour_means(place.outlet.temperature_factor), hour_means(Some(factor)));
        let temperature = water.iter().find(warm).and_then(|mean| mean.value.as_ref());
        for limit in registry.limits(key, Basis::Hour, day.hour(hour).start()) {
            let limit = with(limit, j_02::figure_of_hour(limit, temperature, set));
            let kind = if limit.converted { Kind::Converted } else { Kind::Measured };
            let Some(value) = hour_means.iter().find(|mean| mean.kind == kind && mean.valid).and_then(|mean| mean.value.as_ref()) else { continue };
            let comparison = j_02::compare(value, &limit);
            if comparison.exceeds {
                rows.push(place.exceedance(factor, Some(hour), value, &limit, &comparison));
            }
        }
    }
    rows
}

fn shown(value: Option<&Ratio>) -> String {
    value.map(Ratio::shown).unwrap_or_default()
}

/// The word of a class, and the same in Chinese.
fn class_words(class: HourClass) -> (String, String) {
    (word(&class), class.says().0.to_owned())
}

/// A note, and the same in Chinese.
fn note_words(note: &str) -> [String; 2] {
    [note.to_owned(), note_zh(note).to_owned()]
}

/// The word under which a value of ours is written.
fn word<W: serde::Serialize>(value: &W) -> String {
    serde_json::to_value(value).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
