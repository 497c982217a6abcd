//! A fleet of data loggers (数采仪) that do not exist, at the other end of the wire.
//!
//! A [`FleetPlan`] enters; packets of three editions leave over real TCP, and their answers are matched and counted. The
//! fleet knows `protocol` and `domain` only: to the daemon it is as foreign as the field. The plan's seed determines every
//! byte; only when a byte travels is up to the network.
//!
//! ```text
//! plan, deeds ─▶ weather (values) ─▶ logger (packets whose time has come) ─▶ run (sockets, answers, resends)
//! ```

mod chance;
mod deeds;
mod logger;
mod plan;
mod run;
mod weather;

pub use deeds::{Deed, DeedKind, Gas, When};
pub use logger::{Logger, Outgoing, SEGMENT_LEN_MAX};
pub use plan::{ClockError, Derived, Exceedance, FactorPlan, FleetPlan, LinkLoss, LoggerPlan, Mark, Plant, Scenario, StreamPlan};
pub use run::{Counts, RESENDS_MAX, Tally, WINDOW, run};
pub use weather::{Figure, Record, SPAN_SHARE, Weather};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{Day, HOUR_MS, MINUTE_MS, Moment};
    use crate::protocol::crc::CrcKind;
    use crate::protocol::encode::Segment;
    use crate::protocol::frame::{self, Framer, Piece};
    use crate::protocol::parts::{Arrival, Parts};
    use crate::protocol::quirk::Quirk;
    use crate::protocol::sm4::Key;
    use crate::protocol::{CrcDialect, Edition, Refusal, decode, decode_frame, factor, inspect};
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const SEED: u64 = 212;

    #[test]
    fn the_same_seed_gives_the_same_bytes_however_often_it_is_asked() {
        let scenario = Scenario::random(SEED, &[gas(Edition::Y2017)], start(), 1);
        let whole = sent(gas(Edition::Y2017), &scenario, 24);
        let mut logger = Logger::new(gas(Edition::Y2017), &scenario, SEED, start());
        let by_minute: Vec<Outgoing> = (0..=24 * 60_i64).flat_map(|minute| logger.due(start().plus_ms(minute * MINUTE_MS))).collect();
        assert_eq!(whole, by_minute);
        let other = Logger::new(gas(Edition::Y2017), &scenario, SEED + 1, start()).due(start().plus_ms(HOUR_MS));
        assert_ne!(whole.get(..other.len()), Some(&other[..]));
        assert_eq!(scenario, Scenario::random(SEED, &[gas(Edition::Y2017)], start(), 1));
    }

    #[test]
    fn an_hour_mean_is_the_mean_of_its_minutes_and_a_day_mean_that_of_its_hours() {
        let packets = sent(gas(Edition::Y2017), &Scenario::default(), 24);
        for name in ["a21026-Avg", "a21026-ZsAvg", "a19001-Avg"] {
            let (minutes, hours, days) = (values(&packets, "2051", name), values(&packets, "2061", name), values(&packets, "2031", name));
            assert_eq!((minutes.len(), hours.len(), days.len()), (144, 24, 1), "{name}");
            for (hour, minutes) in hours.iter().zip(minutes.chunks(6)) {
                assert!((hour - mean(minutes)).abs() < 0.000_501, "{name}: {hour} of {minutes:?}");
            }
            assert!((days[0] - mean(&hours)).abs() < 0.000_501, "{name}: {} of {hours:?}", days[0]);
        }
        let distinct: BTreeSet<String> = values(&packets, "2051", "a21026-Avg").iter().map(f64::to_string).collect();
        assert!(distinct.len() > 72, "the values move: {distinct:?}");
    }

    #[test]
    fn every_packet_of_an_hour_reads_as_its_edition_has_it() {
        let silent = vec![Quirk::QnMissing, Quirk::FlagMissing];
        for (edition, expected) in [(Edition::Y2005, silent), (Edition::Y2017, Vec::new()), (Edition::Y2025, Vec::new())] {
            let packets = sent(gas(edition), &Scenario::default(), 1);
            let kinds: BTreeSet<&str> = packets.iter().map(|packet| packet.what).collect();
            assert_eq!(kinds, BTreeSet::from(["start", "real_time", "minute", "hour"]));
            for sent in &packets {
                let packet = decode(&sent.bytes, CrcDialect::Standard, &[]).expect("a readable packet");
                assert_eq!((packet.edition(), packet.asks()), (edition, sent.asks));
                assert_eq!(inspect::quirks(&packet).iter().collect::<Vec<_>>(), expected, "{}", packet.text());
                assert!(edition == Edition::Y2005 || packet.qn() == Some(sent.qn.as_str()));
            }
            let qns: BTreeSet<&str> = packets.iter().map(|packet| packet.qn.as_str()).collect();
            assert_eq!(qns.len(), packets.len(), "every QN is new");
            assert!(packets.is_sorted_by_key(|packet| &packet.qn));
        }
    }

    #[test]
    fn a_2005_logger_that_asks_sends_qn_and_flag() {
        let packets = sent(LoggerPlan { answers: true, ..gas(Edition::Y2005) }, &Scenario::default(), 1);
        let packet = decode(&packets[0].bytes, CrcDialect::Standard, &[]).expect("a readable packet");
        assert_eq!((packet.header_qn(), packet.flag(), packet.asks()), (Some(packets[0].qn.as_str()), Some(1), true));
    }

    #[test]
    fn a_long_message_is_cut_between_factors_into_parts_with_their_own_qns() {
        for edition in [Edition::Y2005, Edition::Y2017, Edition::Y2025] {
            let mut plan = gas(edition);
            let codes: Vec<&str> = factor::all().filter(|factor| factor.medium == "gas").map(|factor| factor.code).take(30).collect();
            plan.streams[0].factors = codes.iter().map(|code| pollutant(code, 40.0)).collect();
            let packets = sent(plan, &Scenario::default(), 1);
            let hour: Vec<&Outgoing> = packets.iter().filter(|packet| packet.what == "hour").collect();
            assert!(hour.len() > 1, "{edition:?}");
            let mut parts = Parts::default();
            let mut complete = Vec::new();
            for sent in &hour {
                assert!(sent.bytes.len() <= SEGMENT_LEN_MAX + 12);
                let packet = decode(&sent.bytes, CrcDialect::Standard, &[]).expect("a readable packet");
                assert_eq!(packet.announces_parts(), edition != Edition::Y2005);
                if let (Arrival::Complete { pairs }, _) = parts.take(&packet) {
                    complete = pairs;
                }
            }
            let averages: Vec<&str> = complete.iter().filter_map(|(name, _)| name.strip_suffix("-Avg")).collect();
            assert_eq!(averages, codes, "{edition:?}");
        }
    }

    #[test]
    fn what_a_link_loss_kept_back_comes_afterwards_beside_the_new_data() {
        let (from, to) = (start().plus_ms(90 * MINUTE_MS), start().plus_ms(250 * MINUTE_MS));
        let plan = gas(Edition::Y2025);
        let scenario = Scenario { link_losses: vec![LinkLoss { mn: plan.mn.clone(), from, to }], ..Scenario::default() };
        let mut logger = Logger::new(plan.clone(), &scenario, SEED, start());
        let before = logger.due(from.plus_ms(-1));
        assert!(logger.is_cut(from) && logger.due(to.plus_ms(-1)).is_empty() && !logger.is_cut(to));
        let after = logger.due(start().plus_ms(8 * HOUR_MS));
        assert_eq!(after[0].what, "start");
        let first_refill = after.iter().position(|packet| packet.what == "refill").expect("a back-fill");
        assert!(after[..first_refill].iter().any(|packet| packet.what == "minute"), "new data go first");
        for sent in &after {
            let packet = decode(&sent.bytes, CrcDialect::Standard, &[]).expect("a readable packet");
            assert_eq!(packet.rf(), (sent.what == "refill").then_some("1"));
        }
        assert_eq!(after.iter().filter(|packet| packet.what == "refill").count(), 16 + 3);
        let with_loss: Vec<Outgoing> = before.into_iter().chain(after).collect();
        let without = sent(plan, &Scenario::default(), 8);
        for cn in ["2051", "2061"] {
            assert_eq!(records(&with_loss, cn), records(&without, cn), "{cn}");
        }
    }

    #[test]
    fn a_modbus_logger_is_read_under_its_own_dialect_only() {
        for sent in sent(LoggerPlan { crc: CrcDialect::Modbus, ..gas(Edition::Y2017) }, &Scenario::default(), 1) {
            assert!(decode(&sent.bytes, CrcDialect::Modbus, &[]).is_ok());
            for other in [CrcDialect::Standard, CrcDialect::ModbusSwapped] {
                assert!(matches!(decode(&sent.bytes, other, &[]), Err(Refusal::CrcModbus { .. })));
            }
        }
    }

    #[test]
    fn an_encrypted_packet_is_read_with_its_key() {
        let key = Key::new("k1", [0x5A; 16]);
        let plain = sent(gas(Edition::Y2025), &Scenario::default(), 1);
        let secret = sent(LoggerPlan { key: Some(key.clone()), ..gas(Edition::Y2025) }, &Scenario::default(), 1);
        assert_eq!(plain.len(), secret.len());
        for (plain, secret) in plain.iter().zip(&secret) {
            // The check has 256 values, so that one cipher text in 256 fits it, too, and passes for plain text.
            if frame::whole(&secret.bytes).is_some_and(|frame| frame.crc == CrcKind::Standard) {
                continue;
            }
            let (keys, open) = ([key.clone()], decode(&plain.bytes, CrcDialect::Standard, &[]).expect("a readable packet"));
            let packet = decode(&secret.bytes, CrcDialect::Standard, &keys).expect("a packet that the key opens");
            assert_eq!((packet.text(), packet.key()), (open.text(), Some("k1")));
            assert!(decode(&secret.bytes, CrcDialect::Standard, &[]).is_err());
        }
    }

    #[test]
    fn a_damaged_packet_is_followed_by_a_whole_one() {
        let scenario = Scenario { damage_per_thousand: 1000, ..Scenario::default() };
        let packets = sent(gas(Edition::Y2017), &scenario, 1);
        let (pairs, rest) = packets.as_chunks::<2>();
        assert!(!pairs.is_empty() && rest.is_empty());
        for [damaged, whole] in pairs {
            assert_eq!((damaged.what, damaged.asks, &damaged.qn), ("damaged", false, &whole.qn));
            assert!(decode(&damaged.bytes, CrcDialect::Standard, &[]).is_err());
            assert!(decode(&whole.bytes, CrcDialect::Standard, &[]).is_ok());
        }
    }

    #[test]
    fn a_clock_that_is_ahead_stamps_ahead() {
        let plan = gas(Edition::Y2017);
        let scenario = Scenario { clock_errors: vec![ClockError { mn: plan.mn.clone(), seconds: 3600 }], ..Scenario::default() };
        let ahead = sent(plan.clone(), &scenario, 1);
        let later = Logger::new(plan, &Scenario::default(), SEED, start().plus_ms(HOUR_MS)).due(start().plus_ms(2 * HOUR_MS));
        assert_eq!(ahead, later);
    }

    #[test]
    fn an_hour_with_too_few_normal_minutes_is_marked_and_averages_the_normal_ones() {
        let mark = |minutes: i64| Mark {
            outlet: "DA001".to_owned(),
            factor: Some("a21026".to_owned()),
            from: start(),
            to: start().plus_ms(minutes * MINUTE_MS),
            marker: "C".to_owned(),
        };
        let flag_and_mean = |minutes: i64| {
            let scenario = Scenario { marks: vec![mark(minutes)], ..Scenario::default() };
            let packets = sent(gas(Edition::Y2017), &scenario, 1);
            let mean = values(&packets, "2061", "a21026-Avg")[0];
            (texts(&packets, "2061", "a21026-Flag"), texts(&packets, "2061", "a21002-Flag"), mean)
        };
        let (flag, other, mean_of_five) = flag_and_mean(10);
        assert_eq!((flag, other), (vec!["N".to_owned()], vec!["N".to_owned()]));
        let (flag, other, _) = flag_and_mean(20);
        assert_eq!((flag, other), (vec!["D".to_owned()], vec!["N".to_owned()]));
        let minutes = values(&sent(gas(Edition::Y2017), &Scenario::default(), 1), "2051", "a21026-Avg");
        assert!((mean_of_five - mean(&minutes[1..])).abs() < 0.000_501);
    }

    #[test]
    fn the_values_of_a_plant_follow_from_each_other() {
        let (plan, scenario) = furnace(Vec::new());
        let packets = sent(plan, &scenario, 24);
        let near = |one: f64, other: f64| (one / other - 1.0).abs() < 0.01;
        for (cn, seconds) in [("2051", 600.0), ("2061", 3600.0)] {
            let of = |name: &str| values(&packets, cn, name);
            let (no, no2, nox) = (of("a21003-Avg"), of("a21004-Avg"), of("a21002-Avg"));
            let (velocity, heat, moisture) = (of("a01011-Avg"), of("a01012-Avg"), of("a01014-Avg"));
            let (flow, volume) = (of("a00000-Avg"), of("a00000-Cou"));
            let (oxygen, dust, converted, mass) = (of("a19001-Avg"), of("a34013-Avg"), of("a34013-ZsAvg"), of("a34013-Cou"));
            let all = |holds: &dyn Fn(usize) -> bool| nox.len() >= 24 && (0..nox.len()).all(holds);
            assert!(all(&|at: usize| near(nox[at], no[at] * 46.005 / 30.006 + no2[at])), "{cn}: NOx of its parts");
            let dry = |at: usize| velocity[at] * 3.8 * 273.0 / (273.0 + heat[at]) * (1.0 - moisture[at] / 100.0);
            assert!(all(&|at: usize| near(flow[at], dry(at))), "{cn}: flow of velocity and area");
            assert!(all(&|at: usize| near(volume[at], flow[at] * seconds)), "{cn}: volume of flow");
            assert!(all(&|at: usize| near(mass[at], dust[at] * volume[at] / 1e6)), "{cn}: mass of mean and volume");
            assert!(all(&|at: usize| near(converted[at], dust[at] * 15.0 / (21.0 - oxygen[at]))), "{cn}: converted mean of means");
        }
    }

    #[test]
    fn a_plant_at_rest_shows_air_and_its_hours_carry_the_mark_of_their_minutes() {
        let load = DeedKind::Load { share: 0.0, down_ms: 30 * MINUTE_MS, up_ms: HOUR_MS };
        let (plan, scenario) = furnace(vec![deed(60, 180, load), deed(60, 180, DeedKind::Mark { marker: "F".to_owned() })]);
        let packets = sent(plan, &scenario, 6);
        assert_eq!(texts(&packets, "2061", "a19001-Flag"), ["N", "F", "F", "N", "N", "N"]);
        let (oxygen, flow) = (values(&packets, "2061", "a19001-Avg"), values(&packets, "2061", "a00000-Avg"));
        assert!(oxygen[1] > 20.8 && oxygen[2] > 20.8 && oxygen[0] < 16.0 && oxygen[5] < 12.0, "{oxygen:?}");
        assert!(flow[1] < flow[5] / 15.0, "{flow:?}");
    }

    #[test]
    fn what_is_told_again_comes_later_and_says_something_else() {
        let again = DeedKind::Again { after_ms: 2 * HOUR_MS, times: 0.5, marker: Some("D".to_owned()) };
        let (plan, scenario) = furnace(vec![Deed { factors: vec!["a34013".to_owned()], ..deed(0, 60, again) }]);
        let packets = sent(plan, &scenario, 4);
        let (times, dust) = (texts(&packets, "2051", "DataTime"), values(&packets, "2051", "a34013-Avg"));
        let flags = texts(&packets, "2051", "a34013-Flag");
        let twice: Vec<usize> = (0..times.len()).filter(|at| times[..*at].contains(&times[*at])).collect();
        assert_eq!((times.len(), twice.len()), (24 + 6, 6));
        for at in twice {
            let first = times.iter().position(|time| *time == times[at]).expect("told before");
            assert_eq!((flags[first].as_str(), flags[at].as_str()), ("N", "D"));
            assert!((dust[at] / dust[first] - 0.5).abs() < 0.01, "{} and {}", dust[first], dust[at]);
        }
        assert!(texts(&packets, "2051", "a19001-Flag").iter().all(|flag| flag == "N"));
        assert_eq!(texts(&packets, "2061", "a34013-Flag"), ["N", "N", "N", "D", "N"]);
    }

    #[test]
    fn without_power_nothing_is_recorded_and_nothing_kept() {
        let (plan, scenario) = furnace(vec![deed(90, 250, DeedKind::Off)]);
        let packets = sent(plan, &scenario, 8);
        let count = |what: &str| packets.iter().filter(|packet| packet.what == what).count();
        assert_eq!([count("minute"), count("hour"), count("start"), count("refill")], [48 - 17, 8 - 3, 2, 0]);
    }

    #[test]
    fn a_copied_outlet_is_seen_again_elsewhere_and_a_replayed_hour_later() {
        let dust = |outlet: &str, deeds: Vec<Deed>| {
            let (mut plan, mut scenario) = furnace(deeds);
            (plan.streams[0].outlet, scenario.plants[0].outlet) = (outlet.to_owned(), outlet.to_owned());
            values(&sent(plan, &scenario, 6), "2051", "a34013-Avg")
        };
        let own = dust("DA001", Vec::new());
        let copied = dust("DA002", vec![Deed { outlet: "DA002".to_owned(), ..deed(0, 360, copy("DA001", 0)) }]);
        assert_eq!(copied, own);
        let later = dust("DA002", vec![Deed { outlet: "DA002".to_owned(), ..deed(0, 360, copy("DA001", HOUR_MS)) }]);
        assert_eq!(later[6..], own[..own.len() - 6]);
        let again = dust("DA001", vec![deed(120, 360, DeedKind::Replay { ago_ms: HOUR_MS })]);
        assert_eq!((&again[..12], &again[12..18], &again[30..]), (&own[..12], &own[6..12], &own[6..12]));
    }

    #[test]
    fn air_in_the_sampling_line_thins_what_it_carries_and_nothing_else() {
        let carried = ["a34013", "a19001", "a01014"].map(str::to_owned).to_vec();
        let show = |deeds: Vec<Deed>, name: &str| {
            let (plan, scenario) = furnace(deeds);
            values(&sent(plan, &scenario, 1), "2061", name)[0]
        };
        let air = || vec![Deed { factors: carried.clone(), ..deed(0, 60, DeedKind::Dilute { share: 0.5, gas: Gas::Air }) }];
        let near = |one: f64, other: f64| (one - other).abs() < 0.01;
        let both = |name: &str| (show(Vec::new(), name), show(air(), name));
        let ((dust, less), (oxygen, more), (moisture, drier)) = (both("a34013-Avg"), both("a19001-Avg"), both("a01014-Avg"));
        assert!(near(less, dust / 2.0) && near(more, f64::midpoint(oxygen, 20.9)) && near(drier, f64::midpoint(moisture, 1.2)));
        for name in ["a01011-Avg", "a01012-Avg", "a00000-Avg"] {
            assert_eq!(show(air(), name), show(Vec::new(), name), "{name}");
        }
    }

    #[test]
    fn loads_that_share_a_word_wander_in_step() {
        let follow = || DeedKind::Follow { load: "grid".to_owned(), share: 0.5 };
        let flow = |deeds: Vec<Deed>| {
            let (plan, scenario) = furnace(deeds);
            values(&sent(plan, &scenario, 24), "2061", "a01011-Avg")
        };
        let dust = |deeds: Vec<Deed>| {
            let (plan, scenario) = furnace(deeds);
            values(&sent(plan, &scenario, 24), "2061", "a34013-Avg")
        };
        let share = |with: Vec<f64>, without: Vec<f64>| -> Vec<f64> { with.iter().zip(&without).map(|(with, without)| with / without).collect() };
        let all = || vec![deed(0, 24 * 60, follow())];
        let (flow, dust) = (share(flow(all()), flow(Vec::new())), share(dust(all()), dust(Vec::new())));
        assert!(flow.iter().zip(&dust).all(|(flow, dust)| (flow - dust).abs() < 0.03), "{flow:?} {dust:?}");
        assert!(flow.iter().copied().fold(0.0, f64::max) > 1.1 && flow.iter().copied().fold(9.0, f64::min) < 0.9, "{flow:?}");
    }

    #[tokio::test]
    async fn a_fleet_sends_everything_and_matches_every_answer() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let host = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a logger");
            answer_everything(stream).await
        });
        let plan = LoggerPlan { answers: true, ..gas(Edition::Y2017) };
        let expected = sent(plan.clone(), &Scenario::default(), 2);
        let fleet = FleetPlan { seed: SEED, loggers: vec![plan], start: start(), scenario: Scenario::default() };
        let end = start().plus_ms(2 * HOUR_MS);
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        let counts = run(fleet, address, move || end, Some(end), stopped, Arc::new(Tally::default())).await;
        let received = host.await.expect("a host that does not fail");
        let qns: Vec<String> = expected.iter().map(|packet| packet.qn.clone()).collect();
        assert_eq!(received, qns);
        let all = expected.len() as u64;
        let bytes: u64 = expected.iter().map(|packet| packet.bytes.len() as u64).sum();
        assert_eq!(counts, Counts { sent: all, asked: all, answered: all, connections: 1, bytes, ..Counts::default() });
    }

    /// Answers each packet with a 9014 until the logger closes; returns the request numbers.
    async fn answer_everything(mut stream: tokio::net::TcpStream) -> Vec<String> {
        let (mut framer, mut buffer, mut qns) = (Framer::default(), Vec::<u8>::new(), Vec::new());
        while stream.read_buf(&mut buffer).await.expect("readable") > 0 {
            loop {
                let step = framer.next(&buffer, false);
                let mut answer = None;
                if let Some(Piece::Frame(frame)) = &step.piece {
                    let packet = decode_frame(&buffer, frame, CrcDialect::Standard, &[]).expect("a readable packet");
                    let (qn, pw, mn) = (packet.qn(), packet.pw(), packet.mn());
                    answer = Some(Segment { qn, st: "91", cn: "9014", pw, mn, flag: Some(4), ..Segment::default() }.frame());
                    qns.extend(packet.qn().map(str::to_owned));
                }
                buffer.drain(..step.consumed);
                match answer {
                    Some(answer) => stream.write_all(&answer).await.expect("writable"),
                    None if step.consumed == 0 => break,
                    None => {}
                }
            }
        }
        qns
    }

    fn start() -> Moment {
        Day::parse("2026-03-14").expect("a day").start()
    }

    fn sent(plan: LoggerPlan, scenario: &Scenario, hours: i64) -> Vec<Outgoing> {
        Logger::new(plan, scenario, SEED, start()).due(start().plus_ms(hours * HOUR_MS))
    }

    fn gas(edition: Edition) -> LoggerPlan {
        let oxygen = FactorPlan { oxygen: true, reference_oxygen: None, ceiling: 20.9, ..pollutant("a19001", 8.0) };
        LoggerPlan {
            mn: if edition == Edition::Y2005 { "88888880000001" } else { "010000A8900016F000169DC0" }.to_owned(),
            password: "123456".to_owned(),
            edition,
            crc: CrcDialect::Standard,
            key: None,
            answers: false,
            streams: vec![StreamPlan {
                outlet: "DA001".to_owned(),
                st: "31".to_owned(),
                minute_interval_min: 10,
                real_interval_secs: 300,
                stamp_end: false,
                factors: vec![pollutant("a21026", 20.0), pollutant("a21002", 35.0), pollutant("a34013", 4.0), oxygen],
            }],
        }
    }

    /// A gas logger whose outlet has a plant, and what is done there.
    fn furnace(deeds: Vec<Deed>) -> (LoggerPlan, Scenario) {
        let mut plan = gas(Edition::Y2017);
        let stream = &mut plan.streams[0];
        let oxygen = stream.factors.pop().expect("the oxygen");
        let parameter = |code: &str, base: f64| FactorPlan { reference_oxygen: None, ..pollutant(code, base) };
        let parameters = [parameter("a01011", 12.0), parameter("a01012", 140.0), parameter("a01014", 18.0)];
        let nitrogen = [pollutant("a21003", 80.0), pollutant("a21004", 14.0), pollutant("a21002", 140.0)];
        stream.factors = vec![pollutant("a34013", 4.0), oxygen, FactorPlan { flow: true, ..parameter("a00000", 25.0) }];
        stream.factors.extend(nitrogen.into_iter().chain(parameters));
        stream.real_interval_secs = 0;
        let derived = [("a21002", Derived::NitrogenOxides), ("a00000", Derived::Flow { area_m2: 3.8 })];
        let plant = Plant {
            outlet: stream.outlet.clone(),
            derived: derived.into_iter().map(|(code, derived)| (code.to_owned(), derived)).collect(),
            totals: ["a34013", "a00000"].map(str::to_owned).into_iter().collect(),
        };
        (plan, Scenario { plants: vec![plant], deeds, ..Scenario::default() })
    }

    /// A deed about all factors between two minutes after the start.
    fn deed(from: i64, to: i64, kind: DeedKind) -> Deed {
        let at = |minute: i64| start().plus_ms(minute * MINUTE_MS);
        Deed { outlet: "DA001".to_owned(), factors: Vec::new(), when: When { from: at(from), to: at(to), daily: None }, kind }
    }

    fn copy(of: &str, shift_ms: i64) -> DeedKind {
        DeedKind::Copy { of: of.to_owned(), shift_ms, times: 1.0 }
    }

    fn pollutant(code: &str, base: f64) -> FactorPlan {
        FactorPlan {
            factor: code.to_owned(),
            wire_code: code.to_owned(),
            base,
            swing: 0.2,
            noise: 0.1,
            decimals: 2,
            reference_oxygen: Some(6.0),
            oxygen: false,
            flow: false,
            floor: 0.0,
            ceiling: 1000.0,
        }
    }

    /// The texts of one field in the packets of one CN, in order.
    fn texts(packets: &[Outgoing], cn: &str, name: &str) -> Vec<String> {
        let text_of = |sent: &Outgoing| {
            let packet = decode(&sent.bytes, CrcDialect::Standard, &[]).expect("a readable packet");
            (packet.cn() == Some(cn)).then(|| packet.value(name).map(str::to_owned)).flatten()
        };
        packets.iter().filter_map(text_of).collect()
    }

    fn values(packets: &[Outgoing], cn: &str, name: &str) -> Vec<f64> {
        texts(packets, cn, name).iter().map(|text| text.parse().expect("a number")).collect()
    }

    /// The means that the packets of one CN carry, by DataTime.
    fn records(packets: &[Outgoing], cn: &str) -> BTreeMap<String, String> {
        let times = texts(packets, cn, "DataTime");
        times.into_iter().zip(texts(packets, cn, "a21026-Avg")).collect()
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }
}
