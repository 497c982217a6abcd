//! Verdicts: findings, referrals and the packets they rest on.

use super::*;

impl Engine {
    /// What the rules are given of a day: `closed` of its hours, its means once it is over.
    pub(super) fn with_view<T>(
        &self,
        key: OutletDay,
        closed: u8,
        means: &[Mean],
        confirmed: bool,
        look: impl FnOnce(&DayView<'_>) -> T,
    ) -> Option<T> {
        let state = self.days.get(&key)?;
        let (start, end) = (key.day.start(), key.day.end());
        let outlet = self.registry.outlet(key.outlet, start)?;
        let row = |factor| state.reporters.iter().find_map(|mn| self.registry.series(*mn, key.outlet, factor, start));
        let none = Carry::default();
        let declared = self.marks.declared(key.outlet, start, end);
        let visits = self.marks.visits(key.outlet, Day(key.day.0 - rules::VISIT_DAYS).start(), end);
        let stops = |hour: &u8| self.marks.stops(key.outlet, key.day.hour(*hour).start(), key.day.hour(*hour).end());
        let stopped = (0..24u8).filter(stops).fold(0, |bits, hour| bits | 1 << hour);
        let view = DayView {
            registry: &self.registry,
            outlet,
            day: key.day,
            set: &self.rules,
            series: self.series_days(key, start).into_iter().map(|series| SeriesView::new(series, row(series.factor))).collect(),
            means,
            prior: self.prior(key).unwrap_or(&none),
            facts: &state.row.facts,
            silences: &state.row.silences,
            declared: &declared,
            visits: &visits,
            manual: self.marks.last_compared(key.outlet, end),
            away: self.away(key),
            stopped,
            closed,
            began: self.began,
            confirmed,
            past: if confirmed { self.pasts.get(&key) } else { None },
            now: self.now,
            unsettled: std::cell::OnceCell::new(),
        };
        Some(look(&view))
    }

    /// What the day before hands over.
    fn prior(&self, key: OutletDay) -> Option<&Carry> {
        match self.days.get(&OutletDay { day: Day(key.day.0 - 1), ..key }).filter(|before| before.known) {
            Some(before) => before.row.carry.as_ref(),
            None => self.days.get(&key)?.prior.as_ref(),
        }
    }

    /// The rules of an hour that closes.
    pub(super) fn judge_hour(&mut self, key: OutletDay, hour: Hour, writes: &mut WriteSet) {
        let of_day = hour.of_day();
        let Some(state) = self.days.get(&key) else { return };
        // An hour is classed beside the one after it: the runs before the last hour are kept, and that hour is gone over again.
        let last = of_day.checked_sub(1);
        let cached = state.runs.as_ref().filter(|(next, _)| Some(*next) == last).map(|(_, runs)| runs.clone());
        let known = &state.row.findings;
        let judged = self.with_view(key, of_day + 1, &[], state.row.confirmed, |view| {
            let first = if cached.is_some() { last.unwrap_or_default() } else { 0 };
            let mut runs = cached.unwrap_or_else(|| view.prior.runs.clone());
            for before in first..of_day {
                rules::judge_hour(view, before, &mut runs);
            }
            let before = runs.clone();
            let hits = rules::judge_hour(view, of_day, &mut runs);
            (rules::merged(view, known, &hits, |rule, hit| rules::is_hourly(rule) && hit.hour == Some(of_day)), before)
        });
        let Some((changed, runs)) = judged else { return };
        if let Some(state) = self.days.get_mut(&key) {
            state.runs = Some((of_day, runs));
        }
        self.state_findings(key, changed, writes);
    }

    /// The rules of all closed hours of a day that goes on.
    pub(super) fn judge_closed(&mut self, key: OutletDay, writes: &mut WriteSet) {
        let Some(state) = self.days.get(&key) else { return };
        let known = &state.row.findings;
        let changed = self.with_view(key, self.closed_hours(key), &[], state.row.confirmed, |view| {
            let hits = rules::judge_hours(view);
            rules::merged(view, known, &hits, |rule, _| rules::is_hourly(rule))
        });
        self.state_findings(key, changed.unwrap_or_default(), writes);
    }

    /// States findings of a day that goes on.
    pub(super) fn state_findings(&mut self, key: OutletDay, changed: Vec<Finding>, writes: &mut WriteSet) {
        let Some(state) = self.days.get_mut(&key) else { return };
        let site = self.registry.outlet(key.outlet, key.day.start()).map(|outlet| outlet.site);
        for finding in changed {
            writes.note(Notice::Finding, 1);
            if finding.severity >= Severity::Warn {
                writes.events.push(message::warning(&finding, site, &self.versions, self.sequence));
            }
            writes.findings.push(finding.clone());
            state.row.findings.insert(finding.id, finding);
        }
    }

    pub(super) fn judge(&mut self, key: OutletDay, means: &[Mean], confirmed: bool, writes: &mut WriteSet) {
        let Some(judged) = self.with_view(key, 24, means, confirmed, rules::judge_day) else { return };
        let Some(state) = self.days.get_mut(&key) else { return };
        let before = std::mem::take(&mut state.row.findings);
        let (findings, changed) = compare_findings(before, judged.findings, confirmed, self.now);
        state.row.findings = findings.iter().map(|finding| (finding.id, finding.clone())).collect();
        let hands_over = state.row.carry.as_ref() != Some(&judged.carry);
        state.row.carry = Some(judged.carry);
        let site = self.registry.outlet(key.outlet, key.day.start()).map(|outlet| outlet.site);
        for finding in findings.iter().filter(|finding| changed.contains(&finding.id)) {
            writes.findings.push(finding.clone());
            writes.note(Notice::Finding, 1);
            if !confirmed && finding.severity >= Severity::Warn {
                writes.events.push(message::warning(finding, site, &self.versions, self.sequence));
            }
        }
        self.leave(key, judged.profile, confirmed, writes);
        if hands_over {
            self.hand_over(key, writes);
        }
        if confirmed {
            let moved = findings.iter().any(|finding| changed.contains(&finding.id));
            self.enter_docket(key, &findings, moved, means, &judged.not_evaluable, writes);
        }
    }

    /// What a judged day leaves for the rules of spans. Where it leaves something else than before, the confirmed days that look at it
    /// are judged again.
    fn leave(&mut self, key: OutletDay, profile: Profile, confirmed: bool, writes: &mut WriteSet) {
        let same = self.pasts.remove(&key).is_some_and(|past| past.days.get(&key.day) == Some(&profile));
        if same {
            return;
        }
        // What was read for other days of the outlet is older than this.
        self.pasts.retain(|known, _| known.outlet != key.outlet);
        writes.profiles.insert(key, profile);
        let next = OutletDay { day: key.day.next(), ..key };
        if confirmed && self.reach > 0 && self.is_past(self.finality.confirm(next)) {
            let last = Day(key.day.0 + i32::try_from(self.reach).unwrap_or(0));
            self.recount(key.outlet, next.day, last, Depth::Verdicts, writes);
        }
    }

    /// What the rules would find in a stored day under each of several rule sets. For an engine that takes no entries.
    pub fn would_find<'s>(&mut self, recalled: Recalled, sets: impl Iterator<Item = &'s RuleSet>) -> Vec<rules::Judged> {
        let key = recalled.key;
        self.make_full(recalled);
        let means = self.day_means(key);
        let judged = sets.filter_map(|set| {
            self.rules = set.clone();
            self.with_view(key, 24, &means, true, rules::judge_day)
        });
        let judged = judged.collect();
        self.days.remove(&key);
        self.pasts.clear();
        self.touched.clear();
        judged
    }

