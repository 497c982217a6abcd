//! `hj212d rules document`: `docs/rules.md`, printed from the constants by which the program judges. What a rule says of itself, what
//! points come to and which figures a referral asks for are read from the program, and not written a second time.

use crate::domain::time::Day;
use crate::domain::{CaseKind, Confidence, FactorCode, Grade, OutletId, RuleId, RuleSet, RuleSetting, Severity, Source};
use crate::rules::{Carry, FigureOrigin, Guard, Refer, Rule, Run, Score, TimeBase, catalogue};
use rust_decimal::Decimal;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// The groups of the catalogue: letter, Chinese, English.
const GROUPS: [(&str, &str, &str); 12] = [
    ("A", "联网、缺数、补传", "Link and completeness"),
    ("B", "恒值、零值、负值、超量程、贴限", "Levels that do not move"),
    ("C", "突变、陡降、昼夜差", "Jumps and shapes"),
    ("D", "折算、氧量、烟温、流速、逻辑", "Physics and arithmetic"),
    ("E", "标记与工况", "Marks against plant state"),
    ("F", "参数、漂移、质控", "Parameters, drift and quality assurance"),
    ("G", "分钟、小时、日不一致", "Aggregates against their parts"),
    ("H", "时钟、重复、报文", "Clock and protocol"),
    ("I", "多站", "Between outlets and stations"),
    ("J", "超标", "Exceedance and verdict"),
    ("K", "统计", "Statistics"),
    ("N", "联网", "Networking"),
];

const GUARDS: [Guard; 6] = [Guard::Running, Guard::Survey, Guard::Settled, Guard::LowLevel, Guard::Resolution, Guard::Cycles];
const GRADES: [Grade; 5] = [Grade::P, Grade::C, Grade::S, Grade::M, Grade::D];

/// How the rules do in the sample city's month; the bench writes it.
const MEASURED: &str = include_str!("../../protocol-fixtures/scenarios/measured.csv");

/// The whole document.
pub(super) fn document() -> String {
    let groups = GROUPS.iter().map(|(letter, zh, en)| {
        let rules = catalogue().into_iter().filter(|rule| rule.id.as_str().starts_with(*letter));
        format!("## {letter}. {en} {zh}\n\n{}", rules.map(entry).collect::<Vec<_>>().join("\n"))
    });
    let head = [introduction(), findings(), guards(), cases(), settings()];
    head.into_iter().chain(groups).chain([measured()]).collect::<Vec<_>>().join("\n")
}

// --- the chapters before the rules ------------------------------------------------------------------------------------

fn introduction() -> String {
    let rules = catalogue();
    let resting = rules.iter().filter(|rule| matches!(rule.run, Run::Not(_))).count();
    let groups = GROUPS.iter().map(|(letter, zh, en)| format!("{letter}. {en} {zh}"));
    let chapters = [FINDINGS, GUARDED, CASES, SETTINGS].map(str::to_owned);
    let contents: Vec<String> = chapters.into_iter().chain(groups).chain([MEASUREMENT.to_owned()]).map(|title| link(&title)).collect();
    format!(
        "# Rules 判定规则\n\n\
         Printed from the constants by which the program judges; a test holds the two together. After a change print it anew:\n\n\
         ```\ncargo run --release -- rules document > docs/rules.md\n```\n\n\
         {} rules stand here. {} of them run, {} do not, and each of those says what it lacks. A rule raises a suspicion so that a\n\
         person can look. It changes no number, takes no value out of a mean, and proves no fraud by itself.\n\n{}\n",
        rules.len(),
        rules.len() - resting,
        resting,
        contents.join("\n"),
    )
}

const FINDINGS: &str = "What a rule says 规则说什么";
const GUARDED: &str = "Guards 防误报";
const CASES: &str = "From findings to a case 从判定到案件";
const SETTINGS: &str = "Settings 规则设置";
const MEASUREMENT: &str = "Measured 实测";

