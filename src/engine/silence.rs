//! Silence: who is not heard, and what the survey says of it.
//!
//! ```text
//!            packet                      2 intervals, 15 min at least          packet
//!   unknown ────────▶ heard (a timer) ──────────────────────────────▶ silent ─────────▶ heard
//!                                                                      │  survey: an outage of the region → excused
//!                                                                      │  survey: the outlet alone, an hour → referred
//! ```
//!
//! Only while time is told (ticks flow) is anybody silent. A time without any entry is an outage of the receiver itself: afterwards
//! everybody's clock of silence begins anew.

use super::*;
use crate::domain::Survey;
use crate::registry::Role;

/// Outages that are remembered, for the hours of days that may still be judged again.
const OUTAGES_KEPT_MS: i64 = 10 * 24 * HOUR_MS;
/// Surveys are made once a minute at most.
pub const SURVEY_MS: i64 = MINUTE_MS;

/// A region, a contractor, a gateway.
pub type Group = (OutageScope, String);
/// A logger of a group, and since when it is silent.
type Member = (Mn, Option<Moment>);

impl Engine {
    /// Whether time is told: a tick came within the gap that would be an outage.
    fn is_told(&self, at: Moment) -> bool {
        let near = |last: Moment| at.0 - last.0 <= self.gap_ms();
        let back = |outage: &Outage| outage.scope == OutageScope::Receiver && outage.to.is_some_and(near);
        self.last_tick.is_some_and(near) || self.outages.iter().any(back)
    }

    fn gap_ms(&self) -> i64 {
        i64::from(self.rules.outage_gap_secs.value) * 1000
    }

    /// How long a logger may say nothing.
    fn patience_ms(&self, mn: Mn, at: Moment) -> i64 {
        let least = self.registry.outlets_of(mn, at).into_iter().filter_map(|outlet| self.registry.outlet(outlet, at)).map(|outlet| {
            let interval = |cn: &String| match cn.as_str() {
                "2011" => i64::from(outlet.real_interval_secs) * 1000,
                "2051" => i64::from(outlet.minute_interval) * MINUTE_MS,
                "2061" => HOUR_MS,
                _ => i64::MAX,
            };
            // Where nothing is said, an hour's record is expected of every logger.
            outlet.expects.iter().map(interval).min().filter(|interval| *interval < i64::MAX).unwrap_or(HOUR_MS)
        });
        let interval = least.min().unwrap_or(HOUR_MS);
        (interval * i64::from(self.rules.silence_intervals.value)).max(i64::from(self.rules.silence_min.value) * MINUTE_MS)
    }

    fn watch(&mut self, mn: Mn, deadline: Moment) {
        self.timers.insert(Timer { deadline, outlet: OutletId::known(""), kind: TimerKind::Watch(mn) });
    }

    /// A packet of a logger: it is heard, by a gateway where that is said.
    pub(super) fn hear(&mut self, mn: Mn, at: Moment, gateway: Option<&str>, writes: &mut WriteSet) {
        let Some(logger) = self.loggers.get_mut(&mn) else { return };
        let first = std::mem::replace(&mut logger.heard, at) == Moment(0);
        let watched = logger.watched;
        let another = |gateway: &&str| first || self.gateways.get(usize::from(logger.gateway)).is_none_or(|known| known != gateway);
        if let Some(gateway) = gateway.filter(another) {
            logger.gateway = gateway_place(&mut self.gateways, gateway);
            writes.gateways.insert(mn, gateway.to_owned());
        }
        if !watched && self.is_told(at) {
            self.loggers.entry(mn).or_default().watched = true;
            self.watch(mn, at.plus_ms(self.patience_ms(mn, at)));
        }
        if let Some(mut silence) = self.silences.remove(&mn) {
            silence.until = Some(at);
            writes.silences.insert(mn, None);
            self.note_silence(&silence, writes);
        }
    }

