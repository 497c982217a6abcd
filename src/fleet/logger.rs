//! One data logger without a socket: a time enters, the packets whose time has come leave, in order.
//!
//! The logger lives by its own clock, which may be wrong; everything it computes and writes is by that clock. While the
//! link is lost it keeps its records; afterwards it announces itself (2081), goes on, and back-fills (补传) beside the new
//! data, which always go first. Without power it keeps nothing.

use super::chance::Chance;
use super::deeds::{Deed, DeedKind};
use super::plan::{LoggerPlan, Scenario};
use super::weather::{Lots, Record, Weather};
use crate::domain::time::{DAY_MS, HOUR_MS, Moment};
use crate::protocol::encode::{self, Segment};
use crate::protocol::{CrcDialect, Edition, crc};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Longer segments are split; the standard allows 1024.
pub const SEGMENT_LEN_MAX: usize = 1000;
/// The pace of back-filling: five records a second.
const REFILL_PAUSE_MS: i64 = 200;
/// As long as any QN; measures the header.
const QN_SAMPLE: &str = "00000000000000000";
/// As long as any PNUM and PNO that a logger needs; measures the header.
const PART_SAMPLE: (u16, u16) = (99, 99);

/// A packet to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The framed packet.
    pub bytes: Vec<u8>,
    /// Whether an answer is expected.
    pub asks: bool,
    /// Its request number. A 2005 logger that does not ask leaves it out of the packet.
    pub qn: String,
    /// `start`, `real_time`, `minute`, `hour`, `day`, `parameter`, `refill`, or `damaged`: a spoilt copy of the packet that follows.
    pub what: &'static str,
}

/// The logger.
#[derive(Debug, Clone)]
pub struct Logger {
    plan: LoggerPlan,
    scenario: Scenario,
    seed: u64,
    /// Of each stream.
    lots: Vec<Vec<Lots>>,
    /// How far its clock is ahead.
    ahead_ms: i64,
    started: Moment,
    calendar: BinaryHeap<Reverse<Event>>,
    backlog: VecDeque<Event>,
    /// Records that are told a second time, by the time when.
    again: BinaryHeap<Reverse<(Moment, Event)>>,
    last_qn: Moment,
}

/// Something that happens at a time of the logger's clock. At the same time, what stands first here goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    at: Moment,
    kind: Kind,
    stream: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Start,
    RealTime,
    Minute,
    Hour,
    Day,
    Refill,
    /// A deed of the scenario, by its place.
    Parameter(usize),
}

/// A packet's content before it is cut into parts.
struct Message {
    st: String,
    cn: &'static str,
    what: &'static str,
    data_time: Moment,
    sent: Moment,
    refill: bool,
    /// One per factor; a cut goes between them.
    items: Vec<String>,
}

impl Logger {
    /// A logger that starts at `start`.
    #[must_use]
    pub fn new(plan: LoggerPlan, scenario: &Scenario, seed: u64, start: Moment) -> Self {
        let scenario = scenario.of_logger(&plan);
        let ahead_ms: i64 = scenario.clock_errors.iter().map(|error| error.seconds * 1000).sum();
        let started = start.plus_ms(ahead_ms);
        let mut logger = Self {
            lots: plan.streams.iter().map(|stream| Lots::of(seed, stream)).collect(),
            plan,
            scenario,
            seed,
            ahead_ms,
            started,
            calendar: BinaryHeap::new(),
            backlog: VecDeque::new(),
            again: BinaryHeap::new(),
            last_qn: started,
        };
        logger.plan_ahead();
        logger
    }

    /// Every packet whose time came between the last call and `now`, in order. How often it is called changes nothing.
    pub fn due(&mut self, now: Moment) -> Vec<Outgoing> {
        let now = now.plus_ms(self.ahead_ms);
        let mut packets = Vec::new();
        while self.next_at().is_some_and(|at| at <= now) {
            if let Some(event) = self.next_event() {
                self.happen(event, &mut packets);
            } else if let Some(Reverse((at, event))) = self.again.pop()
                && !self.is_off(at)
                && !self.is_cut(at.plus_ms(-self.ahead_ms))
            {
                self.report(event, at, true, &mut packets);
            }
        }
        packets
    }

    /// When [`Self::due`] has something to do again.
    #[must_use]
    pub fn next_due(&self) -> Option<Moment> {
        self.next_at().map(|at| at.plus_ms(-self.ahead_ms))
    }

    /// The same by its own clock.
    fn next_at(&self) -> Option<Moment> {
        let event = self.calendar.peek().map(|Reverse(event)| event.at);
        let again = self.again.peek().map(|Reverse((at, _))| *at);
        event.into_iter().chain(again).min()
    }

