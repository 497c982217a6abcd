//! Time: deadlines in their order, and what each of them does.

use super::*;

impl Engine {
    /// Fires what is due. Some: not all of it; the days are wanted first, or, if there are none, so many deadlines are enough for one step.
    pub(super) fn run_timers(&mut self, until: Moment, fires_left: &mut usize, writes: &mut WriteSet) -> Option<Vec<Want>> {
        while let Some(timer) = self.timers.first().copied().filter(|timer| timer.deadline < until) {
            if *fires_left == 0 {
                return Some(Vec::new());
            }
            if !self.fire(timer, writes) {
                let due = self.timers.iter().take_while(|timer| timer.deadline < until).copied().collect::<Vec<_>>();
                let mut keys: BTreeMap<OutletDay, (bool, Option<u32>)> = BTreeMap::new();
                for Need { key, frames, past } in due.into_iter().filter_map(|timer| self.needed_by(timer)).take(WANTS_MAX) {
                    let known = keys.entry(key).or_default();
                    *known = (known.0 | frames, known.1.max(past.then_some(self.reach)));
                }
                let want = |(key, (frames, past)): (OutletDay, _)| {
                    // What was touched may be let go of before it comes.
                    let here = self.days.get(&key).is_some_and(|state| state.known && state.prior_known) && !self.touched.contains(&key);
                    Want { key, loggers: self.registry.loggers_of(key.outlet), row: !here, frames, past }
                };
                return Some(keys.into_iter().map(want).collect());
            }
            self.timers.remove(&timer);
            *fires_left -= 1;
        }
        self.now = self.now.max(until);
        if self.now.day() != self.admitted_on {
            self.renew_admissions(writes);
        }
        None
    }

    /// The root of the hour that ended, before the first entry of another: one event, also when several hours passed without an entry.
    /// Deadlines in between change nothing: a restarted engine has others.
    pub(super) fn leave_root(&mut self, until: Moment, writes: &mut WriteSet) {
        let (before, hour) = (self.rooted, until.hour());
        self.rooted = before.max(hour);
        if hour > before && !self.loggers.is_empty() {
            self.state_root(before, hour, writes);
        }
    }

    fn state_root(&self, before: Hour, until: Hour, writes: &mut WriteSet) {
        let mut hash = Sha256::new();
        for (mn, logger) in &self.loggers {
            hash.update(mn.as_str().as_bytes());
            hash.update([0]);
            hash.update(logger.head);
        }
        let root: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let shard = self.registry.shard().map(Shard::number);
        writes.events.push(message::root(before.start(), &root, shard, self.loggers.len(), until.start(), self.sequence));
    }

    pub(super) fn renew_admissions(&mut self, writes: &mut WriteSet) {
        self.admissions = self.registry.admissions(self.now, self.accept_unknown);
        self.admitted_on = self.now.day();
        writes.admissions_changed = true;
    }

    /// What a timer needs before it can fire.
    pub(super) fn needed_by(&self, timer: Timer) -> Option<Need> {
        let need = |key, frames| Need { key, frames, past: false };
        let (day, confirms) = match timer.kind {
            TimerKind::CaseDue(_) | TimerKind::Dawn(_) | TimerKind::Watch(_) => return None,
            // The hour's records were translated by the register before: while the day waits for its recount, its packets are wanted.
            TimerKind::CloseHour(hour) => {
                let key = OutletDay { outlet: timer.outlet, day: hour.day() };
                let waits = self
                    .recounts
                    .get(&timer.outlet)
                    .is_some_and(|recount| recount.depth == Depth::Readings && (recount.next..=recount.last).contains(&key.day));
                let full = self.days.get(&key).is_none_or(|state| state.full);
                return (waits && !full).then_some(need(key, true));
            }
            TimerKind::Quiet(day) => (day, self.finality.confirm(OutletDay { outlet: timer.outlet, day }) <= timer.deadline),
            // What was reopened is computed when it is quiet; the day is published as it is known.
            TimerKind::Provisional(day) => {
                let key = OutletDay { outlet: timer.outlet, day };
                return self.days.get(&key).is_some_and(|state| !state.known || !self.knows_prior(key)).then_some(need(key, false));
            }
            TimerKind::Confirm(day) => (day, true),
            TimerKind::Recount(day) => {
                let key = OutletDay { outlet: timer.outlet, day };
                let deep =
                    self.recounts.get(&timer.outlet).is_some_and(|recount| recount.depth == Depth::Readings) || self.reopened.contains_key(&key);
                let here = self.days.get(&key).is_some_and(|state| if deep { state.full } else { state.known }) && self.knows_prior(key);
                let confirms = self.finality.confirm(key) <= timer.deadline;
                let past = confirms && !self.knows_past(key);
                if !here || past {
                    return Some(Need { key, frames: deep && !here, past });
                }
                let evidence = confirms && !self.evidence.contains_key(&key);
                return (evidence && self.may_refer(key)).then_some(need(key, true));
            }
        };
        let key = OutletDay { outlet: timer.outlet, day };
        let state = self.days.get(&key)?;
        let past = confirms && !self.knows_past(key);
        if (self.reopened.contains_key(&key) && !state.full) || !self.knows_prior(key) {
            return Some(Need { key, frames: true, past });
        }
        if past {
            return Some(Need { key, frames: false, past });
        }
        (confirms && !self.evidence.contains_key(&key) && self.may_refer(key)).then_some(need(key, true))
    }

