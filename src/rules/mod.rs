//! Readings, cells and means → findings. One file per rule; rules keep no state and change no number.
//!
//! A rule is a constant ([`Rule`]) and a function of a [`DayView`]: one outlet's day, its closed hours, and what the day before
//! handed over ([`Carry`]). Rules of an hour run when the hour closes and whenever its day is judged; rules of a day run when the
//! day is published. One finding stands for a rule, an outlet, a factor and a day, with its hits by hour: judged again it is the
//! same finding in another version.

mod carry;
mod course;
pub mod j_02;
mod later;
mod n_01;
pub mod neighbours;
mod prelude;
mod profile;
mod rule;
mod statistics;
mod tools;
mod view;
mod a_01;
mod a_02;
mod a_03;
mod a_04;
mod a_05;
mod a_06;
mod a_07;
mod a_08;
mod a_09;
mod a_10;
mod a_11;
mod a_12;
mod a_13;
mod b_01;
mod b_02;
mod b_03;
mod b_04;
mod b_05;
mod b_06;
mod b_07;
mod b_08;
mod b_09;
mod b_10;
mod b_11;
mod b_12;
mod b_13;
mod b_14;
mod b_15;
mod b_16;
mod b_17;
mod c_01;
mod c_02;
mod c_03;
mod c_04;
mod c_05;
mod c_06;
mod c_07;
mod c_08;
mod c_09;
mod c_10;
mod c_11;
mod d_01;
mod d_02;
mod d_03;
mod d_04;
mod d_05;
mod d_06;
mod d_07;
mod d_08;
mod d_09;
mod d_10;
mod d_11;
mod d_12;
mod d_13;
mod d_14;
mod d_15;
mod d_16;
mod d_17;
mod d_18;
mod d_19;
mod d_20;
mod e_01;
mod e_02;
mod e_03;
mod e_04;
mod e_05;
mod e_06;
mod e_07;
mod e_08;
mod e_09;
mod e_10;
mod e_11;
mod e_12;
mod e_13;
mod e_14;
mod e_15;
mod e_16;
mod e_17;
mod f_01;
mod f_02;
mod f_03;
mod f_04;
mod f_05;
mod f_06;
mod f_07;
mod g_01;
mod g_02;
mod g_03;
mod g_04;
mod g_06;
mod g_07;
mod h_01;
mod h_02;
mod h_03;
mod h_04;
mod h_05;
mod i_01;
mod i_02;
mod i_03;
mod i_04;
mod i_05;
mod j_01;
mod j_03;
mod j_04;
mod j_05;
mod j_06;
mod j_07;
mod j_08;
mod k_01;
mod k_02;
mod k_03;
mod k_04;
mod k_05;
mod k_06;
mod k_07;
mod k_08;
mod k_09;
mod k_10;
mod k_11;

pub use carry::{Carry, Runs, Score, Streak};
pub use profile::{Hourly, Past, Profile, SeriesProfile};
pub use rule::{FigureOrigin, Guard, Refer, Rule, RuleFigure, Run, TimeBase};
pub use view::{DayView, Hits, SeriesView, is_pollutant};

use crate::domain::number::Ratio;
use crate::domain::{Basis, Confidence, FactorCode, Finding, Hit, Kind, Limit, RuleId, RuleSet, RuleSetting, Severity, Source};
use crate::protocol::factor;
use j_02::Outcome;
use profile::Window;
use rust_decimal::Decimal;
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Namespace of every id that is derived from content: v5 of the project's name.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x9c1d_40f2_6f0e_5b52_8a6c_2f1d_2120_0212);

