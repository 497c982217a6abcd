//! 邻点比对: what a day shows only beside other outlets. All profiles are looked at twice, one outlet after the other, so that what is
//! held of each series is small; what is found becomes statements of the journal ([`Neighbours`]), and the rules I-01, I-02, I-04,
//! I-05 and D-14 judge by those.
//!
//! ```text
//! every outlet's profiles ─▶ look ─▶ sketches, anchors ─▶ pairs ─▶ the outlets of the pairs ─▶ look_again ─▶ found
//! ```
//!
//! Held of a series from the first look: some 600 bytes. Work: anchors are sorted (n log n); the series of one contractor, and of one
//! site, are compared pair by pair, by the signs of their differences, 49 lags in less than half a microsecond (`benches/neighbours.rs`).

use super::profile::{Hourly, Past, Profile, SeriesProfile, of_millionths};
use super::statistics::{correlation, median, percentile_without};
use super::view::figure_at;
use super::{Rule, d_14, i_01, i_02, i_04, i_05, is_off, is_pollutant};
use crate::domain::number;
use crate::domain::time::{Day, MINUTE_MS, Moment};
use crate::domain::{Basis, FactorCode, LimitType, Medium, Neighbour, Neighbours, OtherOutlet, OutletId, RuleSet, Series, Sight};
use crate::registry::{Outlet, Registry};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::collections::{BTreeMap, BTreeSet};

/// The rules that want it.
pub const RULES: [&Rule; 5] = [&d_14::RULE, &i_01::RULE, &i_02::RULE, &i_04::RULE, &i_05::RULE];
/// After the last confirmation: days that were reopened or recounted in that hour are in their place by then.
const SETTLED_MS: i64 = 10 * MINUTE_MS;
/// Days that are caught up with after a time without comparisons.
const BEHIND_DAYS: i32 = 7;
/// Hours of an anchor.
const ANCHOR_HOURS: usize = 6;
/// Different values that an anchor has, at least: what stands still is alike by nature.
const ANCHOR_DISTINCT: usize = 4;
/// One window in so many is an anchor, by its content: a copy has the anchors of the original.
const ANCHOR_BITS: u32 = 3;
/// Anchors at one shift that make a pair worth a look. Of 120 equal hours some 14 are anchors.
const VOTES_MIN: usize = 3;
/// An anchor is compared with so many of its like, and a series paired with so many by its signs: of a hundred copies each has a pair, and
/// not with all others.
const LIKE_MAX: usize = 16;
/// What so many series show is no evidence of anything.
const KNOWN_EVERYWHERE: usize = 512;
/// Hours of which the signs of the differences are held.
const SIGNS: usize = 128;
/// Percent of equal signs below which nothing is looked at: of normal differences arccos(r)/π differ in sign, so that 0.81 or more is out of the
/// question. Where a few steps decide the correlation and the other signs are each outlet's own, two plants may follow one tariff.
pub(super) const SIGNS_EQUAL_PCT: u32 = 80;
/// Signs to compare, at least.
const SIGNS_MIN: u32 = 72;

/// Figures below which nothing is looked at (see [`SIGNS_EQUAL_PCT`], [`SIGNS_MIN`]): a rule set with less is refused.
pub const LEAST: [(&Rule, &str, Decimal); 2] =
    [(&i_02::RULE, "r", Decimal::from_parts(81, 0, 0, false, 2)), (&i_02::RULE, "n", Decimal::from_parts(SIGNS_MIN, 0, 0, false, 0))];

/// Figures that bound what is held, and the most that each may be: a rule set with more is refused.
pub const MOST: [(&Rule, &str, u32); 7] = [
    (&i_01::RULE, "of_d", 30),
    (&i_01::RULE, "max_shift_h", 240),
    (&i_02::RULE, "of_d", 30),
    (&i_02::RULE, "lag_h", 48),
    (&i_02::RULE, "group_max", 20_000),
    (&i_05::RULE, "of_d", 90),
    (&d_14::RULE, "n", 30),
];

/// The day whose comparison is due: the last one that is confirmed everywhere, or the one after the last that was compared.
/// `began`: the first day with profiles; `confirmed`: when all outlets of a day are confirmed.
#[must_use]
pub fn due(set: &RuleSet, now: Moment, until: Option<Day>, began: Option<Day>, confirmed: impl Fn(Day) -> Moment) -> Option<Day> {
    if RULES.iter().all(|rule| is_off(set, rule)) {
        return None;
    }
    let today = now.day().0;
    let last = (today - BEHIND_DAYS..today).rev().map(Day).find(|day| confirmed(*day).plus_ms(SETTLED_MS) < now)?;
    let next = until.map_or(last, |until| Day((until.0 + 1).max(last.0 - BEHIND_DAYS)));
    (next <= last && began.is_some_and(|began| began <= next)).then_some(next)
}

/// When all outlets of a day are confirmed, by one rule set.
#[must_use]
pub fn confirmed_by(set: &RuleSet, day: Day) -> Moment {
    day.end().plus_ms(i64::from(set.day_confirmed_after_min.value) * MINUTE_MS + i64::from(set.confirm_spread_secs.value) * 1000)
}

/// What is asked of all outlets alike, and the mildest of what they are asked one by one: for those the rules judge each by its own.
#[derive(Debug, Clone)]
struct Figures {
    same_days: i32,
    same_n: u32,
    same_pct: Decimal,
    shift_h: i64,
    distinct: u32,
    step_days: i32,
    lag_h: i64,
    r: Decimal,
    step_n: u32,
    group_max: usize,
    median_days: i32,
    removal_pct: Decimal,
    removal_days: i32,
}