    /// The time in which a logger should have been heard is over.
    pub(super) fn look_for(&mut self, mn: Mn, deadline: Moment, writes: &mut WriteSet) {
        let patience = self.patience_ms(mn, deadline);
        let (told, now) = (self.is_told(deadline), self.now);
        let main = self.registry.logger(mn.as_str(), now).is_some_and(|row| row.role == Role::Main);
        let Some(logger) = self.loggers.get_mut(&mn) else { return };
        let due = logger.heard.plus_ms(patience);
        if due > deadline {
            return self.watch(mn, due);
        }
        // Who is declared stopped need not be heard.
        let outlets = self.registry.outlets_of(mn, now);
        if !outlets.is_empty() && outlets.iter().all(|outlet| self.marks.stops(*outlet, now, now.plus_ms(1))) {
            return self.watch(mn, deadline.plus_ms(patience));
        }
        logger.watched = false;
        if told && main {
            let silence = Silence { mn, since: logger.heard, until: None, began: None, excused: None, referred: false };
            self.note_silence(&silence, writes);
            writes.silences.insert(mn, Some(silence.clone()));
            self.silences.insert(mn, silence);
        }
    }

    /// Whether a main logger is heard: then it speaks for its outlets, whoever else is silent.
    fn speaks(&self, mn: Mn) -> bool {
        let main = || self.registry.logger(mn.as_str(), self.now).is_some_and(|row| row.role == Role::Main);
        !self.silences.contains_key(&mn) && self.loggers.get(&mn).is_some_and(|logger| logger.heard > Moment(0)) && main()
    }

    /// Tells the days of a logger's outlets of its silence, and judges it.
    fn note_silence(&mut self, silence: &Silence, writes: &mut WriteSet) {
        for outlet in self.registry.outlets_of(silence.mn, self.now) {
            let today = OutletDay { outlet, day: self.now.day() };
            let mut others = self.registry.loggers_of(outlet).into_iter().filter(|mn| *mn != silence.mn);
            if silence.until.is_none() && others.any(|mn| self.speaks(mn)) {
                continue;
            }
            for key in [OutletDay { outlet, day: Day(today.day.0 - 1) }, today] {
                if !self.days.get(&key).is_some_and(|state| state.row.expected) {
                    continue;
                }
                let state = self.day(key);
                let known = state.row.silences.iter().position(|known| known.mn == silence.mn && known.until.is_none());
                match known {
                    Some(at) => state.row.silences[at] = silence.clone(),
                    None if key == today && silence.until.is_none() => state.row.silences.push(silence.clone()),
                    None => continue,
                }
                self.judge_silence(key, writes);
                self.write_row(key, writes);
            }
        }
    }

    /// A-03 again, by what the day knows of silences.
    fn judge_silence(&mut self, key: OutletDay, writes: &mut WriteSet) {
        let Some(state) = self.days.get(&key) else { return };
        let known = &state.row.findings;
        let changed = self.with_view(key, self.closed_hours(key), &[], state.row.confirmed, |view| {
            let hits = rules::judge_one(view, "A-03");
            rules::merged(view, known, &hits, |rule, _| rule == "A-03")
        });
        self.state_findings(key, changed.unwrap_or_default(), writes);
    }

    /// What happened before this entry: a time without any, if it was too long.
    pub(super) fn look_for_gap(&mut self, until: Moment, writes: &mut WriteSet) {
        if !self.is_told(self.now) || until.0 - self.now.0 <= self.gap_ms() {
            return;
        }
        // The entry may be looked at again, once a day that it needs was recalled.
        if self.outages.iter().any(|outage| outage.scope == OutageScope::Receiver && outage.to == Some(until)) {
            return;
        }
        let outage = Outage { scope: OutageScope::Receiver, name: String::new(), from: self.now, to: Some(until), silent: (0, 0) };
        for logger in self.loggers.values_mut().filter(|logger| logger.heard > Moment(0)) {
            logger.heard = logger.heard.max(until);
        }
        self.put_outage(outage, writes);
        let open = self.silences.values().filter(|silence| !silence.referred && silence.excused.is_none());
        for mn in open.map(|silence| silence.mn).collect::<Vec<_>>() {
            let anew = |silence: Silence| Silence { began: silence.began.or(Some(silence.since)), since: until, ..silence };
            self.change_silence(mn, anew, writes);
        }
    }

