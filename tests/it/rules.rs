//! Rules, each shown by scripts in `protocol-fixtures/rules/<rule>/`: an outlet, its honest data, what is not honest about them, and
//! every standing finding of the rule. `fires.txt`, `just-not.txt` and `guarded.txt` each rule has; others may stand beside them. Of
//! the scripts `honest-*.txt` beside the folders no rule says anything.
//!
//! ```text
//! outlet gas a21026 a19001                 one outlet and its logger; without factors all of its kind (`factors.txt`)
//! run 2026-03-14 .. 2026-03-15 01:00       honest records of five minutes, hours and days, and the passing of time
//! hours 2026-03-07 .. 2026-03-13           on these days records of hours and days only
//! edition 2025                             of the logger; otherwise 2017
//! trade waste incineration                 of the outlet
//! register networking=exempt               columns of its row of the register
//! series a21026 span_gas=160               columns of a factor's row
//! limit a21026 hour 90                     another limit; `-`: none
//! permit 2025-12-01                        the site's permit; `listed` as a key unit
//! exempt a21026 SPAN                       an approved exemption (`all`: of every factor)
//! setting a21026 runs=no                   what the rule set says of the rule at this outlet, for all factors or one; `n=5` a figure
//!
//! others 3 times 0.5 after 24              so many further outlets with loggers of their own: each shows what this one would show without any
//!                                          line about it, so many times as much, and so many hours before it; `own`: values of its own;
//!                                          at sites of their own, or `at_site` of this one; `contractor`: one maintains them all
//!
//! set a21026 SPAN 41.30                    what the instrument shows: one value, or several by turns; all means follow
//! hourly a21026 SPAN 41.30 42.10           the same, an hour each
//! rest SPAN                                everything shows a plant that stands
//! mark a21026 SPAN M                       the mark that the logger puts (`all`: on every factor)
//! stop SPAN                                at rest, and marked F
//! flat a21026 SPAN                         smallest, mean and largest of the minute records are one
//! minute SPAN a21026-ZsAvg=40.00           what minute records say instead; `-`: nothing. `hour SPAN` and `daily DATE` likewise
//!
//! omit a21026 SPAN                         missing from the records that lie whole in the span (`all`: no record)
//! silent SPAN                              nothing arrives in this time
//! away SPAN                                the receiver is away: nothing arrives, and no time is told
//! clock SPAN -61                           QN of the records of this time less their arrival, in seconds; otherwise -1
//! peer SPAN 192.0.2.1 198.51.100.7         the address that sends the records of this time, or several by turns
//! again SPAN at 2026-03-15 10:00 rf a21026-Avg=20.00     the records of the span are sent again, as they should have been but for
//!                                          what is named; `rf` marks a back-fill, `qn=05:04:08` is their QN, `clock=` as above
//! say 2026-03-14 05:10 st=31 cn=3020 stamp=05:03 PolId=a21026;i13008-Info=1.05      any other packet, and its DataTime
//! visit SPAN                               people were there; it is stated an hour later
//! declare maintenance SPAN at 2026-03-14 09:00 a21026    a person's mark, for all factors or one
//!
//! = 2026-03-14 a21026 high 08-11 15        a standing finding: day, factor, gravest severity, hours (`day`: of the whole day)
//! = none                                   there is none
//! ```
//!
//! SPAN is `2026-03-14 05:00 09:00`, or `2026-03-14 22:00 2026-03-15 03:00`; its end does not belong to it. Of two lines about the same
//! time the later one holds.

use crate::world::{Chance, MN, run_all_rules, run_with_surveys};
use hj212d::domain::number;
use hj212d::domain::time::{DAY_MS, Day, HOUR_MS, MINUTE_MS, Moment};
use hj212d::domain::{
    Declaration, DeclarationKind, FactorCode, Finding, Grade, Hit, OutletId, RuleId, RuleSet, RuleSetting, Severity, Source, Visit,
};
use hj212d::engine::Body;
use hj212d::protocol::encode::Segment;
use hj212d::registry::{Files, Registry};
use hj212d::rules;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::str::SplitWhitespace;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/protocol-fixtures/rules");
const FACTORS: &str = include_str!("../../protocol-fixtures/rules/factors.txt");
const OUTLET: &str = "O1";
const PEER: &str = "192.0.2.1:4000";
/// Length of a minute record.
const RECORD_MS: i64 = 5 * MINUTE_MS;
const RECORDS_OF_HOUR: usize = 12;
/// Cross-section of the duct, m².
const DUCT_M2: i64 = 6;
/// The scripts that every rule has.
const EACH: [&str; 3] = ["fires.txt", "just-not.txt", "guarded.txt"];

const OUTLETS: &str = "outlet,site,name,name_en,medium,trade,stamp_label,minute_interval_min,real_interval_secs,ref_o2_pct,oxygen_factor,\
                       oxidant_o2_pct,low_confidence_counts,stack_area_m2,expects,networking,main,inlet,valid_from,valid_to";
const SERIES: &str = "outlet,factor,mn,st,wire_code,unit,unit_factor,range_high,negative,cycle_hours,detection_limit,span_gas,slope,intercept,\
                      valid_from,valid_to";
const LIMITS: &str = "outlet,factor,limit_type,limit,unit,basis,ref_o2_pct,converted,standard,source,grade,note,valid_from,valid_to";

/// A line of a register's file, by column.
type Row = BTreeMap<String, String>;
/// What a record says of one factor: names and values, in the order of the packet.
type Pairs = Vec<(String, String)>;

/// One factor as an outlet of these scripts usually shows it.
#[derive(Debug, Clone, Default)]
struct Factor {
    code: String,
    unit: String,
    usual: Decimal,
    rest: Decimal,
    /// By how much it moves, in thousandths.
    swing: i64,
    range: String,
    negative: String,
    /// By basis.
    limits: BTreeMap<String, String>,
    /// Columns of its row that a script gives.
    row: Row,
    /// Whether the outlet of the script measures it.
    measured: bool,
}

/// The factors of a kind of outlet; measured are those that are named, or all that need no naming.
fn factors(kind: &str, named: &[&str]) -> Vec<Factor> {
    let mut factors = Vec::new();
    for line in FACTORS.lines() {
        let cells: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
        let [of, code, unit, usual, rest, swing, range, negative, hour, day] = cells[..] else { continue };
        if of.trim_matches(['(', ')']) != kind {
            continue;
        }
        let limits = [("hour", hour), ("day", day)].into_iter().filter(|(_, limit)| *limit != "-");
        factors.push(Factor {
            code: code.to_owned(),
            unit: unit.to_owned(),
            usual: decimal(usual),
            rest: decimal(rest),
            swing: swing.parse().expect("a whole number"),
            range: range.to_owned(),
            negative: negative.to_owned(),
            limits: limits.map(|(basis, limit)| (basis.to_owned(), limit.to_owned())).collect(),
            row: Row::new(),
            measured: if named.is_empty() { of == kind } else { named.contains(&code) },
        });
    }
    factors
}

