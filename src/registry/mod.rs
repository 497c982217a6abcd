//! Packets → readings: the only place where wire words become trade words. A registry is read from five CSV files and up to
//! four more, every row with its period of validity; its version is the hash of the files' content.
//!
//! It refuses to know how readings are averaged or judged.

mod cut;
mod diff;
mod load;
mod rows;
pub mod statements;
mod table;

pub use diff::{Difference, changes};
pub use load::{FILES, Files, MORE_FILES};
pub use rows::{
    Contractor, ConversionOrder, Exemption, ExemptionKind, Logger, MarkDialect, Negative, Networking, Outlet, Permit, Restriction, Role, SeriesRow,
    Site, StampLabel, Validity,
};
pub use table::Fault;

use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment};
use crate::domain::{
    Basis, Fact, FactKind, FactorCode, Limit, Mn, Order, OutletDay, OutletId, PacketRef, Reading, ReadingKey, Record, RuleSet, Series, Shard, SiteId,
    UnusableReason, number,
};
use crate::link::{Admission, Admissions};
use crate::protocol::catalogue::Cadence;
use crate::protocol::marker::Marker;
use crate::protocol::sm4::Key;
use crate::protocol::stamp::Stamp;
use crate::protocol::upload::{Measurement, Upload};
use crate::protocol::{Packet, upload};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// A registry in force.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    version: String,
    /// Which part of a register this is; none: a whole one.
    shard: Option<Shard>,
    sites: BTreeMap<SiteId, Site>,
    outlets: BTreeMap<OutletId, Vec<Outlet>>,
    loggers: BTreeMap<Mn, Vec<Logger>>,
    /// Per logger, sorted by wire code.
    wires: BTreeMap<Mn, Vec<WireSeries>>,
    factors: BTreeMap<OutletId, BTreeSet<FactorCode>>,
    limits: BTreeMap<Series, Vec<Limit>>,
    permits: BTreeMap<SiteId, Vec<Permit>>,
    contractors: BTreeMap<SiteId, Vec<Contractor>>,
    exemptions: BTreeMap<OutletId, Vec<Exemption>>,
    restrictions: BTreeMap<OutletId, Vec<Restriction>>,
    /// The loggers that report on an outlet, now or before.
    reporters: BTreeMap<OutletId, BTreeSet<Mn>>,
}

#[derive(Debug, Clone)]
struct WireSeries {
    wire: FactorCode,
    row: SeriesRow,
}

/// What a packet's values became.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Translation {
    /// Usable values, in the packet's order.
    pub readings: Vec<Reading>,
    /// What was not usable, counted by reason. The packet is kept all the same.
    pub unusable: BTreeMap<UnusableReason, u32>,
    /// What it says besides values.
    pub facts: Vec<Fact>,
}

/// How a packet arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// When.
    pub at: Moment,
    /// Its place in the journal.
    pub sequence: u64,
    /// A hash of the address; 0: not known.
    pub peer: u32,
}