impl Figures {
    fn of(set: &RuleSet) -> Self {
        let own = |rule: &Rule, name: &str| rule.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value).unwrap_or_default();
        let said = |rule: &Rule, name: &str| -> Vec<(bool, Decimal)> {
            let of_rule = set.rules.iter().filter(|setting| setting.rule == rule.id);
            let figure = |setting: &crate::domain::RuleSetting| {
                let everywhere = setting.trade.is_none() && setting.outlet.is_none() && setting.factor.is_none();
                setting.figures.get(name).map(|value| (everywhere, *value))
            };
            of_rule.filter_map(figure).collect()
        };
        let least = |rule: &Rule, name: &str| said(rule, name).into_iter().map(|(_, value)| value).chain([own(rule, name)]).min().unwrap_or_default();
        let most = |rule: &Rule, name: &str| said(rule, name).into_iter().map(|(_, value)| value).chain([own(rule, name)]).max().unwrap_or_default();
        // Windows are the same for all: two outlets are compared in one.
        let of_all = |rule: &Rule, name: &str| {
            said(rule, name).into_iter().filter(|(everywhere, _)| *everywhere).map(|(_, value)| value).next_back().unwrap_or_else(|| own(rule, name))
        };
        let whole = |value: Decimal| value.to_u32().unwrap_or_default();
        let days = |value: Decimal| whole(value).clamp(1, 90) as i32;
        Self {
            same_days: days(of_all(&i_01::RULE, "of_d")),
            same_n: whole(least(&i_01::RULE, "n")),
            same_pct: least(&i_01::RULE, "p_pct"),
            shift_h: i64::from(whole(most(&i_01::RULE, "max_shift_h")).min(240)),
            distinct: whole(least(&i_01::RULE, "distinct")),
            step_days: days(of_all(&i_02::RULE, "of_d")),
            lag_h: i64::from(whole(most(&i_02::RULE, "lag_h")).min(48)),
            r: least(&i_02::RULE, "r"),
            step_n: whole(least(&i_02::RULE, "n")),
            group_max: (whole(of_all(&i_02::RULE, "group_max")) as usize).clamp(2, 20_000),
            median_days: days(most(&i_05::RULE, "of_d")),
            removal_pct: least(&d_14::RULE, "p_pct"),
            removal_days: days(most(&d_14::RULE, "n")),
        }
    }
}

/// What is held of a series.
#[derive(Debug)]
struct Sketch {
    outlet: OutletId,
    factor: FactorCode,
    /// Whether the values rose, by hours back from the last one.
    rises: u128,
    /// Where they rose or fell at all.
    moves: u128,
    /// The day's values as a limit judges them, in running hours.
    today: Hourly,
    running: u32,
    /// Number of the sums of those of like trade and region; none: it has no peers.
    peers: Option<u32>,
    /// Its own figures of I-04 and I-05: thousandths that it may be above the others' mean, how many others there must be, the percentile.
    k_milli: u32,
    peers_above: u32,
    percentile: Decimal,
    peers_below: u32,
    /// Series that it is paired with by its signs.
    partners: u8,
}

/// Region, trade, factor, unit, and whether the values are converted.
type PeerKey = (String, String, FactorCode, String, bool);
/// Medium, factor, basis, figure and unit of the lowest limit, and whether converted values are held against it.
type LimitKey = (Medium, FactorCode, Basis, String, String, bool);

/// A stretch of hours that is known again elsewhere.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    hash: u64,
    /// Number of the sketch.
    series: u32,
    /// Hours from the first one that is looked at.
    hour: u16,
}

/// Sums of an hour of like outlets.
#[derive(Debug, Default)]
struct Sums([(i128, u32); 24]);

/// Two series that are worth a second look: how far the later number lags behind the earlier one, by each kind of likeness.
#[derive(Debug, Default)]
struct Pair {
    shifts: BTreeSet<i64>,
    lags: BTreeSet<i64>,
}

/// All outlets of a day, side by side.
#[derive(Debug)]
pub struct Neighbourhood<'r> {
    registry: &'r Registry,
    set: &'r RuleSet,
    day: Day,
    figures: Figures,
    sketches: Vec<Sketch>,
    anchors: BTreeMap<FactorCode, Vec<Anchor>>,
    peers: BTreeMap<PeerKey, u32>,
    sums: Vec<Sums>,
    medians: BTreeMap<LimitKey, Vec<(i64, u32)>>,
    pairs: BTreeMap<(u32, u32), Pair>,
    /// The series of the pairs.
    paired: BTreeSet<(OutletId, FactorCode)>,
    courses: BTreeMap<(OutletId, FactorCode), Vec<Option<i64>>>,
    /// Outlets whose inlet the register names.
    inlets: BTreeMap<OutletId, OutletId>,
    /// The inlets.
    sources: BTreeSet<OutletId>,
    /// Their daily means of COD, and those of the inlets.
    loads: BTreeMap<OutletId, BTreeMap<Day, i64>>,
    /// Outlets of which something was said when the day was compared before.
    said: BTreeSet<OutletId>,
}

impl<'r> Neighbourhood<'r> {
    /// The outlets of a register on a day, by the figures of a rule set.
    #[must_use]
    pub fn new(registry: &'r Registry, set: &'r RuleSet, day: Day) -> Self {
        let start = day.start();
        let named = registry.outlets(start).filter(|row| row.validity.holds(start)).filter_map(|row| Some((row.id, row.inlet?)));
        let inlets: BTreeMap<OutletId, OutletId> = named.collect();
        Self {
            sources: inlets.values().copied().collect(),
            inlets,
            loads: BTreeMap::new(),
            said: BTreeSet::new(),
            registry,
            set,
            day,
            figures: Figures::of(set),
            sketches: Vec::new(),
            anchors: BTreeMap::new(),
            peers: BTreeMap::new(),
            sums: Vec::new(),
            medians: BTreeMap::new(),
            pairs: BTreeMap::new(),
            paired: BTreeSet::new(),
            courses: BTreeMap::new(),
        }
    }

    /// The outlets to look at, in order.
    #[must_use]
    pub fn outlets(&self) -> Vec<OutletId> {
        let start = self.day.start();
        self.registry.outlets(start).filter(|row| row.validity.holds(start)).map(|row| row.id).collect()
    }