    fn put_outage(&mut self, outage: Outage, writes: &mut WriteSet) {
        if self.says(&outage) {
            writes.events.push(message::outage(&outage, &self.versions, self.now, self.sequence));
            writes.note(Notice::Outage(outage.scope.name()), u64::from(outage.to.is_none() || outage.scope == OutageScope::Receiver));
        }
        self.outages.retain(|known| {
            !(known.scope == outage.scope && known.name == outage.name && known.from == outage.from)
                && known.to.is_none_or(|to| to.0 > self.now.0 - OUTAGES_KEPT_MS)
        });
        self.outages.push(outage.clone());
        writes.outages.push(outage);
        // Runs of hours were judged without it.
        self.days.values_mut().for_each(|state| state.runs = None);
    }

    /// Every shard has an outage; one of them says so.
    pub(super) fn says(&self, outage: &Outage) -> bool {
        self.registry.shard().is_none_or(|shard| shard.owns(&outage_label(outage)))
    }

    fn groups_of(&self, mn: Mn) -> Vec<Group> {
        let gateway = self.loggers.get(&mn).and_then(|logger| self.gateways.get(usize::from(logger.gateway)));
        groups_of(&self.registry, mn, gateway.map(String::as_str), self.now)
    }

    /// What a survey would find now; none when there is nothing to say. The pipeline appends it to the journal.
    #[must_use]
    pub fn survey(&self) -> Option<Survey> {
        if self.now.0 - self.surveyed.0 < SURVEY_MS {
            return None;
        }
        let heard = self.loggers.iter().filter(|(_, logger)| logger.heard > Moment(0));
        let loggers = || heard.map(|(mn, _)| (*mn, self.groups_of(*mn))).collect();
        let standing = self.outages.iter().filter(|outage| outage.to.is_none()).collect();
        survey(loggers, &self.silences.values().collect::<Vec<_>>(), standing, &self.rules, self.now)
    }

    /// A survey came: outages begin and end, silences are excused or referred.
    pub(super) fn take_survey(&mut self, survey: &Survey, writes: &mut WriteSet) {
        self.surveyed = self.now;
        let within = i64::from(self.rules.outage_within_min.value) * MINUTE_MS;
        let ended: Vec<Outage> = self
            .outages
            .iter()
            .filter(|known| known.to.is_none() && !survey.outages.iter().any(|outage| outage.scope == known.scope && outage.name == known.name))
            .cloned()
            .collect();
        for outage in ended {
            let label = outage_label(&outage);
            self.put_outage(Outage { to: Some(self.now), ..outage }, writes);
            let now = self.now;
            let mine: Vec<Mn> = self.silences.values().filter(|silence| silence.excused.as_ref() == Some(&label)).map(|silence| silence.mn).collect();
            for mn in mine {
                self.change_silence(
                    mn,
                    |silence| Silence { excused: None, since: now, began: silence.began.or(Some(silence.since)), ..silence },
                    writes,
                );
            }
        }
        for outage in &survey.outages {
            let known = self.outages.iter().any(|known| known.to.is_none() && known.scope == outage.scope && known.name == outage.name);
            if !known {
                self.put_outage(outage.clone(), writes);
            }
            let label = outage_label(outage);
            let covered = |silence: &&Silence| {
                let began = silence.began.unwrap_or(silence.since);
                silence.excused.is_none()
                    && !silence.referred
                    && began.plus_ms(within.max(self.patience_ms(silence.mn, self.now))) >= outage.from
                    && self.groups_of(silence.mn).contains(&(outage.scope, outage.name.clone()))
            };
            let mine: Vec<Mn> = self.silences.values().filter(covered).map(|silence| silence.mn).collect();
            for mn in mine {
                self.change_silence(mn, |silence| Silence { excused: Some(label.clone()), ..silence }, writes);
            }
        }
        let refer = i64::from(self.rules.silence_refer_min.value) * MINUTE_MS;
        let pending = |silence: &&Silence| silence.excused.is_none() && !silence.referred && self.now.0 - silence.since.0 >= refer;
        let pending: Vec<Mn> = self.silences.values().filter(pending).map(|silence| silence.mn).collect();
        for mn in pending {
            self.change_silence(mn, |silence| Silence { referred: true, ..silence }, writes);
            for outlet in self.registry.outlets_of(mn, self.now) {
                self.refer_silence(OutletDay { outlet, day: self.now.day() }, writes);
            }
        }
    }

