//! The sample city's month: every scenario of `protocol-fixtures/scenarios/` is one outlet with a logger of its own, all of them
//! report through March 2026, and what the rules say of each is kept beside what its file expects. Shared by the test and by the
//! bench, which takes many seeds.
//!
//! ```text
//! scenario files ─▶ register, fleet ─▶ packets by time, a tick a minute ─▶ Replay ─▶ findings ─▶ tally
//! ```

#![allow(dead_code)] // Two binaries include this file, and each leaves something of it alone.

use hj212d::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment};
use hj212d::domain::{Finding, Grade, OutletId, RuleSet, RuleSetting, Severity, Source, Visit};
use hj212d::engine::{Body, WriteSet};
use hj212d::fleet::{
    ClockError, Deed, DeedKind, Derived, FactorPlan, Gas, LinkLoss, Logger, LoggerPlan, Plant, SPAN_SHARE, Scenario, StreamPlan, When,
};
use hj212d::message::{Event, Topic};
use hj212d::pipeline::replay::Replay;
use hj212d::protocol::{CrcDialect, Edition};
use hj212d::registry::Files;
use hj212d::rules::Rule;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use uuid::Uuid;

/// Entries that the engine is given at a time.
const BATCH: usize = 256;
/// Minutes of a minute record.
const INTERVAL: u8 = 5;
/// Regions of the city: each has some ten of the outlets.
const REGIONS: usize = 8;
/// Kinds of the events that tell of an outage of the receiver or of a region begin like this.
pub const OUTAGE_KIND: &str = "hj212.outage";
/// System codes (系统编码) of what the loggers send: gas, water, electricity.
const SYSTEMS: [&str; 3] = ["31", "32", "44"];
/// The register is older than the city's data.
const SINCE: &str = "2024-01-01";

/// First instant of the month.
pub fn start() -> Moment {
    instant("2026-03-01")
}

/// When the run ends: the last of March is confirmed, and a day besides.
pub fn end() -> Moment {
    instant("2026-04-02 14:00")
}

fn instant(text: &str) -> Moment {
    Moment::parse_local(text).unwrap_or_else(|| panic!("{text:?} is no instant"))
}

/// What a rule is expected to find at an outlet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// Rule id.
    pub rule: String,
    /// Of which factor; none: of any.
    pub factor: Option<String>,
}

impl Expectation {
    fn fits(&self, rule: &str, factor: &str) -> bool {
        self.rule == rule && self.factor.as_ref().is_none_or(|known| known == factor)
    }
}

/// One scenario: an outlet, what happens there, and what is to be found.
#[derive(Debug, Clone)]
pub struct Tale {
    /// The file's name without its ending.
    pub name: String,
    /// The outlet's: the first word of the name, in capitals.
    pub outlet: String,
    /// Whether nobody cheats.
    pub honest: bool,
    /// What is to be found.
    pub expects: Vec<Expectation>,
    /// Rules that may find something besides, rightly.
    pub allows: BTreeSet<String>,
    /// What rules that do not run yet are to find.
    pub later: Vec<Expectation>,
    /// When inspectors were there.
    pub visits: Vec<Moment>,
    setting: Setting,
}

/// What the outlet is, and what is done to it.
#[derive(Debug, Clone)]
struct Setting {
    trade: Trade,
    instruments: Vec<Instrument>,
    area_m2: f64,
    cycle_hours: u8,
    begins: Option<Moment>,
    marks: String,
    clock_seconds: i64,
    damaged_per_thousand: u32,
    resent_per_thousand: u64,
    cuts: Vec<(Moment, Moment)>,
    deeds: Vec<Deed>,
}

/// A trade and its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trade {
    Incinerator,
    GasTurbine,
    WaterWorks,
}

/// An instrument and how its factor behaves.
#[derive(Debug, Clone, Copy)]
struct Instrument {
    code: &'static str,
    unit: &'static str,
    base: f64,
    swing: f64,
    noise: f64,
    decimals: u8,
    /// Upper end of its range; 0: none.
    range: f64,
    detection_limit: f64,
    converts: bool,
    total: bool,
}

/// Parameters of the flue: natural below zero, and without mass.
const fn parameter(code: &'static str, unit: &'static str, base: f64, swing: f64, noise: f64, range: f64) -> Instrument {
    Instrument { code, unit, base, swing, noise, decimals: 2, range, detection_limit: 0.0, converts: false, total: false }
}

const fn gas(code: &'static str, base: f64, swing: f64, noise: f64, range: f64, detection_limit: f64) -> Instrument {
    Instrument { code, unit: "mg/m3", base, swing, noise, decimals: 2, range, detection_limit, converts: true, total: true }
}

const fn water(code: &'static str, base: f64, swing: f64, noise: f64, decimals: u8, range: f64, detection_limit: f64) -> Instrument {
    Instrument { code, unit: "mg/L", base, swing, noise, decimals, range, detection_limit, converts: false, total: true }
}

const INCINERATOR: [Instrument; 9] = [
    gas("a21026", 40.0, 0.15, 0.15, 300.0, 1.0),
    gas("a21002", 140.0, 0.12, 0.12, 600.0, 2.0),
    gas("a34013", 6.0, 0.15, 0.2, 50.0, 0.1),
    parameter("a19001", "%", 8.5, 0.05, 0.06, 25.0),
    parameter("a01011", "m/s", 12.0, 0.08, 0.06, 40.0),
    parameter("a01012", "degC", 140.0, 0.04, 0.03, 300.0),
    parameter("a01013", "kPa", -0.3, 0.1, 0.2, 0.0),
    parameter("a01014", "%", 18.0, 0.06, 0.05, 40.0),
    Instrument { total: true, ..parameter("a00000", "m3/s", 25.0, 0.0, 0.03, 200.0) },
];