    /// Whether what rules of spans look at is at hand; where none runs there is nothing to know.
    fn knows_past(&self, key: OutletDay) -> bool {
        self.reach == 0 || self.pasts.contains_key(&key)
    }

    /// Whether confirming the day may move a case, so that its packets are wanted as evidence.
    pub(super) fn may_refer(&self, key: OutletDay) -> bool {
        let Some(state) = self.days.get(&key) else { return false };
        self.knows_case(key) || self.reopened.contains_key(&key) || state.row.findings.values().any(rules::refers_alone) || {
            let means = self.day_means(key);
            let judged = self.with_view(key, 24, &means, true, rules::judge_day);
            judged.is_some_and(|judged| self.eligible(&judged.findings, self.points(key, &judged.findings)).next().is_some())
        }
    }

    /// Whether a day of an outlet belongs to a case of any kind.
    pub(super) fn knows_case(&self, key: OutletDay) -> bool {
        let first = (key.outlet, CaseKind::Exceedance, FactorCode::known(""));
        self.dockets.range(first..).take_while(|(place, _)| place.0 == key.outlet).any(|(_, docket)| docket.knows(key.day))
    }

    /// Whether what the day before hands over is at hand.
    pub(super) fn knows_prior(&self, key: OutletDay) -> bool {
        self.days.get(&OutletDay { day: Day(key.day.0 - 1), ..key }).is_some_and(|before| before.known)
            || self.days.get(&key).is_some_and(|state| state.prior_known)
    }

    /// Fires, unless a day is wanted first.
    pub(super) fn fire(&mut self, timer: Timer, writes: &mut WriteSet) -> bool {
        if self.needed_by(timer).is_some() {
            return false;
        }
        self.now = self.now.max(timer.deadline);
        if let Some(day) = timer.kind.day() {
            self.opened.insert(OutletDay { outlet: timer.outlet, day });
        }
        match timer.kind {
            TimerKind::CloseHour(hour) => self.close_hour(timer.outlet, hour, writes),
            TimerKind::Provisional(day) => {
                let key = OutletDay { outlet: timer.outlet, day };
                self.publish_day(key, writes);
            }
            TimerKind::Quiet(day) | TimerKind::Confirm(day) => {
                let key = OutletDay { outlet: timer.outlet, day };
                let confirms = matches!(timer.kind, TimerKind::Confirm(_));
                let reopened = self.reopened.contains_key(&key);
                if reopened {
                    self.recompute(key, writes);
                }
                if confirms || (reopened && self.is_past(self.finality.provisional(key))) {
                    self.publish_day(key, writes);
                }
                self.touched.insert(key);
            }
            TimerKind::Recount(day) => self.recount_day(OutletDay { outlet: timer.outlet, day }, writes),
            TimerKind::CaseDue(id) => self.case_due(id, timer.deadline, writes),
            TimerKind::Dawn(day) => self.dawn(OutletDay { outlet: timer.outlet, day }, writes),
            TimerKind::Watch(mn) => self.look_for(mn, timer.deadline, writes),
        }
        true
    }

    /// Strictly past: a timer at this deadline has fired.
    pub(super) fn is_past(&self, deadline: Moment) -> bool {
        deadline < self.now
    }

    pub(super) fn is_closed(&self, outlet: OutletId, hour: Hour) -> bool {
        self.is_past(self.finality.close(outlet, hour))
    }