    /// Days before the day that a first look wants, and a second one.
    #[must_use]
    pub fn reach(&self) -> (u32, u32) {
        let hours = self.days() - 1 + self.days_of_shift();
        let first = hours.max(self.figures.median_days - 1).max(self.figures.removal_days - 1);
        (u32::try_from(first).unwrap_or_default(), u32::try_from(hours).unwrap_or_default())
    }

    fn days(&self) -> i32 {
        self.figures.same_days.max(self.figures.step_days)
    }

    fn days_of_shift(&self) -> i32 {
        (self.figures.shift_h.max(self.figures.lag_h) as i32 + 23) / 24
    }

    /// The first hour that is looked at.
    fn first(&self) -> Day {
        Day(self.day.0 - self.days() + 1 - self.days_of_shift())
    }

    /// The hourly means of a series, from the first hour to the last of the day, where the outlet ran.
    fn course(&self, past: &Past, factor: FactorCode) -> Vec<Option<i64>> {
        let mut hours = vec![None; (self.day.0 - self.first().0 + 1) as usize * 24];
        for (day, profile) in past.days.range(self.first()..=self.day) {
            let Some(series) = profile.series.get(&factor) else { continue };
            let place = (day.0 - self.first().0) as usize * 24;
            for (hour, value) in series.measured.iter(profile.running) {
                hours[place + usize::from(hour)] = Some(value);
            }
        }
        hours
    }

    /// The first look at an outlet: `past` are the profiles of its days.
    pub fn look(&mut self, outlet: OutletId, past: &Past) {
        if !past.neighbours.is_empty() {
            self.said.insert(outlet);
        }
        let (registry, set) = (self.registry, self.set);
        let (Some(row), Some(today)) = (registry.outlet(outlet, self.day.start()), past.days.get(&self.day)) else { return };
        if self.inlets.contains_key(&outlet) || self.sources.contains(&outlet) {
            self.loads.insert(outlet, self.loads_of(past));
        }
        // What comes in is no peer of what goes out.
        let is_inlet = self.sources.contains(&outlet);
        for (factor, series) in today.series.iter().filter(|(factor, _)| is_pollutant(**factor)) {
            let number = self.sketches.len() as u32;
            let hours = self.course(past, *factor);
            self.anchors.entry(*factor).or_default().extend(anchors(&hours, number));
            let (rises, moves) = if is_inlet { (0, 0) } else { signs(&hours) };
            let judged = judged(series).clone();
            let peers = if is_inlet { None } else { self.peers_of(row, *factor, !series.converted.is_empty()) };
            if let Some(sums) = peers.and_then(|number| self.sums.get_mut(number as usize)) {
                for (hour, value) in judged.iter(today.running) {
                    let (sum, count) = &mut sums.0[usize::from(hour)];
                    (*sum, *count) = (*sum + i128::from(value), *count + 1);
                }
            }
            let figure = |rule: &Rule, name: &str| figure_at(set, row, rule, name, *factor);
            let whole = |rule: &Rule, name: &str| figure(rule, name).to_u32().unwrap_or_default();
            let (days, least) = (whole(&i_05::RULE, "of_d").clamp(1, 90) as i32, whole(&i_05::RULE, "min_hours") as usize);
            if let Some(key) = self.limit_key(row, *factor).filter(|_| !is_inlet)
                && let Some(median) = self.median(past, *factor, days, least)
            {
                self.medians.entry(key).or_default().push((median, number));
            }
            self.sketches.push(Sketch {
                outlet,
                factor: *factor,
                rises,
                moves,
                today: judged,
                running: today.running,
                peers,
                k_milli: (figure(&i_04::RULE, "k") * Decimal::ONE_THOUSAND).to_u32().unwrap_or(u32::MAX),
                peers_above: whole(&i_04::RULE, "min_peers"),
                percentile: figure(&i_05::RULE, "percentile"),
                peers_below: whole(&i_05::RULE, "min_peers"),
                partners: 0,
            });
        }
    }

    /// The number of the sums to which a series belongs; none where trade or region is not said: those are like nobody.
    fn peers_of(&mut self, row: &Outlet, factor: FactorCode, converted: bool) -> Option<u32> {
        let region = self.registry.site(row.site).map(|site| site.region.clone()).filter(|region| !region.is_empty())?;
        let trade = Some(row.trade.clone()).filter(|trade| !trade.is_empty())?;
        let loggers = self.registry.loggers_of(row.id);
        let of_logger = |mn: &crate::domain::Mn| self.registry.series(*mn, row.id, factor, self.day.start());
        let unit = loggers.iter().find_map(of_logger).map(|series| series.unit.clone())?;
        let next = self.sums.len() as u32;
        let number = *self.peers.entry((region, trade, factor, unit, converted)).or_insert(next);
        if number == next {
            self.sums.push(Sums::default());
        }
        Some(number)
    }

    /// The means of COD of the last days, over their running hours.
    fn loads_of(&self, past: &Past) -> BTreeMap<Day, i64> {
        let of_day = |(day, profile): (&Day, &Profile)| {
            let hours: Vec<i64> = profile.series.get(&d_14::COD)?.measured.iter(profile.running).map(|(_, value)| value).collect();
            let mean = hours.iter().map(|value| i128::from(*value)).sum::<i128>().checked_div(hours.len() as i128)?;
            Some((*day, i64::try_from(mean).ok()?))
        };
        past.days.range(Day(self.day.0 - self.figures.removal_days + 1)..=self.day).filter_map(of_day).collect()
    }

    /// What was taken out on the last days, newest first, where it is more than any setting asks for.
    fn removal(&self, outlet: OutletId, inlet: OutletId) -> Option<Sight> {
        let (out, into) = (self.loads.get(&outlet)?, self.loads.get(&inlet)?);
        let of_day = |day: i32| {
            let (out, into) = (*out.get(&Day(day))?, *into.get(&Day(day)).filter(|into| **into > 0)?);
            Some(((Decimal::ONE - Decimal::from(out) / Decimal::from(into)) * Decimal::ONE_HUNDRED).round_dp(2).normalize())
        };
        let days = (self.day.0 - self.figures.removal_days + 1..=self.day.0).rev();
        let pct: Vec<Decimal> = days.map_while(of_day).take_while(|removal| *removal > self.figures.removal_pct).collect();
        (!pct.is_empty()).then_some(Sight::Removal { inlet, pct })
    }