/// FNV-1a of an address without its port: two packets of one address have the same.
#[must_use]
pub fn peer_hash(peer: &str) -> u32 {
    let address = peer.rsplit_once(':').map_or(peer, |(address, _)| address);
    address.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

impl Registry {
    /// `rg-` and a hash of the content; of a part, that of the whole.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The site's row.
    #[must_use]
    pub fn site(&self, site: SiteId) -> Option<&Site> {
        self.sites.get(&site)
    }

    /// How many sites, outlets, loggers, series and limits there are.
    #[must_use]
    pub fn sizes(&self) -> [(&'static str, usize); 5] {
        [
            ("sites", self.sites.len()),
            ("outlets", self.outlets.len()),
            ("loggers", self.loggers.len()),
            ("series", self.factors.values().map(BTreeSet::len).sum()),
            ("limits", self.limits.values().map(Vec::len).sum()),
        ]
    }

    /// The outlet's row in force at an instant; outside all periods, the last one.
    #[must_use]
    pub fn outlet(&self, outlet: OutletId, at: Moment) -> Option<&Outlet> {
        let rows = self.outlets.get(&outlet)?;
        rows.iter().find(|row| row.validity.holds(at)).or_else(|| rows.last())
    }

    /// Whether the outlet has a row, whatever its period.
    #[must_use]
    pub fn knows(&self, outlet: OutletId) -> bool {
        self.outlets.contains_key(&outlet)
    }

    /// All outlets, with the row in force at an instant.
    pub fn outlets(&self, at: Moment) -> impl Iterator<Item = &Outlet> {
        self.outlets.keys().filter_map(move |outlet| self.outlet(*outlet, at))
    }

    /// The logger's row in force at an instant.
    #[must_use]
    pub fn logger(&self, mn: &str, at: Moment) -> Option<&Logger> {
        self.loggers.get(mn)?.iter().find(|row| row.validity.holds(at))
    }

    /// Whose word counts: 1 a main logger, 0 a standby one (备用), by the row in force at an instant; outside all periods, by
    /// the last one. A logger that the register does not have counts as main.
    #[must_use]
    pub fn logger_rank(&self, mn: Mn, at: Moment) -> u8 {
        let rows = self.loggers.get(&mn).map(Vec::as_slice).unwrap_or_default();
        rows.iter().find(|row| row.validity.holds(at)).or(rows.last()).map_or(Role::Main, |row| row.role).rank()
    }

    /// Every key that a logger was ever given, newest row first.
    #[must_use]
    pub fn keys_ever(&self, mn: &str) -> Vec<Key> {
        self.loggers.get(mn).into_iter().flatten().rev().flat_map(|row| row.keys.iter().cloned()).collect()
    }

    /// All loggers in force at an instant.
    pub fn loggers(&self, at: Moment) -> impl Iterator<Item = &Logger> {
        self.loggers.values().flatten().filter(move |row| row.validity.holds(at))
    }

    /// The loggers that report on an outlet, now or before.
    #[must_use]
    pub fn loggers_of(&self, outlet: OutletId) -> Vec<Mn> {
        self.reporters.get(&outlet).into_iter().flatten().copied().collect()
    }

    /// How a logger names its series: wire code and row.
    pub fn wires(&self, mn: &str) -> impl Iterator<Item = (FactorCode, &SeriesRow)> {
        self.wires.get(mn).into_iter().flatten().map(|wire| (wire.wire, &wire.row))
    }

    /// The factors registered at an outlet.
    pub fn factors(&self, outlet: OutletId) -> impl Iterator<Item = FactorCode> {
        self.factors.get(&outlet).into_iter().flatten().copied()
    }

    /// The row of a series, whichever logger reports it, in force at an instant.
    #[must_use]
    pub fn series(&self, mn: Mn, outlet: OutletId, factor: FactorCode, at: Moment) -> Option<&SeriesRow> {
        self.wires.get(&mn)?.iter().map(|wire| &wire.row).find(|row| row.outlet == outlet && row.factor == factor && row.validity.holds(at))
    }

    /// The limits of a series on one basis that are in force at an instant. While the outlet's output is restricted (限产), the
    /// rows for restricted periods stand instead of the others of the same side, where there are some.
    pub fn limits(&self, series: Series, basis: Basis, at: Moment) -> impl Iterator<Item = &Limit> {
        let rows = self.limits.get(&series).map(Vec::as_slice).unwrap_or_default();
        let holds = move |limit: &Limit| limit.basis == basis && limit.valid_from <= at && limit.valid_to.is_none_or(|to| at < to);
        let restricted = self.restricted(series.outlet, at).is_some();
        rows.iter().filter(move |limit| {
            let twin = |other: &Limit| other.restricted && other.limit_type == limit.limit_type && holds(other);
            holds(limit) && limit.restricted == (restricted && rows.iter().any(twin))
        })
    }

    /// The permits (排污许可证) of a site, now or before.
    #[must_use]
    pub fn permits(&self, site: SiteId) -> &[Permit] {
        self.permits.get(&site).map(Vec::as_slice).unwrap_or_default()
    }

    /// Who maintains an outlet's equipment (运维单位) at an instant.
    pub fn contractors_of(&self, outlet: OutletId, at: Moment) -> impl Iterator<Item = &Contractor> {
        let rows = self.outlet(outlet, at).and_then(|row| self.contractors.get(&row.site)).into_iter().flatten();
        rows.filter(move |row| row.outlet.is_none_or(|only| only == outlet) && row.validity.holds(at))
    }

    /// Every row of who maintains what, now or before.
    pub fn contractors(&self) -> impl Iterator<Item = &Contractor> {
        self.contractors.values().flatten()
    }

    /// An approved exemption (豁免) of a factor that touches `[from, to)`.
    #[must_use]
    pub fn exemption(&self, outlet: OutletId, factor: FactorCode, from: Moment, to: Moment) -> Option<&Exemption> {
        let period = Validity { from, to: Some(to) };
        self.exemptions.get(&outlet)?.iter().find(|row| row.factor.is_none_or(|only| only == factor) && row.validity.overlaps(period))
    }

    /// The restriction of output (限产) under which an outlet is at an instant.
    #[must_use]
    pub fn restricted(&self, outlet: OutletId, at: Moment) -> Option<&Restriction> {
        self.restrictions.get(&outlet)?.iter().find(|row| row.validity.holds(at))
    }

    /// The table that links need, for loggers in force at an instant.
    #[must_use]
    pub fn admissions(&self, at: Moment, accept_unknown: bool) -> Admissions {
        let row = |logger: &Logger| Admission { password: logger.password.clone(), dialect: logger.dialect, keys: logger.keys.clone() };
        Admissions { loggers: self.loggers(at).map(|logger| (logger.mn, row(logger))).collect(), accept_unknown }
    }

    /// The outlet-days that a packet's values belong to, without reading the values.
    #[must_use]
    pub fn days_of(&self, packet: &Packet<'_>, arrival: Moment, rules: &RuleSet) -> BTreeSet<OutletDay> {
        let translation = self.translate(packet, Arrived { at: arrival, sequence: 0, peer: 0 }, rules);
        let facts = translation.facts.iter().map(|fact| OutletDay { outlet: fact.outlet, day: fact.at.day() });
        translation.readings.iter().map(|reading| OutletDay { outlet: reading.outlet, day: reading.hour.day() }).chain(facts).collect()
    }

    /// Turns a packet's values into readings by the rows in force at the time the values are about.
    #[must_use]
    pub fn translate(&self, packet: &Packet<'_>, arrived: Arrived, rules: &RuleSet) -> Translation {
        let mut translation = Translation::default();
        let Arrived { at: arrival, sequence, .. } = arrived;
        let upload = upload::read(packet);
        let Upload::Measurements(measurements) = upload else {
            self.facts(packet, &upload, arrived, rules, &mut translation);
            return translation;
        };
        let Some((mn, wires)) = packet.mn().and_then(Mn::new).and_then(|mn| Some((mn, self.wires.get(&mn)?))) else {
            translation.unusable.insert(UnusableReason::UnknownSeries, measurements.factors.len() as u32);
            return translation;
        };
        let Some(stamped) = measurements.data_time.and_then(Moment::of) else {
            translation.unusable.insert(UnusableReason::NoTime, measurements.factors.len() as u32);
            return translation;
        };
        // A QN of a day to come would outrank every later correction: a clock that wrong is no authority.
        let plausible = |at: &Moment| at.0 <= arrival.0 + DAY_MS;
        let qn = packet.qn().and_then(Stamp::parse).and_then(Moment::of).filter(plausible).map_or(0, |at| at.0);
        let from = PacketRef { rank: self.logger_rank(mn, stamped), qn, sequence };
        let refill = packet.rf() == Some("1");
        let context = Context { cadence: measurements.cadence, stamped, arrived, from, refill, rules };
        let st = packet.st().unwrap_or_default();
        if st == PROCESS {
            let states = measurements.factors.iter().filter_map(|factor| Some((factor.code, factor.rtd?)));
            self.conditions(mn, states, stamped, &context, &mut translation);
        }
        translation.readings.reserve_exact(measurements.factors.len());
        let mut last = None;
        for factor in &measurements.factors {
            match self.reading(factor, wires, st, &context, &mut last) {
                Ok(Some(reading)) => translation.readings.push(reading),
                Ok(None) => {}
                Err(reason) => *translation.unusable.entry(reason).or_default() += 1,
            }
        }
        let count = |reason| translation.unusable.get(&reason).copied().unwrap_or_default();
        let (off_grid, future) = (count(UnusableReason::OffGrid), count(UnusableReason::Future));
        if off_grid + future > 0 {
            for outlet in self.outlets_of(mn, arrival) {
                let kind = FactKind::OddStamps { off_grid, future };
                translation.facts.push(Fact { outlet, at: arrival.hour().start(), kind, from });
            }
        }
        translation
    }

    /// The outlets on which a logger reports at an instant.
    #[must_use]
    pub fn outlets_of(&self, mn: Mn, at: Moment) -> BTreeSet<OutletId> {
        self.wires.get(&mn).into_iter().flatten().filter(|wire| wire.row.validity.holds(at)).map(|wire| wire.row.outlet).collect()
    }

    /// States in letters (HJ 212-2025 C36); numbers are measured values.
    fn conditions<'p>(
        &self,
        mn: Mn,
        states: impl Iterator<Item = (&'p str, &'p str)>,
        at: Moment,
        context: &Context<'_>,
        translation: &mut Translation,
    ) {
        if !context.accepts(at) {
            return;
        }
        for (code, word) in states.filter(|(_, word)| number::parse(word).is_err()) {
            for outlet in self.outlets_of(mn, at) {
                let kind = FactKind::Condition { code: FactKind::text(code), word: FactKind::text(word) };
                translation.facts.push(Fact { outlet, at, kind, from: context.from });
            }
        }
    }

    /// What an upload says that is no measured value. What is about one instrument goes to its outlet, the rest to every outlet
    /// of the logger.
    fn facts(&self, packet: &Packet<'_>, upload: &Upload<'_>, arrived: Arrived, rules: &RuleSet, translation: &mut Translation) {
        let Some((mn, wires)) = packet.mn().and_then(Mn::new).and_then(|mn| Some((mn, self.wires.get(&mn)?))) else { return };
        let (stamp, said): (_, Vec<(Option<&str>, FactKind)>) = match upload {
            Upload::SiteInformation { data_time, groups } => {
                let entries = groups.iter().flat_map(|group| group.entries.iter().map(|entry| (group.pol_id, entry)));
                let kind = |pol_id: Option<&str>, id: &str, value: &str| FactKind::Information {
                    factor: pol_id.and_then(FactorCode::new),
                    id: FactKind::text(id),
                    value: FactKind::text(value),
                };
                (data_time, entries.map(|(pol_id, entry)| (pol_id, kind(pol_id, entry.id, entry.value))).collect())
            }
            Upload::InstrumentId { data_time, pol_id, serial } => {
                let kind = FactKind::Instrument { factor: pol_id.and_then(FactorCode::new), serial: FactKind::text(serial.unwrap_or_default()) };
                (data_time, vec![(*pol_id, kind)])
            }
            Upload::StandardCheck { data_time, results } => {
                let kind = |result: &upload::CheckResult<'_>| {
                    let text = |value: Option<&str>| FactKind::text(value.unwrap_or_default());
                    let factor = FactorCode::new(result.code)?;
                    Some(FactKind::Check { factor, measured: text(result.measured), nominal: text(result.nominal), result: text(result.result) })
                };
                (data_time, results.iter().filter_map(|result| Some((Some(result.code), kind(result)?))).collect())
            }
            Upload::Restart { data_time, .. } => (data_time, vec![(None, FactKind::Restart)]),
            Upload::DeviceStates { data_time, devices } => {
                let kind = |device: &str, state: &str| FactKind::Condition { code: FactKind::text(device), word: FactKind::text(state) };
                (data_time, devices.iter().map(|state| (None, kind(state.device, state.value))).collect())
            }
            _ => return,
        };
        let Some(at) = stamp.and_then(Moment::of) else { return };
        let qn = packet.qn().and_then(Stamp::parse).and_then(Moment::of).map_or(0, |at| at.0);
        let from = PacketRef { rank: self.logger_rank(mn, at), qn, sequence: arrived.sequence };
        let context = Context { cadence: Cadence::RealTime, stamped: at, arrived, from, refill: false, rules };
        if !context.accepts(at) {
            return;
        }
        let all = self.outlets_of(mn, at);
        for (code, kind) in said {
            let one = code.and_then(|code| find(wires, code, packet.st().unwrap_or_default(), at)).map(|row| row.outlet);
            for outlet in all.iter().filter(|outlet| one.is_none_or(|one| one == **outlet)) {
                translation.facts.push(Fact { outlet: *outlet, at, kind: kind.clone(), from });
            }
        }
    }

    /// `last` is the outlet of the factor before: nearly always the same.
    fn reading<'r>(
        &'r self,
        factor: &Measurement<'_>,
        wires: &[WireSeries],
        st: &str,
        context: &Context<'_>,
        last: &mut Option<&'r Outlet>,
    ) -> Result<Option<Reading>, UnusableReason> {
        let row = find(wires, factor.code, st, context.stamped).ok_or(UnusableReason::UnknownSeries)?;
        let outlet = match *last {
            Some(outlet) if outlet.id == row.outlet => outlet,
            _ => last.insert(self.outlet(row.outlet, context.stamped).ok_or(UnusableReason::UnknownSeries)?),
        };
        let Some((at, key)) = context.period(outlet)? else { return Ok(None) };
        if context.is_future(at) {
            return Err(UnusableReason::Future);
        }
        if context.is_too_late(at) {
            return Err(UnusableReason::TooLate);
        }
        let (measured, converted, total) = match key {
            ReadingKey::Sample(_) => (factor.rtd, factor.zs_rtd, None),
            _ => (factor.avg.or(factor.rtd), factor.zs_avg.or(factor.zs_rtd), factor.cou),
        };
        let measured = scaled(measured, row.unit_factor)?;
        let converted = scaled(converted, row.unit_factor)?;
        let total = scaled(total, Decimal::ONE);
        let marker = factor.flag.map_or(Marker::ABSENT, Marker::of);
        // Only Cou, Min, Max or fields of another edition: of these the volume that flowed is of use.
        let bare = measured.is_none() && converted.is_none() && marker == Marker::ABSENT;
        if bare && (outlet.flow_factor != Some(row.factor) || total?.is_none()) {
            return Ok(None);
        }
        // A Cou that is no number spoils no mean.
        let delay_secs = ((context.arrived.at.0 - at.0) / 1000).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
        let record = Record {
            measured,
            converted,
            total: total.unwrap_or_default(),
            marker,
            order: order(factor),
            refill: context.refill,
            delay_secs,
            peer: context.arrived.peer,
            from: context.from,
        };
        Ok(Some(Reading { outlet: row.outlet, factor: row.factor, hour: at.hour(), key, record, at }))
    }
}