    /// Takes the next event, unless something is told again before it.
    fn next_event(&mut self) -> Option<Event> {
        let at = self.next_at()?;
        let is_next = self.calendar.peek().is_some_and(|Reverse(event)| event.at == at);
        if is_next { self.calendar.pop().map(|Reverse(event)| event) } else { None }
    }

    /// Whether the scenario has taken the link away.
    #[must_use]
    pub fn is_cut(&self, now: Moment) -> bool {
        self.scenario.link_losses.iter().any(|loss| loss.from <= now && now < loss.to)
    }

    /// Fills the calendar with the first event of every kind. Periods that began before the start are left out.
    fn plan_ahead(&mut self) {
        let mut events = vec![Event { at: self.started, kind: Kind::Start, stream: 0 }];
        for loss in &self.scenario.link_losses {
            let at = loss.to.plus_ms(self.ahead_ms);
            if at > self.started {
                events.extend([Kind::Start, Kind::Refill].map(|kind| Event { at, kind, stream: 0 }));
            }
        }
        for (place, deed) in self.scenario.deeds.iter().enumerate() {
            let (times, kind) = match deed.kind {
                DeedKind::Off => (deed.when.ends(), Kind::Start),
                DeedKind::Parameter { .. } => (vec![deed.when.from], Kind::Parameter(place)),
                _ => continue,
            };
            events.extend(times.into_iter().filter(|at| *at > self.started).map(|at| Event { at, kind, stream: 0 }));
        }
        let day = self.started.day();
        let first_day = if day.start() == self.started { day } else { day.next() };
        for (stream, plan) in self.plan.streams.iter().enumerate().filter(|(_, plan)| !plan.factors.is_empty()) {
            let end_of_first = |length: i64| Moment((self.started.0 + length - 1).div_euclid(length) * length + length);
            events.push(Event { at: end_of_first(plan.minute_ms()), kind: Kind::Minute, stream });
            events.push(Event { at: end_of_first(HOUR_MS), kind: Kind::Hour, stream });
            events.push(Event { at: first_day.end(), kind: Kind::Day, stream });
            let real_ms = i64::from(plan.real_interval_secs) * 1000;
            if real_ms > 0 {
                let at = Moment((self.started.0.div_euclid(real_ms) + 1) * real_ms);
                events.push(Event { at, kind: Kind::RealTime, stream });
            }
        }
        self.calendar.extend(events.into_iter().map(Reverse));
    }

    fn happen(&mut self, event: Event, packets: &mut Vec<Outgoing>) {
        if let Some(period_ms) = self.period_ms(event) {
            self.calendar.push(Reverse(Event { at: event.at.plus_ms(period_ms), ..event }));
        }
        let cut = self.is_cut(event.at.plus_ms(-self.ahead_ms));
        match event.kind {
            _ if self.is_off(event.at) => {}
            Kind::Minute | Kind::Hour | Kind::Day if cut => self.backlog.push_back(event),
            // Real-time data are lost; the end of the loss brings a new start and a new back-fill.
            Kind::Start | Kind::RealTime | Kind::Refill | Kind::Parameter(_) if cut => {}
            Kind::Start => self.announce(event.at, packets),
            Kind::Refill => self.refill(event.at, packets),
            Kind::Parameter(place) => self.upload_parameter(place, event.at, packets),
            Kind::RealTime | Kind::Minute | Kind::Hour | Kind::Day => {
                self.report(event, event.at, false, packets);
                self.plan_again(event);
            }
        }
    }

    /// Whether the scenario has taken the power away, by the logger's own clock.
    fn is_off(&self, at: Moment) -> bool {
        self.scenario.deeds.iter().any(|deed| matches!(deed.kind, DeedKind::Off) && deed.when.span(at).is_some())
    }

    /// Remembers a record that the scenario has told a second time.
    fn plan_again(&mut self, event: Event) {
        if !matches!(event.kind, Kind::Minute | Kind::Hour) {
            return;
        }
        let start = event.at.plus_ms(-self.period_ms(event).unwrap_or(0));
        let outlet = &self.plan.streams[event.stream].outlet;
        for deed in self.scenario.deeds.iter().filter(|deed| deed.outlet == *outlet && deed.when.span(start).is_some()) {
            if let DeedKind::Again { after_ms, .. } = deed.kind {
                self.again.push(Reverse((event.at.plus_ms(after_ms), event)));
            }
        }
    }