    /// A register came: who is no main logger any more is not waited for.
    pub(super) fn forget_silences(&mut self, writes: &mut WriteSet) {
        let main = |mn: &Mn| self.registry.logger(mn.as_str(), self.now).is_some_and(|row| row.role == Role::Main);
        let gone: Vec<Mn> = self.silences.keys().filter(|mn| !main(mn)).copied().collect();
        for mn in gone {
            if let Some(mut silence) = self.silences.remove(&mn) {
                silence.until = Some(self.now);
                writes.silences.insert(mn, None);
                self.end_silence(&silence, writes);
            }
        }
    }

    /// Days that hold a silence hear that it is over, whatever the register says of its logger now.
    fn end_silence(&mut self, silence: &Silence, writes: &mut WriteSet) {
        let open = |state: &DayState| state.row.silences.iter().any(|known| known.mn == silence.mn && known.until.is_none());
        let keys: Vec<OutletDay> = self.days.iter().filter(|(_, state)| open(state)).map(|(key, _)| *key).collect();
        for key in keys {
            for known in self.day(key).row.silences.iter_mut().filter(|known| known.mn == silence.mn && known.until.is_none()) {
                known.until = silence.until;
            }
            self.judge_silence(key, writes);
            self.write_row(key, writes);
        }
    }

    fn change_silence(&mut self, mn: Mn, change: impl FnOnce(Silence) -> Silence, writes: &mut WriteSet) {
        let Some(silence) = self.silences.remove(&mn).map(change) else { return };
        self.note_silence(&silence, writes);
        writes.silences.insert(mn, Some(silence.clone()));
        self.silences.insert(mn, silence);
    }

    /// The survey has found the fault at the outlet alone.
    fn refer_silence(&mut self, key: OutletDay, writes: &mut WriteSet) {
        let Some(state) = self.days.get(&key) else { return };
        let findings: Vec<Finding> = state.row.findings.values().filter(|finding| finding.rule == "A-03" && finding.standing).cloned().collect();
        self.enter_docket(key, &findings, true, &[], &BTreeMap::new(), writes);
    }

    /// Open silences of an outlet, for the day that begins.
    pub(super) fn silences_of(&self, outlet: OutletId) -> Vec<Silence> {
        let loggers = self.registry.loggers_of(outlet);
        if loggers.iter().any(|mn| self.speaks(*mn)) {
            return Vec::new();
        }
        loggers.iter().filter_map(|mn| self.silences.get(mn)).cloned().collect()
    }

    /// Hours of an outlet's day in which the receiver or one of its groups was away, a bit each.
    pub(super) fn away(&self, key: OutletDay) -> u32 {
        if self.outages.is_empty() {
            return 0;
        }
        let loggers = self.registry.loggers_of(key.outlet);
        let groups: Vec<(OutageScope, String)> = loggers.iter().flat_map(|mn| self.groups_of(*mn)).collect();
        let kept = |outage: &&Outage| outage.to.is_none_or(|to| to.0 > self.now.0 - OUTAGES_KEPT_MS);
        let mine = |outage: &&Outage| {
            outage.scope == OutageScope::Receiver || groups.iter().any(|(scope, name)| *scope == outage.scope && *name == outage.name)
        };
        let outages: Vec<&Outage> = self.outages.iter().filter(kept).filter(mine).collect();
        let touched = |hour: &u8| {
            let hour = key.day.hour(*hour);
            outages.iter().any(|outage| outage.touches(hour.start(), hour.end()))
        };
        (0..24u8).filter(touched).fold(0, |bits, hour| bits | 1 << hour)
    }
}

