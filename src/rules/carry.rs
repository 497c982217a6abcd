//! What one day hands to the next: runs that go on, medians of the month before, tallies of month, quarter and year. Rules keep
//! no state; this is a value that goes in with a day and comes out of it.

use super::course::{Slot, slots};
use super::tools::{SERIAL, flow_states, implied_area, is_constant, is_month_end, is_quarter_end, longest_mark, parameter_key};
use super::view::{DayView, SeriesView};
use crate::aggregation::month;
use crate::domain::time::{Day, Hour, Moment};
use crate::domain::{FactKind, FactorCode, Finding, RuleId, RuleSet, Severity};
use crate::protocol::marker::Marker;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Daily medians that are kept: thirty days of running hours.
pub const MEDIANS_MAX: usize = 30;
/// Running hours that make a daily median (ours).
const MEDIAN_HOURS_MIN: usize = 6;
/// Steady hours that imply the area of a duct (ours).
const AREA_HOURS_MIN: usize = 12;
/// Days of findings that are remembered.
pub const FIRED_DAYS: i32 = 30;
/// Parameters that are remembered of an outlet.
pub const PARAMETERS_MAX: usize = 200;

/// Something that goes on from hour to hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streak {
    /// The first hour.
    pub since: Hour,
    /// Hours (or cycles) so far.
    pub hours: u32,
    /// What stays the same, where that is a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Decimal>,
}

impl Streak {
    /// Whether the hour follows on the last one.
    #[must_use]
    pub fn goes_on_at(&self, hour: Hour) -> bool {
        self.since.0 + i64::from(self.hours) == hour.0
    }
}

/// Runs by rule and factor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runs(BTreeMap<(RuleId, FactorCode), Streak>);

impl Runs {
    /// The run of a rule.
    #[must_use]
    pub fn get(&self, rule: RuleId, factor: FactorCode) -> Option<Streak> {
        self.0.get(&(rule, factor)).copied()
    }

    /// Puts a run in its place; none ends it.
    pub fn put(&mut self, rule: RuleId, factor: FactorCode, run: Option<Streak>) {
        match run {
            Some(run) => drop(self.0.insert((rule, factor), run)),
            None => drop(self.0.remove(&(rule, factor))),
        }
    }

    /// Goes on with a run while `same` holds, else begins one. Gives the run with this hour in it.
    pub fn extend(&mut self, rule: RuleId, factor: FactorCode, hour: Hour, value: Option<Decimal>, same: impl Fn(&Streak) -> bool) -> Streak {
        let run = match self.get(rule, factor).filter(same) {
            Some(run) => Streak { hours: run.hours + 1, ..run },
            None => Streak { since: hour, hours: 1, value },
        };
        self.put(rule, factor, Some(run));
        run
    }
}

impl Serialize for Runs {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|((rule, factor), run)| (rule, factor, run)))
    }
}

impl<'de> Deserialize<'de> for Runs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let runs: Vec<(RuleId, FactorCode, Streak)> = Vec::deserialize(deserializer)?;
        Ok(Self(runs.into_iter().map(|(rule, factor, run)| ((rule, factor), run)).collect()))
    }
}

/// Hours of one series over a month or a quarter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// All.
    pub all: u32,
    /// Valid.
    pub valid: u32,
    /// Stopped, the edges of stops included.
    pub stop: u32,
    /// Valid ones above the hourly limit.
    pub above: u32,
    /// For which nothing came, and something was due; days of older releases count none.
    #[serde(default)]
    pub missing: u32,
}

/// Minutes of an outlet under marks, over a quarter and a year.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkedMinutes {
    /// Maintenance, this quarter.
    pub maintenance_quarter: u32,
    /// Start-up, shut-down and fault, this year.
    pub trouble_year: u32,
    /// Banked fire and drying, this year.
    pub drying_year: u32,
}

