//! Statements and registers that change the past: which stored days are computed again, one after the other.

use super::*;

impl Engine {
    pub(super) fn medium(&self, outlet: OutletId, at: Moment) -> Medium {
        self.registry.outlet(outlet, at).map_or(Medium::Gas, |outlet| outlet.medium)
    }

    pub(super) fn declare(&mut self, declaration: &Declaration, writes: &mut WriteSet) {
        if statements::fault(declaration.fault(), declaration.outlet, declaration.factor, &self.registry).is_some()
            || !self.marks.has_room(declaration.outlet, None, &declaration.id)
        {
            return writes.note(Notice::Statement("refused"), 1);
        }
        writes.note(Notice::Statement("declaration"), 1);
        let declaration = self.marks.stamped(declaration, self.now);
        writes.declarations.push(declaration.clone());
        let periods = self.marks.declare(declaration);
        self.recount_periods(periods, writes);
    }

    pub(super) fn compare(&mut self, comparison: &Comparison, writes: &mut WriteSet) {
        if statements::fault(comparison.fault(), comparison.outlet, Some(comparison.factor), &self.registry).is_some()
            || !self.marks.has_room(comparison.outlet, Some(comparison.factor), &comparison.id)
        {
            return writes.note(Notice::Statement("refused"), 1);
        }
        writes.note(Notice::Statement("comparison"), 1);
        writes.comparisons.push(comparison.clone());
        let periods = self.marks.compare(comparison.clone(), self.medium(comparison.outlet, comparison.at));
        self.recount_periods(periods, writes);
    }

    /// Days from a visit on are judged again: they look back at it.
    pub(super) fn visit(&mut self, visit: &Visit, writes: &mut WriteSet) {
        if statements::fault(visit.fault(), visit.outlet, None, &self.registry).is_some() || !self.marks.has_room(visit.outlet, None, &visit.id) {
            return writes.note(Notice::Statement("refused"), 1);
        }
        writes.note(Notice::Statement("visit"), 1);
        writes.visits.push(visit.clone());
        for (outlet, first) in self.marks.visit(visit.clone()) {
            // The days that are not over are judged anyway.
            let last = Day((first.0 + rules::VISIT_DAYS).min(self.now.day().0 - 1));
            self.recount(outlet, first, last, Depth::Verdicts, writes);
        }
    }

    pub(super) fn recount_periods(&mut self, periods: Vec<(OutletId, Moment, Moment)>, writes: &mut WriteSet) {
        for (outlet, from, to) in periods {
            let last = self.now.min(Moment(to.0.saturating_sub(1)));
            self.recount(outlet, from.day(), last.day(), Depth::Readings, writes);
        }
    }

    /// Asks for stored days again, one after the other. Days that no entry can be about are left out.
    pub(super) fn recount(&mut self, outlet: OutletId, first: Day, last: Day, depth: Depth, writes: &mut WriteSet) {
        let Some(began) = self.began else { return };
        let reach = i32::try_from(self.rules.late_accept_hours.value / 24 + 1).unwrap_or(0);
        let (first, last) = (Day(first.0.max(began.0.saturating_sub(reach))), last.min(self.now.day()));
        if first > last {
            return;
        }
        let timer = |recount: &Recount| Timer { deadline: recount.due, outlet, kind: TimerKind::Recount(recount.next) };
        let recount = match self.recounts.get(&outlet).copied() {
            Some(known) => {
                self.timers.remove(&timer(&known));
                Recount { next: known.next.min(first), last: known.last.max(last), depth: known.depth.max(depth), due: known.due }
            }
            None => Recount { next: first, last, depth, due: self.next_slot(0) },
        };
        self.timers.insert(timer(&recount));
        self.recounts.insert(outlet, recount);
        writes.recounts.insert(outlet, Some(recount));
    }

    /// The instant for the next day of a recount: as much later as the day before it held records, so that the work takes a
    /// like share of the time whatever the days hold.
    pub(super) fn next_slot(&mut self, records: usize) -> Moment {
        let by_work = i64::try_from(records).unwrap_or(0) * i64::from(self.rules.recount_pace_us.value) / 1000;
        let pace = by_work.max(i64::from(self.rules.recount_pace_ms.value));
        self.recount_slot = self.recount_slot.max(self.now).plus_ms(pace);
        self.recount_slot
    }

    /// Computes a stored day again, and gives the next one of its outlet a slot.
    pub(super) fn recount_day(&mut self, key: OutletDay, writes: &mut WriteSet) {
        let Some(recount) = self.recounts.get(&key.outlet).copied() else { return };
        let deep = recount.depth == Depth::Readings || self.reopened.contains_key(&key);
        // What happens to be resident must not set the pace: only records that this recount reads.
        let records = self.days.get(&key).filter(|_| deep).map_or(0, DayState::records);
        if deep {
            self.recompute(key, writes);
        } else if recount.depth == Depth::Means {
            for hour in (0..24).map(|hour| key.day.hour(hour)).filter(|hour| self.is_closed(key.outlet, *hour)).collect::<Vec<_>>() {
                self.publish_hour(key, hour, writes);
            }
            self.write_row(key, writes);
        }
        if self.is_past(self.finality.provisional(key)) {
            self.publish_day(key, writes);
        }
        self.touched.insert(key);
        writes.note(Notice::Recounted, 1);
        // A day that hands over something else asks for the one after it.
        let recount = self.recounts.get(&key.outlet).copied().unwrap_or(recount);
        if key.day >= recount.last {
            self.recounts.remove(&key.outlet);
            writes.recounts.insert(key.outlet, None);
            return;
        }
        self.timers.remove(&Timer { deadline: recount.due, outlet: key.outlet, kind: TimerKind::Recount(recount.next) });
        let recount = Recount { next: Day(key.day.0 + 1), due: self.next_slot(records), ..recount };
        self.timers.insert(Timer { deadline: recount.due, outlet: key.outlet, kind: TimerKind::Recount(recount.next) });
        self.recounts.insert(key.outlet, recount);
        writes.recounts.insert(key.outlet, Some(recount));
    }
}
