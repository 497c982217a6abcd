//! Entries: what each kind of them does.

use super::*;

impl Engine {
    pub(super) fn apply(&mut self, entry: &Entry, until: Moment, writes: &mut WriteSet) {
        debug_assert_eq!(self.now, until);
        self.began.get_or_insert(entry.at.day());
        match &entry.body {
            Body::Frame { bytes, peer, gateway, .. } => {
                self.take_frame(entry, bytes, peer, gateway, writes);
            }
            Body::Repeat { of, mn, peer } => {
                self.extend_chain(*mn, entry, |before| repeat_link(before, entry.sequence, entry.at, peer, *of), writes);
                self.hear(*mn, entry.at, None, writes);
                writes.note(Notice::Repeat, 1);
            }
            Body::Rejected { reason, detail, len, peer, .. } => self.state_rejected(reason, detail, peer, *len, entry.sequence, writes),
            Body::LinkUp { gateway, connection, peer } => {
                writes.events.push(message::link(true, gateway, *connection, peer, "", self.now, entry.sequence));
            }
            Body::LinkDown { gateway, connection, peer, reason } => {
                writes.events.push(message::link(false, gateway, *connection, peer, reason, self.now, entry.sequence));
            }
            Body::RegistryVersion { files } => self.put_registry(files, writes),
            Body::RuleSetVersion { text } => match RuleSet::parse(text) {
                Ok(rules) if rules::settings_fault(&rules).is_none() => {
                    self.versions.rule_set = rules.version();
                    self.finality.put(entry.at, &rules, self.began);
                    self.reach = rules::reach(&rules);
                    self.rules = rules;
                    self.days.values_mut().for_each(|state| state.runs = None);
                }
                _ => writes.note(Notice::BadVersion, 1),
            },
            Body::Declaration(declaration) => self.declare(declaration, writes),
            Body::Comparison(comparison) => self.compare(comparison, writes),
            Body::Visit(visit) => self.visit(visit, writes),
            Body::Disposition(step) => self.dispose(step, writes),
            Body::Event(event) => self.happened(event, writes),
            Body::Recount { outlet, day, depth } => {
                if self.registry.outlet(*outlet, day.start()).is_some() {
                    self.recount(*outlet, *day, *day, *depth, writes);
                } else {
                    writes.note(Notice::BadVersion, 1);
                }
            }
            Body::Survey(survey) => self.take_survey(survey, writes),
            Body::Neighbours(neighbours) => self.take_neighbours(neighbours, writes),
            Body::NeighboursDone { day } => {
                self.neighbours_until = self.neighbours_until.max(Some(*day));
                writes.neighbours_until = self.neighbours_until;
            }
            Body::Score(score) => self.take_score(score, entry.sequence, writes),
            Body::Tick {} => self.last_tick = Some(self.now),
        }
        self.sequence = entry.sequence;
        self.evidence.clear();
    }

    /// What a day shows beside others is kept, and the day judged again.
    fn take_neighbours(&mut self, neighbours: &Neighbours, writes: &mut WriteSet) {
        let Neighbours { outlet, day, ref seen } = *neighbours;
        if self.registry.outlet(outlet, day.start()).is_none() {
            return writes.note(Notice::Statement("refused"), 1);
        }
        writes.note(Notice::Statement("neighbours"), 1);
        let key = OutletDay { outlet, day };
        self.pasts.remove(&key);
        writes.neighbours.insert(key, seen.clone());
        if self.is_past(self.finality.confirm(key)) {
            self.recount(outlet, day, day, Depth::Verdicts, writes);
        }
    }

    /// A contractor's month says itself what it rests on; it is passed on, and nothing of it is kept.
    fn take_score(&self, score: &Score, sequence: u64, writes: &mut WriteSet) {
        if score.fault().is_some() {
            return writes.note(Notice::Statement("refused"), 1);
        }
        writes.note(Notice::Statement("score"), 1);
        writes.events.push(message::scored(score, self.now, sequence));
    }

    pub(super) fn put_registry(&mut self, files: &Files, writes: &mut WriteSet) {
        match Registry::parse(files) {
            Ok(registry) => {
                let differences = self.registry.differences(&registry);
                let first = self.versions.registry == Registry::default().version();
                self.versions.registry = registry.version().to_owned();
                self.registry = Arc::new(registry);
                // Before the first register nothing was computed.
                for difference in differences.into_iter().filter(|_| !first) {
                    let last = difference.to.map_or(self.now, |to| to.plus_ms(-1));
                    self.recount(difference.outlet, difference.from.day(), last.day(), difference.depth, writes);
                }
                for (key, state) in &mut self.days {
                    state.reporters = day::reporters(&self.registry, *key);
                    state.full = false;
                    state.runs = None;
                }
                self.forget_silences(writes);
                self.expect_all(writes);
                self.renew_admissions(writes);
            }
            Err(_) => writes.note(Notice::BadVersion, 1),
        }
    }

