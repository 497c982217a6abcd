//! 运维机构赋分 over the sample city's March: nineteen quiet days, and twelve with gaps, faults, stops, a check hour, a silence, late marks and
//! failed checks. A second computation, as plain as it can be, gives the same points line by line; and what is refused is named.

use crate::process::{Folder, Serve, published, replayed};
use crate::world::{at, frame_body};
use hj212d::domain::number::Ratio;
use hj212d::domain::time::{DAY_MS, Day, HOUR_MS, Moment};
use hj212d::domain::{
    Comparison, Declaration, DeclarationKind, FactorCode, Grade, OutletId, RuleId, RuleSet, RuleSetting, Score, ScoreItem, ScoreLine, Source,
};
use hj212d::engine::Body;
use hj212d::pipeline::appending;
use hj212d::pipeline::clock::ArrivalClock;
use hj212d::pipeline::core::Shared;
use hj212d::pipeline::intake::{Intake, Item};
use hj212d::pipeline::serve::{Serve as Engine, Settings};
use hj212d::protocol::encode::Segment;
use hj212d::registry::{Files, Registry};
use hj212d::store::Store;
use num_rational::BigRational;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// The outlets that send, with the logger and what it sends beside its pollutants. The others of C01 are never heard.
const SENDERS: [(&str, &str, &str, &str, &str); 3] = [
    ("S001-G1", "0100003C700001C200084A11", "qlrd01", "31", "a19001-Avg=6,a19001-Flag=N"),
    ("S003-G1", "010000A8900016F000169D03", "123456", "31", "a19001-Avg=11,a19001-Flag=N"),
    ("S009-W2", "010001F400001030001E7741", "ws0102", "32", "w00000-Cou=100,w00000-Flag=N"),
];

pub fn start() -> Moment {
    at("2026-03-01 00:00:00")
}

/// Hours of the month before anything happens.
const QUIET_HOURS: i64 = 19 * 24;

fn hours() -> i64 {
    (at("2026-04-01 00:00:00").0 - start().0) / HOUR_MS
}

/// What an outlet's hour of the month is: a mark of the standard, or nothing at all.
pub fn mark(outlet: &str, hour: i64) -> Option<&'static str> {
    match (outlet, hour - QUIET_HOURS) {
        ("S001-G1", 54..58) => None,
        ("S001-G1", 80..120) => Some("D"),
        ("S001-G1", 200..212) => Some("F"),
        // Forty hours without a word.
        ("S003-G1", 106..146) => None,
        ("S009-W2", 123) => Some("C"),
        _ => Some("N"),
    }
}

/// A pollutant's hour. Sulphur dioxide of the incinerator is above its daily limit on the third day, and above the hourly one in three
/// hours; the phosphorus of the sewage works is above its limit every day.
pub fn value(outlet: &str, factor: &str, hour: i64) -> i64 {
    match (outlet, factor, hour - QUIET_HOURS) {
        ("S003-G1", "a21026", 56..59) => 120,
        ("S003-G1", "a21026", 48..72) => 90,
        // Its range ends at 5.
        (_, "w21011", _) => 2 + hour % 3,
        _ => 2 + (hour * 7) % 5,
    }
}

pub fn sample_city() -> Files {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/sample-city");
    let files = std::fs::read_dir(folder).expect("the sample city").map(|file| file.expect("a file").path());
    let tables = files.filter(|path| path.extension().is_some_and(|end| end == "csv"));
    let text = |path: PathBuf| (path.file_name().expect("a name").to_string_lossy().into_owned(), std::fs::read_to_string(&path).expect("UTF-8"));
    Files(tables.map(text).collect())
}

/// The pollutants of an outlet, as series.csv has them.
pub fn pollutants(outlet: &str) -> Vec<String> {
    let files = sample_city();
    let codes: BTreeSet<String> = files.0["series.csv"]
        .lines()
        .filter_map(|line| line.strip_prefix(&format!("{outlet},"))?.split(',').next())
        .filter(|code| code.starts_with("a2") || code.starts_with("a3") || code.starts_with("w2") || *code == "w01018")
        .map(str::to_owned)
        .collect();
    codes.into_iter().collect()
}