const GAS_TURBINE: [Instrument; 9] = [
    Instrument { decimals: 1, ..gas("a21026", 0.6, 0.05, 0.1, 100.0, 0.5) },
    gas("a21002", 25.0, 0.1, 0.1, 200.0, 1.0),
    gas("a34013", 0.8, 0.1, 0.15, 20.0, 0.1),
    parameter("a19001", "%", 14.2, 0.02, 0.02, 25.0),
    parameter("a01011", "m/s", 18.0, 0.05, 0.04, 40.0),
    parameter("a01012", "degC", 95.0, 0.04, 0.03, 300.0),
    parameter("a01013", "kPa", -0.1, 0.1, 0.2, 0.0),
    parameter("a01014", "%", 7.0, 0.06, 0.05, 40.0),
    Instrument { total: true, ..parameter("a00000", "m3/s", 80.0, 0.0, 0.03, 300.0) },
];

const WATER_WORKS: [Instrument; 7] = [
    Instrument { total: true, ..parameter("w00000", "L/s", 180.0, 0.25, 0.1, 1500.0) },
    parameter("w01001", "1", 7.2, 0.04, 0.02, 14.0),
    parameter("w01010", "degC", 16.0, 0.05, 0.02, 50.0),
    water("w01018", 26.0, 0.12, 0.12, 2, 200.0, 4.0),
    water("w21003", 1.2, 0.2, 0.2, 3, 30.0, 0.05),
    water("w21001", 9.0, 0.1, 0.1, 2, 50.0, 0.1),
    water("w21011", 0.22, 0.1, 0.15, 4, 5.0, 0.01),
];

/// Instruments that a scenario may add: with them, NOx is the sum of its parts.
const NITROGEN: [Instrument; 2] = [
    Instrument { converts: false, total: false, ..gas("a21003", 82.0, 0.12, 0.12, 400.0, 1.0) },
    Instrument { converts: false, total: false, ..gas("a21004", 14.0, 0.12, 0.15, 100.0, 1.0) },
];

/// A meter that a scenario may add, under system code 44: the power that the plant itself takes (用电监控), which follows its load.
const POWER: Instrument = parameter("d20105", "kW", 850.0, 0.02, 0.02, 2000.0);

impl Trade {
    fn instruments(self) -> &'static [Instrument] {
        match self {
            Self::Incinerator => &INCINERATOR,
            Self::GasTurbine => &GAS_TURBINE,
            Self::WaterWorks => &WATER_WORKS,
        }
    }

    fn is_water(self) -> bool {
        self == Self::WaterWorks
    }

    /// Its name in the register, and its reference oxygen.
    fn says(self) -> (&'static str, &'static str) {
        match self {
            Self::Incinerator => ("municipal waste incineration 生活垃圾焚烧", "11"),
            Self::GasTurbine => ("gas turbine 燃气轮机", "15"),
            Self::WaterWorks => ("municipal WWTP 城镇污水处理厂", ""),
        }
    }

    /// Factor, figure, figure in brackets, basis and standard of its limits.
    fn limits(self) -> &'static [(&'static str, &'static str, &'static str, &'static str, &'static str)] {
        match self {
            Self::Incinerator => &[
                ("a21026", "80", "", "day", "GB 18485-2014 table 4"),
                ("a21026", "100", "", "hour", "GB 18485-2014 table 4"),
                ("a21002", "250", "", "day", "GB 18485-2014 table 4"),
                ("a21002", "300", "", "hour", "GB 18485-2014 table 4"),
                ("a34013", "20", "", "day", "GB 18485-2014 table 4"),
                ("a34013", "30", "", "hour", "GB 18485-2014 table 4"),
            ],
            Self::GasTurbine => &[
                ("a21026", "35", "", "hour", "GB 13223-2011 table 1"),
                ("a21002", "50", "", "hour", "GB 13223-2011 table 1"),
                ("a34013", "5", "", "hour", "GB 13223-2011 table 1"),
            ],
            Self::WaterWorks => &[
                ("w01018", "50", "", "day", "GB 18918-2002 table 1 class 1A"),
                ("w21003", "5", "8", "day", "GB 18918-2002 table 1 class 1A"),
                ("w21001", "15", "", "day", "GB 18918-2002 table 1 class 1A"),
                ("w21011", "0.5", "", "day", "GB 18918-2002 table 1 class 1A"),
            ],
        }
    }
}

/// The scenarios of the folder, by name.
pub fn tales() -> Vec<Tale> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol-fixtures/scenarios");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "txt"));
    paths.sort();
    let tale = |path: &std::path::PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        Tale::read(&name, &std::fs::read_to_string(path).expect("UTF-8"))
    };
    paths.iter().map(tale).collect()
}

/// One line of a scenario, word by word.
struct Line<'t> {
    file: &'t str,
    number: usize,
    words: Vec<&'t str>,
}

impl<'t> Line<'t> {
    fn fail(&self, what: &str) -> ! {
        panic!("{} line {}: {what}: {}", self.file, self.number, self.words.join(" "))
    }