    /// The median of a series' judged hours, if there are enough.
    fn median(&self, past: &Past, factor: FactorCode, days: i32, least: usize) -> Option<i64> {
        let of_day = |profile: &Profile| -> Vec<i64> {
            let series = profile.series.get(&factor).map(judged);
            series.into_iter().flat_map(|hourly| hourly.iter(profile.running).map(|(_, value)| value)).collect()
        };
        let first = Day(self.day.0 - days + 1);
        let values: Vec<i64> = past.days.range(first..=self.day).flat_map(|(_, profile)| of_day(profile)).collect();
        median(&values).filter(|_| values.len() >= least)
    }

    /// By which limit an outlet is compared with others: its lowest.
    fn limit_key(&self, row: &Outlet, factor: FactorCode) -> Option<LimitKey> {
        let series = Series { outlet: row.id, factor };
        let of = |basis| {
            let rows = self.registry.limits(series, basis, self.day.start()).filter(|limit| limit.limit_type == LimitType::Max);
            rows.filter_map(move |limit| Some((number::parse(&limit.limit).ok()?, basis, limit)))
        };
        let (figure, basis, limit) = [Basis::Hour, Basis::Day].into_iter().flat_map(of).min_by_key(|(figure, ..)| *figure)?;
        Some((row.medium, factor, basis, figure.normalize().to_string(), limit.unit.clone(), limit.converted))
    }

    /// Ends the first look: gives the outlets that want a second one.
    pub fn pair(&mut self) -> BTreeSet<OutletId> {
        for mut anchors in std::mem::take(&mut self.anchors).into_values() {
            self.pair_by_anchors(&mut anchors);
        }
        for group in self.groups() {
            for part in group.chunks(self.figures.group_max) {
                for (at, one) in part.iter().enumerate() {
                    part[at + 1..].iter().for_each(|other| self.pair_by_signs(*one, *other));
                }
            }
        }
        let numbers = self.pairs.keys().flat_map(|(one, other)| [*one, *other]).collect::<BTreeSet<u32>>();
        self.paired = numbers.into_iter().map(|number| &self.sketches[number as usize]).map(|sketch| (sketch.outlet, sketch.factor)).collect();
        self.paired.iter().map(|(outlet, _)| *outlet).collect()
    }

    fn pair_by_anchors(&mut self, anchors: &mut [Anchor]) {
        anchors.sort_unstable_by_key(|anchor| (anchor.hash, anchor.series, anchor.hour));
        let mut votes: Vec<(u32, u32, i16)> = Vec::new();
        for like in anchors.chunk_by(|one, other| one.hash == other.hash).filter(|like| like.len() <= KNOWN_EVERYWHERE) {
            for (at, later) in like.iter().enumerate() {
                for earlier in &like[at.saturating_sub(LIKE_MAX)..at] {
                    let shift = i64::from(later.hour) - i64::from(earlier.hour);
                    let apart = self.sketches[later.series as usize].outlet != self.sketches[earlier.series as usize].outlet;
                    if apart && shift.abs() <= self.figures.shift_h {
                        votes.push((earlier.series, later.series, shift as i16));
                    }
                }
            }
        }
        votes.sort_unstable();
        for same in votes.chunk_by(|one, other| one == other).filter(|same| same.len() >= VOTES_MIN) {
            let (one, other, shift) = same[0];
            self.pairs.entry((one, other)).or_default().shifts.insert(i64::from(shift));
        }
    }

    /// Series of one factor that one contractor maintains, or that stand at one site, by number.
    fn groups(&self) -> Vec<Vec<u32>> {
        let start = self.day.start();
        let mut groups: BTreeMap<(FactorCode, bool, String), Vec<u32>> = BTreeMap::new();
        for (number, sketch) in (0u32..).zip(&self.sketches).filter(|(_, sketch)| sketch.moves.count_ones() >= SIGNS_MIN) {
            let contractors: BTreeSet<&str> = self.registry.contractors_of(sketch.outlet, start).map(|row| row.id.as_str()).collect();
            let site = self.registry.key_of_outlet(sketch.outlet);
            let of = contractors.into_iter().map(|id| (false, id.to_owned())).chain([(true, site)]);
            of.for_each(|(is_site, name)| groups.entry((sketch.factor, is_site, name)).or_default().push(number));
        }
        groups.into_values().filter(|group| group.len() > 1).collect()
    }

    /// `one` is the lower number.
    fn pair_by_signs(&mut self, one: u32, other: u32) {
        let (a, b) = (&self.sketches[one as usize], &self.sketches[other as usize]);
        if a.partners.min(b.partners) as usize >= LIKE_MAX {
            return;
        }
        let mut lags = Vec::new();
        for lag in -self.figures.lag_h..=self.figures.lag_h {
            // Beside an hour of the other stands the one's hour that lies `lag` hours earlier: so many bits farther back.
            let shifted = |bits: u128| if lag >= 0 { bits >> lag } else { bits << -lag };
            let both = shifted(a.moves) & b.moves;
            let (count, equal) = (both.count_ones(), (both & !(shifted(a.rises) ^ b.rises)).count_ones());
            if count >= SIGNS_MIN && equal * 100 >= count * SIGNS_EQUAL_PCT {
                lags.push(lag);
            }
        }
        if !lags.is_empty() {
            for number in [one, other] {
                let partners = &mut self.sketches[number as usize].partners;
                *partners = partners.saturating_add(1);
            }
            self.pairs.entry((one, other)).or_default().lags.extend(lags);
        }
    }

    /// The second look at an outlet that [`Self::pair`] named.
    pub fn look_again(&mut self, outlet: OutletId, past: &Past) {
        let first = (outlet, FactorCode::known(""));
        let paired: Vec<FactorCode> = self.paired.range(first..).take_while(|(known, _)| *known == outlet).map(|(_, factor)| *factor).collect();
        for factor in paired {
            self.courses.insert((outlet, factor), self.course(past, factor));
        }
    }