fn decimal(text: &str) -> Decimal {
    number::parse(text).unwrap_or_else(|_| panic!("{text:?} is no number"))
}

/// With so many decimals, no more and no less.
fn rounded(value: Decimal, decimals: u32) -> Decimal {
    let mut value = value.round_dp(decimals);
    value.rescale(decimals);
    value
}

impl Factor {
    /// An analyser that takes an hour for a value.
    fn is_slow(&self) -> bool {
        self.code.starts_with('w') && !matches!(self.code.as_str(), "w01001" | "w00000")
    }

    /// What it usually shows at an instant: always the same, and each time a little different.
    fn usually(&self, at: Moment, turn: &Turn) -> Decimal {
        let at = at.plus_ms(turn.before_ms);
        let place = if self.is_slow() { at.0 / HOUR_MS } else { at.0 / RECORD_MS };
        let seed = self.code.bytes().fold(place as u64 ^ turn.seed, |seed, byte| seed.wrapping_mul(131).wrapping_add(u64::from(byte)));
        let moved = Chance(seed).below(self.swing as u64 * 2 + 1) as i64 - self.swing;
        rounded(self.usual * Decimal::new(1000 + moved, 3) * turn.times, self.usual.scale())
    }
}

/// Whose turn it is: this outlet's, or another's, whose values differ by so much.
#[derive(Debug)]
struct Turn {
    mn: String,
    times: Decimal,
    before_ms: i64,
    seed: u64,
}

impl Turn {
    fn own() -> Self {
        Self { mn: MN.to_owned(), times: Decimal::ONE, before_ms: 0, seed: 0 }
    }

    fn of(others: &Others, number: usize) -> Self {
        let seed = if others.own { number as u64 * 0x9E37_79B9 } else { 0 };
        Self { mn: format!("{number:024}"), times: others.times, before_ms: others.before_ms, seed }
    }
}

/// What follows from the other values of a gas.
fn follows(code: &str, value: impl Fn(&str) -> Decimal) -> Option<Decimal> {
    let parts = |numerator: i64, denominator: i64, scale: u32| Decimal::new(numerator, scale) / Decimal::new(denominator, scale);
    match code {
        "a21002" => Some(rounded(value("a21003") * parts(46_005, 30_006, 3) + value("a21004"), 2)),
        "a00000" => {
            let heat = Decimal::from(273) / (Decimal::from(273) + value("a01012"));
            let pressure = Decimal::ONE + value("a01013") / Decimal::new(101_325, 3);
            let dry = Decimal::ONE - value("a01014") / Decimal::ONE_HUNDRED;
            Some(rounded(value("a01011") * Decimal::from(DUCT_M2) * heat * pressure * dry, 2))
        }
        _ => None,
    }
}

/// At the reference oxygen of 11 %; none in what is nearly air.
fn converted(value: Decimal, oxygen: Decimal) -> Option<Decimal> {
    (oxygen < Decimal::new(205, 1)).then(|| value * Decimal::TEN / (Decimal::from(21) - oxygen))
}

/// What is not honest, or not as usual.
#[derive(Debug)]
enum Change {
    /// The values of the records, by turns.
    Set(Vec<Decimal>),
    /// The values of the hours, by turns.
    Hourly(Vec<Decimal>),
    Rest,
    Mark(String),
    Flat,
    /// What records of a CN say instead: factor, name, value.
    Says(&'static str, Vec<(String, String, String)>),
    Omit,
    Silent,
    Away,
    /// QN less arrival, seconds.
    Clock(i64),
    Peers(Vec<String>),
}

/// A change, and when and of what.
#[derive(Debug)]
struct Over {
    factor: String,
    from: Moment,
    to: Moment,
    change: Change,
}

impl Over {
    fn covers(&self, factor: &str, at: Moment) -> bool {
        (self.factor == "all" || self.factor == factor) && self.from <= at && at < self.to
    }
}

/// Records that are sent again.
#[derive(Debug)]
struct Again {
    from: Moment,
    to: Moment,
    at: Moment,
    refill: bool,
    qn: Option<Moment>,
    clock_secs: i64,
    says: Vec<(String, String, String)>,
}

/// A packet of another kind.
#[derive(Debug)]
struct Said {
    at: Moment,
    st: String,
    cn: String,
    stamp: Moment,
    area: String,
}

/// Further outlets.
#[derive(Debug, Clone)]
struct Others {
    count: usize,
    times: Decimal,
    /// They show so much earlier what this one shows.
    before_ms: i64,
    own: bool,
    at_site: bool,
    contractor: bool,
}

/// A script as read.
#[derive(Debug, Default)]
struct Script {
    rule: Option<RuleId>,
    is_gas: bool,
    factors: Vec<Factor>,
    from: Moment,
    until: Moment,
    coarse: Vec<(Moment, Moment)>,
    edition: String,
    outlet: Row,
    permit: String,
    listed: String,
    exempt: Vec<(String, Moment, Moment)>,
    settings: Vec<RuleSetting>,
    others: Option<Others>,
    overs: Vec<Over>,
    again: Vec<Again>,
    said: Vec<Said>,
    declared: Vec<(Moment, Declaration)>,
    visits: Vec<Visit>,
    expected: Option<Vec<String>>,
}

/// The words of one line.
struct Words<'t> {
    place: String,
    rest: Peekable<SplitWhitespace<'t>>,
}

impl<'t> Words<'t> {
    fn wrong(&self, what: &str) -> ! {
        panic!("{}: {what}", self.place)
    }