    /// The word behind a name.
    fn word(&self, name: &str) -> Option<&'t str> {
        let at = self.words.iter().position(|word| *word == name)?;
        self.words.get(at + 1).copied()
    }

    fn text(&self, name: &str) -> String {
        self.word(name).unwrap_or_else(|| self.fail(&format!("{name} is missing"))).to_owned()
    }

    fn figure(&self, name: &str) -> Option<f64> {
        self.word(name).map(|word| word.parse().unwrap_or_else(|_| self.fail(&format!("{name} {word} is no number"))))
    }

    fn number(&self, name: &str) -> f64 {
        self.figure(name).unwrap_or_else(|| self.fail(&format!("{name} is missing")))
    }

    /// Minutes as milliseconds; 0 where they are not named.
    fn minutes_ms(&self, name: &str) -> i64 {
        self.figure(name).map_or(0, |minutes| minutes as i64 * MINUTE_MS)
    }

    /// Hours as milliseconds.
    fn hours_ms(&self, name: &str) -> i64 {
        (self.number(name) * HOUR_MS as f64) as i64
    }

    /// The gas that is drawn in.
    fn gas(&self) -> Gas {
        match self.word("with") {
            Some("air") => Gas::Air,
            Some("nitrogen") => Gas::Nitrogen,
            _ => self.fail("with air or with nitrogen"),
        }
    }

    /// The factor codes behind the first word.
    fn factors(&self) -> Vec<String> {
        let is_code = |word: &str| word.len() == 6 && word.starts_with(['a', 'w', 'd']) && word[1..].bytes().all(|byte| byte.is_ascii_digit());
        self.words.iter().skip(1).take_while(|word| is_code(word)).map(|word| (*word).to_owned()).collect()
    }

    /// The one factor that is watched.
    fn watched(&self) -> String {
        self.factors().into_iter().next().unwrap_or_else(|| self.fail("a factor is missing"))
    }

    /// An instant behind a name: a day, or a day and a time.
    fn instant(&self, name: &str) -> Option<Moment> {
        let at = self.words.iter().position(|word| *word == name)?;
        let day = self.words.get(at + 1)?;
        let time = self.words.get(at + 2).filter(|word| word.contains(':')).unwrap_or(&"00:00");
        Some(Moment::parse_local(&format!("{day} {time}")).unwrap_or_else(|| self.fail(&format!("{day} {time} is no instant"))))
    }

    /// Minutes from midnight.
    fn minute_of_day(&self, text: Option<&&str>) -> i64 {
        let number = |text: &str| text.parse::<i64>().ok();
        let parts = text.and_then(|text| text.split_once(':')).and_then(|(hour, minute)| Some((number(hour)?, number(minute)?)));
        let (hour, minute) = parts.unwrap_or_else(|| self.fail("daily wants two times"));
        hour * 60 + minute
    }

    fn when(&self) -> When {
        let daily = self.words.iter().position(|word| *word == "daily");
        let daily = daily.map(|at| (self.minute_of_day(self.words.get(at + 1)), self.minute_of_day(self.words.get(at + 2))));
        let (from, to) = (self.instant("from").unwrap_or_else(start), self.instant("to").unwrap_or_else(|| end().plus_ms(DAY_MS)));
        if to <= from {
            self.fail("it ends before it begins");
        }
        When { from, to, daily }
    }

    /// What the line does to the data; none: it is no deed.
    fn kind(&self) -> Option<DeedKind> {
        let marker = || self.text("marker");
        let times = || self.number("times");
        let kind = match *self.words.first()? {
            "load" => DeedKind::Load { share: self.number("share"), down_ms: self.minutes_ms("down"), up_ms: self.minutes_ms("up") },
            "stop" => DeedKind::Load { share: 0.0, down_ms: self.minutes_ms("down"), up_ms: self.minutes_ms("up") },
            "no_flow" => DeedKind::NoFlow,
            "follow" => DeedKind::Follow { load: self.text("load"), share: self.number("share") },
            "rise" => DeedKind::Rise { times: times(), up_ms: self.minutes_ms("up"), down_ms: self.minutes_ms("down") },
            "stoking" => DeedKind::Stoking { minutes: self.number("minutes") as u8, times: times() },
            "drift" => DeedKind::Drift { by: self.number("by") },
            "hold" => DeedKind::Hold { tremble: self.figure("tremble").unwrap_or(0.0) },
            "fix" => DeedKind::Fix { value: self.number("value") },
            "times" => DeedKind::Times { times: self.number("by") },
            "shift" => DeedKind::Shift { by: self.number("by") },
            "cap" => DeedKind::Cap { most: self.number("at") },
            "tuck" => DeedKind::Tuck { under: self.number("under"), reach: self.number("reach") },
            "dilute" => DeedKind::Dilute { share: self.number("share"), gas: self.gas() },
            "smooth" => DeedKind::Smooth { by: self.number("by") },
            "random" => DeedKind::Random { mean: self.number("mean"), spread: self.number("spread") },
            "formula" => {
                DeedKind::Formula { mean: self.number("mean"), amplitude: self.number("amplitude"), period_ms: self.hours_ms("period_hours") }
            }
            "one_signal" => DeedKind::OneSignal { of: self.text("of") },
            "copy" => DeedKind::Copy {
                of: self.text("of"),
                shift_ms: self.figure("shift_hours").map_or(0, |_| self.hours_ms("shift_hours")),
                times: self.figure("times").unwrap_or(1.0),
            },
            "replay" => DeedKind::Replay { ago_ms: 24 * self.hours_ms("of_days") },
            "digits" => DeedKind::Digits { of: self.text("of") },
            "round" => DeedKind::Round { to: self.number("step") },
            "calibrate" => DeedKind::Calibration { shape: self.word("shape") != Some("no") },
            "mark" => DeedKind::Mark { marker: marker() },
            "mark_above" => DeedKind::MarkAbove { of: self.watched(), limit: self.number("limit"), marker: marker() },
            "convert" => DeedKind::Convert { times: times() },
            "mass" => DeedKind::Total { times: times() },
            "hour" => DeedKind::Hour { times: times() },
            "hour_mark" => DeedKind::HourMark { marker: marker() },
            "day" => DeedKind::Day { times: times() },
            "omit" => DeedKind::Omit,
            "power_cut" => DeedKind::Off,
            "drop_above" => DeedKind::DropAbove { of: self.watched(), limit: self.number("limit") },
            "again" => DeedKind::Again {
                after_ms: self.hours_ms("after"),
                times: self.figure("times").unwrap_or(1.0),
                marker: self.word("marker").map(str::to_owned),
            },
            "parameter" => DeedKind::Parameter { id: self.text("id"), value: self.text("value") },
            _ => return None,
        };
        Some(kind)
    }
}