    /// What there is to say, by outlet.
    #[must_use]
    pub fn found(self) -> Vec<Neighbours> {
        let mut found: BTreeMap<(OutletId, FactorCode), Vec<Sight>> = BTreeMap::new();
        for ((earlier, later), pair) in &self.pairs {
            let (one, other) = (&self.sketches[*earlier as usize], &self.sketches[*later as usize]);
            let courses = self.courses.get(&(one.outlet, one.factor)).zip(self.courses.get(&(other.outlet, other.factor)));
            let Some((one_hours, other_hours)) = courses else { continue };
            // Both outlets hear of it: nobody knows from the data alone who copied.
            let mut say = |sight: &dyn Fn(OtherOutlet, i64) -> Sight, shift: i64| {
                found.entry((other.outlet, other.factor)).or_default().push(sight(self.other(one, other), shift));
                found.entry((one.outlet, one.factor)).or_default().push(sight(self.other(other, one), -shift));
            };
            if let Some((shift, equal, of, distinct)) =
                pair.shifts.iter().filter_map(|shift| self.same(one_hours, other_hours, *shift)).max_by_key(|same| (same.1, -same.0.abs()))
            {
                say(&|other, shift| Sight::Same { other, shift_h: shift as i32, equal, of, distinct }, shift);
                continue;
            }
            if let Some((lag, correlation, of)) =
                pair.lags.iter().filter_map(|lag| self.in_step(one_hours, other_hours, *lag)).max_by_key(|step| (step.1, -step.0.abs()))
            {
                say(&|other, lag| Sight::InStep { other, lag_h: lag as i32, correlation, of }, lag);
            }
        }
        for sights in found.values_mut() {
            keep_best(sights);
        }
        for sketch in &self.sketches {
            let above = self.above(sketch);
            if above.is_some() {
                found.entry((sketch.outlet, sketch.factor)).or_default().extend(above);
            }
        }
        for medians in self.medians.values() {
            let mut sorted = medians.clone();
            sorted.sort_unstable();
            for (at, (median, number)) in sorted.iter().enumerate() {
                let sketch = &self.sketches[*number as usize];
                let Some(below) = self.below(sketch, &sorted, at, *median) else { continue };
                found.entry((sketch.outlet, sketch.factor)).or_default().push(below);
            }
        }
        for (outlet, inlet) in &self.inlets {
            if let Some(removal) = self.removal(*outlet, *inlet) {
                found.entry((*outlet, d_14::COD)).or_default().push(removal);
            }
        }
        let mut neighbours: BTreeMap<OutletId, Vec<Neighbour>> = BTreeMap::new();
        for ((outlet, factor), sights) in found {
            neighbours.entry(outlet).or_default().extend(sights.into_iter().map(|sight| Neighbour { factor, sight }));
        }
        // Compared again, a day takes back what is no longer seen.
        for outlet in &self.said {
            neighbours.entry(*outlet).or_default();
        }
        neighbours.into_iter().map(|(outlet, seen)| Neighbours { outlet, day: self.day, seen }).collect()
    }

    fn other(&self, other: &Sketch, beside: &Sketch) -> OtherOutlet {
        let row = |outlet| self.registry.outlet(outlet, self.day.start());
        let of = |name: fn(&Outlet) -> &String| row(other.outlet).map(name).cloned().unwrap_or_default();
        OtherOutlet {
            id: other.outlet,
            name: of(|row| &row.name),
            name_en: of(|row| &row.name_en),
            same_site: row(other.outlet).map(|row| row.site) == row(beside.outlet).map(|row| row.site),
        }
    }

    /// Two courses side by side over the last days of whichever comes later: the other lags `shift` hours behind the one.
    fn side_by_side<'c>(
        &self,
        one: &'c [Option<i64>],
        other: &'c [Option<i64>],
        shift: i64,
        days: i32,
    ) -> impl Iterator<Item = (Option<i64>, Option<i64>)> + use<'c> {
        let (earlier, later) = if shift < 0 { (other, one) } else { (one, other) };
        let first = later.len().saturating_sub(days as usize * 24);
        let beside = move |hour: usize| hour.checked_sub(shift.unsigned_abs() as usize).and_then(|hour| earlier.get(hour).copied().flatten());
        (first..later.len()).map(move |hour| (later[hour], beside(hour)))
    }

    /// How many hours are the same, of how many, and how many values are among them.
    fn same(&self, one: &[Option<i64>], other: &[Option<i64>], shift: i64) -> Option<(i64, u32, u32, u32)> {
        let both =
            self.side_by_side(one, other, shift, self.figures.same_days).filter_map(|(one, other)| one.zip(other)).filter(|pair| *pair != (0, 0));
        let pairs: Vec<(i64, i64)> = both.collect();
        let equal: Vec<i64> = pairs.iter().filter(|(one, other)| one == other).map(|(one, _)| *one).collect();
        let distinct = equal.iter().collect::<BTreeSet<_>>().len() as u32;
        let (of, count) = (pairs.len() as u32, equal.len() as u32);
        let enough = of >= self.figures.same_n && distinct >= self.figures.distinct;
        (enough && Decimal::from(count) * Decimal::ONE_HUNDRED >= self.figures.same_pct * Decimal::from(of)).then_some((shift, count, of, distinct))
    }

    /// How the differences from hour to hour go together.
    fn in_step(&self, one: &[Option<i64>], other: &[Option<i64>], lag: i64) -> Option<(i64, Decimal, u32)> {
        let hours: Vec<(Option<i64>, Option<i64>)> = self.side_by_side(one, other, lag, self.figures.step_days).collect();
        let differences = hours.windows(2).filter_map(|two| Some((two[1].0?.checked_sub(two[0].0?)?, two[1].1?.checked_sub(two[0].1?)?)));
        let pairs: Vec<(i64, i64)> = differences.collect();
        let of = pairs.len() as u32;
        let found = correlation(&pairs).filter(|found| of >= self.figures.step_n && *found > self.figures.r);
        found.map(|found| (lag, found, of))
    }

    /// The hours of a series that lie far above those of like outlets.
    fn above(&self, sketch: &Sketch) -> Option<Sight> {
        let sums = self.sums.get(sketch.peers? as usize)?;
        let (mut hours, mut farthest): (u32, Option<(i128, u8, i64)>) = (0, None);
        for (hour, value) in sketch.today.iter(sketch.running) {
            let (sum, count) = sums.0[usize::from(hour)];
            let (others, peers) = (sum - i128::from(value), count.saturating_sub(1));
            if peers < sketch.peers_above || others <= 0 {
                continue;
            }
            let scaled = i128::from(value) * i128::from(peers);
            if scaled * 1000 > i128::from(sketch.k_milli) * others {
                hours |= 1 << hour;
                farthest = farthest.max(Some((scaled * 1_000_000 / others, hour, value)));
            }
        }
        let (_, hour, value) = farthest?;
        let (sum, count) = sums.0[usize::from(hour)];
        let mean = i64::try_from((sum - i128::from(value)) / i128::from(count - 1)).ok()?;
        Some(Sight::Above { hours, hour, value: of_millionths(value), mean: of_millionths(mean), peers: count - 1 })
    }

    /// Whether a median lies below the percentile of the others'; they are in the order of their size.
    fn below(&self, sketch: &Sketch, sorted: &[(i64, u32)], at: usize, median: i64) -> Option<Sight> {
        let peers = sorted.len() - 1;
        if peers < (sketch.peers_below as usize).max(1) {
            return None;
        }
        let edge = sorted[percentile_without(sorted.len(), at, sketch.percentile)?].0;
        (median < edge).then(|| Sight::Below { median: of_millionths(median), edge: of_millionths(edge), peers: peers as u32 })
    }
}

