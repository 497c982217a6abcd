//! Random days through the engine against a second computation that is as plain as it can be: all statements at the end, one
//! batch, exact rationals, no cells, no sums kept, no recounts. Marks, gaps, corrections, negatives, values over the range, flows,
//! declarations that come, change and go, and a register that is put right afterwards, in random order of arrival.

use crate::world::{Chance, MN, Outputs, SO2_DAY_80, at, frame_body, packet, registry, run, until};
use hj212d::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment};
use hj212d::domain::{Declaration, DeclarationKind, Kind, OutletId, Span};
use hj212d::engine::Body;
use hj212d::registry::Files;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;
use std::collections::BTreeMap;

const DAYS: i64 = 3;

fn start() -> Moment {
    at("2026-03-14 00:00:00")
}

/// A gas outlet whose SO2 has this range, and a water outlet, both on one logger.
fn world(range: i64) -> Files {
    let mut files = registry("11", &[SO2_DAY_80]);
    let mut add = |name: &str, text: &str| files.0.get_mut(name).expect("a file").push_str(text);
    add("outlets.csv", "W1,S1,总排口,Outfall,water,municipal,start,10,30,,,,no,2020-01-01,\n");
    for (factor, unit) in [("w01018", "mg/L"), ("w00000", "L/s")] {
        add("series.csv", &format!("W1,{factor},{MN},32,,{unit},,,natural,2020-01-01,\n"));
    }
    let series = files.0.get_mut("series.csv").expect("a file");
    *series = series.replace(&format!("a21026,{MN},31,,mg/m3,,1000"), &format!("a21026,{MN},31,,mg/m3,,{range}"));
    files
}