impl Tale {
    /// Reads a scenario.
    fn read(name: &str, text: &str) -> Self {
        let outlet = name.split('-').next().unwrap_or(name).to_uppercase();
        let mut lines = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
            if !words.is_empty() {
                lines.push(Line { file: name, number: at + 1, words });
            }
        }
        let Some((first, rest)) = lines.split_first() else { panic!("{name}: nothing in it") };
        let (honest, trade) = match first.words[..] {
            ["honest", "gas"] => (true, Trade::Incinerator),
            ["cheat", "gas"] => (false, Trade::Incinerator),
            ["honest", "gas_turbine"] => (true, Trade::GasTurbine),
            ["honest", "water"] => (true, Trade::WaterWorks),
            ["cheat", "water"] => (false, Trade::WaterWorks),
            _ => first.fail("the first line says who and what"),
        };
        let setting = Setting {
            trade,
            instruments: trade.instruments().to_vec(),
            area_m2: if trade == Trade::GasTurbine { 9.6 } else { 3.8 },
            cycle_hours: 1,
            begins: None,
            marks: String::new(),
            clock_seconds: 0,
            damaged_per_thousand: 0,
            resent_per_thousand: 0,
            cuts: Vec::new(),
            deeds: Vec::new(),
        };
        let mut tale = Self {
            name: name.to_owned(),
            outlet,
            honest,
            expects: Vec::new(),
            allows: BTreeSet::new(),
            later: Vec::new(),
            visits: Vec::new(),
            setting,
        };
        for line in rest {
            tale.take(line);
        }
        tale
    }

    fn take(&mut self, line: &Line<'_>) {
        let setting = &mut self.setting;
        match line.words[..] {
            ["expect", rule] => self.expects.push(Expectation { rule: rule.to_owned(), factor: None }),
            ["expect", rule, factor] => self.expects.push(Expectation { rule: rule.to_owned(), factor: Some(factor.to_owned()) }),
            ["allow", ..] => self.allows.extend(line.words[1..].iter().map(|rule| (*rule).to_owned())),
            ["later", rule, factor] if !factor.contains('-') => {
                self.later.push(Expectation { rule: rule.to_owned(), factor: Some(factor.to_owned()) });
            }
            ["later", ..] => self.later.extend(line.words[1..].iter().map(|rule| Expectation { rule: (*rule).to_owned(), factor: None })),
            ["visit", ..] => self.visits.push(line.instant("at").unwrap_or_else(|| line.fail("at is missing"))),
            ["factor", code, ..] => {
                let Some(instrument) = setting.instruments.iter_mut().find(|known| known.code == code) else { line.fail("no such factor here") };
                instrument.base = line.figure("base").unwrap_or(instrument.base);
                instrument.swing = line.figure("swing").unwrap_or(instrument.swing);
                instrument.noise = line.figure("noise").unwrap_or(instrument.noise);
                instrument.range = line.figure("range").unwrap_or(instrument.range);
                instrument.decimals = line.figure("decimals").map_or(instrument.decimals, |decimals| decimals as u8);
            }
            ["with", "a21003", "a21004"] => setting.instruments.extend(NITROGEN),
            ["with", "d20105"] => setting.instruments.push(POWER),
            ["area", ..] => setting.area_m2 = line.number("area"),
            ["cycle", ..] => setting.cycle_hours = line.number("cycle") as u8,
            ["begins", ..] => setting.begins = line.instant("begins"),
            ["marks", dialect] => setting.marks = dialect.to_owned(),
            ["clock", ..] => setting.clock_seconds = line.number("seconds") as i64,
            ["damaged", ..] => setting.damaged_per_thousand = line.number("per_thousand") as u32,
            ["resent", ..] => setting.resent_per_thousand = line.number("per_thousand") as u64,
            ["cut", ..] => {
                let When { from, to, .. } = line.when();
                setting.cuts.push((from, to));
            }
            _ => self.take_deed(line),
        }
    }

    fn take_deed(&mut self, line: &Line<'_>) {
        let Some(kind) = line.kind() else { line.fail("nobody knows this word") };
        let mut when = line.when();
        if let DeedKind::Parameter { .. } = kind {
            when.from = line.instant("at").unwrap_or_else(|| line.fail("at is missing"));
        }
        let outlet = self.outlet.clone();
        if line.words[0] == "stop" {
            // A stopped plant says so.
            let marker = line.word("marker").unwrap_or("F").to_owned();
            self.setting.deeds.push(Deed { outlet: outlet.clone(), factors: Vec::new(), when, kind: DeedKind::Mark { marker } });
        }
        self.setting.deeds.push(Deed { outlet, factors: line.factors(), when, kind });
    }

    /// Whether a finding is expected here.
    fn expected(&self, rule: &str, factor: &str) -> bool {
        self.expects.iter().chain(&self.later).any(|expectation| expectation.fits(rule, factor))
    }

    /// Its logger: 24 hex digits of the city's own.
    fn mn(&self) -> String {
        self.outlet.bytes().fold("0100C1".to_owned(), |mn, byte| format!("{mn}{byte:02X}")) + &"0".repeat(18 - 2 * self.outlet.len())
    }

    fn begins(&self) -> Moment {
        self.setting.begins.unwrap_or_else(start)
    }

    fn plan(&self) -> LoggerPlan {
        let setting = &self.setting;
        let reference = setting.trade.says().1.parse::<f64>().ok();
        let factor = |instrument: &Instrument| FactorPlan {
            factor: instrument.code.to_owned(),
            wire_code: instrument.code.to_owned(),
            base: instrument.base,
            swing: instrument.swing,
            noise: instrument.noise,
            decimals: instrument.decimals,
            reference_oxygen: reference.filter(|_| instrument.converts),
            oxygen: instrument.code == "a19001",
            flow: matches!(instrument.code, "a00000" | "w00000"),
            floor: if instrument.is_natural() { -1e9 } else { 0.0 },
            ceiling: if instrument.range > 0.0 { instrument.range } else { 1e9 },
        };
        let stream = |st: &str| StreamPlan {
            outlet: self.outlet.clone(),
            st: st.to_owned(),
            minute_interval_min: INTERVAL,
            real_interval_secs: 0,
            stamp_end: false,
            factors: setting.instruments.iter().filter(|instrument| instrument.st(setting.trade) == st).map(factor).collect(),
        };
        LoggerPlan {
            mn: self.mn(),
            password: "123456".to_owned(),
            edition: Edition::Y2017,
            crc: CrcDialect::Standard,
            key: None,
            answers: true,
            streams: SYSTEMS.into_iter().map(stream).filter(|stream| !stream.factors.is_empty()).collect(),
        }
    }

    fn scenario(&self) -> Scenario {
        let setting = &self.setting;
        let mut derived = BTreeMap::new();
        for instrument in &setting.instruments {
            if setting.trade.is_water() && instrument.unit == "mg/L" {
                derived.insert(instrument.code.to_owned(), Derived::Cycle { hours: setting.cycle_hours });
            }
        }
        if !setting.trade.is_water() {
            derived.insert("a00000".to_owned(), Derived::Flow { area_m2: setting.area_m2 });
        }
        if setting.instruments.iter().any(|instrument| instrument.code == "a21003") {
            derived.insert("a21002".to_owned(), Derived::NitrogenOxides);
        }
        let totals = setting.instruments.iter().filter(|instrument| instrument.total).map(|instrument| instrument.code.to_owned()).collect();
        let clock_errors = match setting.clock_seconds {
            0 => Vec::new(),
            seconds => vec![ClockError { mn: self.mn(), seconds }],
        };
        Scenario {
            link_losses: setting.cuts.iter().map(|(from, to)| LinkLoss { mn: self.mn(), from: *from, to: *to }).collect(),
            clock_errors,
            damage_per_thousand: setting.damaged_per_thousand,
            plants: vec![Plant { outlet: self.outlet.clone(), derived, totals }],
            deeds: setting.deeds.clone(),
            ..Scenario::default()
        }
    }
}

