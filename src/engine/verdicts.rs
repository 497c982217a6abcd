//! Verdicts: findings, referrals and the packets they rest on.

use super::*;

impl Engine {
    pub(super) fn view<'v>(&'v self, key: OutletDay, means: &'v [Mean], confirmed: bool) -> DayView<'v> {
        DayView { registry: &self.registry, set: &self.rules, outlet: key.outlet, day: key.day, means, confirmed, now: self.now }
    }

    pub(super) fn judge(&mut self, key: OutletDay, means: &[Mean], confirmed: bool, writes: &mut WriteSet) {
        let found = rules::judge_day(&self.view(key, means, confirmed));
        let Some(state) = self.days.get_mut(&key) else { return };
        let before = std::mem::take(&mut state.row.findings);
        let (findings, changed) = compare_findings(before, found, confirmed, self.now);
        state.row.findings = findings.iter().map(|finding| (finding.id, finding.clone())).collect();
        let site = self.registry.outlet(key.outlet, key.day.start()).map(|outlet| outlet.site);
        for finding in findings.iter().filter(|finding| changed.contains(&finding.id)) {
            writes.findings.push(finding.clone());
            writes.note(Notice::Finding, 1);
            if !confirmed {
                writes.events.push(message::warning(finding, site, &self.versions, self.sequence));
            }
        }
        if !confirmed {
            return;
        }
        let factors: BTreeSet<FactorCode> = findings.iter().map(|finding| finding.factor).collect();
        for factor in factors {
            let of_factor: Vec<Finding> = findings.iter().filter(|finding| finding.factor == factor).cloned().collect();
            let moved = of_factor.iter().any(|finding| changed.contains(&finding.id));
            let place = (key.outlet, factor);
            let docket = self.dockets.entry(place).or_default();
            if let Some((case, change)) = docket.enter(key.day, &of_factor, moved, &self.rules, self.now) {
                self.set_case_timer(&case);
                self.case_places.insert(case.id, (case.outlet, case.factor));
                self.refer(key, &case, change, &of_factor, means, writes);
                writes.cases.push(case);
            }
            if self.dockets.get(&place).is_some_and(|docket| *docket == Docket::default()) {
                self.dockets.remove(&place);
            }
        }
    }

    pub(super) fn refer(&self, key: OutletDay, case: &Case, change: Change, findings: &[Finding], means: &[Mean], writes: &mut WriteSet) {
        let day_means: Vec<Mean> = means.iter().filter(|mean| mean.factor == case.factor).cloned().collect();
        let hours = (0..24).flat_map(|hour| self.hour_means(key, key.day.hour(hour)));
        let hour_means: Vec<Mean> = hours.filter(|mean| mean.factor == case.factor).collect();
        let referral = message::Referral {
            case,
            change,
            day: key.day,
            findings,
            day_means: &day_means,
            hour_means: &hour_means,
            evidence: self.evidence_of(key, case.factor),
            versions: &self.versions,
            registry: &self.registry,
        };
        writes.events.push(message::referral(&referral, self.now, self.sequence));
        writes.note(Notice::Referral(change.name()), 1);
    }

    /// The packets of the highest hours, and the ranges of all packets about the day.
    pub(super) fn evidence_of(&self, key: OutletDay, factor: FactorCode) -> Evidence {
        let (Some(state), Some(frames)) = (self.days.get(&key), self.evidence.get(&key)) else { return Evidence::default() };
        let mut peaks: Vec<(rust_decimal::Decimal, u64)> = state
            .cells
            .get(&factor)
            .into_iter()
            .flat_map(|cells| cells.iter().flatten())
            .filter_map(|cell| Some((cell.max?, cell.peak?.sequence)))
            .collect();
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