/// How a silence names the outage that explains it.
fn outage_label(outage: &Outage) -> String {
    format!("{} {}", outage.scope.name(), outage.name)
}

/// The groups to which a logger belongs: its region, who maintains its outlets, the gateway by which it is heard.
#[must_use]
pub fn groups_of(registry: &Registry, mn: Mn, gateway: Option<&str>, now: Moment) -> Vec<Group> {
    let Some(logger) = registry.logger(mn.as_str(), now) else { return Vec::new() };
    let region = registry.site(logger.site).map(|site| site.region.clone()).filter(|region| !region.is_empty());
    let outlets = registry.outlets_of(mn, now);
    let contractor = outlets.iter().flat_map(|outlet| registry.contractors_of(*outlet, now)).map(|row| row.id.clone()).min();
    let groups = [(OutageScope::Region, region), (OutageScope::Contractor, contractor), (OutageScope::Gateway, gateway.map(str::to_owned))];
    groups.into_iter().filter_map(|(scope, name)| Some((scope, name?))).collect()
}

/// 断链核查: which outages stand, by a comparison of all loggers that are usually heard, each with its groups; none when there is nothing
/// to say. `silences` and `standing` are what is known now.
#[must_use]
pub fn survey(
    loggers: impl FnOnce() -> Vec<(Mn, Vec<Group>)>,
    silences: &[&Silence],
    standing: Vec<&Outage>,
    rules: &RuleSet,
    now: Moment,
) -> Option<Survey> {
    if silences.is_empty() && standing.is_empty() {
        return None;
    }
    let silent: BTreeMap<Mn, Moment> = silences.iter().map(|silence| (silence.mn, silence.began.unwrap_or(silence.since))).collect();
    let mut members: BTreeMap<Group, Vec<Member>> = BTreeMap::new();
    for (mn, groups) in loggers() {
        for group in groups {
            members.entry(group).or_default().push((mn, silent.get(&mn).copied()));
        }
    }
    let outages = outages_among(members, rules);
    let same = outages.len() == standing.len()
        && outages.iter().all(|outage| standing.iter().any(|known| known.scope == outage.scope && known.name == outage.name));
    let refer = i64::from(rules.silence_refer_min.value) * MINUTE_MS;
    let pending = silences.iter().any(|silence| silence.excused.is_none() && !silence.referred && now.0 - silence.since.0 >= refer);
    (!same || pending).then_some(Survey { outages })
}

/// Groups of which so many fell silent at about the same time that the fault is no outlet's.
fn outages_among(members: BTreeMap<Group, Vec<Member>>, rules: &RuleSet) -> Vec<Outage> {
    let (within, share, least) = (i64::from(rules.outage_within_min.value) * MINUTE_MS, rules.outage_share_pct.value, rules.outage_outlets_min.value);
    let mut outages: Vec<Outage> = Vec::new();
    let mut explained: BTreeSet<Mn> = BTreeSet::new();
    for ((scope, name), members) in members {
        // What a narrower group explains says nothing of a wider one.
        let rest: Vec<&Member> = members.iter().filter(|(mn, _)| !explained.contains(mn)).collect();
        let mut since: Vec<(Moment, Mn)> = rest.iter().filter_map(|(mn, since)| Some(((*since)?, *mn))).collect();
        since.sort_unstable();
        let near = |from: Moment| since.partition_point(|(at, _)| at.0 - from.0 <= within) - since.partition_point(|(at, _)| *at < from);
        let Some((count, from)) = since.iter().map(|(from, _)| (near(*from) as u32, *from)).max() else { continue };
        let all = rest.len() as u32;
        if count >= least && u64::from(count) * 100 > u64::from(share) * u64::from(all) {
            explained.extend(since.iter().filter(|(at, _)| *at >= from && at.0 - from.0 <= within).map(|(_, mn)| *mn));
            outages.push(Outage { scope, name, from, to: None, silent: (count, all) });
        }
    }
    outages
}