impl Instrument {
    /// System code of its packets.
    fn st(&self, trade: Trade) -> &'static str {
        match (self.code.starts_with('d'), trade.is_water()) {
            (true, _) => "44",
            (false, true) => "32",
            (false, false) => "31",
        }
    }

    /// Below zero is nothing unusual.
    fn is_natural(&self) -> bool {
        matches!(self.code, "a01011" | "a01012" | "a01013" | "a01014" | "w01010")
    }

    /// Span gas is given to the gas analysers.
    fn span_gas(&self) -> Option<f64> {
        matches!(self.code, "a21026" | "a21002" | "a21003" | "a21004" | "a19001").then_some(self.range * SPAN_SHARE)
    }
}

/// The register of a city, whose outlets are spread over so many regions.
pub fn register(tales: &[Tale], regions: usize) -> Files {
    let mut sites = "site,name,name_en,industry,region,valid_from,valid_to\n".to_owned();
    let mut outlets = "outlet,site,name,name_en,medium,trade,stamp_label,minute_interval_min,real_interval_secs,ref_o2_pct,oxygen_factor,\
                       oxidant_o2_pct,low_confidence_counts,valid_from,valid_to,stack_area_m2,marks,expects\n"
        .to_owned();
    let mut loggers = "mn,site,password,crc,edition,sm4_keys,role,valid_from,valid_to\n".to_owned();
    let mut series = "outlet,factor,mn,st,wire_code,unit,unit_factor,range_high,negative,valid_from,valid_to,\
                      cycle_hours,detection_limit,span_gas\n"
        .to_owned();
    let mut limits =
        "outlet,factor,limit_type,limit,unit,basis,ref_o2_pct,converted,standard,source,grade,note,valid_from,valid_to,cold_limit\n".to_owned();
    // 运维单位: one maintains the whole city.
    let mut contractors = "contractor,name,site,outlet,document,valid_from,valid_to\n".to_owned();
    let given = |figure: f64| if figure > 0.0 { figure.to_string() } else { String::new() };
    for (at, tale) in tales.iter().enumerate() {
        let Setting { trade, instruments, area_m2, cycle_hours, marks, .. } = &tale.setting;
        let (outlet, mn, name, site) = (&tale.outlet, tale.mn(), &tale.name, format!("S-{}", tale.outlet));
        let since = tale.setting.begins.map_or_else(|| SINCE.to_owned(), |begins| begins.day().to_string());
        let (trade_name, reference) = trade.says();
        let (medium, oxygen, area) = if trade.is_water() { ("water", "", String::new()) } else { ("gas", "a19001", area_m2.to_string()) };
        sites.push_str(&format!("{site},{name},{name},{trade_name},区{},{SINCE},\n", at % regions + 1));
        outlets.push_str(&format!(
            "{outlet},{site},{name},{name},{medium},{trade_name},start,{INTERVAL},60,{reference},{oxygen},21,no,{since},,{area},{marks},2051;2061;2031\n"
        ));
        contractors.push_str(&format!("K1,示例运维,{site},,,{SINCE},\n"));
        loggers.push_str(&format!("{mn},{site},123456,standard,2017,,main,{since},\n"));
        for instrument in instruments {
            let Instrument { code, unit, range, detection_limit, .. } = instrument;
            let st = instrument.st(*trade);
            let negative = if instrument.is_natural() { "natural" } else { "drift" };
            let cycle = if *unit == "mg/L" { cycle_hours.to_string() } else { String::new() };
            let (range, detection_limit) = (given(*range), given(*detection_limit));
            let span = instrument.span_gas().map_or_else(String::new, |span| span.to_string());
            series.push_str(&format!("{outlet},{code},{mn},{st},,{unit},,{range},{negative},{since},,{cycle},{detection_limit},{span}\n"));
        }
        for (factor, limit, cold, basis, standard) in trade.limits() {
            let (unit, converted) = if trade.is_water() { ("mg/L", "no") } else { ("mg/m3", "yes") };
            limits.push_str(&format!(
                "{outlet},{factor},max,{limit},{unit},{basis},{reference},{converted},{standard},sample city,S,,{since},,{cold}\n"
            ));
        }
    }
    let files = [
        ("sites.csv", sites),
        ("outlets.csv", outlets),
        ("loggers.csv", loggers),
        ("series.csv", series),
        ("limits.csv", limits),
        ("contractors.csv", contractors),
    ];
    Files(files.into_iter().map(|(name, text)| (name.to_owned(), text)).collect())
}