/// A series' hours as a limit judges them: converted ones, where there are any.
fn judged(series: &SeriesProfile) -> &Hourly {
    if series.converted.is_empty() { &series.measured } else { &series.converted }
}

/// Of several twins the one that is most alike: one of the same site, and one of another.
fn keep_best(sights: &mut Vec<Sight>) {
    let rank = |sight: &Sight| match sight {
        Sight::Same { other, equal, of, shift_h, .. } => ((2, other.same_site), Decimal::from(*equal) / Decimal::from((*of).max(1)), -shift_h.abs()),
        Sight::InStep { other, correlation, lag_h, .. } => ((1, other.same_site), *correlation, -lag_h.abs()),
        Sight::Above { .. } | Sight::Below { .. } | Sight::Removal { .. } => ((0, false), Decimal::ZERO, 0),
    };
    sights.sort_by_key(|sight| std::cmp::Reverse(rank(sight)));
    sights.dedup_by_key(|sight| rank(sight).0);
}

/// Stretches of a course that are known again elsewhere: running, not zero, not standing, and chosen by their content.
fn anchors(hours: &[Option<i64>], series: u32) -> impl Iterator<Item = Anchor> {
    (0u16..).zip(hours.windows(ANCHOR_HOURS)).filter_map(move |(hour, window)| {
        let mut values = [0i64; ANCHOR_HOURS];
        let mut hash = 0u64;
        for (place, value) in values.iter_mut().zip(window) {
            *place = (*value)?;
            hash = mixed(hash ^ place.cast_unsigned());
        }
        values.sort_unstable();
        let distinct = 1 + values.windows(2).filter(|two| two[0] != two[1]).count();
        let chosen = values[0] != 0 && distinct >= ANCHOR_DISTINCT && hash.trailing_zeros() >= ANCHOR_BITS;
        chosen.then_some(Anchor { hash, series, hour })
    })
}