    /// Hours of a day that are closed.
    pub(super) fn closed_hours(&self, key: OutletDay) -> u8 {
        (0..24).filter(|hour| self.is_closed(key.outlet, key.day.hour(*hour))).count() as u8
    }

    pub(super) fn set_hour_timer(&mut self, outlet: OutletId, hour: Hour) {
        let deadline = self.finality.close(outlet, hour);
        self.timers.insert(Timer { deadline, outlet, kind: TimerKind::CloseHour(hour) });
    }

    pub(super) fn set_day_timers(&mut self, key: OutletDay) {
        for (deadline, kind) in
            [(self.finality.provisional(key), TimerKind::Provisional(key.day)), (self.finality.confirm(key), TimerKind::Confirm(key.day))]
        {
            if !self.is_past(deadline) {
                self.timers.insert(Timer { deadline, outlet: key.outlet, kind });
            }
        }
    }

    /// A day of a registered outlet begins, whether anything comes or not.
    pub(super) fn dawn(&mut self, key: OutletDay, writes: &mut WriteSet) {
        if !self.registry.knows(key.outlet) {
            return;
        }
        self.set_dawn(OutletDay { day: key.day.next(), ..key });
        if self.registry.outlet(key.outlet, key.day.start()).is_some_and(|row| row.validity.holds(key.day.start())) {
            self.expect(key, writes);
        }
    }

    pub(super) fn expect(&mut self, key: OutletDay, writes: &mut WriteSet) {
        let silences = self.silences_of(key.outlet);
        let state = self.day(key);
        (state.known, state.row.expected) = (true, true);
        for silence in silences {
            if !state.row.silences.iter().any(|known| known.mn == silence.mn && known.until.is_none()) {
                state.row.silences.push(silence);
            }
        }
        self.set_day_timers(key);
        self.set_next_hour_timer(key);
        self.write_row(key, writes);
    }

    /// The first hour that is not closed gets its timer; each hour that closes sets the next one's.
    pub(super) fn set_next_hour_timer(&mut self, key: OutletDay) {
        let next = (0..24).find(|hour| !self.is_closed(key.outlet, key.day.hour(*hour)));
        if let Some(hour) = next.filter(|hour| self.day(key).timed.insert(*hour)) {
            self.set_hour_timer(key.outlet, key.day.hour(hour));
        }
    }

    fn set_dawn(&mut self, key: OutletDay) {
        let deadline = self.finality.dawn(key);
        self.timers.insert(Timer { deadline, outlet: key.outlet, kind: TimerKind::Dawn(key.day) });
    }

    /// The next dawn of every outlet.
    pub(super) fn set_dawns(&mut self) {
        let registry = Arc::clone(&self.registry);
        let today = self.now.day();
        for outlet in registry.outlets(self.now) {
            let next =
                [today, today.next()].into_iter().map(|day| OutletDay { outlet: outlet.id, day }).find(|key| !self.is_past(self.finality.dawn(*key)));
            if let Some(key) = next {
                self.set_dawn(key);
            }
        }
    }

    /// A register came: its outlets are expected from today on.
    pub(super) fn expect_all(&mut self, writes: &mut WriteSet) {
        let registry = Arc::clone(&self.registry);
        let now = self.now;
        for outlet in registry.outlets(now).filter(|outlet| outlet.validity.holds(now)) {
            let key = OutletDay { outlet: outlet.id, day: now.day() };
            if !self.days.get(&key).is_some_and(|state| state.row.expected) {
                self.expect(key, writes);
            }
        }
        self.set_dawns();
    }

    /// When a reopened day publishes: when nothing has come for `quiet_secs`, at the latest `quiet_max_secs` after it was
    /// reopened. Each day has a share of its own of the window over which all that are reopened now are spread: a region that
    /// comes back at once is computed one day after the other, between the answers.
    pub(super) fn due(&self, key: OutletDay, first: Moment) -> Moment {
        let (quiet_ms, max_ms) = (i64::from(self.rules.quiet_secs.value) * 1000, i64::from(self.rules.quiet_max_secs.value) * 1000);
        let window = (self.reopened.len() as i64 * i64::from(self.rules.quiet_pace_ms.value)).min((max_ms - quiet_ms).max(0));
        let share = |window: i64| (window * i64::from(share_of(key))) >> 16;
        self.now.plus_ms(quiet_ms + share(window)).min(first.plus_ms(max_ms / 2 + share(max_ms / 2)))
    }
}