/// One logger of the city and the line between it and the host.
struct Player {
    logger: Logger,
    seed: u64,
    resent_per_thousand: u64,
}

/// A packet under way.
type Travelling = (Moment, Vec<u8>);

impl Player {
    fn new(tale: &Tale, seed: u64) -> Self {
        let logger = Logger::new(tale.plan(), &tale.scenario(), seed, tale.begins());
        Self { logger, seed, resent_per_thousand: tale.setting.resent_per_thousand }
    }

    /// Everything that is sent until an instant, and once more ten seconds later what chance leaves unanswered.
    fn play(&mut self, until: Moment, packets: &mut Vec<Travelling>) {
        while let Some(due) = self.logger.next_due().filter(|due| *due <= until) {
            for outgoing in self.logger.due(due) {
                if outgoing.asks && hash(self.seed, &outgoing.qn) % 1000 < self.resent_per_thousand {
                    packets.push((due.plus_ms(10_000), outgoing.bytes.clone()));
                }
                packets.push((due, outgoing.bytes));
            }
        }
    }
}

/// FNV-1a, well mixed.
fn hash(seed: u64, text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64 ^ seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32
}

/// Takes what a run gives out.
#[derive(Debug, Default)]
struct Watch {
    /// The newest version of each finding, and how grave it ever was while it stood.
    findings: BTreeMap<Uuid, (Finding, Option<Severity>)>,
    /// Events about anything but means and roots, where they are wanted.
    events: Option<Vec<Event>>,
}

impl Watch {
    fn take(&mut self, writes: &WriteSet) {
        for finding in &writes.findings {
            let stands = finding.standing.then_some(finding.severity);
            let before = self.findings.get(&finding.id).and_then(|(_, gravest)| *gravest);
            self.findings.insert(finding.id, (finding.clone(), stands.max(before)));
        }
        if let Some(events) = &mut self.events {
            let wanted = |event: &&Event| !matches!(event.topic, Topic::HourMeans | Topic::DayMeans | Topic::Roots);
            events.extend(writes.events.iter().filter(wanted).cloned());
        }
    }
}

/// The figures of the catalogue, and every rule: statistics run where a setting asks for them, and a month is no half year.
fn every_rule() -> RuleSet {
    let shorter: [(&str, &[(&str, i64)]); 4] = [
        ("C-10", &[("of_d", 14)]),
        ("K-05", &[("w_d", 7), ("base_d", 14), ("min_hours", 120)]),
        ("K-06", &[("min_days", 14)]),
        ("D-18", &[("w_d", 7), ("base_d", 7), ("min_hours", 120)]),
    ];
    let setting = |rule: &Rule| {
        let figures = shorter.iter().find(|(id, _)| *id == rule.id.as_str()).map_or(&[][..], |(_, figures)| *figures);
        (!rule.runs_unasked() || !figures.is_empty()).then(|| RuleSetting {
            rule: rule.id,
            trade: None,
            outlet: None,
            factor: None,
            runs: Some(true),
            figures: figures.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect(),
            source: Source { text: "the scenarios".to_owned(), grade: Grade::D },
        })
    };
    RuleSet { rules: hj212d::rules::ALL.iter().filter_map(|rule| setting(rule)).collect(), ..RuleSet::default() }
}