    /// How long after an event the next of its kind comes; for interval data this is the period that ends with it.
    fn period_ms(&self, event: Event) -> Option<i64> {
        match event.kind {
            Kind::Start | Kind::Refill | Kind::Parameter(_) => None,
            Kind::RealTime => Some(i64::from(self.plan.streams[event.stream].real_interval_secs) * 1000),
            Kind::Minute => Some(self.plan.streams[event.stream].minute_ms()),
            Kind::Hour => Some(HOUR_MS),
            Kind::Day => Some(DAY_MS),
        }
    }

    /// 2081: after power-on and joining the network (C.24).
    fn announce(&mut self, at: Moment, packets: &mut Vec<Outgoing>) {
        let st = self.plan.streams.first().map_or_else(|| "31".to_owned(), |stream| stream.st.clone());
        let items = vec![format!("RestartTime={}", self.started.wire())];
        self.post(&Message { st, cn: "2081", what: "start", data_time: at, sent: at, refill: false, items }, packets);
    }

    /// 3020: a parameter of an instrument (C.44).
    fn upload_parameter(&mut self, place: usize, at: Moment, packets: &mut Vec<Outgoing>) {
        let Some(Deed { factors, kind: DeedKind::Parameter { id, value }, .. }) = self.scenario.deeds.get(place) else { return };
        let st = self.plan.streams.first().map_or_else(|| "31".to_owned(), |stream| stream.st.clone());
        let mut items: Vec<String> = factors.iter().map(|factor| format!("PolId={factor}")).collect();
        items.push(format!("{id}-Info={value}"));
        self.post(&Message { st, cn: "3020", what: "parameter", data_time: at, sent: at, refill: false, items }, packets);
    }

    fn refill(&mut self, at: Moment, packets: &mut Vec<Outgoing>) {
        if let Some(missed) = self.backlog.pop_front() {
            self.report(missed, at, false, packets);
        }
        if !self.backlog.is_empty() {
            self.calendar.push(Reverse(Event { at: at.plus_ms(REFILL_PAUSE_MS), kind: Kind::Refill, stream: 0 }));
        }
    }

    /// Reports a record; later than its end, it is a back-fill. `again`: as it is told the second time.
    fn report(&mut self, event: Event, sent: Moment, again: bool, packets: &mut Vec<Outgoing>) {
        if let Some(message) = self.message(event, sent, again) {
            self.post(&message, packets);
        }
    }

    /// The report of a record; none where there is no record, or somebody withholds it.
    fn message(&self, event: Event, sent: Moment, again: bool) -> Option<Message> {
        let stream = &self.plan.streams[event.stream];
        let weather = Weather::new(stream, &self.scenario, (self.seed, &self.lots[event.stream]), again);
        let start = event.at.plus_ms(-self.period_ms(event).unwrap_or(0));
        let exists = match event.kind {
            Kind::Minute => weather.is_on(start),
            Kind::Hour => weather.has(start.hour()),
            Kind::Start | Kind::RealTime | Kind::Day | Kind::Refill | Kind::Parameter(_) => true,
        };
        if !exists {
            return None;
        }
        let (cn, what, row) = match event.kind {
            Kind::Minute => ("2051", "minute", weather.minute(start)),
            Kind::Hour => ("2061", "hour", weather.hour(start.hour())),
            Kind::Day => ("2031", "day", weather.day(start.day())),
            Kind::Start | Kind::RealTime | Kind::Refill | Kind::Parameter(_) => ("2011", "real_time", weather.moment(event.at)),
        };
        if matches!(event.kind, Kind::Minute | Kind::Hour) && weather.withholds(&row, start) {
            return None;
        }
        let at_end = stream.stamp_end || event.kind == Kind::RealTime;
        let refill = sent > event.at;
        let told = stream.factors.iter().zip(&row).filter(|(factor, _)| !weather.omits(factor, start));
        Some(Message {
            st: stream.st.clone(),
            cn,
            what: if refill { "refill" } else { what },
            data_time: if at_end { event.at } else { start },
            sent,
            refill,
            items: told.map(|(factor, record)| item(&factor.wire_code, record, event.kind == Kind::RealTime)).collect(),
        })
    }

    /// Sends a message, in parts where it is too long; each part is a packet with a QN of its own (C.49, C.50).
    fn post(&mut self, message: &Message, packets: &mut Vec<Outgoing>) {
        let areas = self.areas(message);
        let count = areas.len() as u16;
        for (number, area) in (1..=count).zip(&areas) {
            let qn = self.next_qn(message.sent);
            let part = (count > 1).then_some((count, number));
            let bytes = self.frame(message.cn, &self.segment(message, &qn, part, area));
            if let Some(bytes) = self.damaged(&qn, &bytes) {
                packets.push(Outgoing { bytes, asks: false, qn: qn.clone(), what: "damaged" });
            }
            packets.push(Outgoing { bytes, asks: self.plan.answers, qn, what: message.what });
        }
    }