    fn word(&mut self) -> &'t str {
        match self.rest.next() {
            Some(word) => word,
            None => self.wrong("a word is missing"),
        }
    }

    fn left(&mut self) -> Vec<&'t str> {
        self.rest.by_ref().collect()
    }

    fn day(&mut self) -> Day {
        let word = self.word();
        Day::parse(word).unwrap_or_else(|| self.wrong("no date"))
    }

    fn time(&mut self, date: &str) -> Moment {
        let word = self.word();
        moment(date, word).unwrap_or_else(|| self.wrong("no date and time"))
    }

    fn instant(&mut self) -> Moment {
        let date = self.word();
        self.time(date)
    }

    fn span(&mut self) -> (Moment, Moment) {
        let mut date = self.word();
        let from = self.time(date);
        if let Some(word) = self.rest.next_if(|word| Day::parse(word).is_some()) {
            date = word;
        }
        let to = self.time(date);
        if to <= from { self.wrong("a span that ends before it begins") } else { (from, to) }
    }

    fn skip(&mut self, word: &str) {
        if self.word() != word {
            self.wrong(&format!("{word:?} is missing"));
        }
    }

    /// `name=value`, to the end of the line.
    fn pairs(&mut self) -> Vec<(&'t str, &'t str)> {
        let pairs = self.left().into_iter().map(|word| word.split_once('=').unwrap_or_else(|| self.wrong("no name=value")));
        pairs.collect()
    }

    /// `factor-Name=value`, to the end of the line.
    fn says(&mut self) -> Vec<(String, String, String)> {
        let of = |(name, value): (&str, &str)| {
            let (factor, name) = name.rsplit_once('-').unwrap_or_else(|| panic!("{name:?} is no factor and name"));
            (factor.to_owned(), name.to_owned(), value.to_owned())
        };
        self.pairs().into_iter().map(of).collect()
    }
}