    pub(super) fn take_frame(&mut self, entry: &Entry, bytes: &[u8], peer: &str, gateway: &str, writes: &mut WriteSet) {
        let read = frame::whole(bytes).and_then(|found| self.admissions.read(bytes, &found).ok());
        let Some((packet, admitted)) = read else {
            writes.note(Notice::Unreadable, 1);
            return;
        };
        let mn = packet.mn().and_then(Mn::new);
        let (Admitted::Accepted, Some(mn)) = (admitted, mn) else {
            let reason = if admitted == Admitted::Accepted { Admitted::UnknownMn.name() } else { admitted.name() };
            writes.quarantine.push((entry.sequence, reason));
            writes.note(Notice::Quarantined(reason), 1);
            let detail = format!("CN {} of MN {}", packet.cn().unwrap_or_default(), packet.mn().unwrap_or_default());
            self.state_rejected(reason, &detail, peer, bytes.len() as u64, entry.sequence, writes);
            return;
        };
        let translation = self.registry.translate(&packet, Arrived { at: entry.at, sequence: entry.sequence, peer: peer_hash(peer) }, &self.rules);
        writes.note(Notice::Accepted, 1);
        for quirk in inspect::quirks(&packet).iter() {
            writes.note(Notice::Quirk(quirk.name()), 1);
        }
        self.extend_chain(mn, entry, |before| chain_link(before, entry.sequence, entry.at, peer, bytes), writes);
        self.hear(mn, entry.at, Some(gateway), writes);
        if packet.announces_parts() || packet.pnum().is_some() {
            let (arrival, lost) = self.loggers.entry(mn).or_default().parts.take(&packet);
            match arrival {
                Arrival::Complete { .. } => writes.note(Notice::Parts("complete"), 1),
                Arrival::Doubled => writes.note(Notice::Parts("doubled"), 1),
                Arrival::Whole | Arrival::Waiting { .. } => {}
            }
            if lost.is_some() {
                writes.note(Notice::Parts("lost"), 1);
            }
        }
        self.take_readings(mn, entry, &translation, writes);
    }

    pub(super) fn take_readings(&mut self, mn: Mn, entry: &Entry, translation: &Translation, writes: &mut WriteSet) {
        for (reason, count) in &translation.unusable {
            writes.note(Notice::Unusable(reason.name()), u64::from(*count));
        }
        writes.note(Notice::Readings, translation.readings.len() as u64);
        for fact in &translation.facts {
            let key = OutletDay { outlet: fact.outlet, day: fact.at.day() };
            if key.day != entry.at.day() {
                writes.late.push((mn, key.day.0, entry.sequence));
            }
            if self.is_past(self.finality.provisional(key)) {
                self.reopen(key, writes);
            } else if enter_fact(&mut self.day(key).row.facts, fact) {
                let state = self.day(key);
                (state.known, state.runs) = (true, None);
                self.set_day_timers(key);
                self.write_row(key, writes);
            }
        }
        // A packet's readings are nearly always of one outlet and one hour: what concerns the hour is done once.
        for group in translation.readings.chunk_by(|one, other| one.outlet == other.outlet && one.hour == other.hour) {
            let (outlet, hour, of_day) = (group[0].outlet, group[0].hour, group[0].key == ReadingKey::Day);
            let key = OutletDay { outlet, day: hour.day() };
            if key.day != entry.at.day() {
                writes.late.push((mn, key.day.0, entry.sequence));
                writes.note(Notice::Late, 1);
            }
            // The logger's own day record comes after its day: it is beside the means, and opens nothing before the day is published.
            if if of_day { self.is_past(self.finality.provisional(key)) } else { self.is_closed(outlet, hour) } {
                // The packet is in the journal: the day is recalled and computed again when it is quiet.
                self.reopen(key, writes);
                continue;
            }
            let new = !self.days.contains_key(&key);
            let state = self.day(key);
            state.known = true;
            for reading in group {
                state.enter(reading);
            }
            if !of_day && state.timed.insert(hour.of_day()) {
                self.set_hour_timer(outlet, hour);
            }
            if new {
                self.set_day_timers(key);
            }
            if of_day {
                self.write_row(key, writes);
            }
        }
    }

    pub(super) fn reopen(&mut self, key: OutletDay, writes: &mut WriteSet) {
        let before = self.reopened.get(&key).copied();
        let first = before.map_or(self.now, |reopened| reopened.first);
        let reopened = Reopened { first, due: self.due(key, first) };
        let timer = |due| Timer { deadline: due, outlet: key.outlet, kind: TimerKind::Quiet(key.day) };
        if let Some(before) = before {
            self.timers.remove(&timer(before.due));
        }
        self.timers.insert(timer(reopened.due));
        self.reopened.insert(key, reopened);
        writes.reopened.insert(key, Some(reopened));
        self.day(key).full = false;
        self.touched.insert(key);
    }

    pub(super) fn close_again(&mut self, key: OutletDay, writes: &mut WriteSet) {
        if let Some(reopened) = self.reopened.remove(&key) {
            self.timers.remove(&Timer { deadline: reopened.due, outlet: key.outlet, kind: TimerKind::Quiet(key.day) });
            writes.reopened.insert(key, None);
        }
    }

    pub(super) fn extend_chain(&mut self, mn: Mn, entry: &Entry, link: impl FnOnce(&Link) -> Link, writes: &mut WriteSet) {
        let logger = self.loggers.entry(mn).or_default();
        let before = logger.head;
        logger.head = link(&before);
        let chain = writes.chains.entry(mn).or_insert_with(|| ChainWrite { before, after: before, sequences: Vec::new() });
        chain.after = logger.head;
        chain.sequences.push(entry.sequence);
    }

    pub(super) fn state_rejected(&mut self, reason: &str, detail: &str, peer: &str, len: u64, sequence: u64, writes: &mut WriteSet) {
        let minute = self.now.0.div_euclid(MINUTE_MS);
        if self.rejected.0 != minute {
            self.rejected = (minute, 0);
        }
        self.rejected.1 += 1;
        if self.rejected.1 <= REJECTED_EVENTS_MAX {
            writes.events.push(message::rejected(reason, detail, peer, len, self.now, sequence));
        }
    }
}