/// Plays a city from one instant to another. In `away` the receiver is: nothing arrives there, not even time.
fn play(tales: &[Tale], regions: usize, seed: u64, period: (Moment, Moment), away: Option<(Moment, Moment)>, watch: &mut Watch) {
    let (from, to) = period;
    let is_away = |at: Moment| away.is_some_and(|(from, to)| from <= at && at < to);
    let mut players: Vec<Player> = tales.iter().map(|tale| Player::new(tale, seed)).collect();
    let mut replay = Replay::new(BATCH, false);
    replay.entry(from, Body::RegistryVersion { files: register(tales, regions) }, &mut |writes| watch.take(writes));
    replay.entry(from, Body::RuleSetVersion { text: every_rule().text() }, &mut |writes| watch.take(writes));
    let mut visits = visits_of(tales);
    let mut tell = |replay: &mut Replay, now: Moment, watch: &mut Watch| {
        while let Some((at, visit)) = visits.pop_if(|(at, _)| *at <= now) {
            replay.entry(at, visit, &mut |writes| watch.take(writes));
        }
        if !is_away(now) {
            replay.tick(now, &mut |writes| watch.take(writes));
        }
    };
    let mut late: Vec<Travelling> = Vec::new();
    let mut tick = from.plus_ms(MINUTE_MS);
    let mut hour_end = from;
    while hour_end < to {
        hour_end = hour_end.plus_ms(HOUR_MS).min(to);
        let mut packets = std::mem::take(&mut late);
        for player in &mut players {
            player.play(hour_end, &mut packets);
        }
        packets.sort_by_key(|(at, _)| *at);
        late = packets.split_off(packets.partition_point(|(at, _)| *at <= hour_end));
        for (at, bytes) in packets {
            while tick <= at {
                tell(&mut replay, tick, watch);
                tick = tick.plus_ms(MINUTE_MS);
            }
            if !is_away(at) {
                replay.packet(at, &bytes, &mut |writes| watch.take(writes));
            }
        }
        while tick <= hour_end {
            tell(&mut replay, tick, watch);
            tick = tick.plus_ms(MINUTE_MS);
        }
    }
    replay.flush(&mut |writes| watch.take(writes));
}

/// What one seed's month came to.
#[derive(Debug, Clone)]
pub struct Month {
    /// The seed.
    pub seed: u64,
    /// The scenarios.
    pub tales: Vec<Tale>,
    /// What stands in the end, by outlet, rule and factor, and how grave it ever was.
    pub found: BTreeMap<(String, String, String), Severity>,
}

/// Visits and when they are stated, an hour after their end; the last one first. Inspectors stay three hours.
fn visits_of(tales: &[Tale]) -> Vec<(Moment, Body)> {
    let of_tale = |tale: &Tale| -> Vec<(Moment, Body)> {
        let outlet = OutletId::new(&tale.outlet).expect("short");
        let visit = |from: &Moment| {
            let (id, to) = (format!("{outlet} {from}"), from.plus_ms(3 * HOUR_MS));
            let visit = Visit { id, outlet, from: *from, to, by: "执法一队".to_owned(), document: String::new(), withdrawn: false };
            (to.plus_ms(HOUR_MS), Body::Visit(visit))
        };
        tale.visits.iter().map(visit).collect()
    };
    let mut visits: Vec<(Moment, Body)> = tales.iter().flat_map(of_tale).collect();
    visits.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    visits
}

/// Plays the month.
pub fn run(seed: u64) -> Month {
    let tales = tales();
    let mut watch = Watch::default();
    play(&tales, REGIONS, seed, (start(), end()), None, &mut watch);
    let mut found = BTreeMap::new();
    for (finding, gravest) in watch.findings.into_values().filter(|(finding, _)| finding.standing) {
        let key = (finding.outlet.to_string(), finding.rule.to_string(), finding.factor.to_string());
        let known = found.entry(key).or_insert(Severity::Info);
        *known = gravest.unwrap_or(finding.severity).max(*known);
    }
    Month { seed, tales, found }
}

impl Month {
    fn tale(&self, outlet: &str) -> Option<&Tale> {
        self.tales.iter().find(|tale| tale.outlet == outlet)
    }

    fn is_found(&self, tale: &Tale, expectation: &Expectation) -> bool {
        self.found.keys().any(|(outlet, rule, factor)| *outlet == tale.outlet && expectation.fits(rule, factor))
    }

    /// What was written before its rule, and was not found: scenario, rule, factor.
    pub fn unfound(&self) -> impl Iterator<Item = String> {
        let of = |tale: &Tale, expectation: &Expectation| {
            let factor = expectation.factor.as_deref().unwrap_or("of any factor");
            (!self.is_found(tale, expectation)).then(|| format!("{}: {} {factor}", tale.name, expectation.rule))
        };
        self.tales.iter().flat_map(move |tale| tale.later.iter().filter_map(move |expectation| of(tale, expectation)))
    }

    /// What is neither expected nor allowed: outlet, rule and factor, and how grave.
    pub fn false_alarms(&self) -> impl Iterator<Item = (&(String, String, String), Severity)> {
        let is_false = move |(outlet, rule, factor): &(String, String, String)| {
            self.tale(outlet).is_none_or(|tale| !tale.expected(rule, factor) && !tale.allows.contains(rule))
        };
        self.found.iter().filter(move |(key, _)| is_false(key)).map(|(key, severity)| (key, *severity))
    }

    /// Where the month breaks the promise of the scenarios: what was not found, and what was found too gravely at honest outlets.
    pub fn violations(&self) -> Vec<String> {
        let mut violations = Vec::new();
        for tale in &self.tales {
            for expectation in tale.expects.iter().filter(|expectation| !self.is_found(tale, expectation)) {
                let factor = expectation.factor.as_deref().unwrap_or("of any factor");
                violations.push(format!("seed {}: {} is not found: {} {factor}", self.seed, tale.name, expectation.rule));
            }
        }
        for ((outlet, rule, factor), severity) in self.false_alarms().filter(|(_, severity)| *severity >= Severity::High) {
            if let Some(tale) = self.tale(outlet).filter(|tale| tale.honest) {
                violations.push(format!("seed {}: {} is honest: {rule} {factor} {severity:?}", self.seed, tale.name));
            }
        }
        violations
    }
}

