//! Declarations (人工标记) and comparison results (比对) as intervals over the data (averaging-and-validity §3.3, §3.4).
//!
//! A declared mark outranks what the logger sent. A failed check voids: for gas from the check until the next that passes, for
//! water also back to the last that passed (HJ 356-2019, recalled). Which statement came first changes nothing.

use crate::domain::time::{Day, Moment};
use crate::domain::{Comparison, Declaration, FactorCode, Medium, OutletId, Series, Visit};
use crate::protocol::marker::Marker;
use std::collections::{BTreeMap, BTreeSet};

/// A mark over `[from, to)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MarkSpan {
    /// First instant.
    pub from: Moment,
    /// First instant no longer.
    pub to: Moment,
    /// The mark.
    pub marker: Marker,
}

/// Every statement in force.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    declarations: BTreeMap<OutletId, BTreeMap<String, Declaration>>,
    comparisons: BTreeMap<Series, BTreeMap<String, Comparison>>,
    visits: BTreeMap<OutletId, BTreeMap<String, Visit>>,
    /// Where a visit is, by its id.
    visited: BTreeMap<String, OutletId>,
}

/// Declarations, comparison results and visits that one outlet may have; more are journalled and refused.
pub const STATEMENTS_MAX: usize = 5_000;
/// No end in sight.
const OPEN: Moment = Moment(i64::MAX);

impl Marks {
    /// A declaration with the instants at which it was first entered, and last entered otherwise.
    #[must_use]
    pub fn stamped(&self, declaration: &Declaration, now: Moment) -> Declaration {
        let known = self.declarations.values().find_map(|of_outlet| of_outlet.get(&declaration.id));
        let mut stamped = Declaration { entered: Some(now), changed: None, ..declaration.clone() };
        if let Some(known) = known {
            (stamped.entered, stamped.changed) = (known.entered, known.changed);
            if stamped != *known {
                stamped.changed = Some(now);
            }
        }
        stamped
    }

    /// The declarations in force that touch `[from, to)`.
    #[must_use]
    pub fn declared(&self, outlet: OutletId, from: Moment, to: Moment) -> Vec<&Declaration> {
        let of_outlet = self.declarations.get(&outlet).into_iter().flat_map(BTreeMap::values);
        of_outlet.filter(|one| !one.withdrawn && one.from < to && from < one.to).collect()
    }

    /// Puts a declaration in force, instead of the one with its id. Gives the periods whose data may differ now.
    pub fn declare(&mut self, declaration: Declaration) -> Vec<(OutletId, Moment, Moment)> {
        let mut periods = vec![(declaration.outlet, declaration.from, declaration.to)];
        // The same id may have stood at another outlet.
        let before = self.declarations.values_mut().find_map(|of_outlet| of_outlet.remove(&declaration.id));
        if before.as_ref() == Some(&declaration) {
            periods.clear();
        } else if let Some(before) = before {
            periods.push((before.outlet, before.from, before.to));
        }
        self.declarations.entry(declaration.outlet).or_default().insert(declaration.id.clone(), declaration);
        periods
    }

    /// Puts a visit in force, instead of the one with its id. Gives the outlets about which something else is known now, and since when.
    pub fn visit(&mut self, visit: Visit) -> Vec<(OutletId, Day)> {
        let mut since = vec![(visit.outlet, visit.from.day())];
        // The same id may have stood at another outlet.
        let stood = self.visited.insert(visit.id.clone(), visit.outlet);
        let before = stood.and_then(|outlet| self.visits.get_mut(&outlet)?.remove(&visit.id));
        if before.as_ref() == Some(&visit) {
            since.clear();
        } else if let Some(before) = before {
            since.push((before.outlet, before.from.day()));
        }
        self.visits.entry(visit.outlet).or_default().insert(visit.id.clone(), visit);
        since
    }

