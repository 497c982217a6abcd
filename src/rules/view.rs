//! What a rule is given: one outlet's day, its closed hours, what the day before handed over. Nothing else is asked for.

use super::carry::{Carry, Hours, Runs};
use super::profile::Past;
use super::rule::{Rule, Run};
use crate::aggregation::{Conversion, HourCell, Odd, SeriesDay, Shape};
use crate::domain::number::{self, Ratio};
use crate::domain::time::{Day, HOUR_MS, Moment};
use crate::domain::{
    Basis, Declaration, DeclarationKind, Fact, FactKind, FactorCode, Hit, HourClass, Limit, LimitType, Mean, Medium, Mn, OutletId, RuleId, RuleSet,
    RuleSetting, Series, Severity, Silence, Visit,
};
use crate::protocol::marker::Marker;
use crate::registry::{Outlet, Registry, SeriesRow};
use rust_decimal::Decimal;
use serde_json::Value;
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// Everything that the rules of an outlet's day look at.
#[derive(Debug)]
pub struct DayView<'v> {
    /// The register in force.
    pub registry: &'v Registry,
    /// The outlet's row.
    pub outlet: &'v Outlet,
    /// When.
    pub day: Day,
    /// Figures in force.
    pub set: &'v RuleSet,
    /// Series with data, by factor.
    pub series: Vec<SeriesView<'v>>,
    /// The day's means; empty while the day goes on.
    pub means: &'v [Mean],
    /// What the day before handed over.
    pub prior: &'v Carry,
    /// What was said besides values.
    pub facts: &'v [Fact],
    /// Silences of its loggers that touch the day.
    pub silences: &'v [Silence],
    /// Declarations of people that touch the day.
    pub declared: &'v [&'v Declaration],
    /// Visits of the last [`super::VISIT_DAYS`] days, by their beginning.
    pub visits: &'v [&'v Visit],
    /// The last day for which a manual result was stated.
    pub manual: Option<Day>,
    /// Hours of the day in which the receiver or the region was away, a bit each.
    pub away: u32,
    /// Hours in which the outlet is declared as stopped, a bit each.
    pub stopped: u32,
    /// Hours that are closed.
    pub closed: u8,
    /// The first day of the journal.
    pub began: Option<Day>,
    /// Whether the day's means are confirmed.
    pub confirmed: bool,
    /// What the days before it left; none while the day is not confirmed.
    pub past: Option<&'v Past>,
    /// Engine time.
    pub now: Moment,
    /// Hours within an hour of a start, a stop, a calibration or a restart, a bit each.
    pub unsettled: OnceCell<u32>,
}

/// One series of the day.
#[derive(Debug)]
pub struct SeriesView<'v> {
    /// Cells, marks, exemptions.
    pub day: SeriesDay<'v>,
    /// Its row of the register.
    pub row: Option<&'v SeriesRow>,
    pollutant: bool,
    values: [OnceCell<HourValues>; 24],
}

/// An hour's values, to six decimals.
#[derive(Debug, Clone, Copy, Default)]
struct HourValues {
    measured: Option<Decimal>,
    converted: Option<Decimal>,
}

impl<'v> SeriesView<'v> {
    /// A series with its row.
    #[must_use]
    pub fn new(day: SeriesDay<'v>, row: Option<&'v SeriesRow>) -> Self {
        Self { day, row, pollutant: is_pollutant(day.factor), values: [const { OnceCell::new() }; 24] }
    }

    /// What.
    #[must_use]
    pub fn factor(&self) -> FactorCode {
        self.day.factor
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> &str {
        self.day.factor.as_str()
    }

    /// Whether it is a pollutant, and no parameter of flue or water.
    #[must_use]
    pub fn is_pollutant(&self) -> bool {
        self.pollutant
    }

    /// The closed hour.
    #[must_use]
    pub fn cell(&self, hour: u8) -> Option<&'v HourCell> {
        self.day.cells[usize::from(hour)].as_deref()
    }