fn moment(date: &str, time: &str) -> Option<Moment> {
    if time == "24:00" { Day::parse(date).map(Day::end) } else { Moment::parse_local(&format!("{date} {time}")) }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

impl Script {
    fn read(path: &Path, rule: Option<&str>) -> Self {
        let text = std::fs::read_to_string(path).expect("UTF-8");
        let rule = rule.map(|rule| RuleId::new(rule).expect("short"));
        let mut script = Self { rule, edition: "2017".to_owned(), ..Self::default() };
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = Words { place: format!("{}:{}", path.display(), number + 1), rest: line.split_whitespace().peekable() };
            if let Some(what) = words.rest.next() {
                script.line(what, &mut words);
                if words.rest.peek().is_some() {
                    words.wrong("a word too many");
                }
            }
        }
        assert!(script.from < script.until && !script.factors.is_empty(), "{}: an outlet and a run", path.display());
        assert!(script.expected.is_some(), "{}: nothing is expected", path.display());
        script
    }

    fn line(&mut self, what: &str, words: &mut Words<'_>) {
        match what {
            "outlet" => {
                let (kind, named) = (words.word(), words.left());
                self.is_gas = kind == "gas";
                self.factors = factors(kind, &named);
                if named.iter().any(|code| self.factor(code).is_none()) {
                    words.wrong("a factor that is not in factors.txt");
                }
            }
            "run" => {
                self.from = words.day().start();
                words.skip("..");
                self.until = words.instant();
            }
            "hours" => {
                let first = words.day();
                words.skip("..");
                self.coarse.push((first.start(), words.day().end()));
            }
            "edition" => self.edition = words.word().to_owned(),
            "trade" => drop(self.outlet.insert("trade".to_owned(), words.left().join(" "))),
            "register" => put_columns(&mut self.outlet, OUTLETS, words),
            "series" => {
                let code = words.word();
                match self.factors.iter_mut().find(|factor| factor.measured && factor.code == code) {
                    Some(factor) => put_columns(&mut factor.row, SERIES, words),
                    None => words.wrong("no factor of the outlet"),
                }
            }
            "limit" => {
                let (code, basis, limit) = (words.word(), words.word(), words.word());
                let Some(factor) = self.factors.iter_mut().find(|factor| factor.measured && factor.code == code) else {
                    words.wrong("no factor of the outlet")
                };
                match limit {
                    "-" => drop(factor.limits.remove(basis)),
                    limit => drop(factor.limits.insert(basis.to_owned(), limit.to_owned())),
                }
            }
            "permit" => self.permit = words.day().to_string(),
            "listed" => self.listed = words.day().to_string(),
            "exempt" => {
                let (factor, (from, to)) = (self.measured(words), words.span());
                self.exempt.push((factor, from, to));
            }
            "setting" => self.setting(words),
            "others" => self.others(words),
            "again" => self.again(words),
            "say" => {
                let date = words.word();
                let at = words.time(date);
                let mut said = Said { at, st: "31".to_owned(), cn: String::new(), stamp: at, area: String::new() };
                for word in words.left() {
                    match word.split_once('=') {
                        Some(("st", st)) => said.st = st.to_owned(),
                        Some(("cn", cn)) => said.cn = cn.to_owned(),
                        Some(("stamp", time)) => said.stamp = moment(date, time).unwrap_or_else(|| words.wrong("no time")),
                        _ => said.area.push_str(word),
                    }
                }
                self.said.push(said);
            }
            "declare" => self.declare(words),
            "visit" => {
                let (from, to) = words.span();
                let (id, by) = (format!("V{}", self.visits.len()), "执法一队".to_owned());
                let outlet = OutletId::new(OUTLET).expect("short");
                self.visits.push(Visit { id, outlet, from, to, by, document: String::new(), withdrawn: false });
            }
            "=" => {
                let line = words.left().join(" ");
                self.expected.get_or_insert_default().extend((line != "none").then_some(line));
            }
            _ => self.change(what, words),
        }
    }

    /// The lines that change what is shown, said or sent.
    fn change(&mut self, what: &str, words: &mut Words<'_>) {
        let factor = if matches!(what, "set" | "hourly" | "mark" | "flat" | "omit") { self.measured(words) } else { "all".to_owned() };
        let (from, to) = if what == "daily" {
            let day = words.day();
            (day.start(), day.end())
        } else {
            words.span()
        };
        let change = match what {
            "hourly" => Change::Hourly(words.left().into_iter().map(decimal).collect()),
            "set" => Change::Set(words.left().into_iter().map(decimal).collect()),
            "mark" => Change::Mark(words.word().to_owned()),
            "flat" => Change::Flat,
            "omit" => Change::Omit,
            "rest" => Change::Rest,
            "stop" => {
                self.overs.push(Over { factor: factor.clone(), from, to, change: Change::Rest });
                Change::Mark("F".to_owned())
            }
            "silent" => Change::Silent,
            "away" => Change::Away,
            "clock" => Change::Clock(words.word().parse().unwrap_or_else(|_| words.wrong("no seconds"))),
            "peer" => Change::Peers(owned(&words.left())),
            "minute" => Change::Says("2051", words.says()),
            "hour" => Change::Says("2061", words.says()),
            "daily" => Change::Says("2031", words.says()),
            _ => words.wrong("an unknown word"),
        };
        let empty = match &change {
            Change::Set(values) | Change::Hourly(values) => values.is_empty(),
            Change::Peers(peers) => peers.is_empty(),
            Change::Says(_, says) => says.is_empty(),
            _ => false,
        };
        if empty {
            words.wrong("nothing is said");
        }
        self.overs.push(Over { factor, from, to, change });
    }

    fn setting(&mut self, words: &mut Words<'_>) {
        let factor = words.rest.next_if(|word| !word.contains('='));
        let mut setting = RuleSetting {
            rule: self.rule.unwrap_or_else(|| words.wrong("no rule's folder")),
            trade: None,
            outlet: OutletId::new(OUTLET),
            factor: factor.and_then(FactorCode::new),
            runs: None,
            figures: BTreeMap::new(),
            source: Source { text: "a person of this script".to_owned(), grade: Grade::D },
        };
        for (name, value) in words.pairs() {
            match name {
                "runs" => setting.runs = Some(value == "yes"),
                figure => drop(setting.figures.insert(figure.to_owned(), decimal(value))),
            }
        }
        self.settings.push(setting);
    }

    fn others(&mut self, words: &mut Words<'_>) {
        let mut count = || words.word().parse().unwrap_or_else(|_| words.wrong("no number"));
        let mut others = Others { count: count(), times: Decimal::ONE, before_ms: 0, own: false, at_site: false, contractor: false };
        while let Some(word) = words.rest.next() {
            match word {
                "times" => others.times = decimal(words.word()),
                "after" => others.before_ms = words.word().parse::<i64>().unwrap_or_else(|_| words.wrong("no hours")) * HOUR_MS,
                "own" => others.own = true,
                "at_site" => others.at_site = true,
                "contractor" => others.contractor = true,
                _ => words.wrong("an unknown word"),
            }
        }
        self.others = Some(others);
    }

    fn again(&mut self, words: &mut Words<'_>) {
        let (from, to) = words.span();
        words.skip("at");
        let date = words.word();
        let at = words.time(date);
        let refill = words.rest.next_if_eq(&"rf").is_some();
        let mut again = Again { from, to, at, refill, qn: None, clock_secs: -1, says: Vec::new() };
        if let Some(time) = words.rest.next_if(|word| word.starts_with("qn=")) {
            again.qn = moment(date, &time[3..]);
        }
        if let Some(secs) = words.rest.next_if(|word| word.starts_with("clock=")) {
            again.clock_secs = secs[6..].parse().unwrap_or_else(|_| words.wrong("no seconds"));
        }
        again.says = words.says();
        self.again.push(again);
    }

    fn declare(&mut self, words: &mut Words<'_>) {
        let kind = words.word();
        let mark = DeclarationKind::parse(kind).unwrap_or_else(|| words.wrong("no kind of declaration"));
        let (from, to) = words.span();
        words.skip("at");
        let at = words.instant();
        let factor = words.rest.next().and_then(FactorCode::new);
        let declaration = Declaration {
            id: format!("M{}", self.declared.len()),
            outlet: OutletId::new(OUTLET).expect("short"),
            factor,
            mark,
            from,
            to,
            reason: "更换部件".to_owned(),
            document: "BG-1".to_owned(),
            author: "张三".to_owned(),
            made_at: at,
            withdrawn: false,
            entered: None,
            changed: None,
        };
        self.declared.push((at, declaration));
    }

    fn factor(&self, code: &str) -> Option<&Factor> {
        self.factors.iter().find(|factor| factor.measured && factor.code == code)
    }

    /// A word that is `all`, or a factor of the outlet.
    fn measured(&self, words: &mut Words<'_>) -> String {
        let word = words.word();
        if word != "all" && self.factor(word).is_none() {
            words.wrong("no factor of the outlet");
        }
        word.to_owned()
    }

    fn converts(&self, factor: &Factor) -> bool {
        self.factor("a19001").is_some() && !factor.limits.is_empty()
    }

    fn is_coarse(&self, at: Moment) -> bool {
        self.coarse.iter().any(|(from, to)| *from <= at && at < *to)
    }

    /// The last change of a kind that a script names for a factor and an instant.
    fn last<'s, T>(&'s self, factor: &str, at: Moment, pick: impl Fn(&'s Over) -> Option<T>) -> Option<T> {
        self.overs.iter().rev().filter(|over| over.covers(factor, at)).find_map(pick)
    }

    fn files(&self) -> Files {
        let row = |cells: &[(&str, &str)]| -> Row { cells.iter().map(|(column, text)| ((*column).to_owned(), (*text).to_owned())).collect() };
        let (kind, st) = if self.is_gas { ("gas", "31") } else { ("water", "32") };
        let oxygen = if self.factor("a19001").is_some() { ("11", "a19001") } else { ("", "") };
        let expects = if self.coarse.is_empty() { "2051;2061;2031" } else { "2061;2031" };
        let area = DUCT_M2.to_string();
        let mut outlet = row(&[
            ("outlet", OUTLET),
            ("site", "S1"),
            ("name", "1号排口"),
            ("name_en", "Outlet 1"),
            ("medium", kind),
            ("trade", "thermal power"),
            ("stamp_label", "start"),
            ("minute_interval_min", "5"),
            ("real_interval_secs", "30"),
            ("ref_o2_pct", oxygen.0),
            ("oxygen_factor", oxygen.1),
            ("oxidant_o2_pct", "21"),
            ("low_confidence_counts", "no"),
            ("stack_area_m2", if self.is_gas { area.as_str() } else { "" }),
            ("expects", expects),
            ("valid_from", "2020-01-01"),
        ]);
        outlet.extend(self.outlet.clone());
        let (mut series, mut limits) = (Vec::new(), Vec::new());
        for factor in self.factors.iter().filter(|factor| factor.measured) {
            let mut one = row(&[
                ("outlet", OUTLET),
                ("factor", factor.code.as_str()),
                ("mn", MN),
                ("st", st),
                ("wire_code", factor.code.as_str()),
                ("unit", factor.unit.as_str()),
                ("range_high", factor.range.as_str()),
                ("negative", factor.negative.as_str()),
                ("valid_from", "2020-01-01"),
            ]);
            one.extend(factor.row.clone());
            series.push(one);
            let (reference, converted) = if self.converts(factor) { ("11", "yes") } else { ("", "no") };
            limits.extend(factor.limits.iter().map(|(basis, limit)| {
                row(&[
                    ("outlet", OUTLET),
                    ("factor", factor.code.as_str()),
                    ("limit_type", "max"),
                    ("limit", limit.as_str()),
                    ("unit", factor.unit.as_str()),
                    ("basis", basis.as_str()),
                    ("ref_o2_pct", reference),
                    ("converted", converted),
                    ("standard", "DB 1-2020"),
                    ("source", "invented"),
                    ("grade", "D"),
                    ("valid_from", "2020-01-01"),
                ])
            }));
        }
        let sites =
            format!("site,name,name_en,industry,region,key_unit_from,valid_from,valid_to\nS1,示例单位,Sample,,示例区,{},2020-01-01,\n", self.listed);
        let loggers =
            format!("mn,site,password,crc,edition,sm4_keys,role,valid_from,valid_to\n{MN},S1,123456,standard,{},,main,2020-01-01,\n", self.edition);
        let mut files = BTreeMap::from([
            ("sites.csv".to_owned(), sites),
            ("outlets.csv".to_owned(), table(OUTLETS, &[outlet])),
            ("loggers.csv".to_owned(), loggers),
            ("series.csv".to_owned(), table(SERIES, &series)),
            ("limits.csv".to_owned(), table(LIMITS, &limits)),
        ]);
        if !self.permit.is_empty() {
            let text = format!("site,permit,document,issued,valid_from,valid_to\nS1,P-1,,{0},{0},\n", self.permit);
            files.insert("permits.csv".to_owned(), text);
        }
        if !self.exempt.is_empty() {
            let lines = self.exempt.iter().map(|(factor, from, to)| {
                let factor = if factor == "all" { "" } else { factor.as_str() };
                format!("{OUTLET},other,HM-1,示例局,2026-01-01,{from},{to},{factor}\n")
            });
            let text = "outlet,kind,document,approved_by,approved_on,from,to,factor\n".to_owned() + &lines.collect::<String>();
            files.insert("exemptions.csv".to_owned(), text);
        }
        self.put_others(&mut files);
        Files(files)
    }

    /// The same outlet, of which the script says nothing.
    fn without_changes(&self) -> Self {
        Self {
            is_gas: self.is_gas,
            factors: self.factors.clone(),
            from: self.from,
            until: self.until,
            coarse: self.coarse.clone(),
            edition: self.edition.clone(),
            ..Self::default()
        }
    }

    /// The rows of further outlets: those of this one, with other names.
    fn put_others(&self, files: &mut BTreeMap<String, String>) {
        let Some(others) = &self.others else { return };
        for number in 2..others.count + 2 {
            let (site, turn) = (if others.at_site { "S1".to_owned() } else { format!("S{number}") }, Turn::of(others, number));
            for (name, text) in files.iter_mut() {
                let own = text.lines().skip(1).take_while(|line| line.contains(MN) || line.starts_with("O1,") || line.starts_with("S1,"));
                let own: Vec<String> = own.map(|line| line.replace(MN, &turn.mn).replace("O1,", &format!("O{number},"))).collect();
                if name == "sites.csv" && others.at_site {
                    continue;
                }
                for line in own {
                    // Its inlet is not theirs.
                    let line = line.replace(",O2,", ",,").replace("S1,", &format!("{site},")).replace("1号排口", &format!("{number}号排口"));
                    text.push_str(&(line.replace("Outlet 1", &format!("Outlet {number}")) + "\n"));
                }
            }
        }
        if others.contractor {
            let sites: BTreeSet<String> =
                (1..others.count + 2).map(|number| if others.at_site { "S1".to_owned() } else { format!("S{number}") }).collect();
            let rows: String = sites.iter().map(|site| format!("K1,示例运维,{site},,,2020-01-01,\n")).collect();
            files.insert("contractors.csv".to_owned(), format!("contractor,name,site,outlet,document,valid_from,valid_to\n{rows}"));
        }
    }

    fn rule_set(&self) -> Option<String> {
        let set = RuleSet { rules: self.settings.clone(), ..RuleSet::default() };
        assert_eq!(rules::settings_fault(&set), None);
        (!set.rules.is_empty()).then(|| set.text())
    }
}