fn findings() -> String {
    let severities = [
        (Severity::Info, "a hint: it warns of nothing and gives no points"),
        (Severity::Warn, "leaves as a warning while its day is not confirmed; of most rules it gives points"),
        (Severity::High, "the same; of some rules a case by itself"),
        (Severity::Critical, "the same"),
    ];
    let severities = severities.map(|(severity, what)| vec![both(severity_words(severity)), what.to_owned()]);
    let grades = GRADES.map(|grade| vec![format!("{grade:?}"), both(grade.says())]);
    format!(
        "## {FINDINGS}\n\n\
         A rule looks at one outlet's day: its closed hours and their marks, its means once the day is over, what was said besides values\n\
         (parameters, checks, restarts), silences and outages, and what the day before handed over. It keeps no state. What it says is a\n\
         finding (判定): one for each rule, outlet, factor and day, with a hit for each hour in which it fired, or one for the day as a\n\
         whole; of J-02 one for each limit row. Judged again it is the same finding in a higher revision, and what no longer holds is\n\
         stated as not standing.\n\n\
         Rules of an hour run when the hour is closed, and again with their day. Rules of a day run when the day is published, first\n\
         provisionally and then as confirmed. Rules beside the days before run with the confirmed day alone, over what these days left:\n\
         the means of their hours, sums over their records, what was counted of their course in slots of five minutes. When such a day\n\
         changes, the days that look back at it are judged again. Statistics (K) run where a setting says `\"runs\": true`, and lead to\n\
         nothing by themselves. A rule whose inputs are missing says nothing; a referral lists the rules of the day that\n\
         could not be evaluated, which is not the same as clear.\n\n{}\n\
         Confidence ({}, {}, {}) says how sure a finding is, which is another thing.\n\n\
         *Time* is `{}` where a rule goes by the time of the data: the order of arrival changes nothing. It is `{}` where the rule goes by\n\
         when and in which order packets arrived.\n\n\
         Every figure says whether it stands in the rule's source or is ours: a starting value, to be tried on the history of a city\n\
         before somebody rests a decision on it. The grade says how well the source is known:\n\n{}",
        table(&["severity", "a finding"], severities),
        both(confidence_words(Confidence::Low)),
        both(confidence_words(Confidence::Medium)),
        both(confidence_words(Confidence::High)),
        TimeBase::Event.name(),
        TimeBase::Arrival.name(),
        table(&["grade", ""], grades),
    )
}

fn guards() -> String {
    let rows = GUARDS.map(|guard| {
        let (id, zh, en) = guard.says();
        vec![id.to_owned(), en.to_owned(), zh.to_owned()]
    });
    format!("## {GUARDED}\n\nWhat keeps a rule from firing falsely; each rule names those that it has.\n\n{}", table(&["guard", "", ""], rows))
}

/// A score of one group, changed: how many points that adds.
fn points(change: impl FnOnce(&mut Score)) -> u32 {
    let one = Score { groups: BTreeSet::from(["A".to_owned()]), ..Score::default() };
    let mut other = one.clone();
    change(&mut other);
    other.points() - one.points()
}

/// The rules that set a part of the score.
fn rules_of(part: impl Fn(&Score) -> bool) -> String {
    let sets = |rule: &&Rule| part(&Carry::default().score(Day(0), 1, &[(rule.id, Severity::Critical)]));
    let ids: Vec<&str> = catalogue().into_iter().filter(sets).map(|rule| rule.id.as_str()).collect();
    ids.join(", ")
}

fn cases() -> String {
    let set = RuleSet::default();
    let severity = |severity| points(|score| score.severity = Some(severity)).to_string();
    let group = points(|score| {
        score.groups.insert("B".to_owned());
    });
    let rows = [
        ("each group of rules (the letter) that fired".to_owned(), group.to_string()),
        ("the gravest finding: warn, high, critical".to_owned(), [Severity::Warn, Severity::High, Severity::Critical].map(severity).join(", ")),
        ("something fired on three days or more".to_owned(), points(|score| score.repeats = true).to_string()),
        (format!("a value above a limit stood behind it: {}", rules_of(|score| score.motive)), points(|score| score.motive = true).to_string()),
        (format!("checks or parameters contradict: {}", rules_of(|score| score.quality)), points(|score| score.quality = true).to_string()),
    ];
    let statistics = Score { groups: BTreeSet::from(["K".to_owned()]), severity: Some(Severity::Critical), ..Score::default() };
    let kinds = CaseKind::ALL.map(|kind| vec![kind.name().to_owned(), both(kind.says())]);
    format!(
        "## {CASES}\n\n\
         Findings of a confirmed day move cases; a silence that the survey has found to be the outlet's own does so at once. A case belongs\n\
         to an outlet, a kind and a family of factors: a pollutant with its parts, the parameters of a flue; missing links and networking are\n\
         the outlet's as a whole. Kinds:\n\n{}\n\
         Some rules lead to a case by themselves. The findings of the others give points, which are counted for the outlet as a whole over\n\
         {} days. From {} points on (`score_review`) its findings of warn and above go into cases; from {} on (`score_priority`) the\n\
         referral says `priority`. Hints and notes give none, and statistics (K) alone never more than {}.\n\n{}\n\
         The three figures are those of the rule set as the program comes; the points are the program's own.\n",
        table(&["kind", ""], kinds),
        set.score_days.value,
        set.score_review.value,
        set.score_priority.value,
        statistics.points(),
        table(&["for", "points"], rows.map(|(what, points)| vec![what, points])),
    )
}

