//! 运维机构赋分: stored rows of a contractor's outlets → the sheet of its month, line by line.
//!
//! What enters: days, statements, silences, outages and cases as they are stored, by the register and the figures in force. What
//! leaves: a [`Score`]. A rate is judged against two edges, everything else by what it costs; exact fractions throughout, and no
//! line without the figure that decided it and where that comes from.

mod conduct;
mod rates;

use crate::aggregation::SeriesDay;
use crate::docket::Case;
use crate::domain::number::Ratio;
use crate::domain::time::{Day, Hour, MINUTE_MS, Moment};
use crate::domain::{Comparison, Declaration, FactorCode, Outage, OutageScope, OutletId, RuleSet, Score, ScoreItem, ScoreLine, Silence, Source};
use crate::registry::{Contractor, Registry};
use rates::Tally;
use std::collections::BTreeMap;

/// What is stored of an outlet's month.
#[derive(Debug)]
pub struct OutletMonth<'m> {
    /// Where.
    pub outlet: OutletId,
    /// The series of the days on which something came.
    pub series: BTreeMap<Day, Vec<SeriesDay<'m>>>,
    /// Silences of its loggers as each day last heard of them, the days in order.
    pub silences: Vec<&'m Silence>,
}

/// A month, and everything by which it is scored.
#[derive(Debug)]
pub struct Month<'m> {
    /// `2026-03`.
    pub name: &'m str,
    /// First day.
    pub first: Day,
    /// Last day.
    pub last: Day,
    /// When the first register was put in force: nothing is older.
    pub began: Moment,
    /// Engine time.
    pub until: Moment,
    /// The register in force.
    pub registry: &'m Registry,
    /// The figures in force.
    pub set: &'m RuleSet,
    /// Outlets, by their names.
    pub outlets: Vec<OutletMonth<'m>>,
    /// Declarations as last stated.
    pub declarations: &'m [Declaration],
    /// Comparison results as last stated.
    pub comparisons: &'m [Comparison],
    /// Cases as they stand.
    pub cases: &'m [Case],
    /// Outages, ended or not.
    pub outages: &'m [Outage],
}

impl Month<'_> {
    /// Whether the last day of the month is over and confirmed.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.confirmed(self.last) <= self.until
    }

    /// When a day is confirmed.
    fn confirmed(&self, day: Day) -> Moment {
        day.end().plus_ms(i64::from(self.set.day_confirmed_after_min.value) * MINUTE_MS)
    }

    /// Whether an hour is over, late minutes included.
    fn is_closed(&self, hour: Hour) -> bool {
        hour.end().plus_ms(i64::from(self.set.hour_provisional_after_min.value) * MINUTE_MS) <= self.until
    }

    fn is_registered(&self, outlet: OutletId, factor: FactorCode, at: Moment) -> bool {
        self.registry.loggers_of(outlet).iter().any(|mn| self.registry.series(*mn, outlet, factor, at).is_some())
    }

    /// Outages for which nobody at the outlet answers: of the receiver, of its region. What a contractor maintains is its own.
    fn excuses(&self, outlet: OutletId) -> Vec<&Outage> {
        let site = self.registry.outlet(outlet, self.first.start()).and_then(|row| self.registry.site(row.site));
        let excuses = |outage: &&Outage| match outage.scope {
            OutageScope::Receiver => true,
            OutageScope::Region => site.is_some_and(|site| !site.region.is_empty() && site.region == outage.name),
            OutageScope::Contractor | OutageScope::Gateway => false,
        };
        self.outages.iter().filter(excuses).collect()
    }
}

/// An outlet on the days on which the contractor maintained it.
struct Charge<'m> {
    outlet: &'m OutletMonth<'m>,
    /// First instant of the month in which it did.
    from: Moment,
    /// First instant in which it did not any more, or that is still to come.
    to: Moment,
    /// When its contract began.
    since: Moment,
    /// The days.
    days: Vec<Day>,
}

impl Charge<'_> {
    fn id(&self) -> OutletId {
        self.outlet.outlet
    }

    /// Whether the contractor maintained it then.
    fn holds(&self, at: Moment) -> bool {
        at < self.to && self.days.binary_search(&at.day()).is_ok()
    }

    /// The parts of a time in which the contractor maintained it, the oldest first.
    fn parts(&self, from: Moment, to: Moment) -> Vec<(Moment, Moment)> {
        let mut parts: Vec<(Moment, Moment)> = Vec::new();
        for day in &self.days {
            let (from, to) = (from.max(day.start()), to.min(day.end()).min(self.to));
            match parts.last_mut().filter(|last| last.1 == from) {
                _ if from >= to => {}
                Some(last) => last.1 = to,
                None => parts.push((from, to)),
            }
        }
        parts
    }
}