    /// A day hands over something else than before: the day after it is judged again if it was.
    fn hand_over(&mut self, key: OutletDay, writes: &mut WriteSet) {
        let next = OutletDay { day: key.day.next(), ..key };
        if let Some(state) = self.days.get_mut(&next) {
            state.runs = None;
        }
        // What is to be computed anyway will be judged then.
        if self.is_past(self.finality.provisional(next)) && !self.reopened.contains_key(&next) {
            self.recount(next.outlet, next.day, next.day, Depth::Verdicts, writes);
        }
    }

    /// Findings that belong in a case: those that refer alone, and suspicions once the outlet has points enough.
    pub(super) fn eligible<'f>(&self, findings: &'f [Finding], points: u32) -> impl Iterator<Item = &'f Finding> + use<'f> {
        let enough = points >= self.rules.score_review.value;
        let counts = |finding: &Finding| finding.standing && rules::gives_points(&finding.rule, finding.severity);
        findings.iter().filter(move |finding| rules::refers_alone(finding) || (enough && counts(finding)))
    }

    /// The points of an outlet on a day: of what stands on it, and of what fired on the days before.
    pub(super) fn points(&self, key: OutletDay, findings: &[Finding]) -> u32 {
        let standing = findings.iter().filter(|finding| finding.standing);
        let fired: Vec<(RuleId, Severity)> = standing.filter_map(|finding| Some((rules::find(&finding.rule)?.id, finding.severity))).collect();
        let points = |carry: &Carry| carry.score(key.day, self.rules.score_days.value, &fired).points();
        self.prior(key).map_or_else(|| points(&Carry::default()), points)
    }

    /// Confirmed findings move cases.
    pub(super) fn enter_docket(
        &mut self,
        key: OutletDay,
        findings: &[Finding],
        moved: bool,
        means: &[Mean],
        not_evaluable: &BTreeMap<RuleId, &'static str>,
        writes: &mut WriteSet,
    ) {
        let score = self.points(key, findings);
        let eligible: Vec<Finding> = self.eligible(findings, score).cloned().collect();
        let own = |finding: &Finding| {
            let kind = rules::find(&finding.rule)?.kind;
            Some((key.outlet, kind, docket::family(kind, finding.factor)))
        };
        // What concerns the whole outlet joins the case of a factor, where the day has one of the kind: one cause, one case.
        let of_factors: BTreeSet<DocketPlace> = eligible.iter().filter_map(own).filter(|(.., family)| *family != FactorCode::WHOLE).collect();
        let whole = |kind: &CaseKind| self.dockets.get(&(key.outlet, *kind, FactorCode::WHOLE)).is_some_and(|docket| docket.knows(key.day));
        let apart: Vec<CaseKind> = CaseKind::ALL.into_iter().filter(whole).collect();
        let place = |finding: &Finding| {
            let (outlet, kind, family) = own(finding)?;
            if family == FactorCode::WHOLE && apart.contains(&kind) {
                return Some((outlet, kind, family));
            }
            let joined = of_factors.iter().find(|(_, known, _)| *known == kind && family == FactorCode::WHOLE);
            Some(joined.copied().unwrap_or((outlet, kind, family)))
        };
        let first = (key.outlet, CaseKind::Exceedance, FactorCode::known(""));
        let known = self.dockets.range(first..).take_while(|(place, _)| place.0 == key.outlet).filter(|(_, docket)| docket.knows(key.day));
        let mut places: BTreeSet<DocketPlace> = known.map(|(place, _)| *place).collect();
        places.extend(eligible.iter().filter_map(place));
        for at in places {
            let of_place: Vec<Finding> = eligible.iter().filter(|finding| place(finding) == Some(at)).cloned().collect();
            let docket = self.dockets.entry(at).or_default();
            if let Some((case, change)) = docket.enter(key.day, at, &of_place, score, moved, &self.rules, self.now) {
                self.set_case_timer(&case);
                self.case_places.insert(case.id, at);
                let shown: Vec<Finding> = findings.iter().filter(|finding| place(finding) == Some(at)).cloned().collect();
                self.refer(key, &case, change, &shown, means, not_evaluable, writes);
                writes.cases.push(case);
            }
            if self.dockets.get(&at).is_some_and(|docket| *docket == Docket::default()) {
                self.dockets.remove(&at);
            }
        }
    }

    #[allow(clippy::too_many_arguments)] // A referral has that many parts; a struct for one call would hide them.
    pub(super) fn refer(
        &self,
        key: OutletDay,
        case: &Case,
        change: Change,
        findings: &[Finding],
        means: &[Mean],
        not_evaluable: &BTreeMap<RuleId, &'static str>,
        writes: &mut WriteSet,
    ) {
        let day_means: Vec<Mean> = means.iter().filter(|mean| docket::family(case.kind, mean.factor) == case.factor).cloned().collect();
        let hours = (0..24).flat_map(|hour| self.hour_means(key, key.day.hour(hour)));
        let hour_means: Vec<Mean> = hours.filter(|mean| docket::family(case.kind, mean.factor) == case.factor).take(message::HOURS_MAX).collect();
        let referral = message::Referral {
            case,
            change,
            day: key.day,
            findings,
            not_evaluable,
            day_means: &day_means,
            hour_means: &hour_means,
            evidence: self.evidence_of(key, case),
            priority: self.rules.score_priority.value,
            versions: &self.versions,
            registry: &self.registry,
        };
        writes.events.push(message::referral(&referral, self.now, self.sequence));
        writes.note(Notice::Referral(change.name()), 1);
    }

    /// The packets of the highest hours, and the ranges of all packets about the day.
    pub(super) fn evidence_of(&self, key: OutletDay, case: &Case) -> Evidence {
        let (Some(state), Some(frames)) = (self.days.get(&key), self.evidence.get(&key)) else { return Evidence::default() };
        let cells = state.row.cells.iter().filter(|(factor, _)| docket::family(case.kind, *factor) == case.factor);
        let mut peaks: Vec<(rust_decimal::Decimal, u64)> = cells.filter_map(|(_, cell)| Some((cell.max?, cell.peak?.sequence))).collect();
        peaks.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
        let mut sequences: Vec<u64> = peaks.into_iter().map(|(_, sequence)| sequence).collect();
        sequences.dedup();
        sequences.truncate(message::PACKETS_MAX);
        let mut evidence = Evidence::default();
        let mut ranges: BTreeMap<Mn, EvidenceRange> = BTreeMap::new();
        for stored in frames {
            let Some(packet) = self.reread(&stored.bytes) else { continue };
            if !self.registry.days_of(&packet, stored.at, &self.rules).contains(&key) {
                continue;
            }
            let chain: String = stored.chain.iter().map(|byte| format!("{byte:02x}")).collect();
            if sequences.contains(&stored.sequence) {
                let (arrived, segment) = (stored.at.to_string(), packet.masked());
                evidence.packets.push(EvidencePacket { logger: stored.mn, sequence: stored.sequence, arrived, chain: chain.clone(), segment });
            }
            let range = ranges.entry(stored.mn).or_insert_with(|| EvidenceRange {
                logger: stored.mn,
                first: stored.sequence,
                last: stored.sequence,
                count: 0,
                chain: String::new(),
            });
            range.last = stored.sequence;
            range.count += 1;
            range.chain = chain;
        }
        evidence.ranges = ranges.into_values().collect();
        evidence
    }
}