/// One value as a packet says it: hundredths, and a mark.
type Value = (i64, &'static str);

/// What a packet says of one minute of the gas outlet.
#[derive(Clone)]
struct GasMinute {
    qn: Moment,
    from: Moment,
    so2: Value,
    oxygen: Value,
}

/// What a packet says of one hour of the water outlet: COD and the volume in m³.
#[derive(Clone)]
struct WaterHour {
    qn: Moment,
    from: Moment,
    cod: Value,
    volume: i64,
}

struct Said {
    gas: Vec<GasMinute>,
    /// Of two about the same minute, the one with the higher QN.
    newest: BTreeMap<Moment, GasMinute>,
    water: Vec<WaterHour>,
    /// The last version of each declaration.
    declared: BTreeMap<String, Declaration>,
    range: i64,
    journal: Vec<(Moment, Body)>,
}

fn hundredths(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", value.abs() / 100, value.abs() % 100)
}

fn say(chance: &mut Chance) -> Said {
    let mut said = Said {
        gas: Vec::new(),
        newest: BTreeMap::new(),
        water: Vec::new(),
        declared: BTreeMap::new(),
        range: 150 + chance.below(100) as i64,
        journal: Vec::new(),
    };
    let level = 6000 + chance.below(4000) as i64;
    let mark = |chance: &mut Chance| ["M", "D", "C", "T", "F"].get(chance.index(60)).copied().unwrap_or("N");
    for minute in 0..DAYS * 24 * 60 {
        let from = start().plus_ms(minute * MINUTE_MS);
        let qn = from.plus_ms(MINUTE_MS + 300);
        // Some hours have gaps in them.
        if chance.below(100) < if minute / 60 % 11 == 3 { 30 } else { 2 } {
            continue;
        }
        for version in 0..=u64::from(chance.below(40) == 0) {
            let so2 = match chance.below(50) {
                0 => -(chance.below(1200) as i64),
                1 => 15_000 + chance.below(15_000) as i64,
                _ => level + chance.below(3000) as i64,
            };
            let oxygen = if minute / 60 % 13 == 5 { 1800 + chance.below(300) as i64 } else { 900 + chance.below(400) as i64 };
            let (so2, oxygen) = ((so2, mark(chance)), (oxygen, mark(chance)));
            said.gas.push(GasMinute { qn: qn.plus_ms(version as i64 * 3_600_000), from, so2, oxygen });
        }
    }
    for hour in 0..DAYS * 24 {
        let from = start().plus_ms(hour * HOUR_MS);
        if chance.below(20) == 0 {
            continue;
        }
        let volume = if chance.below(8) == 0 { 0 } else { 50 + chance.below(500) as i64 };
        said.water.push(WaterHour { qn: from.plus_ms(HOUR_MS + 900), from, cod: (2000 + chance.below(5000) as i64, mark(chance)), volume });
    }
    for minute in &said.gas {
        let newest = said.newest.entry(minute.from).or_insert_with(|| minute.clone());
        if newest.qn < minute.qn {
            *newest = minute.clone();
        }
        let GasMinute { qn, from, so2, oxygen } = minute;
        let area = format!("a21026-Avg={},a21026-Flag={};a19001-Avg={},a19001-Flag={}", hundredths(so2.0), so2.1, hundredths(oxygen.0), oxygen.1);
        said.journal.push((late(*qn, chance), frame_body(&packet("2051", *qn, *from, &area))));
    }
    for WaterHour { qn, from, cod, volume } in &said.water {
        let area = format!("w01018-Avg={},w01018-Flag={};w00000-Cou={volume},w00000-Flag=N", hundredths(cod.0), cod.1);
        said.journal.push((late(*qn, chance), frame_body(&packet("2061", *qn, *from, &area))));
    }
    for number in 0..chance.below(5) {
        let from = start().plus_ms(chance.below((DAYS * 24 * 60) as u64) as i64 * MINUTE_MS);
        // Said, and said again otherwise.
        for version in 0..=chance.below(2) {
            let declaration = Declaration {
                id: format!("D{number}"),
                outlet: OutletId::new(if number == 3 { "W1" } else { crate::world::OUTLET }).expect("short"),
                factor: None,
                mark: DeclarationKind::Fault,
                from,
                to: from.plus_ms((1 + chance.below(300)) as i64 * MINUTE_MS),
                reason: "test".to_owned(),
                document: String::new(),
                author: "test".to_owned(),
                made_at: from,
                withdrawn: version == 1 && chance.below(2) == 0,
                entered: None,
                changed: None,
            };
            let stated = start().plus_ms((DAYS + 1) * DAY_MS + (number * 2 + version) as i64 * HOUR_MS);
            let early = from.plus_ms(chance.below(1000) as i64 * 1000);
            said.journal.push((if version == 0 { early } else { stated }, Body::Declaration(declaration.clone())));
            said.declared.insert(declaration.id.clone(), declaration);
        }
    }
    // The register is put right when everything is over, or in the middle.
    let mended = start().plus_ms(chance.below((DAYS as u64 + 2) * 24) as i64 * HOUR_MS);
    said.journal.push((mended, Body::RegistryVersion { files: world(said.range) }));
    said.journal.sort_by_key(|(at, _)| *at);
    said
}

/// When a packet arrives: mostly at once, sometimes minutes, hours or days late.
fn late(sent: Moment, chance: &mut Chance) -> Moment {
    sent.plus_ms(match chance.below(40) {
        0 => chance.below(30) as i64 * MINUTE_MS,
        1 => chance.below(50) as i64 * HOUR_MS,
        _ => 100,
    })
}

fn rational(value: i64) -> BigRational {
    BigRational::new(BigInt::from(value), BigInt::from(100))
}

fn mean(values: &[BigRational]) -> BigRational {
    values.iter().fold(BigRational::zero(), |sum, value| sum + value) / BigInt::from(values.len().max(1))
}

impl Said {
    fn declared(&self, outlet: &str, from: Moment, to: Moment) -> i64 {
        let of_outlet = self.declared.values().filter(|declared| declared.outlet.as_str() == outlet && !declared.withdrawn);
        of_outlet.map(|declared| (to.0.min(declared.to.0) - from.0.max(declared.from.0)).max(0)).max().unwrap_or(0)
    }

    /// (measured, converted) day of the gas outlet: mean over at least twenty hours, and how many there were.
    fn gas_day(&self, day: i64) -> [(Option<BigRational>, u32); 2] {
        let (mut measured, mut converted) = (Vec::new(), Vec::new());
        for hour in 0..24 {
            let (mut values, mut pairs) = (Vec::new(), Vec::new());
            for minute in 0..60 {
                let from = start().plus_ms(day * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS);
                let Some(said) = self.newest.get(&from) else { continue };
                if self.declared(crate::world::OUTLET, from, from.plus_ms(MINUTE_MS)) > 0 || said.so2.1 != "N" {
                    continue;
                }
                // Negatives down to 2.5 % of the range are zero, deeper ones and what is over the range no values.
                if said.so2.0 > self.range * 100 || said.so2.0 * 1000 < -25 * self.range * 100 {
                    continue;
                }
                let value = rational(said.so2.0.max(0));
                values.push(value.clone());
                if said.oxygen.1 == "N" {
                    pairs.push((value, rational(said.oxygen.0)));
                }
            }
            if values.len() < 45 {
                continue;
            }
            measured.push(mean(&values));
            let (paired, oxygen): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            let oxygen_mean = mean(&oxygen);
            if paired.len() >= 45 && oxygen_mean < rational(1900) {
                converted.push(mean(&paired) * rational(1000) / (rational(2100) - oxygen_mean));
            }
        }
        [measured, converted].map(|hours| ((hours.len() >= 20).then(|| mean(&hours)), hours.len() as u32))
    }

    /// The flow-weighted day of the water outlet, with used and due hours.
    fn water_day(&self, day: i64) -> (Option<BigRational>, u32, u32) {
        let (mut load, mut volume, mut used, mut due, mut checks, mut anything) = (BigRational::zero(), 0, 0, 0, 1, false);
        for hour in 0..24 {
            let from = start().plus_ms(day * DAY_MS + hour * HOUR_MS);
            let said = self.water.iter().find(|said| said.from == from);
            let over = self.declared("W1", from, from.plus_ms(HOUR_MS)) > 15 * MINUTE_MS;
            // A declared hour has no valid flow either.
            let flow = said.filter(|_| !over).map(|said| said.volume);
            anything |= said.is_some();
            if flow == Some(0) {
                continue;
            }
            match said {
                Some(said) if !over && said.cod.1 == "N" => {
                    load += rational(said.cod.0) * BigInt::from(said.volume);
                    volume += said.volume;
                    used += 1;
                    due += 1;
                }
                Some(said) if !over && said.cod.1 == "C" && checks > 0 => checks -= 1,
                _ => due += 1,
            }
        }
        let valid = anything && due > 0 && used * 100 >= due * 75;
        (valid.then(|| load / BigInt::from(volume)), used, due)
    }
}

fn found(outputs: &Outputs, outlet: &str, day: i64, factor: &str, kind: Kind) -> (Option<BigRational>, u32, u32) {
    let at = start().plus_ms(day * DAY_MS);
    let of_day = outputs.publications.iter().filter(|known| known.outlet.as_str() == outlet && known.span == Span::Day && known.start == at);
    let newest = of_day.max_by_key(|known| known.revision).expect("published");
    let mean = newest.means.iter().find(|mean| mean.factor.as_str() == factor && mean.kind == kind).expect("the factor");
    let value = mean.value.as_ref().map(|value| value.fraction().parse::<BigRational>().expect("a fraction"));
    (value, mean.count, mean.due)
}

#[test]
fn the_engine_says_of_random_days_what_a_plain_batch_says() {
    let (mut valid, mut invalid) = (0, 0);
    for seed in 0..6 {
        let mut chance = Chance(1000 + seed);
        let said = say(&mut chance);
        let batch = [1, 7, 500][chance.index(3)];
        let outputs = run(&world(1000), &until(said.journal.clone(), start().plus_ms((DAYS + 8) * DAY_MS)), batch);
        for day in 0..DAYS {
            let [measured, converted] = said.gas_day(day);
            let gas = |kind| found(&outputs, crate::world::OUTLET, day, "a21026", kind);
            assert_eq!((gas(Kind::Measured).0, gas(Kind::Measured).1), measured, "seed {seed}, day {day}, measured");
            assert_eq!((gas(Kind::Converted).0, gas(Kind::Converted).1), converted, "seed {seed}, day {day}, converted");
            let water = said.water_day(day);
            assert_eq!(found(&outputs, "W1", day, "w01018", Kind::Measured), water, "seed {seed}, day {day}, water");
            for is_valid in [measured.0.is_some(), converted.0.is_some(), water.0.is_some()] {
                *(if is_valid { &mut valid } else { &mut invalid }) += 1;
            }
            // The verdict is the mean's.
            let limit = rational(8000);
            let id = start().plus_ms(day * DAY_MS).day();
            let standing = outputs.findings.iter().rfind(|finding| finding.day == id).is_some_and(|finding| finding.standing);
            assert_eq!(standing, converted.0.is_some_and(|value| value > limit), "seed {seed}, day {day}, verdict");
        }
    }
    assert!(valid > 12 && invalid > 6, "{valid} valid and {invalid} invalid days were tried");
}
