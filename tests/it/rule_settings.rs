//! Settings of rules: for all outlets, a trade, an outlet, a factor. Whatever their order in the rule set, the most particular one
//! that fits holds; and what cannot be set is refused by name.

use crate::world::{OUTLET, SO2_DAY_80, at, frame_body, packet, registry, run_all_rules};
use hj212d::domain::time::{HOUR_MS, Moment};
use hj212d::domain::{FactorCode, Grade, OutletId, RuleId, RuleSet, RuleSetting, Source};
use hj212d::engine::Body;
use hj212d::rules::settings_fault;
use std::collections::BTreeMap;

/// `B-01 trade=waste factor=a21026 n=5 runs=no`, as a document of the rule set has it.
fn setting(text: &str) -> RuleSetting {
    let mut words = text.split_whitespace();
    let mut setting = RuleSetting {
        rule: words.next().and_then(RuleId::new).expect("a rule"),
        trade: None,
        outlet: None,
        factor: None,
        runs: None,
        figures: BTreeMap::new(),
        source: Source { text: "a trial".to_owned(), grade: Grade::D },
    };
    for (name, value) in words.map(|word| word.split_once('=').expect("name=value")) {
        match name {
            "trade" => setting.trade = Some(value.to_owned()),
            "outlet" => setting.outlet = OutletId::new(value),
            "factor" => setting.factor = FactorCode::new(value),
            "runs" => setting.runs = Some(value == "yes"),
            figure => drop(setting.figures.insert(figure.to_owned(), value.parse().expect("a number"))),
        }
    }
    setting
}

fn set(settings: &[&str]) -> RuleSet {
    RuleSet { rules: settings.iter().map(|text| setting(text)).collect(), ..RuleSet::default() }
}

/// Hours of a day in which SO2 stands still from 05:00 on; every other value moves.
fn day() -> Vec<(Moment, Body)> {
    let hour = |hour: i64| {
        let from = at("2026-03-14 00:00:00").plus_ms(hour * HOUR_MS);
        let value = if (5..15).contains(&hour) { "41.30".to_owned() } else { format!("3{}.{:02}", hour % 7, hour) };
        let area = format!("a21026-Avg={value},a21026-Flag=N;a19001-Avg=11.{hour:02},a19001-Flag=N");
        let arrived = from.plus_ms(HOUR_MS + 1000);
        (arrived, frame_body(&packet("2061", arrived, from, &area)))
    };
    (0..24).map(hour).collect()
}

/// How many equal hours B-01 asked for; none: it was silent.
fn asked_for(settings: &[&str]) -> Option<u8> {
    let set = set(settings);
    assert_eq!(settings_fault(&set), None);
    let mut journal = vec![(at("2026-03-14 00:00:00"), Body::RuleSetVersion { text: set.text() })];
    journal.extend(day());
    journal.push((at("2026-03-15 01:00:00"), Body::Tick {}));
    let outputs = run_all_rules(&registry("11", &[SO2_DAY_80]), &journal, 20);
    let stands = outputs.findings.iter().rfind(|finding| finding.rule == "B-01" && finding.standing)?;
    stands.hits.first().and_then(|hit| hit.hour).map(|hour| hour + 1 - 5)
}

#[test]
fn the_most_particular_setting_holds_whatever_their_order() {
    let outlet = format!("B-01 outlet={OUTLET} n=8");
    let particular = [("B-01 n=5", 5), ("B-01 trade=was n=6", 6), ("B-01 factor=a21026 n=7", 7), (outlet.as_str(), 8)];
    assert_eq!(asked_for(&[]), Some(4), "as the catalogue has it");
    for count in 1..=particular.len() {
        let (mut texts, expected) = (particular[..count].iter().map(|(text, _)| *text).collect::<Vec<_>>(), particular[count - 1].1);
        assert_eq!(asked_for(&texts), Some(expected), "{texts:?}");
        texts.reverse();
        assert_eq!(asked_for(&texts), Some(expected), "{texts:?}");
    }
    assert_eq!(asked_for(&["B-01 n=5", "B-01 n=6"]), Some(6), "of two alike the later one");
}

#[test]
fn what_is_said_of_others_changes_nothing_here() {
    assert_eq!(asked_for(&["B-01 trade=paper n=6", "B-01 factor=a21002 n=7", "B-01 outlet=S9-G9 n=8", "B-03 g_h=1"]), Some(4));
}

#[test]
fn a_rule_is_switched_off_and_on_by_its_own_setting_before_that_of_all() {
    assert_eq!(asked_for(&["B-01 runs=no"]), None);
    assert_eq!(asked_for(&["* runs=no"]), None);
    assert_eq!(asked_for(&["B-01 runs=yes", "* runs=no"]), Some(4));
    assert_eq!(asked_for(&["B-01 runs=no", &format!("B-01 outlet={OUTLET} runs=yes")]), Some(4));
    assert_eq!(asked_for(&[&format!("* outlet={OUTLET} runs=no"), "B-01 runs=yes"]), None);
    assert_eq!(asked_for(&["B-01 factor=a21026 runs=no"]), None);
}

#[test]
fn what_cannot_be_set_is_refused_by_name() {
    let refused = |text: &str| settings_fault(&set(&[text])).unwrap_or_default();
    assert_eq!(refused("B-99 n=4"), "rules: there is no rule \"B-99\"");
    assert_eq!(refused("B-01 m=4"), "rules: B-01 has no figure \"m\"");
    assert!(refused("A-03 T_min=30").starts_with("rules: \"T_min\" of A-03 cannot be set"), "a figure of the rule set stands for it");
    assert_eq!(refused("B-01 n=-1"), "rules: n of B-01 is -1; 0 to 1000000 is possible");
    assert_eq!(refused("* n=4"), "rules: there is no rule \"*\"");
}