/// Every rule that runs, in the order in which they run.
pub const ALL: &[&Rule] = &[
    &a_01::RULE,
    &a_02::RULE,
    &a_03::RULE,
    &a_04::RULE,
    &a_05::RULE,
    &a_06::RULE,
    &a_07::RULE,
    &a_08::RULE,
    &a_09::RULE,
    &a_10::RULE,
    &a_11::RULE,
    &a_12::RULE,
    &a_13::RULE,
    &b_01::RULE,
    &b_02::RULE,
    &b_03::RULE,
    &b_04::RULE,
    &b_05::RULE,
    &b_06::RULE,
    &b_07::RULE,
    &b_08::RULE,
    &b_09::RULE,
    &b_10::RULE,
    &b_11::RULE,
    &b_12::RULE,
    &b_13::RULE,
    &b_14::RULE,
    &b_15::RULE,
    &b_16::RULE,
    &b_17::RULE,
    &c_01::RULE,
    &c_02::RULE,
    &c_03::RULE,
    &c_04::RULE,
    &c_05::RULE,
    &c_06::RULE,
    &c_07::RULE,
    &c_08::RULE,
    &c_09::RULE,
    &c_10::RULE,
    &c_11::RULE,
    &d_01::RULE,
    &d_02::RULE,
    &d_03::RULE,
    &d_04::RULE,
    &d_05::RULE,
    &d_06::RULE,
    &d_07::RULE,
    &d_08::RULE,
    &d_09::RULE,
    &d_10::RULE,
    &d_11::RULE,
    &d_12::RULE,
    &d_13::RULE,
    &d_14::RULE,
    &d_15::RULE,
    &d_16::RULE,
    &d_17::RULE,
    &d_18::RULE,
    &d_19::RULE,
    &d_20::RULE,
    &e_01::RULE,
    &e_02::RULE,
    &e_03::RULE,
    &e_04::RULE,
    &e_05::RULE,
    &e_06::RULE,
    &e_07::RULE,
    &e_08::RULE,
    &e_09::RULE,
    &e_10::RULE,
    &e_11::RULE,
    &e_12::RULE,
    &e_13::RULE,
    &e_14::RULE,
    &e_15::RULE,
    &e_16::RULE,
    &e_17::RULE,
    &f_01::RULE,
    &f_02::RULE,
    &f_03::RULE,
    &f_04::RULE,
    &f_05::RULE,
    &f_06::RULE,
    &f_07::RULE,
    &g_01::RULE,
    &g_02::RULE,
    &g_03::RULE,
    &g_04::RULE,
    &g_06::RULE,
    &g_07::RULE,
    &h_01::RULE,
    &h_02::RULE,
    &h_03::RULE,
    &h_04::RULE,
    &h_05::RULE,
    &i_01::RULE,
    &i_02::RULE,
    &i_03::RULE,
    &i_04::RULE,
    &j_01::RULE,
    &j_03::RULE,
    &j_04::RULE,
    &j_05::RULE,
    &j_06::RULE,
    &j_07::RULE,
    &j_08::RULE,
    &k_01::RULE,
    &k_02::RULE,
    &k_03::RULE,
    &k_04::RULE,
    &k_05::RULE,
    &k_06::RULE,
    &k_07::RULE,
    &k_08::RULE,
    &k_09::RULE,
    &k_10::RULE,
    &k_11::RULE,
    // Asks whether some of those before it fired.
    &i_05::RULE,
    &j_02::RULE,
    &n_01::RULE,
];

/// Every rule of the catalogue, in the order of ids.
#[must_use]
pub fn catalogue() -> Vec<&'static Rule> {
    let mut rules: Vec<&Rule> = ALL.iter().copied().chain(later::LATER).collect();
    rules.sort_by_key(|rule| rule.id);
    rules
}

/// A rule of the catalogue.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    ALL.iter().copied().chain(later::LATER).find(|rule| rule.id.as_str() == id)
}

/// Whether a rule finds nothing where others do not.
#[must_use]
pub fn is_borne_out_by_others(rule: RuleId) -> bool {
    rule == i_05::RULE.id
}

/// What is wrong with the rule settings of a rule set: a rule or a figure that does not exist.
#[must_use]
pub fn settings_fault(set: &RuleSet) -> Option<String> {
    set.rules.iter().find_map(|setting| {
        let rule = match (setting.rule.as_str(), find(setting.rule.as_str())) {
            ("*", _) if setting.figures.is_empty() => return None,
            (_, Some(rule)) => rule,
            (id, None) => return Some(format!("rules: there is no rule {id:?}")),
        };
        let unknown = setting.figures.keys().find(|name| rule.figures.iter().all(|figure| figure.name != **name));
        if let Some(unknown) = unknown {
            return Some(format!("rules: {} has no figure {unknown:?}", rule.id));
        }
        let fixed = setting.figures.keys().find(|name| rule.figures.iter().any(|figure| figure.fixed && figure.name == **name));
        if let Some(fixed) = fixed {
            return Some(format!(
                "rules: {fixed:?} of {} cannot be set: it is fixed in what an hour keeps, or another figure stands for it",
                rule.id
            ));
        }
        let most = neighbours::MOST
            .iter()
            .find(|(of, name, most)| of.id == rule.id && setting.figures.get(*name).is_some_and(|value| *value > Decimal::from(*most)));
        if let Some((_, name, most)) = most {
            return Some(format!("rules: {name} of {} is more than the {most} that can be compared", rule.id));
        }
        let least =
            neighbours::LEAST.iter().find(|(of, name, least)| of.id == rule.id && setting.figures.get(*name).is_some_and(|value| value < least));
        if let Some((_, name, least)) = least {
            return Some(format!("rules: {name} of {} is less than {least}, below which nothing is looked at", rule.id));
        }
        let beyond = setting.figures.iter().find(|(_, value)| value.is_sign_negative() || **value > FIGURE_MAX);
        beyond.map(|(name, value)| format!("rules: {name} of {} is {value}; 0 to {FIGURE_MAX} is possible", rule.id))
    })
}