/// What one day hands to the next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Carry {
    /// Runs that go on at midnight.
    pub runs: Runs,
    /// Medians of the running hours of every series, a day each, newest last.
    pub medians: BTreeMap<FactorCode, Vec<Decimal>>,
    /// Largest values of pollutants under a normal mark, a day each, newest last.
    pub highest: BTreeMap<FactorCode, Vec<Decimal>>,
    /// Days on which a factor came, up to thirty.
    pub present: BTreeMap<FactorCode, u32>,
    /// The first day with data.
    pub ever: Option<Day>,
    /// Days running, up to now, with an effective transmission rate above its pass mark.
    pub stable_days: u32,
    /// The longest such row.
    pub stable_days_max: u32,
    /// Decimals as mostly printed, and on how many days.
    pub decimals: BTreeMap<FactorCode, (u8, u32)>,
    /// Parameters by `factor id`: value and when it was first said.
    pub parameters: BTreeMap<String, (String, Moment)>,
    /// When the last calibration was seen, and on how many days.
    pub calibrated: BTreeMap<FactorCode, (Moment, u32)>,
    /// Standard checks that gave the sample's own value to the digit, in a row.
    pub perfect_checks: BTreeMap<FactorCode, u32>,
    /// Hours of the month so far.
    pub month: BTreeMap<FactorCode, Hours>,
    /// Hours of the quarter so far.
    pub quarter: BTreeMap<FactorCode, Hours>,
    /// Minutes under marks.
    pub marked: MarkedMinutes,
    /// Hours with just so many marked minutes that the mean stays valid, by day.
    pub shaved: BTreeMap<FactorCode, Vec<(Day, u32)>>,
    /// Hours in which marks of maintenance and fault began, a bit each, by day, of the last days.
    pub mark_beginnings: Vec<(Day, u32)>,
    /// Whether such a mark goes on at midnight.
    pub marked_at_midnight: bool,
    /// Whether nothing came in the last five minutes of the day, and something was due.
    pub nothing_at_midnight: bool,
    /// Implied area of the duct, and on how many days it was seen.
    pub area: Option<(Decimal, u32)>,
    /// Gaps in which nothing came at all, that may still be filled: first hour and hours.
    pub gaps: Vec<(Hour, u32)>,
    /// Rules that fired, with the gravest hit, by day, of the last days.
    pub fired: BTreeMap<String, Vec<(RuleId, Severity)>>,
}

impl Carry {
    /// The days on which a rule fired, since a day.
    #[must_use]
    pub fn fired_since(&self, rule: RuleId, since: Day) -> usize {
        let since = since.to_string();
        self.fired.range(since..).filter(|(_, rules)| rules.iter().any(|(known, _)| *known == rule)).count()
    }

    /// The median of a factor over the last thirty days of running hours.
    #[must_use]
    pub fn median(&self, factor: FactorCode) -> Option<Decimal> {
        middle(self.medians.get(&factor)?.clone())
    }

    /// What a day hands over, once all of its hours are closed. `runs` are those that go on at midnight, `findings` what stands.
    #[must_use]
    pub fn after(view: &DayView<'_>, runs: Runs, findings: &[Finding]) -> Self {
        let mut carry = Self { runs, ..view.prior.clone() };
        let has_data = !view.series.is_empty();
        if has_data {
            carry.ever.get_or_insert(view.day);
        }
        for series in &view.series {
            carry.take_series(view, series);
        }
        // A pollutant that did not come is tallied as well: its hours are due and not valid.
        for factor in view.known_pollutants() {
            let hours = view.hours_of_factor(factor);
            for tally in [&mut carry.month, &mut carry.quarter] {
                let known = tally.entry(factor).or_default();
                *known = known.plus(hours);
            }
        }
        carry.take_marks(view);
        carry.take_facts(view);
        carry.take_gaps(view);
        carry.nothing_at_midnight = slots(view, None).last() == Some(&Slot::Nothing);
        // A day of which nothing is due is no day against it.
        if let Some(rates) = view.transmission(None).rates(view.set) {
            carry.stable_days = if rates.passes { carry.stable_days + 1 } else { 0 };
            carry.stable_days_max = carry.stable_days_max.max(carry.stable_days);
        }
        carry.take_findings(view.day, findings);
        if is_month_end(view.day) {
            carry.month.clear();
        }
        if is_quarter_end(view.day) {
            carry.quarter.clear();
            carry.marked.maintenance_quarter = 0;
        }
        if view.day.next().to_string().ends_with("-01-01") {
            carry.marked = MarkedMinutes::default();
        }
        carry
    }

