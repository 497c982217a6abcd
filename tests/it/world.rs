//! A small world for tests of the core: one site, one gas outlet, one logger, and helpers that speak as the logger would.

use hj212d::domain::time::Moment;
use hj212d::domain::{Finding, Grade, RuleId, RuleSet, RuleSetting, Source};
use hj212d::engine::{Body, WriteSet};
use hj212d::message::{Event, Publication, Topic};
use hj212d::pipeline::replay::Replay;
use hj212d::protocol::encode::Segment;
use hj212d::registry::Files;
use std::collections::BTreeMap;

pub const MN: &str = "010000A8900016F000169D03";
pub const OUTLET: &str = "S1-G1";

/// A registry whose outlet has this reference oxygen (empty: none) and these limit lines.
pub fn registry(reference_oxygen: &str, limits: &[&str]) -> Files {
    let oxygen_factor = if reference_oxygen.is_empty() { "" } else { "a19001" };
    let outlets = format!(
        "outlet,site,name,name_en,medium,trade,stamp_label,minute_interval_min,real_interval_secs,ref_o2_pct,oxygen_factor,oxidant_o2_pct,low_confidence_counts,valid_from,valid_to\n\
         {OUTLET},S1,1号炉排口,Furnace 1,gas,waste,start,1,30,{reference_oxygen},{oxygen_factor},21,no,2020-01-01,\n"
    );
    let mut series = "outlet,factor,mn,st,wire_code,unit,unit_factor,range_high,negative,valid_from,valid_to\n".to_owned();
    for (factor, range) in [("a21026", "1000"), ("a21002", "1000"), ("a34013", "100"), ("a19001", "25")] {
        series.push_str(&format!("{OUTLET},{factor},{MN},31,,mg/m3,,{range},drift,2020-01-01,\n"));
    }
    let mut limit_file = "outlet,factor,limit_type,limit,unit,basis,ref_o2_pct,converted,standard,source,grade,note,valid_from,valid_to\n".to_owned();
    for limit in limits {
        limit_file.push_str(limit);
        limit_file.push('\n');
    }
    Files(BTreeMap::from([
        (
            "sites.csv".to_owned(),
            "site,name,name_en,industry,region,valid_from,valid_to\nS1,示例垃圾焚烧厂,Sample Incinerator,waste,示例区,2020-01-01,\n".to_owned(),
        ),
        ("outlets.csv".to_owned(), outlets),
        (
            "loggers.csv".to_owned(),
            format!("mn,site,password,crc,edition,sm4_keys,role,valid_from,valid_to\n{MN},S1,123456,standard,2017,,main,2020-01-01,\n"),
        ),
        ("series.csv".to_owned(), series),
        ("limits.csv".to_owned(), limit_file),
    ]))
}

/// The MN of the logger of outlet `number` in [`city`].
pub fn mn(number: u64) -> String {
    format!("{number:024X}")
}

/// A registry of so many outlets, four at a site, each with a logger of its own, an oxygen reference of 11 % and the daily SO2 limit.
pub fn city(outlets: u64) -> Files {
    let mut files = registry("11", &[]);
    let mut add = |name: &str, line: String| {
        if let Some(text) = files.0.get_mut(name) {
            text.push_str(&line);
        }
    };
    for number in 1..=outlets {
        let (site, outlet, mn) = (format!("P{}", number.div_ceil(4)), format!("C{number}"), mn(number));
        if number % 4 == 1 {
            add("sites.csv", format!("{site},{site}号企业,Works {site},waste,示例区,2020-01-01,\n"));
        }
        add("outlets.csv", format!("{outlet},{site},{number}号排口,Stack {number},gas,waste,start,1,30,11,a19001,21,no,2020-01-01,\n"));
        add("loggers.csv", format!("{mn},{site},123456,standard,2017,,main,2020-01-01,\n"));
        for (factor, range) in [("a21026", "1000"), ("a19001", "25")] {
            add("series.csv", format!("{outlet},{factor},{mn},31,,mg/m3,,{range},drift,2020-01-01,\n"));
        }
        add("limits.csv", format!("{outlet},{}\n", SO2_DAY_80.split_once(',').expect("the outlet").1));
    }
    files
}

/// The daily SO2 limit of GB 18485 on the converted value.
pub const SO2_DAY_80: &str = "S1-G1,a21026,max,80,mg/m3,day,11,yes,GB 18485-2014 table 4,limit set in a deployed rule program,S,,2020-01-01,";