/// Columns of a row, `name=value`, that its file has.
fn put_columns(row: &mut Row, columns: &str, words: &mut Words<'_>) {
    for (name, value) in words.pairs() {
        if columns.split(',').all(|column| column.trim() != name) {
            words.wrong("no column of the register");
        }
        row.insert(name.to_owned(), value.to_owned());
    }
}

fn table(columns: &str, rows: &[Row]) -> String {
    let line = |row: &Row| columns.split(',').map(|column| row.get(column).map_or("", String::as_str)).collect::<Vec<_>>().join(",");
    std::iter::once(columns.to_owned()).chain(rows.iter().map(line)).map(|line| line + "\n").collect()
}

/// What an instrument shows for five minutes, and how the logger marks it.
#[derive(Debug, Clone)]
struct Shown {
    value: Decimal,
    mark: String,
}

/// What an honest logger makes of an hour or a day.
#[derive(Debug)]
struct Made {
    /// Exact.
    mean: Decimal,
    decimals: u32,
    low: Decimal,
    high: Decimal,
    converted: Option<Decimal>,
    total: Option<Decimal>,
    flag: String,
}

/// A record before it is written.
#[derive(Debug)]
struct Record {
    cn: &'static str,
    start: Moment,
    length_ms: i64,
    /// Seconds after its end at which it is sent.
    behind_secs: i64,
    factors: Vec<(String, Pairs)>,
}

/// How a packet comes.
struct Sent<'s> {
    at: Moment,
    qn: Moment,
    peer: &'s str,
    refill: bool,
}

/// The outlet of a script as it goes on.
struct Plant<'s> {
    script: &'s Script,
    turn: Turn,
    slots: Vec<BTreeMap<&'s str, Shown>>,
}

impl<'s> Plant<'s> {
    fn new(script: &'s Script, turn: Turn) -> Self {
        let starts = (script.from.0..script.until.0).step_by(RECORD_MS as usize);
        let slots = starts.map(|at| shown(script, Moment(at), &turn)).collect();
        Self { script, turn, slots }
    }

    fn slots_of(&self, start: Moment, count: usize) -> Option<&[BTreeMap<&'s str, Shown>]> {
        let first = usize::try_from((start.0 - self.script.from.0) / RECORD_MS).ok()?;
        self.slots.get(first..first + count)
    }

    fn measured(&self) -> impl Iterator<Item = &'s Factor> + use<'s> {
        self.script.factors.iter().filter(|factor| factor.measured)
    }

    fn minute(&self, start: Moment) -> Option<Record> {
        let slot = &self.slots_of(start, 1)?[0];
        let oxygen = slot.get("a19001").map(|shown| shown.value);
        let of = |factor: &Factor| {
            let Shown { value, mark } = &slot[factor.code.as_str()];
            let unit = Decimal::new(1, value.scale());
            let flat = self.script.last(&factor.code, start, |over| matches!(over.change, Change::Flat).then_some(())).is_some();
            let edge = if flat { Decimal::ZERO } else { unit };
            let mut pairs = Pairs::new();
            // A slow analyser has one value, and no others beside it.
            if !factor.is_slow() {
                pairs.push(("Min".to_owned(), (value - edge).to_string()));
            }
            pairs.push(("Avg".to_owned(), value.to_string()));
            if !factor.is_slow() {
                pairs.push(("Max".to_owned(), (value + edge).to_string()));
            }
            if let Some(converted) = oxygen.filter(|_| self.script.converts(factor)).and_then(|oxygen| converted(*value, oxygen)) {
                pairs.push(("ZsAvg".to_owned(), rounded(converted, factor.usual.scale()).to_string()));
            }
            pairs.push(("Flag".to_owned(), mark.clone()));
            (factor.code.clone(), pairs)
        };
        let factors = self.measured().map(of).collect();
        Some(self.said(Record { cn: "2051", start, length_ms: RECORD_MS, behind_secs: 10, factors }))
    }