    /// What is rare in it.
    #[must_use]
    pub fn odd(&self, hour: u8) -> Option<&'v Odd> {
        self.cell(hour)?.seen.odd.as_deref()
    }

    /// Its course.
    #[must_use]
    pub fn shape(&self, hour: u8) -> Option<&'v Shape> {
        self.cell(hour)?.seen.shape.as_deref()
    }

    fn values(&self, hour: u8) -> HourValues {
        *self.values[usize::from(hour)].get_or_init(|| {
            let Some(cell) = self.cell(hour) else { return HourValues::default() };
            let converted = if self.day.converts { cell.converted_rounded(self.day.outlet, self.day.set) } else { None };
            HourValues { measured: cell.measured_rounded(self.day.set), converted }
        })
    }

    /// The valid measured hour.
    #[must_use]
    pub fn value(&self, hour: u8) -> Option<Decimal> {
        self.values(hour).measured
    }

    /// The valid converted hour, of a series that has one.
    #[must_use]
    pub fn converted(&self, hour: u8) -> Option<Decimal> {
        self.values(hour).converted
    }

    /// The valid hour that a limit row judges, exact.
    #[must_use]
    pub fn judged(&self, hour: u8, limit: &Limit) -> Option<Ratio> {
        let cell = self.cell(hour)?;
        if self.day.exempt >> hour & 1 == 1 || self.day.is_dry(hour) {
            return None;
        }
        if !limit.converted {
            return cell.measured(self.day.set);
        }
        match cell.converted(self.day.outlet, self.day.set) {
            Conversion::Value(value) => Some(value),
            Conversion::LowConfidence(value) if self.day.outlet.low_confidence_counts => Some(value),
            _ => None,
        }
    }

    /// Class beside its neighbours.
    #[must_use]
    pub fn class(&self, hour: u8) -> HourClass {
        self.day.class(hour)
    }

    /// Upper end of the range.
    #[must_use]
    pub fn range(&self) -> Option<Decimal> {
        self.row.and_then(|row| row.range_high)
    }

    /// Minutes under a mark in an hour.
    #[must_use]
    pub fn marked(&self, hour: u8, marker: Marker) -> u32 {
        self.cell(hour).map_or(0, |cell| cell.minutes_marked(marker))
    }

    /// The printed resolution is one percent of the value or coarser (guard X5).
    #[must_use]
    pub fn is_coarse(&self, hour: u8, value: Decimal) -> bool {
        let Some(cell) = self.cell(hour) else { return false };
        Decimal::new(100, u32::from(cell.decimals)) >= value.abs()
    }
}

/// Whether a factor is a pollutant: neither flow, flue or water parameter, nor oxygen.
#[must_use]
pub fn is_pollutant(factor: FactorCode) -> bool {
    let code = factor.as_str();
    let parameter = matches!(code, "a00000" | "a19001" | "w00000" | "w01001" | "w01003" | "w01009" | "w01010" | "w01014");
    !parameter && !code.starts_with("a010") && !code.starts_with("a019") && (code.starts_with('a') || code.starts_with('w'))
}

/// A ratio to six decimals.
#[must_use]
pub fn decimal(value: &Ratio) -> Option<Decimal> {
    value.rounded(6).parse().ok()
}

impl<'v> DayView<'v> {
    /// Where.
    #[must_use]
    pub fn id(&self) -> OutletId {
        self.outlet.id
    }

    /// Whether it is a gas outlet.
    #[must_use]
    pub fn is_gas(&self) -> bool {
        self.outlet.medium == Medium::Gas
    }

