//! `hj212d means` over a small stored house: a gas outlet with a day over the limit, a water outlet, three days of a month. The
//! table, the CSV lines and the object say the same, the explanation names the figures that decided, and what is not there is
//! named with what to do.

use crate::process::Folder;
use crate::world::{MN, SO2_DAY_80, at, frame_body, packet, registry};
use hj212d::domain::time::{HOUR_MS, MINUTE_MS, Moment};
use hj212d::engine::Body;
use hj212d::pipeline::clock::ArrivalClock;
use hj212d::pipeline::core::Shared;
use hj212d::pipeline::intake::{Intake, Item};
use hj212d::pipeline::serve::{Serve, Settings};
use hj212d::registry::Files;
use hj212d::store::Store;
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

const SO2_HOUR_100: &str = "S1-G1,a21026,max,100,mg/m3,hour,11,yes,GB 18485-2014 table 4,limit set in a deployed rule program,S,,2020-01-01,";
const COD_DAY_50: &str = "W1,w01018,max,50,mg/L,day,,no,GB 18918-2002 1A,GB 18918-2002 table 1,P,,2020-01-01,";

/// Two outlets of one logger; the series are of the three days that are played.
fn files() -> Files {
    let mut files = registry("11", &[SO2_DAY_80, SO2_HOUR_100, COD_DAY_50]);
    let mut add = |name: &str, line: String| files.0.get_mut(name).expect("a file").push_str(&line);
    add("outlets.csv", "W1,S1,总排口,Main outfall,water,municipal,start,10,30,,,,no,2020-01-01,\n".to_owned());
    for (outlet, factor, unit) in [("S1-G1", "a00000", "m3/h"), ("W1", "w01018", "mg/L"), ("W1", "w00000", "L/s")] {
        add("series.csv", format!("{outlet},{factor},{MN},31,,{unit},,,natural,2020-01-01,\n"));
    }
    let series = files.0.get_mut("series.csv").expect("a file");
    *series = series.replace("2020-01-01,\n", "2026-03-14,2026-03-17\n");
    files
}

fn start() -> Moment {
    at("2026-03-14 00:00:00")
}

/// The first day in minutes: SO2 99 from 08:00 to 20:00 and 54 otherwise, oxygen 12: 110 and 60 at the reference. Three minutes
/// of hour 03 are marked M, twenty of hour 05 D. The second and third day are hours of 54; three of the third do not come. The
/// water outlet sends its first day: hour 00 is its check, in hour 23 nothing flows.
fn journal() -> Vec<(Moment, Body)> {
    let mut journal = Vec::new();
    let mut send = |cn: &str, from: Moment, length_ms: i64, area: String| {
        let sent = from.plus_ms(length_ms + 300);
        journal.push((sent, frame_body(&packet(cn, sent, from, &area))));
    };
    let gas = |value: i64, mark: &str| format!("a21026-Avg={value},a21026-Flag={mark};a19001-Avg=12,a19001-Flag=N;a00000-Avg=36000,a00000-Flag=N");
    for minute in 0..24 * 60 {
        let value = if (8..20).contains(&(minute / 60)) { 99 } else { 54 };
        let mark = match (minute / 60, minute % 60) {
            (3, 0..3) => "M",
            (5, 0..20) => "D",
            _ => "N",
        };
        send("2051", start().plus_ms(minute * MINUTE_MS), MINUTE_MS, gas(value, mark));
    }
    for hour in (24..72).filter(|hour| !(58..61).contains(hour)) {
        send("2061", start().plus_ms(hour * HOUR_MS), HOUR_MS, gas(54, "N"));
    }
    for hour in 0..24 {
        let (value, mark, volume) = match hour {
            0 => (40, "C", 100),
            1..12 => (40, "N", 100),
            23 => (60, "N", 0),
            _ => (60, "N", 200),
        };
        let area = format!("w01018-Avg={value},w01018-Flag={mark};w00000-Cou={volume},w00000-Flag=N");
        send("2061", start().plus_ms(hour * HOUR_MS), HOUR_MS, area);
    }
    journal.sort_by_key(|(at, _)| *at);
    journal.push((at("2026-03-17 14:00:00"), Body::Tick {}));
    journal
}

/// A data folder as a daemon would have left it.
struct House {
    folder: Folder,
}