/// Whether a rule is switched off for all outlets and factors: by a setting, or because it runs only where one asks for it.
#[must_use]
pub fn is_off(set: &RuleSet, rule: &Rule) -> bool {
    let of_rule = |setting: &&RuleSetting| setting.rule == rule.id || setting.rule.as_str() == "*";
    let everywhere = |setting: &&RuleSetting| setting.trade.is_none() && setting.outlet.is_none() && setting.factor.is_none();
    let said = set.rules.iter().filter(of_rule).filter(|setting| setting.runs.is_some());
    let off = said
        .clone()
        .filter(everywhere)
        .max_by_key(|setting| setting.rule == rule.id)
        .map_or(!rule.runs_unasked(), |setting| setting.runs == Some(false));
    off && !said.clone().any(|setting| setting.runs == Some(true) && (setting.rule == rule.id || !everywhere(&setting)))
}

/// Days before a day that its rules of spans look at, under a rule set.
#[must_use]
pub fn reach(set: &RuleSet) -> u32 {
    let days = |rule: &&Rule| -> Decimal {
        let figure = |name: &str| {
            let set = set.rules.iter().filter(|setting| setting.rule == rule.id).filter_map(|setting| setting.figures.get(name).copied());
            rule.figures.iter().filter(|figure| figure.name == name).map(|figure| figure.value).chain(set).max().unwrap_or_default()
        };
        // What is compared with a base before its window reaches so much farther. What was seen beside neighbours comes with the past.
        (figure("w_d") + figure("base_d")).max(Decimal::ONE)
    };
    let spans = ALL.iter().copied().filter(|rule| matches!(rule.run, Run::Span(_)) && !is_off(set, rule));
    spans.map(|rule| days(&rule)).max().and_then(|days| u32::try_from(days.ceil()).ok()).map_or(0, |days| days.min(SPAN_DAYS_MAX))
}

/// No rule looks farther back.
pub const SPAN_DAYS_MAX: u32 = 400;

/// Days of visits that rules look back at.
pub const VISIT_DAYS: i32 = 400;

/// No figure of a rule is larger.
const FIGURE_MAX: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

/// Chinese and English name of a factor; its code where the tables have none.
#[must_use]
pub fn factor_names(code: FactorCode) -> (String, String) {
    if code == FactorCode::WHOLE {
        return ("全部因子".to_owned(), "all factors".to_owned());
    }
    if code.as_str() == "a01" {
        return ("烟气参数".to_owned(), "flue parameters".to_owned());
    }
    factor::find(code.as_str()).map_or_else(|| (code.to_string(), code.to_string()), |row| (row.zh.to_owned(), row.en.to_owned()))
}

/// A limit row as findings and pages show it, with the figure in force and why it is that one.
#[must_use]
pub fn limit_body(limit: &Limit, figure: &str, figure_note: Option<&str>) -> serde_json::Value {
    json!({
        "type": limit.limit_type,
        "figure": figure,
        "figure_note": figure_note,
        "unit": limit.unit,
        "basis": limit.basis,
        "converted": limit.converted,
        "standard": limit.standard,
        "source": limit.source,
        "grade": limit.grade,
        "grade_zh": limit.grade.says().0,
        "grade_en": limit.grade.says().1,
        "note": limit.note,
        "valid_from": limit.valid_from.to_string(),
        "valid_to": limit.valid_to.map(|to| to.to_string()),
    })
}

/// What came of judging a whole day.
#[derive(Debug)]
pub struct Judged {
    /// One finding for each rule and factor that fired, and for each limit row, standing or not, so that what no longer holds is
    /// seen to end.
    pub findings: Vec<Finding>,
    /// Rules that could not be evaluated, and the input that is missing.
    pub not_evaluable: BTreeMap<RuleId, &'static str>,
    /// What the day hands to the next.
    pub carry: Carry,
    /// What it leaves for the rules of spans.
    pub profile: Profile,
}