/// What a document of the rule set may say of rules.
fn example() -> String {
    let setting = |rule: &'static str, text: &str| RuleSetting {
        rule: RuleId::known(rule),
        trade: None,
        outlet: None,
        factor: None,
        runs: None,
        figures: BTreeMap::new(),
        source: Source { text: text.to_owned(), grade: Grade::D },
    };
    let figure = |name: &str, value: u32| BTreeMap::from([(name.to_owned(), Decimal::from(value))]);
    let settings = [
        RuleSetting {
            trade: Some("waste".to_owned()),
            figures: figure("n", 6),
            ..setting("B-01", "bureau, note 12 of 2026: five equal hours are usual here")
        },
        RuleSetting {
            outlet: Some(OutletId::known("S003-G1")),
            factor: Some(FactorCode::known("a34013")),
            runs: Some(false),
            ..setting("B-03", "inspection of 2026-03-02: the dust analyser prints whole numbers")
        },
        RuleSetting { outlet: Some(OutletId::known("S009-W1")), runs: Some(false), ..setting("*", "under construction until 2026-09-30") },
        RuleSetting { outlet: Some(OutletId::known("S009-W1")), runs: Some(true), ..setting("J-02", "limits hold under construction as well") },
    ];
    serde_json::to_string_pretty(&json!({ "rules": settings })).unwrap_or_default()
}

fn settings() -> String {
    format!(
        "## {SETTINGS}\n\n\
         A document of the rule set (`hj212d rules print`, `rules import`) may say under `rules` whether a rule runs, and give its figures\n\
         other values: for all outlets, for a trade (whatever the outlet's `trade` begins with), an outlet, a factor. `*` stands for every\n\
         rule and takes no figures. Figures are written as text, and every setting names its source. For each figure, and for whether a\n\
         rule runs, the most particular setting holds: that of an outlet before that of a factor, of a trade, of none; the rule's own\n\
         before `*`; of two alike the later one. A rule or a figure that does not exist is refused. What is left out is as it stands here:\n\n\
         ```json\n{}\n```\n\n\
         `hj212d replay --journal --rules FILE` says beforehand what a document would change.\n",
        example(),
    )
}

// --- the rules --------------------------------------------------------------------------------------------------------

/// One rule.
fn entry(rule: &Rule) -> String {
    let severity = both(severity_words(rule.severity));
    let guards: Vec<String> = rule.guards.iter().map(|guard| guard.says()).map(|(id, _, en)| format!("{id} {en}")).collect();
    let rows = [
        ("runs", runs(rule)),
        ("inputs", rule.inputs.join("; ")),
        ("fires when", format!("`{}`", rule.condition)),
        ("window", rule.window.to_owned()),
        ("severity", if rule.severity_note.is_empty() { severity } else { format!("{severity}; {}", rule.severity_note) }),
        ("confidence", both(confidence_words(rule.confidence))),
        ("guards", if guards.is_empty() { "none".to_owned() } else { guards.join("; ") }),
        ("time", rule.time.name().to_owned()),
        ("source", rule.source.to_owned()),
        ("grade", format!("{:?}, {}", rule.grade, both(rule.grade.says()))),
        ("case", both(rule.kind.says())),
        ("leads to", leads_to(rule)),
    ];
    let rows = rows.map(|(name, what)| vec![name.to_owned(), what]);
    let heading = format!("### {} {} · {}\n\n{}", rule.id, rule.title.0, rule.title.1, table(&["", ""], rows));
    if rule.figures.is_empty() {
        return heading;
    }
    let figures = rule.figures.iter().map(|figure| {
        let origin = match figure.origin {
            FigureOrigin::Source => "the source",
            FigureOrigin::Ours => "ours",
        };
        let fixed = if figure.fixed { "; cannot be set" } else { "" };
        vec![format!("`{}`", figure.name), figure.value.to_string(), format!("{origin}{fixed}")]
    });
    heading + "\n" + &table(&["figure", "value", "from"], figures)
}