    fn take_series(&mut self, view: &DayView<'_>, series: &SeriesView<'_>) {
        let factor = series.factor();
        let days = self.present.entry(factor).or_default();
        *days = (*days + 1).min(MEDIANS_MAX as u32);
        let running: Vec<Decimal> = (0..24u8).filter(|hour| view.is_running(*hour) == Some(true)).filter_map(|hour| series.value(hour)).collect();
        if running.len() >= MEDIAN_HOURS_MIN
            && let Some(median) = middle(running)
        {
            let medians = self.medians.entry(factor).or_default();
            if medians.len() == MEDIANS_MAX {
                medians.remove(0);
            }
            medians.push(median.round_dp(3).normalize());
        }
        if series.is_pollutant()
            && let Some(high) = (0..24u8).filter_map(|hour| series.cell(hour)?.seen.high).max()
        {
            let highest = self.highest.entry(factor).or_default();
            if highest.len() == MEDIANS_MAX {
                highest.remove(0);
            }
            highest.push(high.normalize());
        }
        if let Some(decimals) = (0..24u8).filter_map(|hour| series.cell(hour)).filter(|cell| cell.valid_minutes > 0).map(|cell| cell.decimals).max() {
            let known = self.decimals.entry(factor).or_insert((decimals, 0));
            *known = match *known {
                (usual, days) if usual == decimals => (usual, (days + 1).min(MEDIANS_MAX as u32)),
                (usual, days) if days > 1 => (usual, days - 1),
                _ => (decimals, 1),
            };
        }
        let calibrated = (0..24u8).rfind(|hour| series.marked(*hour, Marker::CALIBRATION) > 0);
        if let Some(hour) = calibrated {
            let known = self.calibrated.entry(factor).or_insert((Moment(0), 0));
            *known = (view.day.hour(hour).end(), (known.1 + 1).min(MEDIANS_MAX as u32));
        }
        if series.is_pollutant() {
            let shaved = self.shaved.entry(factor).or_default();
            shaved.retain(|(day, _)| day.0 > view.day.0 - 7);
            let hours = super::e_05::shaved_hours(view, series);
            if hours > 0 {
                shaved.push((view.day, hours));
            }
            if shaved.is_empty() {
                self.shaved.remove(&factor);
            }
        }
    }

    fn take_marks(&mut self, view: &DayView<'_>) {
        for hour in 0..24 {
            let minutes = |marker| longest_mark(view, hour, marker).map_or(0, |(_, minutes)| minutes);
            self.marked.maintenance_quarter += minutes(Marker::MAINTENANCE);
            self.marked.trouble_year += minutes(Marker::FAULT) + minutes(Marker::START_UP) + minutes(Marker::SHUT_DOWN);
            self.marked.drying_year += minutes(Marker::BANKED_FIRE);
        }
        let window = view.count(&super::e_17::RULE, "w_d", FactorCode::WHOLE) as i32;
        self.mark_beginnings.retain(|(day, _)| day.0 > view.day.0 - window);
        let beginnings = super::e_17::beginnings(view);
        if beginnings > 0 {
            self.mark_beginnings.push((view.day, beginnings));
        }
        self.marked_at_midnight = super::e_17::is_marked(view, 23);
        if !view.is_gas() {
            return;
        }
        // The state of the flow that fits an area first is the state of the outlet.
        let steady: Vec<u8> = (0..24u8).filter(|hour| view.is_steady(*hour)).collect();
        let known = self.area.map(|(area, _)| area).or(view.outlet.stack_area_m2);
        let areas: Vec<Decimal> = steady
            .iter()
            .filter_map(|hour| match known {
                Some(known) => implied_area(view, *hour, known),
                None => {
                    flow_states(view, *hour, Decimal::ONE).and_then(|(volume, actual, states)| volume.checked_div(*states.last().unwrap_or(&actual)))
                }
            })
            .collect();
        if areas.len() >= AREA_HOURS_MIN
            && let Some(area) = middle(areas)
        {
            let days = self.area.map_or(0, |(_, days)| days);
            self.area = Some((area.round_dp(4), (days + 1).min(MEDIANS_MAX as u32)));
        }
    }

    fn take_facts(&mut self, view: &DayView<'_>) {
        for fact in view.facts {
            match &fact.kind {
                FactKind::Information { factor, id, value } if is_constant(id) && fact.from.rank > 0 => {
                    self.remember(parameter_key(*factor, id), value, fact.at);
                }
                FactKind::Instrument { factor, serial } if fact.from.rank > 0 => self.remember(parameter_key(*factor, SERIAL), serial, fact.at),
                _ => {}
            }
        }
        for (_, check) in super::tools::checks(view) {
            let row = self.perfect_checks.entry(check.factor).or_default();
            *row = if check.deviation.is_some_and(|deviation| deviation.is_zero()) { *row + 1 } else { 0 };
        }
    }

    fn remember(&mut self, key: String, value: &str, at: Moment) {
        if self.parameters.len() < PARAMETERS_MAX || self.parameters.contains_key(&key) {
            match self.parameters.get_mut(&key) {
                Some((known, _)) if known == value => {}
                _ => drop(self.parameters.insert(key, (value.to_owned(), at))),
            }
        }
    }