    /// What an hour comes to, by factor.
    fn hourly(&self, start: Moment) -> Option<BTreeMap<&'s str, Made>> {
        let slots = self.slots_of(start, RECORDS_OF_HOUR)?;
        let kept = |code: &str| -> Vec<&Shown> {
            let all = || slots.iter().map(|slot| &slot[code]);
            let normal: Vec<&Shown> = all().filter(|shown| shown.mark == "N").collect();
            if normal.is_empty() { all().collect() } else { normal }
        };
        let mean = |code: &str| {
            let kept = kept(code);
            kept.iter().map(|shown| shown.value).sum::<Decimal>() / Decimal::from(kept.len())
        };
        let gas = self.script.is_gas;
        let (flow, per_hour, scale) = if gas { ("a00000", Decimal::from(3600), 6) } else { ("w00000", Decimal::new(36, 1), 3) };
        let volume = self.script.factor(flow).map(|_| mean(flow) * per_hour);
        let oxygen = self.script.factor("a19001").map(|_| mean("a19001"));
        let of = |factor: &'s Factor| {
            let code = factor.code.as_str();
            let (kept, mean) = (kept(code), mean(code));
            let normal = slots.iter().filter(|slot| slot[code].mark == "N").count();
            let mut marks: BTreeMap<&str, usize> = BTreeMap::new();
            for slot in slots.iter().filter(|slot| slot[code].mark != "N") {
                *marks.entry(&slot[code].mark).or_default() += 1;
            }
            let enough = normal == RECORDS_OF_HOUR || gas && normal * 100 >= 75 * RECORDS_OF_HOUR;
            let most = marks.into_iter().max_by_key(|(_, count)| *count).map_or("N", |(mark, _)| mark);
            let pollutant = !(code.starts_with("a01") || code.starts_with("a19") || code == "w01001" || code == flow);
            let made = Made {
                mean,
                decimals: slots.iter().map(|slot| slot[code].value.scale()).max().unwrap_or_default(),
                low: kept.iter().map(|shown| shown.value).min().unwrap_or_default(),
                high: kept.iter().map(|shown| shown.value).max().unwrap_or_default(),
                converted: oxygen.filter(|_| self.script.converts(factor)).and_then(|oxygen| converted(mean, oxygen)),
                total: match volume {
                    Some(volume) if code == flow => Some(rounded(volume, 1)),
                    Some(volume) if pollutant => Some(rounded(mean * volume * Decimal::new(1, scale), 4)),
                    _ => None,
                },
                flag: if enough { "N" } else { most }.to_owned(),
            };
            (code, made)
        };
        Some(self.measured().map(of).collect())
    }

    /// What a whole day comes to, by factor: means of its normal hours, and what they let through.
    fn daily(&self, start: Moment) -> Option<BTreeMap<&'s str, Made>> {
        let hours = (0..24).map(|hour| self.hourly(start.plus_ms(hour * HOUR_MS))).collect::<Option<Vec<_>>>()?;
        let of = |factor: &'s Factor| {
            let code = factor.code.as_str();
            let normal: Vec<&Made> = hours.iter().map(|hour| &hour[code]).filter(|made| made.flag == "N").collect();
            let kept: Vec<&Made> = if normal.is_empty() { hours.iter().map(|hour| &hour[code]).collect() } else { normal };
            let count = Decimal::from(kept.len());
            let converted: Vec<Decimal> = kept.iter().filter_map(|made| made.converted).collect();
            let totals: Vec<Decimal> = hours.iter().filter_map(|hour| hour[code].total).collect();
            let made = Made {
                mean: kept.iter().map(|made| made.mean).sum::<Decimal>() / count,
                decimals: kept.iter().map(|made| made.decimals).max().unwrap_or_default(),
                low: kept.iter().map(|made| made.low).min().unwrap_or_default(),
                high: kept.iter().map(|made| made.high).max().unwrap_or_default(),
                converted: (!converted.is_empty()).then(|| converted.iter().sum::<Decimal>() / Decimal::from(converted.len())),
                total: (!totals.is_empty()).then(|| totals.iter().sum()),
                flag: kept[0].flag.clone(),
            };
            (code, made)
        };
        Some(self.measured().map(of).collect())
    }

    fn made(&self, cn: &'static str, start: Moment, length_ms: i64, behind_secs: i64, made: &BTreeMap<&str, Made>) -> Record {
        let of = |factor: &Factor| {
            let one = &made[factor.code.as_str()];
            let mut pairs = Pairs::new();
            let mut put = |name: &str, value: String| pairs.push((name.to_owned(), value));
            if let Some(total) = one.total {
                put("Cou", total.to_string());
            }
            put("Min", rounded(one.low, one.decimals).to_string());
            put("Avg", rounded(one.mean, one.decimals).to_string());
            put("Max", rounded(one.high, one.decimals).to_string());
            if let Some(converted) = one.converted {
                put("ZsAvg", rounded(converted, factor.usual.scale()).to_string());
            }
            put("Flag", one.flag.clone());
            (factor.code.clone(), pairs)
        };
        self.said(Record { cn, start, length_ms, behind_secs, factors: self.measured().map(of).collect() })
    }

    fn hour(&self, start: Moment) -> Option<Record> {
        Some(self.made("2061", start, HOUR_MS, 30, &self.hourly(start)?))
    }

    fn day(&self, start: Moment) -> Option<Record> {
        Some(self.made("2031", start, DAY_MS, 45, &self.daily(start)?))
    }

    /// With what the script lets it say instead.
    fn said(&self, mut record: Record) -> Record {
        let start = record.start;
        for over in self.script.overs.iter().filter(|over| over.covers("all", start)) {
            if let Change::Says(cn, says) = &over.change
                && *cn == record.cn
            {
                record.put(says);
            }
        }
        record
    }

    /// Every record of the run, as it would come, by its end.
    fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        for start in (self.script.from.0..self.script.until.0).step_by(RECORD_MS as usize).map(Moment) {
            if !self.script.is_coarse(start) {
                records.extend(self.minute(start));
            }
            if start == start.hour().start() {
                records.extend(self.hour(start));
            }
            if start == start.day().start() {
                records.extend(self.day(start));
            }
        }
        records
    }

    fn frame(&self, st: &str, cn: &str, area: &str, sent: &Sent<'_>) -> (Moment, Body) {
        let (qn, flag) = (sent.qn.wire_ms(), if self.script.edition == "2025" { 9 } else { 5 });
        let segment = Segment {
            qn: Some(&qn),
            st,
            cn,
            pw: Some("123456"),
            mn: Some(&self.turn.mn),
            flag: Some(flag),
            refill: sent.refill,
            area,
            ..Segment::default()
        };
        let bytes = segment.frame().trim_ascii_end().to_vec();
        (sent.at, Body::Frame { bytes, peer: sent.peer.to_owned(), gateway: "g1".to_owned(), connection: 1 })
    }

    fn send(&self, record: &Record, sent: &Sent<'_>) -> (Moment, Body) {
        let st = if self.script.is_gas { "31" } else { "32" };
        self.frame(st, record.cn, &record.area(), sent)
    }

    /// The record in its time; none where the script lets nothing of it come.
    fn live(&self, mut record: Record) -> Option<(Moment, Body)> {
        let script = self.script;
        let end = record.start.plus_ms(record.length_ms);
        record.factors.retain(|(code, _)| {
            let omits = |over: &Over| matches!(over.change, Change::Omit) && over.covers(code, record.start) && end <= over.to;
            !script.overs.iter().any(omits)
        });
        let at = end.plus_ms(record.behind_secs * 1000);
        let hushed = script.last("all", at, |over| matches!(over.change, Change::Silent | Change::Away).then_some(())).is_some();
        if record.factors.is_empty() || hushed || at > script.until {
            return None;
        }
        let clock_secs = script.last("all", record.start, |over| if let Change::Clock(secs) = over.change { Some(secs) } else { None }).unwrap_or(-1);
        let turn = ((record.start.0 - script.from.0) / RECORD_MS) as usize;
        let peer = |over: &'s Over| if let Change::Peers(peers) = &over.change { Some(peers[turn % peers.len()].as_str()) } else { None };
        let peer = script.last("all", record.start, peer).unwrap_or(PEER);
        Some(self.send(&record, &Sent { at, qn: at.plus_ms(clock_secs * 1000), peer, refill: false }))
    }

    /// Records that are sent once more.
    fn resent(&self, again: &Again) -> Vec<(Moment, Body)> {
        let starts = || (again.from.0..again.to.0).step_by(RECORD_MS as usize).map(Moment);
        let minutes = starts().filter(|start| !self.script.is_coarse(*start)).filter_map(|start| self.minute(start));
        let whole = |start: &Moment| *start == start.hour().start() && start.hour().end() <= again.to;
        let hours = starts().filter(whole).filter_map(|start| self.hour(start));
        let each = |(number, mut record): (usize, Record)| {
            record.put(&again.says);
            let at = again.at.plus_ms(number as i64 * 1000);
            self.send(&record, &Sent { at, qn: again.qn.unwrap_or(at.plus_ms(again.clock_secs * 1000)), peer: PEER, refill: again.refill })
        };
        minutes.chain(hours).enumerate().map(each).collect()
    }

    /// What comes of another outlet.
    fn beside(&self) -> Vec<(Moment, Body)> {
        self.records().into_iter().filter_map(|record| self.live(record)).collect()
    }

    /// Everything that comes in the run, in its order, and a sign of time every minute.
    fn journal(&self) -> Vec<(Moment, Body)> {
        let script = self.script;
        let mut journal: Vec<(Moment, Body)> = script.rule_set().into_iter().map(|text| (script.from, Body::RuleSetVersion { text })).collect();
        let away = |at: &Moment| script.last("all", *at, |over| matches!(over.change, Change::Away).then_some(())).is_some();
        let minutes = (script.from.0..=script.until.0).step_by(MINUTE_MS as usize).map(Moment);
        journal.extend(minutes.filter(|at| !away(at)).map(|at| (at, Body::Tick {})));
        journal.extend(self.records().into_iter().filter_map(|record| self.live(record)));
        journal.extend(script.again.iter().flat_map(|again| self.resent(again)));
        journal.extend(script.said.iter().map(|said| {
            let area = format!("DataTime={};{}", said.stamp.wire(), said.area);
            self.frame(&said.st, &said.cn, area.trim_end_matches(';'), &Sent { at: said.at, qn: said.at, peer: PEER, refill: false })
        }));
        let honest = script.without_changes();
        if let Some(others) = &script.others {
            journal.extend((2..others.count + 2).flat_map(|number| Plant::new(&honest, Turn::of(others, number)).beside()));
        }
        journal.extend(script.visits.iter().map(|visit| (visit.to.plus_ms(HOUR_MS), Body::Visit(visit.clone()))));
        journal.extend(script.declared.iter().map(|(at, declaration)| (*at, Body::Declaration(declaration.clone()))));
        journal.sort_by_key(|(at, _)| *at);
        journal
    }
}

