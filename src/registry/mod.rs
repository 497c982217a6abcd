//! Packets → readings: the only place where wire words become trade words. A registry is read from five CSV files and up to
//! four more, every row with its period of validity; its version is the hash of the files' content.
//!
//! It refuses to know how readings are averaged or judged.

mod diff;
mod load;
mod rows;
pub mod statements;
mod table;

pub use diff::{Difference, changes};
pub use load::{FILES, Files, MORE_FILES};
pub use rows::{
    Contractor, ConversionOrder, Exemption, ExemptionKind, Logger, MarkDialect, Negative, Outlet, Permit, Restriction, Role, SeriesRow, Site,
    StampLabel, Validity,
};
pub use table::Fault;

use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, Moment};
use crate::domain::{
    Basis, FactorCode, Limit, Mn, OutletDay, OutletId, PacketRef, Reading, ReadingKey, Record, RuleSet, Series, SiteId, UnusableReason, number,
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
}

impl Registry {
    /// `rg-` and a hash of the content.
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
        let translation = self.translate(packet, arrival, 0, rules);
        translation.readings.iter().map(|reading| OutletDay { outlet: reading.outlet, day: reading.hour.day() }).collect()
    }

    /// Turns a packet's values into readings by the rows in force at the time the values are about.
    #[must_use]
    pub fn translate(&self, packet: &Packet<'_>, arrival: Moment, sequence: u64, rules: &RuleSet) -> Translation {
        let mut translation = Translation::default();
        let Upload::Measurements(measurements) = upload::read(packet) else { return translation };
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
        let context = Context { cadence: measurements.cadence, stamped, arrival, from, rules };
        let st = packet.st().unwrap_or_default();
        translation.readings.reserve_exact(measurements.factors.len());
        let mut last = None;
        for factor in &measurements.factors {
            match self.reading(factor, wires, st, &context, &mut last) {
                Ok(Some(reading)) => translation.readings.push(reading),
                Ok(None) => {}
                Err(reason) => *translation.unusable.entry(reason).or_default() += 1,
            }
        }
        translation
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
        if at.0 > context.arrival.0 + i64::from(context.rules.future_accept_min.value) * MINUTE_MS {
            return Err(UnusableReason::Future);
        }
        if context.arrival.0 - at.0 > i64::from(context.rules.late_accept_hours.value) * HOUR_MS {
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
        let record = Record { measured, converted, total: total.unwrap_or_default(), marker, from: context.from };
        Ok(Some(Reading { outlet: row.outlet, factor: row.factor, hour: at.hour(), key, record, at }))
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
    arrival: Moment,
    from: PacketRef,
    rules: &'r RuleSet,
}

impl Context<'_> {
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
            Cadence::FiveMinutes | Cadence::Single => return Ok(None),
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
