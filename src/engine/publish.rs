//! Days: recalled, computed, published, let go of.

use super::*;

impl Engine {
    pub(super) fn day(&mut self, key: OutletDay) -> &mut DayState {
        let registry = &self.registry;
        let state = self.days.entry(key).or_default();
        if state.reporters.is_empty() {
            state.reporters = day::reporters(registry, key);
        }
        state
    }

    /// A packet of a chain: it was admitted when it arrived, whatever the register says of its sender now.
    pub(super) fn reread<'f>(&self, bytes: &'f [u8]) -> Option<Packet<'f>> {
        let found = frame::whole(bytes)?;
        let keys = peek(bytes, &found).mn().map(|mn| self.registry.keys_ever(mn)).unwrap_or_default();
        let dialect = match found.crc {
            CrcKind::Modbus => CrcDialect::Modbus,
            CrcKind::ModbusSwapped => CrcDialect::ModbusSwapped,
            CrcKind::Standard | CrcKind::Mismatch => CrcDialect::Standard,
        };
        decode_frame(bytes, &found, dialect, &keys).ok()
    }

    pub(super) fn translate(&self, frame: &StoredFrame) -> Option<Translation> {
        let arrived = Arrived { at: frame.at, sequence: frame.sequence, peer: frame.peer };
        Some(self.registry.translate(&self.reread(&frame.bytes)?, arrived, &self.rules))
    }

    /// A recalled day: its row, and, if they were wanted, every record from its packets, by the register and rules in force now.
    pub(super) fn make_full(&mut self, recalled: Recalled) {
        let Recalled { key, row, before, frames, past } = recalled;
        if let Some(past) = past {
            self.pasts.insert(key, past);
        }
        if let Some(row) = row {
            // A day that was let go of comes back with what was published and found.
            if self.days.get(&key).is_none_or(|state| !state.known) {
                self.days.insert(key, DayState::from_row(row));
            }
        }
        self.set_day_timers(key);
        let state = self.day(key);
        state.known = true;
        if !state.prior_known {
            (state.prior, state.prior_known, state.runs) = (before, true, None);
        }
        self.touched.insert(key);
        let Some(frames) = frames else { return };
        let mut books = DayState::default();
        for frame in &frames {
            let Some(translation) = self.translate(frame) else { continue };
            for fact in translation.facts.iter().filter(|fact| fact.outlet == key.outlet && fact.at.day() == key.day) {
                enter_fact(&mut books.row.facts, fact);
            }
            for reading in translation.readings.iter().filter(|reading| reading.outlet == key.outlet && reading.hour.day() == key.day) {
                books.enter(reading);
            }
        }
        let state = self.day(key);
        state.books = books.books;
        state.row.reported = books.row.reported;
        state.row.facts = books.row.facts;
        state.full = true;
        // An hour that only now has readings, by a new row of the register, has no timer yet.
        let hours: Vec<u8> = state.books.keys().copied().collect();
        for hour in hours.into_iter().map(|hour| key.day.hour(hour)) {
            if !self.is_closed(key.outlet, hour) && self.day(key).timed.insert(hour.of_day()) {
                self.set_hour_timer(key.outlet, hour);
            }
        }
        self.evidence.insert(key, frames);
    }

    /// Lets go of what a touched day no longer needs, and puts the cells of those that were looked at to rest.
    pub(super) fn shrink(&mut self, writes: &WriteSet) {
        for key in std::mem::take(&mut self.opened).iter().chain(writes.days.keys()) {
            if let Some(state) = self.days.get_mut(key) {
                state.row.cells.rest();
            }
        }
        for key in std::mem::take(&mut self.touched) {
            let over = self.is_past(self.finality.confirm(key));
            let Some(state) = self.days.get_mut(&key) else { continue };
            if over && !self.reopened.contains_key(&key) {
                let carry = self.days.remove(&key).and_then(|state| state.row.carry);
                // The day after it keeps what it was handed.
                if let Some(next) = self.days.get_mut(&OutletDay { day: key.day.next(), ..key }) {
                    (next.prior, next.prior_known) = (carry, true);
                }
                continue;
            }
            state.full = false;
            let (now, finality) = (self.now, &self.finality);
            state.books.retain(|hour, _| finality.close(key.outlet, key.day.hour(*hour)) >= now);
        }
    }

    pub(super) fn close_hour(&mut self, outlet: OutletId, hour: Hour, writes: &mut WriteSet) {
        let key = OutletDay { outlet, day: hour.day() };
        let Some(mut state) = self.days.remove(&key) else { return };
        state.compute(key, hour.of_day(), &self.registry, &self.marks, &self.rules);
        if !state.full {
            state.books.remove(&hour.of_day());
        }
        let expected = state.row.expected;
        self.days.insert(key, state);
        self.publish_hour(key, hour, writes);
        self.judge_hour(key, hour, writes);
        self.write_row(key, writes);
        // This hour counts as closed from the next instant on: the one after it is named, not looked for.
        let next = hour.of_day() + 1;
        if expected && next < 24 && self.day(key).timed.insert(next) {
            self.set_hour_timer(outlet, key.day.hour(next));
        }
    }

    /// All closed hours of a reopened day, from its records; publishes those that differ.
    pub(super) fn recompute(&mut self, key: OutletDay, writes: &mut WriteSet) {
        let Some(mut state) = self.days.remove(&key) else { return };
        let closed: Vec<u8> = (0..24).filter(|hour| self.is_closed(key.outlet, key.day.hour(*hour))).collect();
        for hour in &closed {
            state.compute(key, *hour, &self.registry, &self.marks, &self.rules);
        }
        state.runs = None;
        self.days.insert(key, state);
        self.close_again(key, writes);
        for hour in closed {
            self.publish_hour(key, key.day.hour(hour), writes);
        }
        // The day itself is judged when it is published.
        if !self.is_past(self.finality.provisional(key)) {
            self.judge_closed(key, writes);
        }
        self.write_row(key, writes);
    }

    pub(super) fn write_row(&mut self, key: OutletDay, writes: &mut WriteSet) {
        if let Some(state) = self.days.get_mut(&key).filter(|state| !state.is_blank()) {
            state.row.cells.pack();
            writes.days.insert(key, state.row.clone());
        }
    }

    pub(super) fn hour_means(&self, key: OutletDay, hour: Hour) -> Vec<Mean> {
        self.series_days(key, hour.start()).iter().flat_map(|series| series.hour_means(hour.of_day())).collect()
    }

    pub(super) fn day_means(&self, key: OutletDay) -> Vec<Mean> {
        self.series_days(key, key.day.start()).iter().flat_map(SeriesDay::day_means).collect()
    }

    pub(super) fn series_days(&self, key: OutletDay, at: Moment) -> Vec<SeriesDay<'_>> {
        self.days.get(&key).map(|state| state.series_days(key, at, &self.registry, &self.rules)).unwrap_or_default()
    }

    pub(super) fn publish_hour(&mut self, key: OutletDay, hour: Hour, writes: &mut WriteSet) {
        let means = self.hour_means(key, hour);
        let confirmed = self.days.get(&key).is_some_and(|state| state.row.confirmed);
        let status = if confirmed { Status::Revised } else { Status::Provisional };
        self.publish(key, hour.of_day(), Span::Hour, hour.start(), status, means, writes);
    }

    /// Publishes the day and judges it. The first publication after 13:00 is the confirmed one.
    pub(super) fn publish_day(&mut self, key: OutletDay, writes: &mut WriteSet) {
        let Some(state) = self.days.get_mut(&key) else { return };
        let confirms = self.finality.confirm(key) <= self.now;
        let status = match (confirms, state.row.confirmed) {
            (false, _) => Status::Provisional,
            (true, false) => Status::Confirmed,
            (true, true) => Status::Revised,
        };
        if state.is_blank() {
            return;
        }
        state.row.confirmed = confirms;
        let means = self.day_means(key);
        self.publish(key, 24, Span::Day, key.day.start(), status, means.clone(), writes);
        self.judge(key, &means, confirms, writes);
        self.write_row(key, writes);
    }

    #[allow(clippy::too_many_arguments)] // One publication has that many parts; a struct for one call would hide them.
    pub(super) fn publish(&mut self, key: OutletDay, place: u8, span: Span, start: Moment, status: Status, means: Vec<Mean>, writes: &mut WriteSet) {
        let site = self.registry.outlet(key.outlet, start).map(|outlet| outlet.site);
        let Some(state) = self.days.get_mut(&key) else { return };
        let before = state.row.published.get(&place).copied();
        if means.is_empty() && before.is_none() {
            return;
        }
        let shown = serde_json::to_vec(&means).expect("means serialise");
        // The status is part of a day's digest: a confirmation is news even when no figure moved.
        let mut hash = Sha256::new();
        hash.update(&shown);
        hash.update([if span == Span::Day { status as u8 } else { 0 }]);
        let digest = hash.finalize().first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let revised = status == Status::Revised && span == Span::Day;
        let same_figures = before.is_some_and(|(_, known)| known == digest);
        if same_figures || (revised && before.is_some_and(|(_, known)| known == confirmed_digest(&shown))) {
            return;
        }
        let revision = before.map_or(1, |(revision, _)| revision + 1);
        state.row.published.insert(place, (revision, digest));
        let publication =
            Publication { outlet: key.outlet, site, span, start, revision, status, at: self.now, versions: self.versions.clone(), means };
        writes.events.push(message::means(&publication, self.sequence));
        writes.note(Notice::Published(if span == Span::Hour { "hour" } else { "day" }), 1);
        writes.publications.push(publication);
    }
}