/// Runs every rule over a day.
#[must_use]
pub fn judge_day(view: &DayView<'_>) -> Judged {
    let (mut hits, runs) = closed_hours(view);
    let profile = Profile::of(view);
    let window = view.past.map(|past| Window::new(past, &profile, view.day));
    for rule in ALL.iter().filter(|rule| !view.is_off(rule)) {
        match (rule.run, &window) {
            (Run::Day(run), _) => run(view, &mut hits),
            (Run::Span(run), Some(window)) => run(view, window, &mut hits),
            _ => {}
        }
    }
    let mut findings: Vec<Finding> = hits.found().iter().map(|((rule, factor), hits)| finding(view, *rule, *factor, hits.clone())).collect();
    findings.extend(judge_limits(view));
    let carry = Carry::after(view, runs, &findings);
    Judged { findings, not_evaluable: hits.not_evaluable().clone(), carry, profile }
}

/// Runs the rules of one hour: `runs` are those that go on from the hour before, and come out as they go on from this one.
pub fn judge_hour(view: &DayView<'_>, hour: u8, runs: &mut Runs) -> Hits {
    let mut hits = Hits::default();
    view::hour(view, hour, runs, &mut hits);
    hits
}

/// Runs the rules of every closed hour.
#[must_use]
pub fn judge_hours(view: &DayView<'_>) -> Hits {
    closed_hours(view).0
}

/// What the rules find in the closed hours, and the runs that go on after them.
fn closed_hours(view: &DayView<'_>) -> (Hits, Runs) {
    let (mut hits, mut runs) = (Hits::default(), view.prior.runs.clone());
    for hour in 0..view.closed {
        view::hour(view, hour, &mut runs, &mut hits);
    }
    (hits, runs)
}

/// Whether a rule judges hours.
#[must_use]
pub fn is_hourly(id: &str) -> bool {
    find(id).is_some_and(|rule| matches!(rule.run, Run::Hour(_)))
}

/// Whether what fired gives points towards a referral.
#[must_use]
pub fn gives_points(rule: &str, severity: Severity) -> bool {
    severity >= Severity::Warn && find(rule).is_some_and(|rule| rule.refer == Refer::Score)
}

/// Runs one rule of a day.
#[must_use]
pub fn judge_one(view: &DayView<'_>, id: &str) -> Hits {
    let mut hits = Hits::default();
    if let Some(Run::Day(run)) = find(id).map(|rule| rule.run) {
        run(view, &mut hits);
    }
    hits
}

/// Known findings with the hits of an hour (or of the day as a whole, by `of`) replaced: gives those that say something new.
#[must_use]
pub fn merged(view: &DayView<'_>, known: &BTreeMap<Uuid, Finding>, found: &Hits, of: impl Fn(&str, &Hit) -> bool) -> Vec<Finding> {
    let mut places: BTreeMap<(RuleId, FactorCode), Vec<Hit>> = BTreeMap::new();
    for finding in known.values().filter(|finding| finding.hits.iter().any(|hit| of(&finding.rule, hit))) {
        if let Some(rule) = RuleId::new(&finding.rule) {
            places.insert((rule, finding.factor), Vec::new());
        }
    }
    for (place, hits) in found.found() {
        places.insert(*place, hits.clone());
    }
    let mut changed = Vec::new();
    for ((rule, factor), mut hits) in places {
        let before = known.get(&id_of(view, rule, factor));
        hits.extend(before.into_iter().flat_map(|before| &before.hits).filter(|hit| !of(rule.as_str(), hit)).cloned());
        hits.sort_by_key(|hit| hit.hour);
        match before {
            Some(before) if before.hits == hits => {}
            Some(before) if hits.is_empty() => changed.push(ended(before, view)),
            Some(before) => changed.push(Finding { revision: before.revision + 1, ..finding(view, rule, factor, hits) }),
            None if hits.is_empty() => {}
            None => changed.push(finding(view, rule, factor, hits)),
        }
    }
    changed
}

/// A finding that no longer stands.
fn ended(before: &Finding, view: &DayView<'_>) -> Finding {
    Finding { standing: false, revision: before.revision + 1, at: view.now, hits: Vec::new(), ..before.clone() }
}

fn id_of(view: &DayView<'_>, rule: RuleId, factor: FactorCode) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{rule}|{}|{factor}|{}", view.id(), view.day).as_bytes())
}