/// 关键生产工况: the system code of process conditions (HJ 212-2025 table C36).
const PROCESS: &str = "45";

/// How the three figures of a record stand to each other, as sent.
fn order(factor: &Measurement<'_>) -> Order {
    let figure = |text: Option<&str>| text.and_then(|text| number::parse(text).ok());
    let (Some(min), Some(avg), Some(max)) = (figure(factor.min), figure(factor.avg), figure(factor.max)) else { return Order::Unsaid };
    // Within one unit of the last printed digit.
    let unit = Decimal::new(1, min.scale().min(avg.scale()).min(max.scale()));
    match (min <= avg + unit && avg <= max + unit, min == max) {
        (true, true) => Order::Flat,
        (true, false) => Order::Ascending,
        (false, _) => Order::Wrong,
    }
}

/// The row for a code as sent: exact first, then with the first letter in lower case (`W01018`).
fn find<'w>(wires: &'w [WireSeries], code: &str, st: &str, at: Moment) -> Option<&'w SeriesRow> {
    let exact = |code: &str| {
        let code = FactorCode::new(code)?;
        let start = wires.partition_point(|wire| wire.wire < code);
        let same = wires[start..].iter().take_while(move |wire| wire.wire == code);
        let mut fitting = same.map(|wire| &wire.row).filter(|row| row.validity.holds(at));
        fitting.clone().find(|row| row.st == st).or_else(|| fitting.next())
    };
    exact(code).or_else(|| {
        let first = code.chars().next().filter(char::is_ascii_uppercase)?;
        exact(&format!("{}{}", first.to_ascii_lowercase(), &code[1..]))
    })
}