    /// A series by its code.
    #[must_use]
    pub fn of(&self, code: &str) -> Option<&SeriesView<'v>> {
        self.of_factor(FactorCode::new(code)?)
    }

    /// A series by its factor.
    #[must_use]
    pub fn of_factor(&self, factor: FactorCode) -> Option<&SeriesView<'v>> {
        self.series.iter().find(|series| series.day.factor == factor)
    }

    /// The outlet's oxygen.
    #[must_use]
    pub fn oxygen(&self) -> Option<&SeriesView<'v>> {
        self.of_factor(self.outlet.oxygen_factor.unwrap_or(FactorCode::known("a19001")))
    }

    /// Pollutants with data.
    pub fn pollutants(&self) -> impl Iterator<Item = &SeriesView<'v>> {
        self.series.iter().filter(|series| series.is_pollutant())
    }

    /// A figure of a rule for a factor: the most particular setting, else the catalogue's.
    ///
    /// # Panics
    /// When the rule has no figure of that name: a mistake in the rule's own file.
    #[must_use]
    pub fn figure(&self, rule: &Rule, name: &str, factor: FactorCode) -> Decimal {
        figure_at(self.set, self.outlet, rule, name, factor)
    }

    /// The same as a whole number, at least 0.
    #[must_use]
    pub fn count(&self, rule: &Rule, name: &str, factor: FactorCode) -> u32 {
        u32::try_from(self.figure(rule, name, factor).round()).unwrap_or_default()
    }

    /// Whether a rule runs for a factor.
    #[must_use]
    pub fn runs(&self, rule: RuleId, factor: FactorCode) -> bool {
        let set = settings_at(self.set, self.outlet, rule, factor).filter_map(|(rank, setting)| Some((rank, setting.runs?)));
        set.max_by_key(|(rank, _)| *rank).map_or_else(|| super::find(rule.as_str()).is_none_or(Rule::runs_unasked), |(_, runs)| runs)
    }

    /// Whether a rule is switched off for all outlets and factors.
    #[must_use]
    pub fn is_off(&self, rule: &Rule) -> bool {
        super::is_off(self.set, rule)
    }

    /// The upper limit rows of a factor on a basis.
    pub fn limits(&self, factor: FactorCode, basis: Basis) -> impl Iterator<Item = &'v Limit> {
        let series = Series { outlet: self.outlet.id, factor };
        self.registry.limits(series, basis, self.day.start()).filter(|limit| limit.limit_type == LimitType::Max)
    }

    /// The lowest upper limit of a factor on a basis, as a number.
    #[must_use]
    pub fn limit(&self, factor: FactorCode, basis: Basis) -> Option<Decimal> {
        self.lowest(factor, basis).map(|(figure, _)| figure)
    }

    /// The lowest upper limit of a factor on a basis, and its row.
    #[must_use]
    pub fn lowest(&self, factor: FactorCode, basis: Basis) -> Option<(Decimal, &'v Limit)> {
        let rows = self.limits(factor, basis).filter_map(|limit| Some((number::parse(self.figure_of(limit, None)).ok()?, limit)));
        rows.min_by_key(|(figure, _)| *figure)
    }

    /// The lowest upper limit of a factor, hourly or daily.
    #[must_use]
    pub fn any_limit(&self, factor: FactorCode) -> Option<Decimal> {
        [Basis::Hour, Basis::Day].into_iter().filter_map(|basis| self.limit(factor, basis)).min()
    }

    /// Near nothing (guard X4): five percent of the limit or less, or five times the detection limit or less.
    #[must_use]
    pub fn is_low(&self, series: &SeriesView<'_>, value: Decimal) -> bool {
        self.low(series).is_some_and(|low| value <= low)
    }

    /// Up to what value of a series is near nothing; none where neither limit nor detection limit is known.
    #[must_use]
    pub fn low(&self, series: &SeriesView<'_>) -> Option<Decimal> {
        let of_limit = self.any_limit(series.factor()).map(|limit| limit / Decimal::from(20));
        let of_lod = series.row.and_then(|row| row.detection_limit).map(|lod| lod * Decimal::from(5));
        of_limit.max(of_lod)
    }

    /// Whether the outlet ran in an hour, by its marks: none where nothing came.
    #[must_use]
    pub fn is_running(&self, hour: u8) -> Option<bool> {
        if self.stopped >> hour & 1 == 1 {
            return Some(false);
        }
        let came = self.series.iter().filter(|series| series.cell(hour).is_some());
        let (all, stopped) = came.fold((0, 0), |(all, stopped), series| {
            let stops = matches!(series.class(hour), HourClass::Stop | HourClass::StopEdge);
            (all + 1, stopped + u32::from(stops))
        });
        (all > 0).then_some(stopped * 2 < all)
    }

    /// Signs that a gas outlet runs, and signs that it stands still, by its parameters; `oxygen` is the oxygen content that
    /// divides them, `velocity` the share of the month's median, `warmer` degrees above 20 °C.
    #[must_use]
    pub fn signs(&self, hour: u8, oxygen: Decimal, velocity: Decimal, warmer: Decimal) -> (u32, u32) {
        let any = |series: &SeriesView<'_>| series.cell(hour).and_then(raw_mean);
        let (mut runs, mut stands) = (0, 0);
        let mut sign = |is: bool| if is { runs += 1 } else { stands += 1 };
        if let Some(value) = self.oxygen().and_then(any) {
            sign(value < oxygen);
        }
        if let Some(value) = self.of("a01012").and_then(any) {
            sign(value >= AMBIENT + warmer);
        }
        let flowing = self.of("a01011").or_else(|| self.of("a00000"));
        if let Some((value, median)) = flowing.and_then(|series| Some((any(series)?, self.prior.median(series.factor())?))) {
            sign(value > median * velocity);
        }
        (runs, stands)
    }

    /// Whether an hour and the one before it saw no start, stop, calibration or restart (guard X3).
    #[must_use]
    pub fn is_settled(&self, hour: u8) -> bool {
        let bits = self.unsettled.get_or_init(|| {
            let own = (0..24u8).filter(|hour| self.disturbs(*hour)).fold(0u32, |bits, hour| bits | 1 << hour);
            own | own << 1
        });
        bits >> hour & 1 == 0
    }

    fn disturbs(&self, hour: u8) -> bool {
        const MARKS: [Marker; 4] = [Marker::CALIBRATION, Marker::START_UP, Marker::SHUT_DOWN, Marker::BANKED_FIRE];
        let marked = |series: &SeriesView<'_>| {
            let stops = matches!(series.class(hour), HourClass::Stop | HourClass::StopEdge);
            stops || MARKS.iter().any(|marker| series.marked(hour, *marker) > 0) || series.marked(hour, Marker::STOPPED) > 0
        };
        let start = self.day.hour(hour).start();
        let restarts = |fact: &Fact| fact.kind == FactKind::Restart && fact.at >= start && fact.at < start.plus_ms(HOUR_MS);
        self.series.iter().any(marked) || self.facts.iter().any(restarts)
    }

    /// Running, and settled: an hour by whose level and shape something may be judged (X1, X3).
    #[must_use]
    pub fn is_steady(&self, hour: u8) -> bool {
        self.is_running(hour) == Some(true) && self.is_settled(hour)
    }

    /// Whether nothing flowed through a water outlet in an hour.
    #[must_use]
    pub fn is_dry(&self, hour: u8) -> bool {
        self.series.iter().any(|series| series.day.is_dry(hour))
    }

    /// Whether all of an hour lies in silences: then A-03 speaks of it.
    #[must_use]
    pub fn is_silent(&self, hour: u8) -> bool {
        let (start, end) = (self.day.hour(hour).start(), self.day.hour(hour).end());
        self.silences.iter().any(|silence| silence.since <= start && silence.until.is_none_or(|until| end <= until))
    }

    /// Whether a declaration of maintenance or calibration covers an instant: the change ticket.
    #[must_use]
    pub fn is_ticketed(&self, at: Moment) -> bool {
        let ticket = |one: &&&Declaration| matches!(one.mark, DeclarationKind::Maintenance | DeclarationKind::Calibration);
        self.declared.iter().filter(ticket).any(|one| one.from <= at && at < one.to)
    }

    /// Whether an hour carries a mark of start-up, shut-down or banked fire.
    #[must_use]
    pub fn has_special_mark(&self, hour: u8) -> bool {
        const MARKS: [Marker; 3] = [Marker::START_UP, Marker::SHUT_DOWN, Marker::BANKED_FIRE];
        self.series.iter().any(|series| MARKS.iter().any(|marker| series.marked(hour, *marker) > 0))
    }

    /// Whether most of a series' hour is start-up, shut-down or banked fire: no hour that must be valid.
    #[must_use]
    pub fn is_special(&self, series: &SeriesView<'_>, hour: u8) -> bool {
        let marks = [Marker::START_UP, Marker::SHUT_DOWN, Marker::BANKED_FIRE];
        series.class(hour) != HourClass::Valid
            && marks.iter().map(|marker| series.marked(hour, *marker)).sum::<u32>() >= self.set.hour_minutes_min.value
    }

    /// Whether the outlet burns waste: judged by the day, and by the hours of its marks (Decree 10).
    #[must_use]
    pub fn burns_waste(&self) -> bool {
        let trade = &self.outlet.trade;
        trade.contains("waste incineration") || trade.contains("焚烧")
    }

    /// The hours of one series today. A value of an analyser that measures in cycles stands for the hours of its cycle; an hour that did not
    /// come is stopped where the outlet is declared so.
    #[must_use]
    pub fn hours_of(&self, series: &SeriesView<'_>) -> Hours {
        let limit = self.limits(series.factor(), Basis::Hour).next();
        let mut hours = Hours { all: 24, ..Hours::default() };
        for hour in 0..24u8 {
            let stands = series.day.standing(hour);
            match series.class(stands) {
                HourClass::Valid => hours.valid += 1,
                HourClass::Stop | HourClass::StopEdge => hours.stop += 1,
                HourClass::Missing | HourClass::Invalid if self.is_special(series, stands) => hours.stop += 1,
                HourClass::Missing if self.stopped >> hour & 1 == 1 => hours.stop += 1,
                HourClass::Missing => hours.missing += 1,
                HourClass::Invalid => {}
            }
            hours.above += u32::from(limit.is_some_and(|limit| super::tools::over(self, series, hour, limit).is_some()));
        }
        hours
    }

    /// The hours of a factor today; of one that did not come none is valid.
    #[must_use]
    pub fn hours_of_factor(&self, factor: FactorCode) -> Hours {
        let stop = self.stopped.count_ones();
        let absent = Hours { all: 24, stop, missing: 24 - stop, ..Hours::default() };
        self.of_factor(factor).map_or(absent, |series| self.hours_of(series))
    }

    /// Registered factors whose row is in force today.
    #[must_use]
    pub fn registered(&self) -> Vec<FactorCode> {
        self.registry.factors(self.id()).filter(|factor| !self.loggers_of(*factor).is_empty()).collect()
    }

    /// The loggers that a factor is registered with today.
    #[must_use]
    pub fn loggers_of(&self, factor: FactorCode) -> Vec<Mn> {
        let loggers = self.registry.loggers_of(self.id()).into_iter();
        loggers.filter(|mn| self.registry.series(*mn, self.id(), factor, self.day.start()).is_some()).collect()
    }

    /// Pollutants that came today or before, and whose row is in force.
    #[must_use]
    pub fn known_pollutants(&self) -> Vec<FactorCode> {
        let known = |factor: &FactorCode| is_pollutant(*factor) && (self.prior.present.contains_key(factor) || self.of_factor(*factor).is_some());
        self.registered().into_iter().filter(known).collect()
    }

    /// The figure of a limit row in an hour: where it has one in brackets and the water is not known to be warm, the milder one.
    #[must_use]
    pub fn figure_of<'l>(&self, limit: &'l Limit, hour: Option<u8>) -> &'l str {
        if limit.cold.is_none() {
            return &limit.limit;
        }
        let series = self.outlet.temperature_factor.and_then(|factor| self.of_factor(factor));
        let hours = hour.map_or(0..24, |hour| hour..hour + 1);
        let coldest = series.and_then(|series| hours.filter_map(|hour| series.value(hour)).min());
        super::j_02::figure_of_hour(limit, coldest.map(Ratio::of).as_ref(), self.set)
    }

    /// The hours of a factor in the month or the quarter, this day included.
    #[must_use]
    pub fn tally(&self, factor: FactorCode, of_quarter: bool) -> Hours {
        let before = if of_quarter { &self.prior.quarter } else { &self.prior.month };
        let today = self.hours_of_factor(factor);
        before.get(&factor).copied().unwrap_or_default().plus(today)
    }

    /// The hours of all pollutants: of the day, or of the month or quarter up to it.
    #[must_use]
    pub fn transmission(&self, of_quarter: Option<bool>) -> Hours {
        let hours = |factor: FactorCode| match of_quarter {
            None => self.hours_of_factor(factor),
            Some(of_quarter) => self.tally(factor, of_quarter),
        };
        self.known_pollutants().into_iter().map(hours).fold(Hours::default(), Hours::plus)
    }

    /// Whether the receiver or the region was away in an hour (guard X2).
    #[must_use]
    pub fn is_away(&self, hour: u8) -> bool {
        self.away >> hour & 1 == 1
    }

    /// Chinese and English name of a factor.
    #[must_use]
    pub fn names(&self, factor: FactorCode) -> (String, String) {
        super::factor_names(factor)
    }
}