/// Verdicts of the day and silence, and no other rule; hourly packets are silence to nobody.
pub fn figures() -> RuleSet {
    let setting = |rule: &str, runs: bool| RuleSetting {
        rule: RuleId::new(rule).expect("short"),
        trade: None,
        outlet: None,
        factor: None,
        runs: Some(runs),
        figures: BTreeMap::new(),
        source: Source { text: "a test of scores".to_owned(), grade: Grade::D },
    };
    let mut set = RuleSet { rules: vec![setting("*", false), setting("J-02", true), setting("A-03", true)], ..RuleSet::default() };
    set.silence_min.value = 150;
    set.outage_gap_secs.value = 4_000;
    set.contractor_comparison_days.value = 5;
    set
}

fn declaration(id: &str, outlet: &str, (from, to): (&str, &str)) -> Declaration {
    Declaration {
        id: id.to_owned(),
        outlet: OutletId::new(outlet).expect("short"),
        factor: None,
        mark: DeclarationKind::Maintenance,
        from: at(from),
        to: at(to),
        reason: "更换采样探头".to_owned(),
        document: String::new(),
        author: "张三".to_owned(),
        made_at: at(from),
        withdrawn: false,
        entered: None,
        changed: None,
    }
}

/// Four hours of S001-G1, in which it says nothing: it is stopped, and its instruments are off.
const DECLARED_STOP: std::ops::Range<i64> = QUIET_HOURS + 54..QUIET_HOURS + 58;

/// Each with the instant at which it is entered. The outlets of the others never send: no hour is another for them.
fn declarations() -> Vec<(Moment, Declaration)> {
    let taken_back = Declaration { withdrawn: true, ..declaration("D4", "S001-G2", ("2026-03-26 08:00:00", "2026-03-26 10:00:00")) };
    let stop = Declaration { mark: DeclarationKind::Stop, ..declaration("D0", "S001-G1", ("2026-03-22 06:00:00", "2026-03-22 10:00:00")) };
    vec![
        (at("2026-03-22 11:00:00"), stop),
        (at("2026-03-23 11:00:00"), declaration("D1", "S001-G2", ("2026-03-22 08:00:00", "2026-03-22 10:00:00"))),
        (at("2026-03-23 12:30:00"), declaration("D2", "S003-G2", ("2026-03-22 08:00:00", "2026-03-22 10:00:00"))),
        (at("2026-03-27 09:00:00"), declaration("D3", "S001-G2", ("2026-03-24 08:00:00", "2026-03-25 10:00:00"))),
        (at("2026-03-28 09:00:00"), taken_back),
    ]
}

fn comparisons() -> Vec<Comparison> {
    let check = |number: usize, (outlet, factor, day, passed): (&str, &str, &str, bool)| Comparison {
        id: format!("C{number}"),
        outlet: OutletId::new(outlet).expect("short"),
        factor: FactorCode::new(factor).expect("short"),
        at: at(&format!("{day} 10:00:00")),
        passed,
        method: "HJ 57".to_owned(),
        reference: String::new(),
        measured: String::new(),
        document: format!("BD-{number}"),
        author: "监测站".to_owned(),
        withdrawn: false,
    };
    let rows = [
        ("S001-G1", "a21026", "2026-03-28", true),
        ("S001-G1", "a21002", "2026-03-24", true),
        ("S001-G2", "a21026", "2026-03-28", false),
        ("S001-G2", "a21026", "2026-03-29", true),
        ("S001-G2", "a21002", "2026-03-29", false),
        ("S009-W2", "w01018", "2026-03-29", true),
    ];
    rows.into_iter().enumerate().map(|(number, row)| check(number, row)).collect()
}

fn journal() -> Vec<(Moment, Body)> {
    let mut journal = vec![(start(), Body::RuleSetVersion { text: figures().text() })];
    for (outlet, mn, password, st, beside) in SENDERS {
        let factors = pollutants(outlet);
        for hour in 0..hours() {
            let Some(mark) = mark(outlet, hour) else { continue };
            let from = start().plus_ms(hour * HOUR_MS);
            let sent = from.plus_ms(HOUR_MS + 5_000);
            let area: Vec<String> =
                factors.iter().map(|factor| format!("{factor}-Avg={},{factor}-Flag={mark}", value(outlet, factor, hour))).collect();
            let (qn, area) = (sent.wire_ms(), format!("DataTime={};{};{beside}", from.wire(), area.join(";")));
            let segment =
                Segment { qn: Some(&qn), st, cn: "2061", pw: Some(password), mn: Some(mn), flag: Some(5), area: &area, ..Segment::default() };
            journal.push((sent, frame_body(&segment.frame())));
        }
    }
    journal.extend(declarations().into_iter().map(|(entered, said)| (entered, Body::Declaration(said))));
    journal.extend(comparisons().into_iter().map(|check| (check.at.plus_ms(HOUR_MS), Body::Comparison(check))));
    journal.extend((0..hours() + 15).map(|hour| (start().plus_ms((hour + 1) * HOUR_MS), Body::Tick {})));
    journal.sort_by_key(|(at, _)| *at);
    journal
}