    fn take_gaps(&mut self, view: &DayView<'_>) {
        // A gap older than nine days has been judged.
        self.gaps.retain(|(first, _)| first.0 > view.day.start().hour().0 - 9 * 24);
        if self.ever.is_none() {
            return;
        }
        for hour in 0..24u8 {
            let came = view.series.iter().any(|series| series.cell(hour).is_some());
            if came || view.is_away(hour) || view.is_running(hour) == Some(false) {
                continue;
            }
            let at = view.day.hour(hour);
            match self.gaps.last_mut() {
                Some((first, hours)) if first.0 + i64::from(*hours) == at.0 && at.day() == first.day() => *hours += 1,
                _ => self.gaps.push((at, 1)),
            }
        }
    }

    fn take_findings(&mut self, day: Day, findings: &[Finding]) {
        let kept = Day(day.0 - FIRED_DAYS).to_string();
        self.fired.retain(|known, _| *known > kept);
        let mut fired: BTreeMap<RuleId, Severity> = BTreeMap::new();
        for finding in findings.iter().filter(|finding| finding.standing) {
            if let Some(rule) = super::find(&finding.rule) {
                let known = fired.entry(rule.id).or_insert(finding.severity);
                *known = (*known).max(finding.severity);
            }
        }
        if fired.is_empty() {
            self.fired.remove(&day.to_string());
        } else {
            self.fired.insert(day.to_string(), fired.into_iter().collect());
        }
    }

    /// The points of an outlet on a day (suspicion-rules M): of what fired on it and on the days before. Hints give none, and what is
    /// referred by itself gives none either: an exceedance makes no suspicion of another finding.
    #[must_use]
    pub fn score(&self, day: Day, days: u32, today: &[(RuleId, Severity)]) -> Score {
        let since = Day(day.0 - days as i32 + 1).to_string();
        let before = self.fired.range(since..).filter(|(known, _)| **known != day.to_string());
        let mut score = Score::default();
        let mut by_day = 0;
        for fired in before.map(|(_, fired)| fired.as_slice()).chain([today]) {
            let counted: Vec<&(RuleId, Severity)> = fired.iter().filter(|(rule, severity)| super::gives_points(rule.as_str(), *severity)).collect();
            by_day += u32::from(!counted.is_empty());
            for (rule, severity) in counted {
                score.groups.insert(rule.as_str()[..1].to_owned());
                score.severity = score.severity.max(Some(*severity));
                score.motive |= matches!(rule.as_str(), "D-02" | "E-03" | "J-06");
                score.quality |= matches!(rule.as_str(), "F-01" | "F-02" | "F-05" | "F-06");
            }
        }
        score.repeats = by_day >= 3;
        score
    }
}

/// What speaks for a referral, in points that an inspector can follow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Groups of rules that fired.
    pub groups: std::collections::BTreeSet<String>,
    /// The gravest.
    pub severity: Option<Severity>,
    /// On three days at least.
    pub repeats: bool,
    /// A value above a limit stood behind it.
    pub motive: bool,
    /// Checks or parameters contradict.
    pub quality: bool,
}

impl Score {
    /// All points.
    #[must_use]
    pub fn points(&self) -> u32 {
        let severity = match self.severity {
            None | Some(Severity::Info) => 0,
            Some(Severity::Warn) => 1,
            Some(Severity::High) => 3,
            Some(Severity::Critical) => 6,
        };
        let groups = self.groups.len() as u32;
        // Statistics alone never suffice.
        if self.groups.iter().all(|group| group == "K") {
            return (groups + severity).min(5);
        }
        groups + severity + 2 * u32::from(self.repeats) + 4 * u32::from(self.motive) + 3 * u32::from(self.quality)
    }
}

impl Hours {
    /// 有效传输率 of these hours; none where none was due.
    #[must_use]
    pub fn rates(&self, set: &RuleSet) -> Option<month::Transmission> {
        let due = self.all.checked_sub(self.stop)?;
        month::transmission(due, due.saturating_sub(self.missing), self.valid, set)
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            all: self.all + other.all,
            valid: self.valid + other.valid,
            stop: self.stop + other.stop,
            above: self.above + other.above,
            missing: self.missing + other.missing,
        }
    }
}

/// The middle one; of two the lower.
#[must_use]
pub(super) fn middle(mut values: Vec<Decimal>) -> Option<Decimal> {
    values.sort_unstable();
    values.get(values.len().checked_sub(1)? / 2).copied()
}