    /// The data areas of a message: one, or as many as it takes, cut between factors.
    fn areas(&self, message: &Message) -> Vec<String> {
        let stamp = format!("DataTime={}", message.data_time.wire());
        let room_beside = |part| SEGMENT_LEN_MAX.saturating_sub(self.segment(message, QN_SAMPLE, part, &stamp).len());
        let total: usize = message.items.iter().map(|item| item.len() + 1).sum();
        let whole = room_beside(None);
        let room = if total <= whole { whole } else { room_beside(Some(PART_SAMPLE)) };
        let mut areas = Vec::new();
        let (mut area, mut left) = (stamp.clone(), room);
        for item in &message.items {
            if item.len() + 1 > left && area.len() > stamp.len() {
                areas.push(std::mem::replace(&mut area, stamp.clone()));
                left = room;
            }
            area.push(';');
            area.push_str(item);
            left = left.saturating_sub(item.len() + 1);
        }
        areas.push(area);
        areas
    }

    /// The segment's text in the logger's edition. In 2005 a packet that does not ask has neither QN nor Flag, and PNO
    /// stands before PNUM (HJ/T 212-2005 C example 6).
    fn segment(&self, message: &Message, qn: &str, part: Option<(u16, u16)>, area: &str) -> String {
        let old = self.plan.edition == Edition::Y2005;
        let bits = u8::from(self.plan.answers) | (u8::from(part.is_some()) << 1);
        let mut text = Segment {
            qn: (!old || self.plan.answers).then_some(qn),
            st: &message.st,
            cn: message.cn,
            pw: Some(&self.plan.password),
            mn: Some(&self.plan.mn),
            flag: self.plan.edition.answer_flag().map(|version| version | bits).or(self.plan.answers.then_some(bits)),
            part: part.filter(|_| !old),
            refill: message.refill && self.plan.edition == Edition::Y2025,
            area,
        }
        .text();
        if old
            && let Some((count, number)) = part
            && let Some(at) = text.find("CP=&&")
        {
            text.insert_str(at, &format!("PNO={number};PNUM={count};"));
        }
        text
    }

    fn frame(&self, cn: &str, segment: &str) -> Vec<u8> {
        let segment = segment.as_bytes();
        if let Some(key) = &self.plan.key
            && self.plan.edition == Edition::Y2025
            && cn.starts_with('2')
        {
            return encode::frame_encrypted(segment, key);
        }
        let check = match self.plan.crc {
            CrcDialect::Standard => return encode::frame(segment),
            CrcDialect::Modbus => crc::modbus(segment),
            CrcDialect::ModbusSwapped => crc::modbus(segment).swap_bytes(),
        };
        let mut bytes = format!("##{:04}", segment.len()).into_bytes();
        bytes.extend_from_slice(segment);
        bytes.extend_from_slice(format!("{check:04X}\r\n").as_bytes());
        bytes
    }

    /// A copy with one flipped bit between head and closing `&&`, if chance wills it. Every check finds a single
    /// flipped bit of clear text; in cipher text it spoils a block, and one such packet in 256 passes.
    fn damaged(&self, qn: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut chance = Chance::of(self.seed, &["damage", &self.plan.mn, qn]);
        if chance.below(1000) >= u64::from(self.scenario.damage_per_thousand) {
            return None;
        }
        // `##` and the length before, `&&`, check and CR LF after.
        let (before, after) = (6, 8);
        let mut bytes = bytes.to_vec();
        let at = before + chance.below(bytes.len().saturating_sub(before + after) as u64) as usize;
        *bytes.get_mut(at)? ^= 1;
        Some(bytes)
    }

    /// The time of sending and a few milliseconds; later than every QN before it.
    fn next_qn(&mut self, sent: Moment) -> String {
        self.last_qn = sent.max(self.last_qn).plus_ms(1);
        self.last_qn.wire_ms()
    }
}

/// The fields of one factor, in the order of C.16 and C.26.
fn item(code: &str, record: &Record<'_>, real_time: bool) -> String {
    let Record { min, avg, max, converted, total, marker } = record;
    let suffix = if real_time { "Rtd" } else { "Avg" };
    let total = total.map(|total| format!("{code}-Cou={total},")).unwrap_or_default();
    let measured = if real_time { format!("{code}-Rtd={avg}") } else { format!("{code}-Min={min},{code}-Avg={avg},{code}-Max={max}") };
    let converted = converted.map(|converted| format!(",{code}-Zs{suffix}={converted}")).unwrap_or_default();
    format!("{total}{measured}{converted},{code}-Flag={marker}")
}