fn scaled(text: Option<&str>, unit_factor: Decimal) -> Result<Option<Decimal>, UnusableReason> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let value = number::parse(text).map_err(|error| match error {
        number::NumberError::NotDecimal => UnusableReason::NotNumber,
        number::NumberError::Absurd => UnusableReason::Absurd,
    })?;
    if unit_factor == Decimal::ONE {
        return Ok(Some(value));
    }
    let mut scaled = value.checked_mul(unit_factor).ok_or(UnusableReason::Absurd)?;
    // The last digit stays the logger's last digit: 0.00031 MPa are 0.31 kPa, not 0.31000.
    let zeros = zeros_of(unit_factor);
    if zeros > 0 {
        scaled.rescale(value.scale().saturating_sub(zeros).max(scaled.normalize().scale()));
    }
    number::parse(&scaled.to_string()).map(Some).map_err(|_| UnusableReason::Absurd)
}

/// How many zeros a factor of 10, 100, 1000 … has; 0 for any other.
fn zeros_of(factor: Decimal) -> u32 {
    let zeros = factor.trunc().mantissa().checked_ilog10().unwrap_or(0);
    if factor == Decimal::from(10i128.pow(zeros)) { zeros } else { 0 }
}

/// What one packet's values have in common.
struct Context<'r> {
    cadence: Cadence,
    stamped: Moment,
    arrived: Arrived,
    from: PacketRef,
    refill: bool,
    rules: &'r RuleSet,
}