    /// The visits in force that touch `[from, to)`, by their beginning.
    #[must_use]
    pub fn visits(&self, outlet: OutletId, from: Moment, to: Moment) -> Vec<&Visit> {
        let of_outlet = self.visits.get(&outlet).into_iter().flat_map(BTreeMap::values);
        let mut visits: Vec<&Visit> = of_outlet.filter(|one| !one.withdrawn && one.from < to && from < one.to).collect();
        visits.sort_by_key(|one| (one.from, one.to));
        visits
    }

    /// Puts a comparison result in force. Gives the periods whose data may differ now.
    pub fn compare(&mut self, comparison: Comparison, medium: Medium) -> Vec<(OutletId, Moment, Moment)> {
        let series = Series { outlet: comparison.outlet, factor: comparison.factor };
        let before = self.voided(series, medium);
        self.comparisons.entry(series).or_default().insert(comparison.id.clone(), comparison);
        let after = self.voided(series, medium);
        let (before, after) = (BTreeSet::from_iter(before), BTreeSet::from_iter(after));
        before.symmetric_difference(&after).map(|span| (series.outlet, span.from, span.to)).collect()
    }

    /// Puts a stored comparison result back.
    pub fn restore(&mut self, comparison: Comparison) {
        let series = Series { outlet: comparison.outlet, factor: comparison.factor };
        self.comparisons.entry(series).or_default().insert(comparison.id.clone(), comparison);
    }

    /// Whether one more statement about an outlet has room. What is said again under its id takes none: it can always be taken back.
    #[must_use]
    pub fn has_room(&self, outlet: OutletId, factor: Option<FactorCode>, id: &str) -> bool {
        let declared = self.declarations.get(&outlet);
        let visited = self.visits.get(&outlet);
        let first = FactorCode::new("").map(|factor| Series { outlet, factor });
        let compared = || first.into_iter().flat_map(|first| self.comparisons.range(first..).take_while(|(series, _)| series.outlet == outlet));
        let known = match factor {
            None => declared.is_some_and(|known| known.contains_key(id)) || visited.is_some_and(|known| known.contains_key(id)),
            Some(factor) => self.comparisons.get(&Series { outlet, factor }).is_some_and(|known| known.contains_key(id)),
        };
        known
            || declared.map_or(0, BTreeMap::len) + visited.map_or(0, BTreeMap::len) + compared().map(|(_, known)| known.len()).sum::<usize>()
                < STATEMENTS_MAX
    }

    /// The periods that failed checks of a series void.
    fn voided(&self, series: Series, medium: Medium) -> Vec<MarkSpan> {
        let Some(known) = self.comparisons.get(&series) else { return Vec::new() };
        let mut checks: Vec<&Comparison> = known.values().filter(|check| !check.withdrawn).collect();
        checks.sort_by_key(|check| (check.at, check.passed));
        let mut spans: Vec<MarkSpan> = Vec::new();
        let mut last_pass = None;
        let mut open = false;
        for check in checks {
            match (check.passed, open) {
                (true, true) => {
                    spans.last_mut().expect("one was opened").to = check.at;
                    open = false;
                }
                (false, false) => {
                    let from = if medium == Medium::Water { last_pass.unwrap_or(check.at) } else { check.at };
                    spans.push(MarkSpan { from, to: OPEN, marker: Marker::OUT_OF_CONTROL });
                    open = true;
                }
                _ => {}
            }
            if check.passed {
                last_pass = Some(check.at);
            }
        }
        spans
    }

    /// Whether the outlet is declared as stopped, as a whole, over all of `[from, to)`.
    #[must_use]
    pub fn stops(&self, outlet: OutletId, from: Moment, to: Moment) -> bool {
        let declared = self.declarations.get(&outlet).into_iter().flat_map(BTreeMap::values);
        declared.into_iter().any(|one| one.stops(outlet) && one.covers(from, to))
    }

    /// The last day before an instant for which a manual result was stated.
    #[must_use]
    pub fn last_compared(&self, outlet: OutletId, before: Moment) -> Option<Day> {
        let first = Series { outlet, factor: FactorCode::known("") };
        let compared = self.comparisons.range(first..).take_while(|(series, _)| series.outlet == outlet);
        compared.flat_map(|(_, known)| known.values()).filter(|one| !one.withdrawn && one.at < before).map(|one| one.at.day()).max()
    }