/// A data folder as a daemon would have left it.
pub struct House {
    pub folder: Folder,
}

impl House {
    pub fn build() -> Self {
        let folder = Folder::new();
        let data = folder.0.join("data");
        std::fs::create_dir_all(&data).expect("a folder");
        Self::play(&data, at("2026-02-28 23:59:00"), Some(sample_city()), journal());
        Self { folder }
    }

    /// Has the engine of a data folder take entries, and leave.
    pub fn play(data: &Path, clock: Moment, register: Option<Files>, journal: Vec<(Moment, Body)>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let store = Store::open(&data.join("hj212d.sqlite"), false).await.expect("the database");
            let intake = Arc::new(Intake::new(usize::MAX));
            let clock = ArrivalClock::scaled(ArrivalClock::wall().now(), clock, 1);
            let settings = Settings { gateway: "test".into(), clock, tick: Duration::from_secs(36_000), accept_unknown: false };
            let (answers, _paid) = mpsc::channel(1);
            let mut serve = Engine::build(store, Arc::clone(&intake), Shared::default(), settings, answers).await.expect("a database");
            if let Some(files) = register {
                serve.put_registry(&files).await.expect("in force");
            }
            for (at, body) in journal {
                intake.push(at, Item::Entry(body), None);
            }
            intake.close();
            serve.run().await.expect("the database takes everything");
        });
    }

    pub fn data(&self) -> PathBuf {
        self.folder.0.join("data")
    }

    pub fn ask(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_hj212d")).args(arguments).arg("--data").arg(self.data()).output().expect("it runs")
    }

    /// What it prints.
    pub fn says(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// The exit code, and what it complains of.
    pub fn fails(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.ask(arguments);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn fraction(numerator: i64, denominator: i64) -> BigRational {
    BigRational::new(numerator.into(), denominator.into())
}

/// Whole share at `zero` and below, nothing at `full` and above.
fn between(rate: &BigRational, full: i64, zero: i64, share: &BigRational) -> BigRational {
    let (full, zero) = (fraction(full, 1), fraction(zero, 1));
    let lost = (&full - rate) / (&full - &zero);
    share * lost.max(fraction(0, 1)).min(fraction(1, 1))
}

const OUTLETS: [&str; 7] = ["S001-G1", "S001-G2", "S001-G3", "S003-G1", "S003-G2", "S003-G3", "S009-W2"];

/// Item, outlet, factor and cost of every line of C01, computed of what was played.
fn plainly(cases: &[Value]) -> Vec<(String, String, String, BigRational)> {
    let mut lines = Vec::new();
    let mut put = |item: &str, outlet: &str, factor: &str, cost: BigRational| {
        lines.push((item.to_owned(), outlet.to_owned(), factor.to_owned(), cost));
    };
    let sends = |outlet: &str| SENDERS.iter().any(|sender| sender.0 == outlet);
    // All, received, valid, stopped and checked hours of each pollutant of an outlet: they share their marks.
    let tally = |outlet: &str| {
        let mut tally = (0, 0, 0, 0, 0);
        for hour in 0..hours() {
            let declared = Some("F").filter(|_| outlet == "S001-G1" && DECLARED_STOP.contains(&hour));
            let mark = mark(outlet, hour).filter(|_| sends(outlet)).or(declared);
            tally.0 += 1;
            tally.1 += i64::from(mark.is_some());
            tally.2 += i64::from(mark == Some("N"));
            tally.3 += i64::from(mark == Some("F"));
            tally.4 += i64::from(mark == Some("C"));
        }
        tally
    };
    for outlet in OUTLETS {
        let (all, received, valid, stopped, checked) = tally(outlet);
        let expected = all - stopped - checked;
        let rate = fraction((received - stopped - checked) * valid * 100, expected * expected);
        put("transmission", outlet, "", between(&rate, 95, 75, &fraction(30, OUTLETS.len() as i64)));
    }
    let series: Vec<(&str, String)> = OUTLETS.iter().flat_map(|outlet| pollutants(outlet).into_iter().map(move |factor| (*outlet, factor))).collect();
    let count = series.len() as i64;
    for (outlet, factor) in &series {
        let (all, _, valid, stopped, _) = tally(outlet);
        put("capture", outlet, factor, between(&fraction(valid * 100, all - stopped), 90, 75, &fraction(20, count)));
    }
    // In time, the stop as well; half an hour after noon; three days later.
    put("declarations", "S001-G1", "", fraction(0, 1));
    put("declarations", "S001-G2", "", fraction(0, 1));
    put("declarations", "S001-G2", "", fraction(2, 1));
    put("declarations", "S003-G2", "", fraction(1, 1));
    // Five hours, within what is free; forty-one, of which twelve are free and two steps of a day begin.
    put("gaps", "S001-G1", "", fraction(0, 1));
    put("gaps", "S003-G1", "", fraction(2, 1));
    for (outlet, factor) in &series {
        let share = fraction(15, count);
        let cost = match (*outlet, factor.as_str()) {
            ("S001-G1", "a21026") | ("S009-W2", "w01018") => fraction(0, 1),
            ("S001-G2", "a21026") => share / fraction(2, 1),
            _ => share,
        };
        put("comparisons", outlet, factor, cost);
    }
    for outlet in OUTLETS {
        for case in cases.iter().filter(|case| case["outlet"] == outlet) {
            let day = Day(case["first_day"].as_i64().expect("a day") as i32);
            assert!(day >= start().day(), "{case}");
            let overdue = i64::from(case["overdue"] == true && case["state"] == "open");
            let cost = match (case["kind"].as_str(), case["state"].as_str()) {
                (_, Some("withdrawn")) | (Some("exceedance" | "networking"), _) => 0,
                (Some("missing_link"), _) => 1 + overdue,
                _ => 2 + overdue,
            };
            let factor = case["factor"].as_str().filter(|factor| *factor != "whole").unwrap_or_default();
            put("cases", outlet, factor, fraction(cost, 1));
        }
    }
    lines
}

fn exact(text: &Value) -> BigRational {
    let (numerator, denominator) = text.as_str().expect("a text").split_once('/').expect("a fraction");
    BigRational::new(numerator.parse().expect("a number"), denominator.parse().expect("a number"))
}

fn holds(text: &str, words: &[&str]) {
    for words in words {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
}

const SCORE: [&str; 4] = ["score", "C01", "--month", "2026-03"];

#[test]
fn a_second_plain_computation_gives_every_line_and_the_event_says_what_the_command_says() {
    let house = House::build();
    let cases: Vec<Value> = house.says(&["cases", "--json"]).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(cases.iter().any(|case| case["kind"] == "exceedance"), "the third day of the incinerator");
    let object: Value = serde_json::from_str(&house.says(&[&SCORE[..], &["--format", "json"]].concat())).expect("JSON");

    // Line by line, and item by item.
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lines = object["lines"].as_array().expect("lines");
    let said: Vec<_> =
        lines.iter().map(|line| (text(&line["item"]), text(&line["outlet"]), text(&line["factor"]), exact(&line["deduction_exact"]))).collect();
    let expected = plainly(&cases);
    for (said, expected) in said.iter().zip(&expected) {
        assert_eq!(said, expected);
    }
    assert_eq!(said.len(), expected.len());
    let full = [("transmission", 30), ("capture", 20), ("declarations", 10), ("gaps", 15), ("comparisons", 15), ("cases", 10)];
    let mut total = fraction(0, 1);
    for ((name, full), item) in full.iter().zip(object["items"].as_array().expect("items")) {
        let cost: BigRational = expected.iter().filter(|line| line.0 == *name).map(|line| line.3.clone()).sum();
        let points = (fraction(*full, 1) - cost).max(fraction(0, 1));
        assert_eq!((&item["item"], &item["full"], exact(&item["points_exact"])), (&Value::from(*name), &Value::from(*full), points.clone()));
        total += points;
    }
    assert_eq!((exact(&object["points_exact"]), &object["full"], &object["finished"]), (total.clone(), &100.into(), &true.into()));
    assert_eq!(object["passes"], total >= fraction(60, 1));

    // The other two faces say the same.
    let sheet = house.says(&SCORE);
    holds(
        &sheet,
        &[
            "C01 示例市清测环境运维有限公司，2026-03，7 个排放口 outlets，已确认 confirmed",
            &format!("得分 points {} / 100", object["points"].as_str().expect("a text")),
            "有效传输率 effective transmission rate：",
            "S001-G2 a21026  −",
            "应于2026-03-23T12:00:00+08:00前填报；was due by",
            "所属日确认后才填报或更改；entered or changed after its day was confirmed",
            "超过12小时，本月2个24小时；beyond 12 h, 2 steps of 24 h in the month",
            "比对已逾期",
            "[D set here: no public source gives the weights of a contractor's score]",
            "[M HJ 75-2017 and HJ 355-2019, recalled",
        ],
    );
    let csv = house.says(&[&SCORE[..], &["--format", "csv"]].concat());
    let rows: Vec<csv::StringRecord> = csv::Reader::from_reader(csv.as_bytes()).records().map(|row| row.expect("a line")).collect();
    let (of_lines, sums): (Vec<&csv::StringRecord>, Vec<&csv::StringRecord>) = rows.iter().partition(|row| !row[3].is_empty());
    assert_eq!(of_lines.len(), lines.len());
    let items = object["items"].as_array().expect("items");
    assert_eq!(sums.len(), items.len() + 1, "each item, and the sheet as a whole");
    for (row, item) in sums.iter().zip(items) {
        assert_eq!((&row[2], &row[13], &row[14]), (&*text(&item["item"]), &*item["full"].to_string(), &*text(&item["points"])));
    }
    assert_eq!((&sums[6][2], &sums[6][13], &sums[6][14]), ("total", &*object["full"].to_string(), &*text(&object["points"])));
    for (row, line) in of_lines.iter().zip(lines) {
        assert_eq!((&row[2], &row[3], &row[8]), (line["item"].as_str().expect("a text"), &*text(&line["outlet"]), &*text(&line["deduction_exact"])));
        assert!(line["source"]["text"].as_str().is_some_and(|source| !source.is_empty()), "{line}");
    }
    let all: Value = serde_json::from_str(&house.says(&["score", "--all", "--month", "2026-03", "--format", "json"])).expect("JSON");
    assert_eq!((&all[0], &all[1]["contractor"], all.as_array().map(Vec::len)), (&object, &"C02".into(), Some(2)));

    // What is refused.
    let (code, words) = house.fails(&["score", "C09", "--month", "2026-03"]);
    assert_eq!(code, Some(66));
    holds(&words, &["no contractor \"C09\"", "C01 示例市清测环境运维有限公司, C02 云渡水质监测服务有限公司"]);
    let (code, words) = house.fails(&["score", "C01", "--month", "2023-01"]);
    assert_eq!(code, Some(66));
    holds(&words, &["C01 has no contract in 2023-01", "begin on 2024-01-01"]);
    assert_eq!(house.fails(&["score", "C01", "--month", "2026-13"]).0, Some(2));
    assert_eq!(house.fails(&["score", "--month", "2026-03"]).0, Some(2));
    assert_eq!(house.fails(&["score", "C01", "--all", "--month", "2026-03"]).0, Some(2));
    let (code, words) = house.fails(&["score", "C01", "--month", "2026-04", "--append"]);
    assert_eq!(code, Some(65));
    holds(&words, &["2026-04 is not finished", "nothing was appended"]);

    // Through the socket of a daemon into the journal, and out as an event.
    let rows = house.folder.registry(&sample_city());
    let serve = Serve::start(&house.data(), &rows, &["--demo-start", "2026-04-02"], &[]);
    let output = house.ask(&[&SCORE[..], &["--format", "json", "--append"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serve.wait_for("hj212_statements_total{fate=\"score\"}", |count| count >= 1.0);
    assert_eq!(serve.stop(), Some(0));
    let events = published(&house.data());
    let event = &events["hj212.contractors.v1"][0];
    assert_eq!((event.kind.as_str(), event.subject.as_str(), event.key.as_str()), ("hj212.contractor.scored", "C01", "C01"));
    let appended: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(event.data["lines"], appended["lines"]);
    assert_eq!((&event.data["points_exact"], &appended["points_exact"]), (&object["points_exact"], &object["points_exact"]));
    let again = replayed(&crate::process::journal(&house.data()));
    assert_eq!(again["hj212.contractors.v1"][0], *event, "the journal says the same");
}

/// A sheet of one line.
pub fn small() -> Score {
    let source = || Source { text: "a test of scores".to_owned(), grade: Grade::D };
    let line = ScoreLine {
        item: ScoreItem::Gaps,
        outlet: OutletId::new("S1-G1").expect("short"),
        factor: None,
        measured: "断链 silent".to_owned(),
        share: None,
        deduction: Ratio::whole(2),
        why_zh: "超过12小时".to_owned(),
        why_en: "beyond 12 h".to_owned(),
        source: source(),
    };
    let lines = vec![line];
    let items = Score::items_of(&ScoreItem::ALL.map(|item| (item, 15, source())), &lines);
    Score {
        contractor: "C1".to_owned(),
        name: "示例运维".to_owned(),
        month: "2026-03".to_owned(),
        outlets: 1,
        counted_until: start().plus_ms(DAY_MS),
        finished: true,
        full: 90,
        points: Ratio::whole(88),
        pass_pct: 60,
        passes: true,
        items,
        lines,
        lines_left_out: 0,
        registry: "rg-0".to_owned(),
        rule_set: "rs-0".to_owned(),
    }
}

#[test]
fn a_sheet_that_does_not_add_up_or_is_of_nobody_is_refused_by_name() {
    let mut files = crate::world::registry("11", &[]);
    files
        .0
        .insert("contractors.csv".to_owned(), "contractor,name,site,outlet,document,valid_from,valid_to\nC1,示例运维,S1,,,2024-01-01,\n".to_owned());
    let registry = Registry::parse(&files).expect("no faults");
    let fault = |change: &dyn Fn(&mut Score)| {
        let mut score = small();
        change(&mut score);
        appending::fault(&Body::Score(Box::new(score)), &registry).unwrap_or_default()
    };
    assert_eq!(fault(&|_| {}), "");
    assert!(fault(&|score| score.contractor = "C2".to_owned()).contains("\"C2\" is not in the register"));
    assert!(fault(&|score| score.points = Ratio::whole(90)).starts_with("points: the lines do not add up"));
    assert!(fault(&|score| score.lines[0].deduction = Ratio::whole(1)).starts_with("points"));
    assert!(fault(&|score| score.passes = false).starts_with("points"));
    assert!(fault(&|score| score.finished = false).starts_with("finished"));
    assert!(fault(&|score| score.month = "2026-3".to_owned()).starts_with("month"));
    assert!(fault(&|score| score.lines[0].why_en.clear()).starts_with("why_en: empty"));
    assert!(fault(&|score| score.lines = vec![score.lines[0].clone(); 801]).starts_with("lines: more than 800"));

    // A long sheet is shortened for the journal, and its items still hold the sums of all.
    let mut long = small();
    long.lines = vec![ScoreLine { deduction: Ratio::whole(2).divided(&Ratio::whole(2_000)).expect("no zero"), ..long.lines[0].clone() }; 2_000];
    assert_eq!(long.items, Score::items_of(&ScoreItem::ALL.map(|item| (item, 15, long.items[0].source.clone())), &long.lines));
    let short = long.shortened();
    assert_eq!((short.lines.len(), short.lines_left_out), (800, 1_200));
    assert_eq!(appending::fault(&Body::Score(Box::new(short)), &registry), None);
}

#[test]
fn a_figure_by_which_nothing_can_be_scored_is_refused_by_name() {
    for (name, value, words) in [
        ("contractor_transmission_zero_pct", "95", "contractor_transmission_zero_pct is 95, below 95 is possible"),
        ("contractor_pass_pct", "101", "contractor_pass_pct is 101, at most 100"),
        ("contractor_gap_step_h", "0", "contractor_gap_step_h is 0, at least 1"),
        ("contractor_gap_step_marks", "\"-1\"", "contractor_gap_step_marks is -1, at least 0"),
    ] {
        let text = format!(r#"{{"{name}": {{"value": {value}, "source": {{"text": "a test of scores", "grade": "D"}}}}}}"#);
        let error = RuleSet::parse(&text).expect_err("no figure").to_string();
        assert!(error.contains(words), "{error}");
    }
}
