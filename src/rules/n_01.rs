//! N-01 未按规定联网: an outlet that is due to be networked and is not, or not stably.
//!
//! Beside the catalogue of 122: the duty of marker-rules N1. Due some months after the site's permit, or after its listing as a
//! key unit; an exemption ends it, a deferral asks for manual results in its place.

use super::prelude::*;
use crate::registry::Networking;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("N-01"),
    title: ("未按规定联网", "not networked as required"),
    inputs: &["permits.csv", "sites.csv key_unit_from", "outlets.csv networking, main", "days with data"],
    condition: "permit + networking_permit_months or listing + networking_list_months is past, and the outlet never sent data to a host that has listened for watch_days (of the listing: was never stable for networking_stable_days, known_days after its first data); or deferred without a manual result for networking_manual_days; or networked at an outlet that is not the main one",
    figures: &[ours("watch_days", 30, 0), ours("known_days", 60, 0)],
    window: "-",
    severity: Severity::High,
    severity_note: "warn where a deferral lacks its manual results, or the device is not at the main outlet",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Event,
    source: "Ordinance on Ecological Monitoring art. 23, 42; Code art. 1086; months from the sample notice, see the rule set",
    grade: Grade::D,
    kind: CaseKind::Networking,
    refer: Refer::Alone,
    run: Run::Day(run),
};

/// Months after a day, as the calendar counts them.
fn months_after(day: Day, months: u32) -> Option<Day> {
    let text = day.to_string();
    let (year, month, of_month): (i32, u32, u32) = (text.get(..4)?.parse().ok()?, text.get(5..7)?.parse().ok()?, text.get(8..)?.parse().ok()?);
    let all = month - 1 + months;
    let (year, month) = (year + (all / 12) as i32, all % 12 + 1);
    // 31 January and a month: the last day that February has.
    (0..4).find_map(|less| Day::parse(&format!("{year:04}-{month:02}-{:02}", of_month.checked_sub(less)?)))
}

fn run(view: &DayView<'_>, hits: &mut Hits) {
    if view.closed < 24 {
        return;
    }
    let Some(site) = view.registry.site(view.outlet.site) else { return };
    let mut fire = |severity, zh: String, en: String, facts| hits.fire(view, &RULE, FactorCode::WHOLE, None, severity, facts, (zh, en));
    match view.outlet.networking {
        Networking::Exempt => return,
        Networking::Deferred => {
            let since = view.day.0 - view.set.networking_manual_days.value as i32;
            if view.manual.is_none_or(|last| last.0 < since) {
                let last = view.manual.map(|last| last.to_string());
                let words = ("暂缓安装而无手工监测结果".to_owned(), "deferred, and no manual result".to_owned());
                fire(Severity::Warn, words.0, words.1, json!({"last_manual": last}));
            }
            return;
        }
        Networking::Due => {}
    }
    let permit = view.registry.permits(site.id).iter().filter(|permit| permit.validity.holds(view.day.start())).map(|permit| permit.issued).min();
    let by_permit = permit.and_then(|issued| months_after(issued, view.set.networking_permit_months.value));
    let by_list = site.key_unit_from.and_then(|listed| months_after(listed, view.set.networking_list_months.value));
    if permit.is_none() && site.key_unit_from.is_none() {
        return hits.missing(&RULE, "the permit's date, or the date of the listing as a key unit");
    }
    let stable = view.prior.stable_days_max >= view.set.networking_stable_days.value;
    let connected = view.prior.ever.is_some() || !view.series.is_empty();
    // A host that has only begun to listen knows of nobody that he was never networked.
    let watched = view.began.map_or(0, |began| u32::try_from(view.day.0 - began.0).unwrap_or_default());
    let listened = watched >= view.count(&RULE, "watch_days", FactorCode::WHOLE);
    let known = view.count(&RULE, "known_days", FactorCode::WHOLE) as i32;
    let passed = |due: Option<Day>| due.filter(|due| *due < view.day);
    if let Some(due) = passed(by_permit).or_else(|| passed(by_list)).filter(|_| !connected && listened) {
        let words = (format!("应于{due}前联网，从未联网"), format!("to be networked by {due}, never was"));
        fire(RULE.severity, words.0, words.1, json!({"due": due.to_string(), "connected": false}));
    } else if let Some(due) = passed(by_list).filter(|_| connected && !stable && view.prior.ever.is_some_and(|ever| view.day.0 - ever.0 >= known)) {
        let words = (format!("应于{due}前稳定联网，尚未稳定"), format!("to be networked and stable by {due}, is not stable"));
        fire(Severity::Warn, words.0, words.1, json!({"due": due.to_string(), "connected": true, "stable_days": view.prior.stable_days_max}));
    }
    if connected && view.outlet.is_main == Some(false) {
        let main = view.registry.outlets(view.day.start()).any(|outlet| outlet.site == site.id && outlet.is_main == Some(true));
        if !main {
            let words = ("监测设备不在主要排放口".to_owned(), "the device is not at the main outlet".to_owned());
            hits.fire(view, &RULE, FactorCode::WHOLE, None, Severity::Warn, json!({"main": false}), words);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        let after = |day: &str, months| months_after(Day::parse(day).expect("a day"), months).map(|day| day.to_string());
        assert_eq!(after("2026-01-31", 1).as_deref(), Some("2026-02-28"));
        assert_eq!(after("2026-11-30", 3).as_deref(), Some("2027-02-28"));
        assert_eq!(after("2026-03-15", 6).as_deref(), Some("2026-09-15"));
    }
}