fn runs(rule: &Rule) -> String {
    match rule.run {
        Run::Hour(_) => "by hour".to_owned(),
        Run::Day(_) if rule.runs_unasked() => "by day".to_owned(),
        Run::Span(_) if rule.runs_unasked() => "by confirmed day, beside the days before it".to_owned(),
        Run::Day(_) => "by day, where a setting asks for it".to_owned(),
        Run::Span(_) => "by confirmed day, beside the days before it, where a setting asks for it".to_owned(),
        Run::Limits => "by limit row".to_owned(),
        Run::Not(missing) => format!("does not run: {missing}"),
    }
}

fn leads_to(rule: &Rule) -> String {
    let words = match (rule.refer, rule.id.as_str()) {
        (Refer::Alone, "A-03") => "a case, by itself, once the survey has found the outlet alone silent; a warning before that",
        (Refer::Alone, "J-02") => "a case, by itself",
        (Refer::Alone, _) => "a case, by itself, from high on; a warning below",
        (Refer::Score, _) => "points",
        (Refer::Note, _) => "nothing by itself: a note beside other findings",
    };
    words.to_owned()
}

/// What the bench measured, as it wrote it.
fn measured() -> String {
    let (caption, rows) = MEASURED.split_once('\n').unwrap_or((MEASURED, ""));
    let mut rows = rows.lines().filter(|line| !line.is_empty()).map(|line| line.split(',').map(str::to_owned).collect::<Vec<String>>());
    let head: Vec<String> = rows.next().unwrap_or_default().iter().map(|name| name.replace('_', " ")).collect();
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    format!(
        "## {MEASUREMENT}\n\n\
         The sample city's month of `protocol-fixtures/scenarios/`: forty-three cheats, and forty-three honest outlets that look like them, with\n\
         every rule on. What was expected was written before the rules; `benches/README.md` says what to make of it.\n\
         `{}`\n\n{}",
        caption.trim_start_matches('#').trim(),
        table(&head, rows),
    )
}

// --- words and Markdown -----------------------------------------------------------------------------------------------

/// English and Chinese, in the order of an English text.
fn both((zh, en): (&str, &str)) -> String {
    format!("{en} {zh}")
}

const fn severity_words(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Info => ("提示", "info"),
        Severity::Warn => ("一般", "warn"),
        Severity::High => ("严重", "high"),
        Severity::Critical => ("特别严重", "critical"),
    }
}

const fn confidence_words(confidence: Confidence) -> (&'static str, &'static str) {
    match confidence {
        Confidence::Low => ("低", "low"),
        Confidence::Medium => ("中", "medium"),
        Confidence::High => ("高", "high"),
    }
}

/// A line of the contents: a heading's anchor is its text in small letters, without punctuation, with hyphens for spaces.
fn link(title: &str) -> String {
    let kept = title.chars().filter(|letter| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter));
    let anchor: String = kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect();
    format!("- [{title}](#{})", anchor.to_lowercase())
}

/// A table; a bar within a cell does not end it.
fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>().join(" | "));
    let mut table = line(head.iter().map(|cell| (*cell).to_owned()).collect()) + "|" + &"---|".repeat(head.len()) + "\n";
    table.extend(rows.into_iter().map(line));
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::settings_fault;

    #[test]
    fn the_settings_of_the_example_can_be_put_in_force() {
        let set = RuleSet::parse(&example()).expect("a document");
        assert_eq!(settings_fault(&set), None);
        assert_eq!(set.rules.len(), 4);
    }

    #[test]
    fn points_are_those_of_the_score() {
        assert_eq!(points(|score| score.severity = Some(Severity::Critical)), 6);
        assert_eq!(rules_of(|score| score.motive), "D-02, E-03, J-06");
    }

    #[test]
    fn a_bar_does_not_end_a_cell() {
        assert_eq!(table(&["a", ""], [vec!["`|x|`".to_owned(), "b".to_owned()]]), "| a |  |\n|---|---|\n| `\\|x\\|` | b |\n");
    }
}
