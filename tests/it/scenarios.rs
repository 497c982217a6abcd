//! The sample city's month, forty-three cheats and as many honest outlets that look like them (`protocol-fixtures/scenarios/`): what is
//! expected is found, and nobody honest is found gravely. And two outages, which are nobody's fault at an outlet.

use crate::scenario_city::{Month, Outage, receiver_outage, regional_outage, register, run, tales};
use hj212d::registry::Registry;
use hj212d::rules::{Run, catalogue};
use std::collections::BTreeSet;

/// Rules that some cheat must be found by.
const TRIED: [&str; 71] = [
    "A-02", "A-03", "A-04", "A-09", "A-10", "A-11", "A-12", "A-13", "B-01", "B-02", "B-04", "B-05", "B-06", "B-07", "B-08", "B-09", "B-10", "B-11",
    "B-12", "B-13", "B-14", "C-01", "C-02", "C-03", "C-04", "C-05", "C-06", "C-07", "C-08", "C-09", "C-10", "C-11", "D-01", "D-02", "D-03", "D-04",
    "D-07", "D-11", "D-12", "D-17", "D-20", "E-01", "E-03", "E-04", "E-05", "E-06", "E-07", "E-11", "E-14", "E-16", "F-01", "G-01", "G-02", "G-03",
    "H-01", "I-01", "I-02", "I-03", "I-04", "I-05", "J-01", "J-02", "K-03", "K-04", "K-05", "K-06", "K-07", "K-08", "K-09", "K-10", "K-11",
];

/// Rules that no scenario can try: no protocol carries other people's commands or an analyser's own value; and a damaged packet names no
/// logger.
const UNTRIED: [&str; 3] = ["F-08", "G-05", "H-06"];

#[test]
fn the_scenarios_are_forty_three_cheats_that_try_the_rules_and_as_many_honest_outlets() {
    let tales = tales();
    let honest = tales.iter().filter(|tale| tale.honest).count();
    assert_eq!((tales.len() - honest, honest), (43, 43));
    let outlets: BTreeSet<&str> = tales.iter().map(|tale| tale.outlet.as_str()).collect();
    assert_eq!(outlets.len(), tales.len(), "every scenario has an outlet of its own");
    let cheats = tales.iter().filter(|tale| !tale.honest);
    let tried: BTreeSet<&str> = cheats.flat_map(|tale| &tale.expects).map(|expectation| expectation.rule.as_str()).collect();
    let untried: Vec<&str> = TRIED.into_iter().filter(|rule| !tried.contains(rule)).collect();
    assert!(untried.is_empty(), "no cheat tries {untried:?}");
    let unplayed: Vec<&str> = catalogue().iter().filter(|rule| matches!(rule.run, Run::Not(_))).map(|rule| rule.id.as_str()).collect();
    let later: BTreeSet<&str> = tales.iter().filter(|tale| !tale.honest).flat_map(|tale| &tale.later).map(|one| one.rule.as_str()).collect();
    let forgotten: Vec<&str> = unplayed.into_iter().filter(|rule| !later.contains(rule) && !UNTRIED.contains(rule)).collect();
    assert!(forgotten.is_empty(), "no cheat waits for {forgotten:?}");
    let known: BTreeSet<&str> = catalogue().iter().map(|rule| rule.id.as_str()).collect();
    let named = tales.iter().flat_map(|tale| tale.expects.iter().chain(&tale.later)).map(|one| one.rule.as_str());
    let unknown: Vec<&str> =
        named.chain(tales.iter().flat_map(|tale| tale.allows.iter().map(String::as_str))).filter(|rule| !known.contains(rule)).collect();
    assert!(unknown.is_empty(), "there are no rules {unknown:?}");
    if let Err(faults) = Registry::parse(&register(&tales, 8)) {
        panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    }
}

#[test]
fn the_month_finds_every_cheat_and_no_honest_outlet_gravely() {
    let months: Vec<Month> = std::thread::scope(|scope| {
        let runs = [1, 2].map(|seed| scope.spawn(move || run(seed)));
        runs.into_iter().map(|month| month.join().expect("a month that ends")).collect()
    });
    let violations: Vec<String> = months.iter().flat_map(Month::violations).collect();
    assert!(violations.is_empty(), "{} times otherwise than the scenarios say:\n{}", violations.len(), violations.join("\n"));
}

fn kinds(outage: &Outage) -> Vec<String> {
    let of = |event: &hj212d::message::Event| format!("{} {} {}", event.time, event.kind, event.subject);
    outage.events.iter().map(of).collect()
}

#[test]
fn an_hour_without_the_receiver_is_one_notice_and_no_referral() {
    let outage = receiver_outage(1);
    assert_eq!(outage.referrals_about_silence().len(), 0, "{:#?}", kinds(&outage));
    assert_eq!(outage.notices().len(), 1, "{:#?}", kinds(&outage));
}

#[test]
fn a_region_that_is_cut_off_is_one_notice_and_hides_no_outlet_that_is_silent_by_itself() {
    let outage = regional_outage(1);
    assert_eq!(outage.referrals_about_silence().len(), 0, "{:#?}", kinds(&outage));
    assert_eq!(outage.notices().len(), 1, "{:#?}", kinds(&outage));
    let silent = outage.silent.clone().expect("one is silent by itself");
    assert!(outage.found.contains(&(silent.clone(), "A-03".to_owned())), "{silent} is found: {:?}", outage.found);
}