/// The row of a contractor for an outlet on a day.
fn contract<'r>(registry: &'r Registry, contractor: &str, outlet: OutletId, day: Day) -> Option<&'r Contractor> {
    registry.contractors_of(outlet, day.start()).find(|row| row.id == contractor)
}

/// Whether a contractor maintains an outlet on a day of a period.
#[must_use]
pub fn maintains(registry: &Registry, contractor: &str, outlet: OutletId, first: Day, last: Day) -> bool {
    (first.0..=last.0).any(|day| contract(registry, contractor, outlet, Day(day)).is_some())
}

fn charge<'m>(month: &'m Month<'_>, contractor: &str, outlet: &'m OutletMonth<'m>) -> Option<Charge<'m>> {
    let row = |day: Day| contract(month.registry, contractor, outlet.outlet, day);
    let days: Vec<Day> = (month.first.0..=month.last.0).map(Day).filter(|day| row(*day).is_some()).collect();
    let (first, last) = (*days.first()?, *days.last()?);
    let since = days.iter().filter_map(|day| row(*day)).map(|row| row.validity.from).min()?;
    Some(Charge { outlet, from: first.start(), to: last.end().min(month.until), since, days })
}

/// The sheet of a contractor's month; none: it maintained none of the outlets.
#[must_use]
pub fn score(month: &Month<'_>, contractor: &str) -> Option<Score> {
    let charges: Vec<Charge<'_>> = month.outlets.iter().filter_map(|outlet| charge(month, contractor, outlet)).collect();
    let name = month.registry.contractors().filter(|row| row.id == contractor && row.validity.from < month.last.end()).map(|row| &row.name);
    let name = name.last().cloned()?;
    charges.first()?;
    let tallies: Vec<Tally> = charges.iter().map(|charge| rates::tally(month, charge)).collect();
    let mut lines = rates::transmission(month.set, &tallies);
    lines.extend(rates::capture(month.set, &tallies));
    lines.extend(conduct::declarations(month, &charges));
    lines.extend(conduct::gaps(month, contractor, &charges));
    lines.extend(conduct::comparisons(month, &charges, &tallies));
    lines.extend(conduct::cases(month, &charges));
    let full = ScoreItem::ALL.map(|item| full_of(month.set, item, &lines));
    let items = Score::items_of(&full, &lines);
    let (all, points) = (items.iter().map(|item| item.full).sum(), Ratio::sum(items.iter().map(|item| &item.points)));
    let pass_pct = month.set.contractor_pass_pct.value;
    Some(Score {
        contractor: contractor.to_owned(),
        name,
        month: month.name.to_owned(),
        outlets: charges.len() as u32,
        counted_until: month.until.min(month.confirmed(month.last)),
        finished: month.is_finished(),
        full: all,
        passes: Score::reaches(&points, all, pass_pct),
        points,
        pass_pct,
        items,
        lines,
        lines_left_out: 0,
        registry: month.registry.version().to_owned(),
        rule_set: month.set.version(),
    })
}

/// Full marks of an item. A rate of hours that were never due, and a comparison of what stood still, is no reason to give or to take.
fn full_of(set: &RuleSet, item: ScoreItem, lines: &[ScoreLine]) -> (ScoreItem, u32, Source) {
    let (figure, needs_lines) = match item {
        ScoreItem::Transmission => (&set.contractor_transmission_marks, true),
        ScoreItem::Capture => (&set.contractor_capture_marks, true),
        ScoreItem::Declarations => (&set.contractor_declaration_marks, false),
        ScoreItem::Gaps => (&set.contractor_gap_marks, false),
        ScoreItem::Comparisons => (&set.contractor_comparison_marks, true),
        ScoreItem::Cases => (&set.contractor_case_marks, false),
    };
    let judged = !needs_lines || lines.iter().any(|line| line.item == item);
    (item, if judged { figure.value } else { 0 }, figure.source.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_maintained_an_outlet_with_a_break_answers_for_nothing_in_between() {
        let outlet = OutletMonth { outlet: OutletId::known("S1"), series: BTreeMap::new(), silences: Vec::new() };
        let day = |day: i32| Day(20_000 + day);
        let days: Vec<Day> = (1..=10).chain(21..=31).map(day).collect();
        let (from, to) = (day(1).start(), day(31).end());
        let charge = Charge { outlet: &outlet, from, to, since: from, days };
        assert_eq!(
            charge.parts(day(8).start(), day(23).start()),
            [(day(8).start(), day(10).end()), (day(21).start(), day(23).start())],
            "of a silence from the 8th to the 23rd"
        );
        assert_eq!(charge.parts(day(12).start(), day(18).start()), []);
        assert_eq!([5, 15, 25].map(|at| charge.holds(day(at).start())), [true, false, true]);
    }
}