    /// The marks over a series that touch `[from, to)`: what outranks comes first.
    #[must_use]
    pub fn over(&self, outlet: OutletId, factor: FactorCode, medium: Medium, from: Moment, to: Moment) -> Vec<MarkSpan> {
        let mut declared: Vec<&Declaration> = self
            .declarations
            .get(&outlet)
            .into_iter()
            .flat_map(BTreeMap::values)
            .filter(|declaration| !declaration.withdrawn && declaration.factor.is_none_or(|known| known == factor))
            .filter(|declaration| declaration.from < to && from < declaration.to)
            .collect();
        // Of two that overlap the one made later holds.
        declared.sort_by(|one, other| (other.made_at, &other.id).cmp(&(one.made_at, &one.id)));
        let mut spans: Vec<MarkSpan> = declared
            .into_iter()
            .map(|declaration| MarkSpan { from: declaration.from, to: declaration.to, marker: declaration.mark.marker() })
            .collect();
        let voided = self.voided(Series { outlet, factor }, medium);
        spans.extend(voided.into_iter().filter(|span| span.from < to && from < span.to));
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, at: i64, passed: bool) -> Comparison {
        let text = String::new;
        Comparison {
            id: id.to_owned(),
            outlet: OutletId::new("O1").expect("short"),
            factor: FactorCode::new("w01018").expect("short"),
            at: Moment(at),
            passed,
            method: text(),
            reference: text(),
            measured: text(),
            document: text(),
            author: text(),
            withdrawn: false,
        }
    }

    #[test]
    fn a_failed_check_voids_back_to_the_last_pass_for_water_and_forward_to_the_next_for_both() {
        let orders = [[0, 1, 2], [2, 1, 0], [1, 0, 2]];
        let checks = [check("a", 100, true), check("b", 200, false), check("c", 300, true)];
        let mut results = Vec::new();
        for medium in [Medium::Gas, Medium::Water] {
            for order in orders {
                let mut marks = Marks::default();
                for at in order {
                    marks.compare(checks[at].clone(), medium);
                }
                let spans = marks.over(checks[0].outlet, checks[0].factor, medium, Moment(0), Moment(1_000));
                results.push(spans.iter().map(|span| (span.from.0, span.to.0)).collect::<Vec<_>>());
            }
        }
        assert_eq!(results[..3], vec![vec![(200, 300)]; 3]);
        assert_eq!(results[3..], vec![vec![(100, 300)]; 3]);
    }

    #[test]
    fn a_result_that_changes_nothing_asks_for_no_recount_and_a_pass_shortens_what_was_void() {
        let mut marks = Marks::default();
        assert!(marks.compare(check("a", 100, true), Medium::Gas).is_empty());
        let outlet = check("a", 0, true).outlet;
        assert_eq!(marks.compare(check("b", 200, false), Medium::Gas), [(outlet, Moment(200), OPEN)]);
        assert_eq!(marks.compare(check("c", 300, true), Medium::Gas), [(outlet, Moment(200), Moment(300)), (outlet, Moment(200), OPEN)]);
        assert!(marks.compare(check("b", 200, false), Medium::Gas).is_empty());
    }

    #[test]
    fn a_full_outlet_takes_no_new_statement_and_lets_every_old_one_be_taken_back() {
        let mut marks = Marks::default();
        let of = |check: &Comparison| (check.outlet, Some(check.factor));
        for number in 0..STATEMENTS_MAX {
            let check = check(&number.to_string(), number as i64, true);
            assert!(marks.has_room(of(&check).0, of(&check).1, &check.id));
            marks.restore(check);
        }
        let (outlet, factor) = of(&check("", 0, true));
        assert!(!marks.has_room(outlet, factor, "new") && !marks.has_room(outlet, None, "7"));
        assert!(marks.has_room(outlet, factor, "7"));
        assert!(marks.has_room(OutletId::new("O2").expect("short"), factor, "new"), "another outlet has its own room");
    }
}