impl House {
    fn build() -> Self {
        let folder = Folder::new();
        let data = folder.0.join("data");
        std::fs::create_dir_all(&data).expect("a folder");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let store = Store::open(&data.join("hj212d.sqlite"), false).await.expect("the database");
            let intake = Arc::new(Intake::new(usize::MAX));
            // The clock stamps the register only; what comes after it brings its own time.
            let clock = ArrivalClock::scaled(ArrivalClock::wall().now(), at("2026-03-13 23:00:00"), 1);
            let settings = Settings { gateway: "test".into(), clock, tick: Duration::from_secs(3600), accept_unknown: false };
            let (answers, _paid) = mpsc::channel(1);
            let mut serve = Serve::build(store, Arc::clone(&intake), Shared::default(), settings, answers).await.expect("an empty database");
            serve.put_registry(&files()).await.expect("in force");
            for (at, body) in journal() {
                intake.push(at, Item::Entry(body), None);
            }
            intake.close();
            serve.run().await.expect("the database takes everything");
        });
        Self { folder }
    }

    fn data(&self) -> PathBuf {
        self.folder.0.join("data")
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_hj212d")).arg("means").args(arguments).arg("--data").arg(self.data()).output().expect("it runs")
    }

    /// What it prints.
    fn says(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn object(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.says(&[arguments, &["--format", "json"]].concat())).expect("JSON")
    }

    /// The lines as columns by name.
    fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let text = self.says(&[arguments, &["--format", "csv"]].concat());
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let names = reader.headers().expect("a head").clone();
        let line = |record: csv::StringRecord| names.iter().map(str::to_owned).zip(record.iter().map(Value::from)).collect::<Value>();
        reader.records().map(|record| line(record.expect("a line"))).collect()
    }

    /// The exit code, and what it complains of.
    fn fails(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.ask(arguments);
        assert!(output.stdout.is_empty(), "{arguments:?}");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn holds(text: &str, words: &[&str]) {
    for words in words {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
}

fn items(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

fn of<'v>(list: &'v Value, factor: &str, kind: &str) -> &'v Value {
    let found = items(list).iter().find(|mean| mean["factor"] == factor && mean["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {factor} {kind} in {list}"))
}

/// A line of the grid: what stands in it between blanks.
fn row(table: &str, hour: &str) -> Vec<String> {
    let line = table.lines().find(|line| line.starts_with(&format!("{hour}   | "))).unwrap_or_else(|| panic!("no hour {hour} in\n{table}"));
    line.split_whitespace().map(str::to_owned).collect()
}

const DAY: [&str; 3] = ["S1-G1", "--day", "2026-03-14"];

#[test]
fn the_table_of_a_day_holds_its_hours_marks_means_limits_and_verdicts() {
    let house = House::build();
    let table = house.says(&DAY);
    holds(
        &table,
        &[
            "示例垃圾焚烧厂 / Sample Incinerator（示例区）",
            "S1-G1 1号炉排口 / Furnace 1，废气 gas，基准含氧量 reference oxygen 11 %",
            "确认 confirmed，修订号 revision 2",
            "registry rg-",
            "rules rs-",
            "V 有效 valid，S 停运 stop，E 停运边缘 stop edge，M 缺失 missing，I 无效 invalid",
            "实测 measured  77.4783 mg/m3，23/24 有效小时 valid hours",
            "折算 converted  86.087 mg/m3，23/24 有效小时 valid hours",
            "日均 day ≤ 80 mg/m3 折算 converted — GB 18485-2014 table 4",
            "来源 source limit set in a deployed rule program [S 见于转述 / seen in a restatement]",
            "判定 verdict 超标 exceeds：86.087 > 80，超标倍数 0.0761 times over\n",
            "小时 hour ≤ 100 mg/m3 折算 converted",
            "hours beyond it 08 (110), 09 (110), 10 (110)",
            "information only, no verdict of this day",
        ],
    );
    let expected = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(row(&table, "03"), expected("03 | 36000 60 V | 12 60 V | 54 60 57 V N57 M3"));
    assert_eq!(row(&table, "05"), expected("05 | 36000 60 V | 12 60 V | (54) - 40 I N40 D20"));
    assert_eq!(row(&table, "08"), expected("08 | 36000 60 V | 12 60 V | 99 110 60 V"));
    assert!(table.lines().filter(|line| line.contains(" | ")).all(|line| line.chars().count() <= 150), "{table}");

    // One factor alone, and a day that is good.
    let oxygen = house.says(&["S1-G1", "--day", "2026-03-14", "--factor", "a19001"]);
    assert_eq!(row(&oxygen, "05"), expected("05 | 12 60 V"));
    assert!(!oxygen.contains("a21026"), "{oxygen}");
    holds(&house.says(&["S1-G1", "--day", "2026-03-15"]), &["折算 converted  60 mg/m3，24/24", "判定 verdict 达标 complies：60\n"]);
}

#[test]
fn the_lines_and_the_object_of_a_day_say_what_its_table_says() {
    let house = House::build();
    let (table, object, lines) = (house.says(&DAY), house.object(&DAY), house.lines(&DAY));
    assert_eq!((&object["day"], &object["status"], &object["revision"]), (&"2026-03-14".into(), &"confirmed".into(), &2.into()));
    let hours = items(&object["hours"]).iter().flat_map(|hour| items(&hour["means"]).iter().map(move |mean| (&hour["hour"], mean)));
    let none = Value::from("");
    let means: Vec<(&Value, &Value)> = hours.chain(items(&object["day_means"]).iter().map(|mean| (&none, mean))).collect();
    assert_eq!(lines.len(), means.len());
    assert_eq!(means.len(), 24 * 4 + 4, "flow, oxygen, and SO2 twice");
    for (line, (hour, mean)) in lines.iter().zip(means) {
        assert_eq!((&line["hour"], &line["factor"], &line["kind"]), (hour, &mean["factor"], &mean["kind"]));
        for name in ["value", "exact", "class", "indicative", "shadow", "note", "volume_m3", "origin"] {
            assert_eq!(line[name], mean[name].as_str().unwrap_or_default(), "{name} of {mean}");
        }
        for name in ["count", "due", "valid"] {
            assert_eq!(line[name], mean[name].to_string(), "{name} of {mean}");
        }
        let shown = mean["value"].as_str().or(mean["indicative"].as_str()).unwrap_or("-");
        let place = match hour.as_str() {
            Some("") => table.clone(),
            hour => row(&table, hour.unwrap_or_default()).join(" "),
        };
        assert!(place.contains(shown), "{shown} of {mean} in\n{place}");
    }
    let day = of(&object["day_means"], "a21026", "converted");
    assert_eq!((&day["exact"], &day["count"], &day["valid"]), (&"1980/23".into(), &23.into(), &true.into()));
    let fifth = &object["hours"][5];
    let measured = of(&fifth["means"], "a21026", "measured");
    assert_eq!((&measured["class"], &measured["indicative"], &measured["valid"]), (&"invalid".into(), &"54".into(), &false.into()));
    assert_eq!(measured["marks"], serde_json::json!({"N": 40, "D": 20}));
    let verdict = items(&object["limits"]).iter().find(|limit| limit["basis"] == "day").expect("the day's limit");
    assert_eq!((&verdict["verdict"], &verdict["value"], &verdict["multiple"]), (&"exceeds".into(), &"86.087".into(), &"0.0761".into()));
    let hourly = items(&object["limits"]).iter().find(|limit| limit["basis"] == "hour").expect("the hour's limit");
    assert_eq!((&hourly["verdict"], items(&hourly["hours_above"]).len()), (&"information".into(), 12));
    assert_eq!(items(&object["findings"]).iter().filter(|finding| finding["rule"] == "J-02").count(), 1);
}

#[test]
fn an_explanation_names_the_figures_that_decided() {
    let house = House::build();
    let table = house.says(&["S1-G1", "--day", "2026-03-14", "--factor", "a21026", "--explain"]);
    holds(
        &table,
        &[
            "  03  分钟记录 minutes (2051)，收到 received 60，有效 valid 57，标记 marks N57 M3，未用 not used 3；57 ≥ 45 valid minutes [S] → 有效 valid",
            "40 < 45 valid minutes [S] → 无效 invalid",
            "实测 measured 无 none，部分均值 partial mean 54 (54/1)，影子均值 shadow 54",
            "折算 converted 99 × (21 − 11) / (21 − 12) = 110 (110/1)，O₂ 12 %；逐分钟折算再平均 the other order 110",
            "数据包 packets #",
            "峰值 peak 99 #",
            "未进入 left out 05 I",
            " + 60) / 23 = 86.087 (1980/23)；23 ≥ 20 valid hours [P]",
        ],
    );
    let reported = house.says(&["S1-G1", "--day", "2026-03-15", "--explain"]);
    holds(&reported, &["上报小时值 reported hour (2061)，收到 received 60，有效 valid 60", "54 × (21 − 11) / (21 − 12) = 60 (60/1)"]);
    let lines = house.object(&["S1-G1", "--day", "2026-03-14", "--factor", "a21026", "--explain"]);
    let lines: Vec<&str> = items(&lines["explanation"]).iter().map(|line| line.as_str().expect("a text")).collect();
    assert!(lines.iter().all(|line| table.contains(line)), "the object explains as the table does");
}

#[test]
fn a_water_day_shows_each_weight_and_what_is_not_due() {
    let house = House::build();
    let table = house.says(&["W1", "--day", "2026-03-14", "--explain"]);
    holds(
        &table,
        &[
            "废水 water",
            "实测 measured  53.3333 mg/L，22/22 有效数据/应有 valid of due，量 volume 3300 m³",
            "判定 verdict 超标 exceeds：53.3333 > 50",
            "01: 40 × 100 m³; 02: 40 × 100 m³",
            "left out 00 校准 the day's check, not due, 23 无流量 no flow, not due",
            " + 60×200) / 3300 = 53.3333 (160/3)；22/22 × 100 ≥ 75 % [M]",
        ],
    );
    // One check hour is not expected; the hours of the two days that did not come are.
    let month = house.object(&["W1", "--month", "2026-03"]);
    let cod = items(&month["series"]).iter().find(|series| series["factor"] == "w01018").expect("COD");
    assert_eq!((&cod["transmission"]["expected"], &cod["transmission"]["check_hours"]), (&71.into(), &1.into()));
    assert_eq!((&cod["hours"]["valid"], &cod["hours"]["invalid"]), (&23.into(), &49.into()));
    let quarter = house.says(&["W1", "--quarter", "2026Q1", "--factor", "w01018"]);
    holds(&quarter, &["替代量 substituted — 水污染源另有规定"]);
}

#[test]
fn a_month_of_three_days_is_not_valid_and_counts_no_hour_that_is_not_registered() {
    let house = House::build();
    let month = ["S1-G1", "--month", "2026-03"];
    let table = house.says(&month);
    holds(
        &table,
        &[
            "2026-03，2026-03-01 – 2026-03-31",
            "折算 converted  月均值 mean (68.6957) mg/m3，无效 not valid: 3 of 25 天 days [S]",
            "小时 hours 72：有效 valid 68，停运 stop 0，无效与缺失 invalid or missing 4；收到 received 69",
            "捕集率 capture rate 94.4444 %（≥ 75 % [P]，该限为季度指标 the figure is a quarter's）达标 passes",
            "T 95.8333 % × V 94.4444 %（有效/应收 valid of expected）= 90.5093 %（≥ 90 % [P]）达标 passes",
            "V 98.5507 %（有效/实收 valid of received），94.4444 %",
            "排放量 emission 151.632 kg，68 小时 hours",
        ],
    );
    assert!(!table.contains("替代量"), "nothing stands in for a month's hours");
    let object = house.object(&month);
    let so2 = items(&object["series"]).iter().find(|series| series["factor"] == "a21026").expect("SO2");
    let mean = items(&so2["means"]).iter().find(|mean| mean["kind"] == "converted").expect("converted");
    assert_eq!((&mean["valid_days"], &mean["needed"], &mean["valid"], &mean["value"]), (&3.into(), &25.into(), &false.into(), &"68.6957".into()));
    assert_eq!(items(&object["series"]).iter().filter(|series| series["emission"].is_object()).count(), 3, "not the flow, not the oxygen");
    let flow = items(&object["series"]).iter().find(|series| series["factor"] == "a00000").expect("the flow");
    assert_eq!((&flow["means"][0]["value"], &flow["means"][0]["weighted"]), (&"36000".into(), &false.into()), "a flow is not weighed by itself");
    let lines = house.lines(&month);
    let so2: Vec<&Value> = lines.iter().filter(|line| line["factor"] == "a21026").collect();
    assert_eq!((&so2[0]["kind"], &so2[0]["emission_kg"], &so2[0]["capture_pct"]), (&"measured".into(), &"151.632".into(), &"94.4444".into()));
    assert_eq!((&so2[1]["kind"], &so2[1]["emission_kg"], &so2[1]["value"]), (&"converted".into(), &"".into(), &"68.6957".into()));
    // Hours of the seventeenth are over, and no series is registered any more.
    assert_eq!((&so2[0]["hours"], &object["days"]), (&"72".into(), &16.into()));
}

#[test]
fn a_quarter_shows_what_stands_in_for_missing_amounts_apart_from_what_was_measured() {
    let house = House::build();
    let quarter = ["S1-G1", "--quarter", "2026Q1", "--factor", "a21026"];
    let table = house.says(&quarter);
    holds(
        &table,
        &[
            "覆盖 coverage 3/75 天 days, 4 %；季度无判定 no verdict of a quarter",
            "排放量 emission 151.632 kg",
            "替代量 substituted 12.636 kg，不并入排放量 apart from the emission",
            "2026-03-14T05:00:00+08:00 – 2026-03-14T06:00:00+08:00，1 小时 hours：1.944 kg = 1.944 kg/h",
            "2026-03-16T10:00:00+08:00 – 2026-03-16T13:00:00+08:00，3 小时 hours：10.692 kg = 3.564 kg/h",
            "maximum of the last 180 valid hours",
        ],
    );
    let object = house.object(&quarter);
    let stand_in = &object["series"][0]["substitution"];
    assert_eq!((items(&stand_in["runs"]).len(), &stand_in["total_kg"]), (2, &"12.636".into()));
    assert_eq!(stand_in["runs"][1]["window_h"], 180);
    let line = &house.lines(&quarter)[0];
    assert_eq!((&line["substituted_kg"], &line["substituted_hours"], &line["unrecoverable_hours"]), (&"12.636".into(), &"4".into(), &"0".into()));

    // Dust never came: below the lower edge the rules give no figure.
    let dust = house.says(&["S1-G1", "--quarter", "2026Q1", "--factor", "a34013"]);
    holds(&dust, &["捕集率 capture rate 0 %", "72 小时 hours：不可恢复 unrecoverable"]);
}

#[test]
fn what_is_not_there_is_named_with_what_to_do() {
    let house = House::build();
    let (code, words) = house.fails(&["S1-G2", "--day", "2026-03-14"]);
    assert_eq!(code, Some(66));
    holds(&words, &["no outlet \"S1-G2\" in the register in force; near it: S1-G1"]);
    let (code, words) = house.fails(&["furnace-number-one", "--day", "2026-03-14"]);
    assert_eq!(code, Some(66));
    holds(&words, &["it has 2: S1-G1, W1"]);
    let (code, words) = house.fails(&["S1-G1", "--day", "2026-03-14", "--factor", "a21027"]);
    assert_eq!(code, Some(66));
    holds(&words, &["no factor \"a21027\" at S1-G1", "a21026"]);
    let (code, words) = house.fails(&["S1-G1", "--day", "2026-03-20"]);
    assert_eq!(code, Some(66));
    holds(&words, &["no data of S1-G1 for 2026-03-20; the nearest are of 2026-03-16"]);
    let (code, words) = house.fails(&["S1-G1", "--month", "2025-01"]);
    assert_eq!(code, Some(66));
    holds(&words, &["no data of S1-G1 for 2025-01", "the folder that serve writes to?"]);
    for (arguments, advice) in [
        (["--day", "14.3.2026"], "write 2026-03-14"),
        (["--day", "2026-02-30"], "write 2026-03-14"),
        (["--month", "2026-13"], "write 2026-03"),
        (["--month", "2026-03-14"], "write 2026-03"),
        (["--quarter", "2026Q5"], "write 2026Q1"),
        (["--day", "2026-03-14T08"], "write 2026-03-14"),
    ] {
        let (code, words) = house.fails(&[&["S1-G1"][..], &arguments[..]].concat());
        assert_eq!(code, Some(2), "{arguments:?}");
        holds(&words, &[advice]);
    }
    assert_eq!(house.fails(&["S1-G1"]).0, Some(2), "a period is asked for");
    assert_eq!(house.fails(&["S1-G1", "--month", "2026-03", "--explain"]).0, Some(2), "a day is explained");
    let elsewhere = Command::new(env!("CARGO_BIN_EXE_hj212d")).args(["means", "S1-G1", "--day", "2026-03-14", "--data", "/nowhere"]).output();
    assert_eq!(elsewhere.expect("it runs").status.code(), Some(66));
}

fn try_rule(house: &House, arguments: &[&str]) -> Output {
    let base = ["rules", "try"];
    Command::new(env!("CARGO_BIN_EXE_hj212d")).args(base).args(arguments).arg("--data").arg(house.data()).output().expect("it runs")
}

#[test]
fn a_rule_is_tried_over_the_stored_days_and_by_the_values_of_a_figure() {
    let house = House::build();
    let period = ["--from", "2026-03-14", "--to", "2026-03-16"];
    let asked = [&["J-04", "--figure", "a", "--values", "0.5,0.8,2", "--format", "json"][..], &period].concat();
    let output = try_rule(&house, &asked);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let object: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    // The converted mean of the 14th is 86.087 of 80; twice the limit no day reaches.
    let found = items(&object["found"]);
    assert!(found.iter().any(|one| one["outlet"] == "S1-G1" && one["day"] == "2026-03-14" && one["factor"] == "a21026"), "{object}");
    assert_eq!((&object["findings"], &object["found_left_out"]), (&found.len().into(), &0.into()));
    let by_value = items(&object["by_value"]);
    assert_eq!(by_value.iter().map(|one| one["value"].as_str().expect("text")).collect::<Vec<_>>(), ["0.5", "0.8", "2"]);
    let count = |place: usize| by_value[place]["findings"].as_u64().expect("a number");
    assert!(count(0) >= count(1), "{object}");
    assert_eq!((count(1), count(2)), (found.len() as u64, 0), "the catalogue's own value gives what is found: {object}");
    // What decides lies between two values where one has a finding and the other has not.
    assert_eq!(by_value[0]["between"], serde_json::json!({"to": "0.8", "findings": count(0) - count(1)}));
    assert_eq!(by_value[1]["between"], serde_json::json!({"to": "2", "findings": count(1)}));
    assert_eq!(by_value[2]["between"], Value::Null);

    let text = String::from_utf8(try_rule(&house, &[&["J-04"][..], &period].concat()).stdout).expect("UTF-8");
    holds(&text, &["J-04 预警 · Near the limit", "by a (in force: 0.8); between two values", "█"]);
    let table = String::from_utf8(try_rule(&house, &[&["J-04", "--format", "csv"][..], &period].concat()).stdout).expect("UTF-8");
    assert_eq!(table.lines().count(), found.len() + 1, "{table}");
    // A statistic that no setting asks for is tried all the same.
    assert!(try_rule(&house, &[&["K-04"][..], &period].concat()).status.success());

    // Of other outlets only what the daily comparison wrote down is known.
    let twins = String::from_utf8(try_rule(&house, &[&["I-02"][..], &period].concat()).stdout).expect("UTF-8");
    holds(&twins, &["by r (in force: 0.95)", "a milder value finds nothing more"]);
    assert!(!twins.contains("1.1875"), "no correlation is more than one: {twins}");

    let cases: [(&[&str], i32, &str); 11] = [
        (&["B-99", "--from", "2026-03-14", "--to", "2026-03-16"], 65, "there is no rule \"B-99\""),
        (&["F-08", "--from", "2026-03-14", "--to", "2026-03-16"], 65, "F-08 does not run"),
        (&["B-01", "--from", "2026-03-16", "--to", "2026-03-14"], 65, "lies after"),
        (&["B-01", "--from", "2026-03-14", "--to", "2026-03-16", "--figure", "m"], 65, "it has n"),
        (&["A-09", "--from", "2026-03-14", "--to", "2026-03-16", "--figure", "f"], 65, "f of A-09 decides what a day counts"),
        (&["J-04", "--from", "2026-03-14", "--to", "2026-03-16", "--values", "99999999"], 65, "0 to 1000000 is possible"),
        (&["E-05", "--from", "2026-03-14", "--to", "2026-03-16", "--figure", "lo_min"], 65, "lo_min of E-05 decides what a day counts"),
        (&["B-01", "--from", "2026-03-14", "--to", "2027-03-16"], 65, "at most 366 days"),
        (&["I-02", "--from", "2026-03-14", "--to", "2026-03-16", "--values", "0.5"], 65, "below which nothing is looked at"),
        (&["B-01", "--from", "2025-03-14", "--to", "2025-03-16"], 66, "no confirmed day"),
        (&["B-01", "--from", "2026-03-17", "--to", "2026-03-17"], 66, "are stored and not confirmed yet"),
    ];
    for (arguments, code, says) in cases {
        let output = try_rule(&house, arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), error.contains(says)), (Some(code), true), "{arguments:?}: {error}");
    }
}