/// What every instrument shows from an instant for five minutes, and the marks.
fn shown<'s>(script: &'s Script, at: Moment, turn: &Turn) -> BTreeMap<&'s str, Shown> {
    // Of a value that is set and a plant that stands the later line holds.
    let set = |code: &str| {
        script.last(code, at, |over| match &over.change {
            Change::Set(values) => Some(Some(values[((at.0 - over.from.0) / RECORD_MS) as usize % values.len()])),
            Change::Hourly(values) => Some(Some(values[((at.0 - over.from.0) / HOUR_MS) as usize % values.len()])),
            Change::Rest => Some(None),
            _ => None,
        })
    };
    let value = |factor: &Factor| match set(&factor.code) {
        Some(Some(value)) => value,
        Some(None) => factor.rest,
        None => factor.usually(at, turn),
    };
    let mut values: BTreeMap<&str, Decimal> = script.factors.iter().map(|factor| (factor.code.as_str(), value(factor))).collect();
    for factor in script.factors.iter().filter(|factor| !matches!(set(factor.code.as_str()), Some(Some(_)))) {
        if let Some(own) = follows(&factor.code, |code| values[code]) {
            values.insert(&factor.code, own);
        }
    }
    let mark = |code: &str| script.last(code, at, |over| if let Change::Mark(mark) = &over.change { Some(mark.clone()) } else { None });
    values.into_iter().map(|(code, value)| (code, Shown { value, mark: mark(code).unwrap_or_else(|| "N".to_owned()) })).collect()
}