/// An instant of local time: `2026-03-14 08:00:00`.
pub fn at(text: &str) -> Moment {
    let (date, time) = text.split_once(' ').expect("date and time");
    Moment::parse_rfc3339(&format!("{date}T{time}+08:00")).expect("an instant")
}

/// A framed packet of the logger.
pub fn packet(cn: &str, qn: Moment, data_time: Moment, area: &str) -> Vec<u8> {
    let qn = qn.wire_ms();
    let area = format!("DataTime={};{area}", data_time.wire());
    Segment { qn: Some(&qn), st: "31", cn, pw: Some("123456"), mn: Some(MN), flag: Some(5), area: &area, ..Segment::default() }.frame()
}

/// The body under which such a packet is journalled.
pub fn frame_body(bytes: &[u8]) -> Body {
    Body::Frame { bytes: bytes.trim_ascii_end().to_vec(), peer: "192.0.2.1:4000".to_owned(), gateway: "g1".to_owned(), connection: 1 }
}

/// Everything that a run gave out.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Outputs {
    pub publications: Vec<Publication>,
    pub findings: Vec<Finding>,
    pub events: Vec<Event>,
}

impl Outputs {
    pub fn take(&mut self, writes: &WriteSet) {
        self.publications.extend(writes.publications.iter().cloned());
        self.findings.extend(writes.findings.iter().cloned());
        self.events.extend(writes.events.iter().cloned());
    }

    pub fn of(&self, topic: Topic) -> Vec<&Event> {
        self.events.iter().filter(|event| event.topic == topic).collect()
    }

    /// The newest publication of a period.
    pub fn last(&self, start: Moment, span: hj212d::domain::Span) -> Option<&Publication> {
        self.publications
            .iter()
            .filter(|publication| publication.start == start && publication.span == span)
            .max_by_key(|publication| publication.revision)
    }
}

/// A rule set under which the daily verdict alone runs.
pub fn daily_verdict_alone() -> RuleSet {
    let setting = |rule: &str, runs: bool| RuleSetting {
        rule: RuleId::new(rule).expect("short"),
        trade: None,
        outlet: None,
        factor: None,
        runs: Some(runs),
        figures: BTreeMap::new(),
        source: Source { text: "a test of the means and their verdict".to_owned(), grade: Grade::D },
    };
    RuleSet { rules: vec![setting("*", false), setting("J-02", true)], ..RuleSet::default() }
}

/// Runs stamped bodies as one journal, in batches of `batch`; the daily verdict alone is judged.
pub fn run(files: &Files, journal: &[(Moment, Body)], batch: usize) -> Outputs {
    let start = journal.first().map_or(Moment(0), |(at, _)| *at);
    let mut whole = vec![(start, Body::RuleSetVersion { text: daily_verdict_alone().text() })];
    whole.extend(journal.iter().cloned());
    run_all_rules(files, &whole, batch)
}

/// Runs stamped bodies as one journal, in batches of `batch`, under every rule.
pub fn run_all_rules(files: &Files, journal: &[(Moment, Body)], batch: usize) -> Outputs {
    let mut outputs = Outputs::default();
    let mut replay = Replay::new(batch, false);
    let start = journal.first().map_or(Moment(0), |(at, _)| *at);
    replay.entry(start, Body::RegistryVersion { files: files.clone() }, &mut |writes| outputs.take(writes));
    for (at, body) in journal {
        replay.entry(*at, body.clone(), &mut |writes| outputs.take(writes));
    }
    replay.flush(&mut |writes| outputs.take(writes));
    outputs
}

/// The same with the surveys that a daemon makes at each sign of time.
pub fn run_with_surveys(files: &Files, journal: &[(Moment, Body)]) -> Outputs {
    let mut outputs = Outputs::default();
    let mut replay = Replay::new(500, false);
    let start = journal.first().map_or(Moment(0), |(at, _)| *at);
    replay.entry(start, Body::RegistryVersion { files: files.clone() }, &mut |writes| outputs.take(writes));
    for (at, body) in journal {
        match body {
            Body::Tick {} => replay.tick(*at, &mut |writes| outputs.take(writes)),
            body => replay.entry(*at, body.clone(), &mut |writes| outputs.take(writes)),
        }
    }
    replay.flush(&mut |writes| outputs.take(writes));
    outputs
}

/// The journal with a tick at its end.
pub fn until(mut journal: Vec<(Moment, Body)>, end: Moment) -> Vec<(Moment, Body)> {
    journal.push((end, Body::Tick {}));
    journal
}

/// splitmix64: the same seed, the same world.
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A place in a list of `len`.
    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at as u64 + 1) as usize);
        }
    }
}