impl Context<'_> {
    fn is_future(&self, at: Moment) -> bool {
        at.0 > self.arrived.at.0 + i64::from(self.rules.future_accept_min.value) * MINUTE_MS
    }

    fn is_too_late(&self, at: Moment) -> bool {
        self.arrived.at.0 - at.0 > i64::from(self.rules.late_accept_hours.value) * HOUR_MS
    }

    fn accepts(&self, at: Moment) -> bool {
        !self.is_future(at) && !self.is_too_late(at)
    }

    /// Start of the period and its key. `None`: a cadence that is not averaged.
    fn period(&self, outlet: &Outlet) -> Result<Option<(Moment, ReadingKey)>, UnusableReason> {
        let ends = outlet.stamp_label == StampLabel::End;
        let start = |length_ms: i64| if ends { self.stamped.plus_ms(-length_ms) } else { self.stamped };
        let period = match self.cadence {
            Cadence::RealTime => (self.stamped, ReadingKey::Sample(self.stamped.second_of_hour())),
            Cadence::Minute => {
                let at = start(i64::from(outlet.minute_interval) * MINUTE_MS);
                if at.second_of_hour() % 60 != 0 || at.minute_of_hour() % outlet.minute_interval != 0 {
                    return Err(UnusableReason::OffGrid);
                }
                (at, ReadingKey::Minute(at.minute_of_hour()))
            }
            Cadence::Hour => {
                let at = start(HOUR_MS);
                if at.second_of_hour() != 0 {
                    return Err(UnusableReason::OffGrid);
                }
                (at, ReadingKey::Hour)
            }
            Cadence::Day => {
                let at = start(24 * HOUR_MS);
                if at != at.day().start() {
                    return Err(UnusableReason::OffGrid);
                }
                (at, ReadingKey::Day)
            }
            Cadence::FiveMinutes => {
                let at = start(5 * MINUTE_MS);
                if at.second_of_hour() % 300 != 0 {
                    return Err(UnusableReason::OffGrid);
                }
                (at, ReadingKey::Five(at.minute_of_hour()))
            }
            Cadence::Single => return Ok(None),
        };
        Ok(Some(period))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_digit_of_a_scaled_value_stays_the_loggers_last_digit() {
        for (text, factor, expected) in [
            ("-0.00031", "1000", "-0.31"),
            ("0.00030", "1000", "0.30"),
            ("0.5", "1000", "500"),
            ("12.30", "1", "12.30"),
            ("12.30", "0.001", "0.01230"),
            ("12.30", "2.5", "30.750"),
        ] {
            let factor = number::parse(factor).expect("a number");
            let value = scaled(Some(text), factor).expect("a number").expect("given");
            assert_eq!(value.to_string(), expected, "{text} × {factor}");
        }
    }
}