impl Record {
    fn area(&self) -> String {
        let factors = self.factors.iter().map(|(code, pairs)| {
            let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{code}-{name}={value}")).collect();
            pairs.join(",")
        });
        let factors: Vec<String> = factors.collect();
        format!("DataTime={};{}", self.start.wire(), factors.join(";"))
    }

    /// Says something else of what it says anyway.
    fn put(&mut self, says: &[(String, String, String)]) {
        for (factor, name, value) in says {
            let Some((_, pairs)) = self.factors.iter_mut().find(|(code, _)| code == factor) else { panic!("{factor} is not measured") };
            match pairs.iter().position(|(known, _)| known == name) {
                Some(at) if value == "-" => drop(pairs.remove(at)),
                Some(at) => pairs[at].1.clone_from(value),
                None if value == "-" => {}
                None => pairs.insert(0, (name.clone(), value.clone())),
            }
        }
    }
}

/// The hours of hits, runs of them in short; `day` where one is about the whole day.
fn hours_of(hits: &[Hit]) -> String {
    let hours: BTreeSet<u8> = hits.iter().filter_map(|hit| hit.hour).collect();
    let mut runs: Vec<(u8, u8)> = Vec::new();
    for hour in hours {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == hour => *last = hour,
            _ => runs.push((hour, hour)),
        }
    }
    let one = |(first, last): (u8, u8)| if first == last { format!("{first:02}") } else { format!("{first:02}-{last:02}") };
    let mut words: Vec<String> = runs.into_iter().map(one).collect();
    if hits.is_empty() || hits.iter().any(|hit| hit.hour.is_none()) {
        words.push("day".to_owned());
    }
    words.join(" ")
}

/// The standing findings of a rule at the script's outlet in their newest version; of all rules, with their ids.
fn standing(findings: &[Finding], rule: Option<&str>) -> Vec<String> {
    let mut newest = BTreeMap::new();
    for finding in findings {
        let known = newest.entry(finding.id).or_insert(finding);
        if finding.revision >= known.revision {
            *known = finding;
        }
    }
    let stands = |finding: &&Finding| finding.standing && finding.outlet.as_str() == OUTLET && rule.is_none_or(|rule| finding.rule == rule);
    let line = |finding: &Finding| {
        let severity = match finding.severity {
            Severity::Info => "info",
            Severity::Warn => "warn",
            Severity::High => "high",
            Severity::Critical => "critical",
        };
        let id = if rule.is_none() { format!("{} ", finding.rule) } else { String::new() };
        format!("{id}{} {} {severity} {}", finding.day, finding.factor, hours_of(&finding.hits))
    };
    let mut lines: Vec<String> = newest.into_values().filter(stands).map(line).collect();
    lines.sort();
    lines
}

/// Plays a script; gives what is wrong with it, if anything.
fn play(path: &Path, rule: Option<&str>) -> Option<String> {
    let script = Script::read(path, rule);
    let files = script.files();
    if let Err(faults) = Registry::parse(&files) {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        return Some(format!("{}: {}", path.display(), faults.join("\n")));
    }
    let journal = Plant::new(&script, Turn::own()).journal();
    let outputs = if script.others.is_some() { run_with_surveys(&files, &journal) } else { run_all_rules(&files, &journal, 500) };
    let silent = journal.iter().all(|(_, body)| !matches!(body, Body::Frame { .. }));
    if outputs.publications.is_empty() && !silent {
        return Some(format!("{}: nothing came of its packets", path.display()));
    }
    let mut expected = script.expected.clone().unwrap_or_default();
    expected.sort();
    let found = standing(&outputs.findings, rule);
    (found != expected).then(|| format!("{}\n  expected {expected:?}\n  found    {found:?}", path.display()))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("a name")
}

/// The folders of the rules whose id begins so.
fn folders(group: &str) -> Vec<PathBuf> {
    let mut folders = entries(Path::new(FOLDER));
    folders.retain(|path| path.is_dir() && name(path).starts_with(group));
    folders
}

fn group_goes_as_its_scripts_say(group: &str) {
    let mut wrong = Vec::new();
    let folders = folders(group);
    assert!(!folders.is_empty(), "no rule of group {group}");
    for folder in folders {
        wrong.extend(entries(&folder).iter().filter_map(|path| play(path, Some(name(&folder)))));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_link_and_completeness() {
    group_goes_as_its_scripts_say("A");
}

#[test]
fn b_levels() {
    group_goes_as_its_scripts_say("B");
}

#[test]
fn c_jumps_and_shapes() {
    group_goes_as_its_scripts_say("C");
}

#[test]
fn d_physics_and_arithmetic() {
    group_goes_as_its_scripts_say("D");
}

#[test]
fn e_marks() {
    group_goes_as_its_scripts_say("E");
}

#[test]
fn f_parameters_and_checks() {
    group_goes_as_its_scripts_say("F");
}

#[test]
fn g_aggregates_and_their_parts() {
    group_goes_as_its_scripts_say("G");
}

#[test]
fn h_clock_and_protocol() {
    group_goes_as_its_scripts_say("H");
}

#[test]
fn i_neighbours_and_history() {
    group_goes_as_its_scripts_say("I");
}

#[test]
fn j_exceedance() {
    group_goes_as_its_scripts_say("J");
}

#[test]
fn k_statistics() {
    group_goes_as_its_scripts_say("K");
}

#[test]
fn n_networking() {
    group_goes_as_its_scripts_say("N");
}

#[test]
fn of_honest_data_no_rule_says_anything() {
    let mut scripts = entries(Path::new(FOLDER));
    scripts.retain(|path| name(path).starts_with("honest"));
    assert!(scripts.len() >= 2, "{} scripts", scripts.len());
    let wrong: Vec<String> = scripts.iter().filter_map(|path| play(path, None)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_script_that_fires_one_that_just_does_not_and_one_that_is_guarded() {
    let mut wrong = Vec::new();
    for rule in rules::ALL {
        for script in EACH {
            let Ok(text) = std::fs::read_to_string(format!("{FOLDER}/{}/{script}", rule.id)) else {
                wrong.push(format!("{}: no {script}", rule.id));
                continue;
            };
            let fires = text.lines().any(|line| line.starts_with("= ") && line != "= none");
            if fires != (script == "fires.txt") {
                wrong.push(format!("{}: {script} is not what its name says", rule.id));
            }
            if !text.starts_with("# ") {
                wrong.push(format!("{}: the first line of {script} does not say what it shows", rule.id));
            }
        }
    }
    for folder in folders("") {
        if rules::ALL.iter().all(|rule| rule.id.as_str() != name(&folder)) {
            wrong.push(format!("{}: no such rule", name(&folder)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