/// The settings of a rule at an outlet, each with how particular it is.
fn settings_at<'s>(set: &'s RuleSet, outlet: &'s Outlet, rule: RuleId, factor: FactorCode) -> impl Iterator<Item = (u8, &'s RuleSetting)> {
    set.rules.iter().filter_map(move |setting| {
        let fits = (setting.rule == rule || setting.rule.as_str() == "*")
            && setting.trade.as_ref().is_none_or(|known| outlet.trade.starts_with(known.as_str()))
            && setting.outlet.is_none_or(|known| known == outlet.id)
            && setting.factor.is_none_or(|known| known == factor);
        let rank = u8::from(setting.rule == rule)
            + 2 * u8::from(setting.trade.is_some())
            + 4 * u8::from(setting.factor.is_some())
            + 8 * u8::from(setting.outlet.is_some());
        fits.then_some((rank, setting))
    })
}

/// A figure of a rule at an outlet for a factor: the most particular setting, else the catalogue's.
///
/// # Panics
/// When the rule has no figure of that name: a mistake in the program.
pub(super) fn figure_at(set: &RuleSet, outlet: &Outlet, rule: &Rule, name: &str, factor: FactorCode) -> Decimal {
    let set = settings_at(set, outlet, rule.id, factor).filter_map(|(rank, setting)| Some((rank, *setting.figures.get(name)?)));
    if let Some((_, value)) = set.max_by_key(|(rank, _)| *rank) {
        return value;
    }
    let figure = rule.figures.iter().find(|figure| figure.name == name);
    figure.unwrap_or_else(|| panic!("rule {} has no figure {name}", rule.id)).value
}