/// One finding of a rule and factor.
fn finding(view: &DayView<'_>, rule: RuleId, factor: FactorCode, hits: Vec<Hit>) -> Finding {
    let known = find(rule.as_str());
    let gravest = hits.iter().max_by_key(|hit| (hit.severity, std::cmp::Reverse(hit.hour)));
    let (severity, zh, en) = gravest.map_or((Severity::Info, "", ""), |hit| (hit.severity, hit.zh.as_str(), hit.en.as_str()));
    let names = factor_names(factor);
    let title = known.map_or(("", ""), |rule| rule.title);
    let at = gravest.and_then(|hit| hit.hour).map_or_else(String::new, |hour| format!(" {hour:02}:00"));
    let more =
        if hits.len() > 1 { (format!("（共{}个时段）", hits.len()), format!(" ({} hours in all)", hits.len())) } else { Default::default() };
    let name_en = if view.outlet.name_en.is_empty() { &view.outlet.name } else { &view.outlet.name_en };
    Finding {
        id: id_of(view, rule, factor),
        rule: rule.to_string(),
        outlet: view.id(),
        factor,
        day: view.day,
        severity,
        confidence: known.map_or(Confidence::Low, |rule| rule.confidence),
        standing: !hits.is_empty(),
        revision: 1,
        confirmed: view.confirmed,
        at: view.now,
        facts: gravest.map(|hit| hit.facts.clone()).unwrap_or_default(),
        sentence_zh: format!("{}{at}，{}{}：{}：{zh}{}。", view.day, view.outlet.name, names.0, title.0, more.0),
        sentence_en: format!("{}{at}, {name_en}, {}: {}: {en}{}.", view.day, names.1, title.1, more.1),
        hits,
        source: Source { text: known.map_or("", |rule| rule.source).to_owned(), grade: known.map_or(crate::domain::Grade::D, |rule| rule.grade) },
    }
}

/// J-02: every limit row gives one finding, standing or not.
fn judge_limits(view: &DayView<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let temperature = view.outlet.temperature_factor.and_then(|factor| {
        let mean = view.means.iter().find(|mean| mean.factor == factor && mean.kind == Kind::Measured && mean.valid)?;
        mean.value.as_ref()
    });
    for code in view.registry.factors(view.id()).filter(|code| view.runs(j_02::RULE.id, *code)) {
        let means: Vec<_> = view.means.iter().filter(|mean| mean.factor == code).cloned().collect();
        let series = crate::domain::Series { outlet: view.id(), factor: code };
        for limit in view.registry.limits(series, Basis::Day, view.day.start()) {
            let Outcome::Judged(judgement) = j_02::judge(&means, limit, temperature, view.set) else { continue };
            let names = factor_names(code);
            let outlet = view.outlet;
            let (zh, en) = j_02::sentence(
                (&outlet.name, if outlet.name_en.is_empty() { &outlet.name } else { &outlet.name_en }),
                (&names.0, &names.1),
                outlet.medium,
                &view.day.to_string(),
                &judgement,
            );
            let identity = format!("{}|{}|{}|{:?}|{}|{}", j_02::RULE.id, view.id(), code, limit.limit_type, limit.standard, view.day);
            let comparison = &judgement.comparison;
            findings.push(Finding {
                id: Uuid::new_v5(&NAMESPACE, identity.as_bytes()),
                rule: j_02::RULE.id.to_string(),
                outlet: view.id(),
                factor: code,
                day: view.day,
                severity: j_02::severity(comparison),
                confidence: if comparison.marginal { Confidence::Medium } else { Confidence::High },
                standing: comparison.exceeds,
                revision: 1,
                confirmed: view.confirmed,
                at: view.now,
                facts: json!({
                    "kind": judgement.mean.kind,
                    "value": judgement.mean.value.as_ref().map(Ratio::shown),
                    "value_exact": judgement.mean.value,
                    "valid_hours": judgement.mean.count,
                    "due": judgement.mean.due,
                    "volume_m3": judgement.mean.volume.as_ref().map(Ratio::shown),
                    "limit": limit_body(limit, judgement.figure, judgement.figure_note),
                    "multiple": comparison.multiple.as_ref().map(Ratio::shown),
                    "marginal": comparison.marginal,
                }),
                hits: Vec::new(),
                sentence_zh: zh,
                sentence_en: en,
                source: j_02::source(outlet.medium),
            });
        }
    }
    findings
}

/// Whether a confirmed finding can open a case by itself.
#[must_use]
pub fn refers_alone(finding: &Finding) -> bool {
    finding.standing
        && find(&finding.rule).is_some_and(|rule| {
            let surveyed = || finding.hits.iter().any(|hit| hit.facts["surveyed"] == true);
            let graver = finding.severity >= Severity::High || rule.id == j_02::RULE.id;
            rule.refer == Refer::Alone && if rule.id == a_03::RULE.id { surveyed() } else { graver }
        })
}