/// How one rule did over several months.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Rule id.
    pub rule: String,
    /// Pairs of outlet and month at which it was expected (an expectation of two factors counts twice).
    pub expected: u32,
    /// Of these, found.
    pub found: u32,
    /// Outlet, factor and month that it named although nobody expects or allows it, by severity.
    pub false_alarms: BTreeMap<Severity, u32>,
    /// Outlets times months.
    pub outlet_months: u32,
}

impl Row {
    /// Expected and not found.
    pub fn missed(&self) -> u32 {
        self.expected - self.found
    }

    /// False alarms of any severity.
    pub fn all_false(&self) -> u32 {
        self.false_alarms.values().sum()
    }

    /// False alarms that are high or critical.
    pub fn grave_false(&self) -> u32 {
        self.false_alarms.iter().filter(|(severity, _)| **severity >= Severity::High).map(|(_, count)| *count).sum()
    }

    /// Found of found and false; none of nothing.
    pub fn precision(&self) -> Option<f64> {
        share(self.found, self.found + self.all_false())
    }

    /// Found of expected.
    pub fn recall(&self) -> Option<f64> {
        share(self.found, self.expected)
    }

    /// False alarms of an outlet in a month.
    pub fn false_rate(&self) -> f64 {
        share(self.all_false(), self.outlet_months).unwrap_or(0.0)
    }
}

fn share(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

/// How every rule did that was expected or found.
pub fn tally(months: &[Month]) -> Vec<Row> {
    let outlet_months: u32 = months.iter().map(|month| month.tales.len() as u32).sum();
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    fn row<'r>(rows: &'r mut BTreeMap<String, Row>, rule: &str, outlet_months: u32) -> &'r mut Row {
        let new = || Row { rule: rule.to_owned(), expected: 0, found: 0, false_alarms: BTreeMap::new(), outlet_months };
        rows.entry(rule.to_owned()).or_insert_with(new)
    }
    for month in months {
        for tale in &month.tales {
            for expectation in tale.expects.iter().chain(&tale.later) {
                let row = row(&mut rows, &expectation.rule, outlet_months);
                row.expected += 1;
                row.found += u32::from(month.is_found(tale, expectation));
            }
        }
        for ((_, rule, _), severity) in month.false_alarms() {
            *row(&mut rows, rule, outlet_months).false_alarms.entry(severity).or_default() += 1;
        }
    }
    rows.into_values().collect()
}

/// What an outage came to.
#[derive(Debug)]
pub struct Outage {
    /// Its first instant, and the first after it.
    pub period: (Moment, Moment),
    /// The outlet that was silent for a day for its own reasons.
    pub silent: Option<String>,
    /// Events about anything but means and roots.
    pub events: Vec<Event>,
    /// Outlet and rule of every finding that stood at some time.
    pub found: BTreeSet<(String, String)>,
}

impl Outage {
    /// Events that tell of an outage; its end is none of its own.
    pub fn notices(&self) -> Vec<&Event> {
        self.events.iter().filter(|event| event.kind.starts_with(OUTAGE_KIND) && !event.kind.ends_with("ended")).collect()
    }

    /// Referrals about silence, other than those of the outlet that was silent for its own reasons, made before it was well over.
    pub fn referrals_about_silence(&self) -> Vec<&Event> {
        let until = self.period.1.plus_ms(HOUR_MS);
        let own = |text: &str| self.silent.as_ref().is_some_and(|outlet| text.contains(&format!("\"{outlet}\"")));
        let about = |event: &&Event| {
            let text = event.data.to_string();
            let before = Moment::parse_rfc3339(&event.time).is_some_and(|at| at < until);
            event.topic == Topic::Referrals && before && text.contains("\"A-03\"") && !own(&text)
        };
        self.events.iter().filter(about).collect()
    }
}

/// Twenty outlets at which nothing happens.
fn quiet_town() -> Vec<Tale> {
    (1..=20).map(|number| Tale::read(&format!("t{number:02}-quiet"), "honest gas")).collect()
}

fn outage(tales: &[Tale], regions: usize, seed: u64, period: (Moment, Moment), away: Option<(Moment, Moment)>, silent: Option<String>) -> Outage {
    let mut watch = Watch { events: Some(Vec::new()), ..Watch::default() };
    play(tales, regions, seed, (start(), start().plus_ms(2 * DAY_MS + 2 * HOUR_MS)), away, &mut watch);
    let stood = watch.findings.values().filter(|(_, gravest)| gravest.is_some());
    let found = stood.map(|(finding, _)| (finding.outlet.to_string(), finding.rule.to_string())).collect();
    Outage { period, silent, events: watch.events.unwrap_or_default(), found }
}

/// The receiver is away for an hour of the second day: no packet is answered, and every logger back-fills.
pub fn receiver_outage(seed: u64) -> Outage {
    let period = (instant("2026-03-02 10:00"), instant("2026-03-02 11:00"));
    let mut tales = quiet_town();
    for tale in &mut tales {
        tale.setting.cuts.push(period);
    }
    outage(&tales, 4, seed, period, Some(period), None)
}

/// A region is cut off for six hours: six of its seven outlets at once, and in the middle the seventh for a day, for reasons of its
/// own.
pub fn regional_outage(seed: u64) -> Outage {
    const REGIONS: usize = 3;
    let period = (instant("2026-03-01 10:00"), instant("2026-03-01 16:00"));
    let mut tales = quiet_town();
    let region: Vec<usize> = (0..tales.len()).step_by(REGIONS).collect();
    let Some((last, others)) = region.split_last() else { panic!("a region has outlets") };
    for at in others {
        tales[*at].setting.cuts.push(period);
    }
    tales[*last].setting.cuts.push((instant("2026-03-01 13:00"), instant("2026-03-02 13:00")));
    let silent = tales[*last].outlet.clone();
    outage(&tales, REGIONS, seed, period, None, Some(silent))
}