/// 环境温度, °C, where rules compare a flue with it: a round figure of ours, the register has none.
pub(super) const AMBIENT: Decimal = Decimal::from_parts(20, 0, 0, false, 0);

/// The mean of an hour's numbers whatever their mark, else of its valid ones.
#[must_use]
pub fn raw_mean(cell: &HourCell) -> Option<Decimal> {
    cell.every_rounded()
}

/// What the rules of one run found.
#[derive(Debug, Default)]
pub struct Hits {
    found: BTreeMap<(RuleId, FactorCode), Vec<Hit>>,
    missing: BTreeMap<RuleId, &'static str>,
}

impl Hits {
    /// A rule fired.
    #[allow(clippy::too_many_arguments)] // A hit has that many parts; a struct for one call would hide them.
    pub fn fire(
        &mut self,
        view: &DayView<'_>,
        rule: &Rule,
        factor: FactorCode,
        hour: Option<u8>,
        severity: Severity,
        facts: Value,
        words: (String, String),
    ) {
        // Without settings what runs at all runs for all.
        if !view.set.rules.is_empty() && !view.runs(rule.id, factor) {
            return;
        }
        let hit = Hit { hour, severity, facts, zh: words.0, en: words.1 };
        self.found.entry((rule.id, factor)).or_default().push(hit);
    }

    /// A rule could not be evaluated; names what is missing.
    pub fn missing(&mut self, rule: &Rule, input: &'static str) {
        self.missing.entry(rule.id).or_insert(input);
    }

    /// What fired, by rule and factor.
    #[must_use]
    pub fn found(&self) -> &BTreeMap<(RuleId, FactorCode), Vec<Hit>> {
        &self.found
    }

    /// What could not be evaluated.
    #[must_use]
    pub fn not_evaluable(&self) -> &BTreeMap<RuleId, &'static str> {
        &self.missing
    }
}

/// Runs the rules of one hour.
pub(super) fn hour(view: &DayView<'_>, hour: u8, runs: &mut Runs, hits: &mut Hits) {
    for rule in super::ALL.iter().filter(|rule| !view.is_off(rule)) {
        if let Run::Hour(run) = rule.run {
            run(view, hour, runs, hits);
        }
    }
}