/// Spreads what a number holds over all its bits.
fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// Where the last hours rose, and where they moved at all; bit 0 is the last hour.
fn signs(hours: &[Option<i64>]) -> (u128, u128) {
    let (mut rises, mut moves) = (0, 0);
    for (back, two) in hours.windows(2).rev().take(SIGNS).enumerate() {
        let (Some(before), Some(after)) = (two[0], two[1]) else { continue };
        if before != after {
            moves |= 1 << back;
            rises |= u128::from(after > before) << back;
        }
    }
    (rises, moves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Grade, RuleSetting, Source};
    use crate::registry::Files;

    const DAY: &str = "2026-03-14";

    /// So many outlets, two at a site, of one contractor, with SO2.
    fn registry(count: usize) -> Registry {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        let mut add = |name: &str, head: &str, row: String| {
            let text = files.entry(name.to_owned()).or_insert_with(|| format!("{head}\n"));
            if !text.contains(&row) {
                text.push_str(&row);
            }
        };
        for number in 0..count {
            let (outlet, site, mn) = (format!("O{number:02}"), format!("S{}", number / 2), format!("{number:024}"));
            add("sites.csv", "site,name,name_en,industry,region,valid_from,valid_to", format!("{site},企业{site},,waste,示例区,2020-01-01,\n"));
            let row = format!("{outlet},{site},{number}号排口,,gas,waste,start,5,30,,,21,no,2020-01-01,\n");
            let head = "outlet,site,name,name_en,medium,trade,stamp_label,minute_interval_min,real_interval_secs,ref_o2_pct,oxygen_factor,\
                        oxidant_o2_pct,low_confidence_counts,valid_from,valid_to";
            add("outlets.csv", head, row);
            let head = "mn,site,password,crc,edition,sm4_keys,role,valid_from,valid_to";
            add("loggers.csv", head, format!("{mn},{site},123456,standard,2017,,main,2020-01-01,\n"));
            let head = "outlet,factor,mn,st,wire_code,unit,unit_factor,range_high,negative,valid_from,valid_to";
            add("series.csv", head, format!("{outlet},a21026,{mn},31,,mg/m3,,300,drift,2020-01-01,\n"));
            let head = "outlet,factor,limit_type,limit,unit,basis,ref_o2_pct,converted,standard,source,grade,note,valid_from,valid_to";
            add("limits.csv", head, format!("{outlet},a21026,max,80,mg/m3,day,,no,GB 18485,invented,D,,2020-01-01,\n"));
            let head = "contractor,name,site,outlet,document,valid_from,valid_to";
            add("contractors.csv", head, format!("K1,示例运维,{site},,,2020-01-01,\n"));
        }
        Registry::parse(&Files(files)).unwrap_or_else(|faults| panic!("{}", faults[0]))
    }

    fn chance(outlet: usize, hour: i64) -> i64 {
        (mixed(mixed(outlet as u64) ^ hour.cast_unsigned()) % 2000).cast_signed()
    }

    /// Forty days of hourly means in millionths.
    fn past(value: impl Fn(i64) -> i64) -> Past {
        let last = Day::parse(DAY).expect("a day");
        let profile = |day: Day| {
            let measured = Hourly::of(|hour| Some(of_millionths(value(day.hour(hour).0) * 10_000)));
            let series = SeriesProfile { measured, ..SeriesProfile::default() };
            Profile { running: (1 << 24) - 1, series: BTreeMap::from([(FactorCode::known("a21026"), series)]), ..Profile::default() }
        };
        Past { days: (last.0 - 40..=last.0).map(|day| (Day(day), profile(Day(day)))).collect(), neighbours: Vec::new() }
    }

    fn found(registry: &Registry, value: impl Fn(usize, i64) -> i64) -> BTreeMap<String, Vec<Sight>> {
        let set = RuleSet::default();
        let mut all = Neighbourhood::new(registry, &set, Day::parse(DAY).expect("a day"));
        let outlets = all.outlets();
        let past_of = |outlet: &OutletId| past(|hour| value(outlet.as_str()[1..].parse().expect("a number"), hour));
        outlets.iter().for_each(|outlet| all.look(*outlet, &past_of(outlet)));
        for outlet in all.pair() {
            all.look_again(outlet, &past_of(&outlet));
        }
        let of = |one: Neighbours| (one.outlet.to_string(), one.seen.into_iter().map(|seen| seen.sight).collect());
        all.found().into_iter().map(of).collect()
    }

    /// Without what the lowest of few has.
    fn likeness(registry: &Registry, value: impl Fn(usize, i64) -> i64) -> BTreeMap<String, Vec<Sight>> {
        let mut found = found(registry, value);
        found.values_mut().for_each(|sights| sights.retain(|sight| !matches!(sight, Sight::Below { .. })));
        found.retain(|_, sights| !sights.is_empty());
        found
    }

    #[test]
    fn outlets_with_values_of_their_own_have_nothing_in_common() {
        let found = likeness(&registry(12), |outlet, hour| 3000 + chance(outlet, hour));
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn a_copy_is_named_at_both_outlets_with_the_shift_of_each() {
        // The fourth sends what the ninth showed thirty hours before; three hours of the week are its own.
        let value = |outlet: usize, hour: i64| match outlet {
            4 if hour % 56 != 0 => 3000 + chance(9, hour - 30),
            outlet => 3000 + chance(outlet, hour),
        };
        let found = likeness(&registry(12), value);
        let same = |outlet: &str| match &found[outlet][..] {
            [Sight::Same { other, shift_h, equal, of, distinct }] => (other.id.to_string(), *shift_h, *equal, *of, *distinct > 100),
            other => panic!("{other:?}"),
        };
        assert_eq!(same("O04"), ("O09".to_owned(), 30, 165, 168, true));
        assert_eq!(same("O09"), ("O04".to_owned(), -30, 165, 168, true));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn what_rises_and_falls_with_another_is_named_with_its_lag() {
        // The seventh is nine tenths of the second, five hours later, with a noise of its own.
        let value = |outlet: usize, hour: i64| match outlet {
            7 => (3000 + chance(2, hour - 5)) * 9 / 10 + chance(7, hour) / 10,
            outlet => 3000 + chance(outlet, hour),
        };
        let found = likeness(&registry(12), value);
        let step = |outlet: &str| match &found[outlet][..] {
            [Sight::InStep { other, lag_h, correlation, .. }] => (other.id.to_string(), *lag_h, *correlation > Decimal::new(98, 2)),
            other => panic!("{other:?}"),
        };
        assert_eq!(step("O07"), ("O02".to_owned(), 5, true));
        assert_eq!(step("O02"), ("O07".to_owned(), -5, true));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn far_above_and_below_are_measured_against_the_others() {
        let value = |outlet: usize, hour: i64| match outlet {
            3 => 9000 + chance(3, hour),
            5 => 1000 + chance(5, hour) / 10,
            outlet => 3000 + chance(outlet, hour),
        };
        let found = found(&registry(12), value);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["O03", "O05"]);
        let [Sight::Above { hours, peers: 11, .. }] = &found["O03"][..] else { panic!("{found:?}") };
        assert_eq!(*hours, (1 << 24) - 1);
        let [Sight::Below { median, edge, peers: 11 }] = &found["O05"][..] else { panic!("{found:?}") };
        assert!(*median < Decimal::from(12) && *edge > Decimal::from(30), "{median} {edge}");
    }

    #[test]
    fn what_is_milder_for_one_outlet_is_so_for_that_one_alone() {
        let setting = |rule: &Rule, name: &str, value: i64| RuleSetting {
            rule: rule.id,
            trade: None,
            outlet: OutletId::new("O02"),
            factor: None,
            runs: None,
            figures: BTreeMap::from([(name.to_owned(), Decimal::from(value))]),
            source: Source { text: "a test".to_owned(), grade: Grade::D },
        };
        let set = RuleSet { rules: vec![setting(&i_04::RULE, "k", 0), setting(&i_05::RULE, "percentile", 60)], ..RuleSet::default() };
        let registry = registry(12);
        let mut all = Neighbourhood::new(&registry, &set, Day::parse(DAY).expect("a day"));
        // The third lies in the middle of all.
        let value = |outlet: usize, hour: i64| 3000 + 100 * ((outlet as i64 + 3) % 12) + chance(outlet, hour) / 100;
        let outlets = all.outlets();
        outlets.iter().for_each(|outlet| all.look(*outlet, &past(|hour| value(outlet.as_str()[1..].parse().expect("a number"), hour))));
        all.pair();
        let found = all.found();
        let above = |sight: &Sight| matches!(sight, Sight::Above { .. });
        let who: Vec<&str> = found.iter().filter(|one| one.seen.iter().any(|seen| above(&seen.sight))).map(|one| one.outlet.as_str()).collect();
        assert_eq!(who, ["O02"]);
        let below = |one: &&Neighbours| one.seen.iter().any(|seen| matches!(seen.sight, Sight::Below { .. }));
        assert_eq!(found.iter().filter(below).map(|one| one.outlet.as_str()).collect::<Vec<_>>(), ["O02", "O09"], "the lowest, and who asked for it");
    }

    #[test]
    fn a_day_that_is_compared_again_takes_back_what_is_no_longer_seen() {
        let registry = registry(4);
        let set = RuleSet::default();
        let mut all = Neighbourhood::new(&registry, &set, Day::parse(DAY).expect("a day"));
        let sight = Sight::Above { hours: 1, hour: 0, value: Decimal::TEN, mean: Decimal::ONE, peers: 3 };
        let neighbours = vec![Neighbour { factor: FactorCode::known("a21026"), sight }];
        for outlet in all.outlets() {
            let own = past(|hour| 3000 + chance(outlet.as_str()[1..].parse().expect("a number"), hour));
            all.look(outlet, &Past { neighbours: if outlet.as_str() == "O01" { neighbours.clone() } else { Vec::new() }, ..own });
        }
        all.pair();
        let found: Vec<(String, usize)> = all.found().into_iter().map(|one| (one.outlet.to_string(), one.seen.len())).collect();
        assert_eq!(found, [("O01".to_owned(), 0)]);
    }

    #[test]
    fn absurd_figures_are_refused_or_find_nothing_and_stop_nobody() {
        let setting = |rule: &Rule, name: &str, value: i64| RuleSetting {
            rule: rule.id,
            trade: None,
            outlet: None,
            factor: None,
            runs: None,
            figures: BTreeMap::from([(name.to_owned(), Decimal::from(value))]),
            source: Source { text: "a test".to_owned(), grade: Grade::D },
        };
        for (rule, name, most) in MOST {
            let set = RuleSet { rules: vec![setting(rule, name, i64::from(most) + 1)], ..RuleSet::default() };
            assert!(crate::rules::settings_fault(&set).is_some_and(|fault| fault.contains(name)), "{name} of {}", rule.id);
        }
        for (rule, name, _) in LEAST {
            let set = RuleSet { rules: vec![setting(rule, name, 0)], ..RuleSet::default() };
            assert!(crate::rules::settings_fault(&set).is_some_and(|fault| fault.contains("is looked at")), "{name} of {}", rule.id);
        }
        let registry = registry(12);
        for value in [0, 1_000_000] {
            let figures = RULES.iter().flat_map(|rule| {
                let can = rule.figures.iter().filter(|figure| !figure.fixed);
                can.map(move |figure| setting(rule, figure.name, value))
            });
            let is = |one: &RuleSetting, (rule, name): (&Rule, &str)| rule.id == one.rule && one.figures.contains_key(name);
            let bounded = |one: &RuleSetting| match value {
                0 => LEAST.iter().all(|(rule, name, _)| !is(one, (rule, name))),
                _ => MOST.iter().all(|(rule, name, _)| !is(one, (rule, name))),
            };
            let set = RuleSet { rules: figures.filter(bounded).collect(), ..RuleSet::default() };
            assert_eq!(crate::rules::settings_fault(&set), None);
            let mut all = Neighbourhood::new(&registry, &set, Day::parse(DAY).expect("a day"));
            for outlet in all.outlets() {
                all.look(outlet, &past(|hour| 3000 + chance(outlet.as_str()[1..].parse().expect("a number"), hour)));
            }
            for outlet in all.pair() {
                all.look_again(outlet, &past(|hour| 3000 + chance(outlet.as_str()[1..].parse().expect("a number"), hour)));
            }
            assert!(all.found().len() <= 12);
        }
    }

    #[test]
    fn a_day_is_due_when_all_of_it_is_confirmed_and_days_are_caught_up_with() {
        let set = RuleSet::default();
        let day = Day::parse(DAY).expect("a day");
        let at = |text: &str| Moment::parse_local(text).expect("an instant");
        let due = |now: &str, until: Option<i32>, began: i32| {
            super::due(&set, at(now), until.map(|days| Day(day.0 + days)), Some(Day(day.0 + began)), |day| confirmed_by(&set, day))
                .map(|due| due.0 - day.0)
        };
        assert_eq!(due("2026-03-15 13:10", None, -9), Some(-1));
        assert_eq!(due("2026-03-15 13:10:21", None, -9), Some(0));
        assert_eq!(due("2026-03-15 13:10:21", Some(0), -9), None);
        assert_eq!(due("2026-03-15 14:00", Some(-3), -9), Some(-2));
        assert_eq!(due("2026-03-15 14:00", Some(-30), -99), Some(-7), "a week is caught up with");
        assert_eq!(due("2026-03-15 14:00", None, 1), None, "the journal had not begun");
        let setting = |rule: &Rule| RuleSetting {
            rule: rule.id,
            trade: None,
            outlet: None,
            factor: None,
            runs: Some(false),
            figures: BTreeMap::new(),
            source: Source { text: "a test".to_owned(), grade: Grade::D },
        };
        let off = RuleSet { rules: RULES.into_iter().map(setting).collect(), ..RuleSet::default() };
        assert_eq!(super::due(&off, at("2026-03-15 14:00"), None, Some(day), |day| confirmed_by(&off, day)), None);
    }
}
