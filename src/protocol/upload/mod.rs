//! Uploads (上传) read into types: one variant per shape of the data area. What a shape does not name stays in the packet.

mod measurements;
mod reports;

pub use measurements::{Measurement, Measurements};
pub use reports::{Alarm, CheckResult, DeviceValue, Information, InformationGroup};

use super::catalogue::{self, Role, Shape};
use super::packet::Packet;
use super::stamp::Stamp;

/// What a logger says in one packet. Borrows the packet.
#[derive(Debug, Clone, PartialEq)]
pub enum Upload<'p> {
    /// 2011, 2051, 2061, 2031, 2013, 2052, 2111, any ST; also 2081 of a dialect that carries data.
    Measurements(Measurements<'p>),
    /// 2021: run states (`SBn-RS`).
    DeviceStates {
        /// Moment.
        data_time: Option<Stamp>,
        /// Device and state, in order.
        devices: Vec<DeviceValue<'p>>,
    },
    /// 2041: running hours of a day (`SBn-RT`).
    DeviceTimes {
        /// The day.
        data_time: Option<Stamp>,
        /// Device and hours, in order.
        devices: Vec<DeviceValue<'p>>,
    },
    /// 2081: the logger started.
    Restart {
        /// Moment of the report.
        data_time: Option<Stamp>,
        /// Start of the logger.
        restart_time: Option<Stamp>,
    },
    /// 3015: an over-limit sample was kept.
    Retention {
        /// Time of retention.
        data_time: Option<Stamp>,
        /// 采样瓶编号.
        vase_no: Option<&'p str>,
    },
    /// 3017.
    SamplingPeriod {
        /// Which factor's analyser.
        pol_id: Option<&'p str>,
        /// hhmmss.
        start: Option<&'p str>,
        /// Hours.
        period: Option<&'p str>,
    },
    /// 3018.
    SampleOutTime {
        /// Which factor's analyser.
        pol_id: Option<&'p str>,
        /// Minutes.
        minutes: Option<&'p str>,
    },
    /// 3019: an instrument's id, sent when it was replaced.
    InstrumentId {
        /// Moment of replacement.
        data_time: Option<Stamp>,
        /// Which factor's instrument.
        pol_id: Option<&'p str>,
        /// `-SN`.
        serial: Option<&'p str>,
    },
    /// 3020: logs, states and parameters, by PolId group.
    SiteInformation {
        /// Moment of the entry.
        data_time: Option<Stamp>,
        /// One group per PolId; the first may have none (logger, door).
        groups: Vec<InformationGroup<'p>>,
    },
    /// 2071 and 2072 of 2005.
    Alarm {
        /// Time of the alarm.
        time: Option<Stamp>,
        /// Factors with the value that alarmed.
        alarms: Vec<Alarm<'p>>,
        /// 1 over, 0 back to normal.
        alarm_type: Option<&'p str>,
    },
    /// 2062 of 2025.
    StandardCheck {
        /// Start of the check.
        data_time: Option<Stamp>,
        /// Factors with what was measured, what the sample holds, and whether it passed.
        results: Vec<CheckResult<'p>>,
    },
    /// 1011.
    Clock {
        /// Which instrument's clock; none: the logger's.
        pol_id: Option<&'p str>,
        /// What it shows.
        system_time: Option<Stamp>,
    },
    /// 1061, 1063.
    Interval {
        /// Seconds between real-time packets.
        real_secs: Option<&'p str>,
        /// Minutes per minute record.
        minute_min: Option<&'p str>,
    },
    /// 1001 of 2025: logger, CPU and network ids.
    Hardware {
        /// Information code and value.
        ids: Vec<Information<'p>>,
    },
    /// 1014 of 2025: the logger asks for a key.
    KeyRequest {
        /// `SKCreateTime` as sent.
        created: Option<&'p str>,
    },
    /// 1013: the logger asks to have its clock set.
    ClockRequest {
        /// Which instrument's clock.
        pol_id: Option<&'p str>,
    },
    /// 9015, or 9021 of dialects.
    Heartbeat,
    /// 9011–9014: an answer to something of ours.
    Answer,
    /// Plain pairs under a known CN.
    Plain,
    /// A CN in no edition's table.
    Unknown,
}

/// Reads a packet's data area by its CN and edition.
#[must_use]
pub fn read<'p>(packet: &'p Packet<'_>) -> Upload<'p> {
    let cn = packet.cn().unwrap_or_default();
    if catalogue::is_heartbeat_dialect(cn, packet.edition()) {
        return Upload::Heartbeat;
    }
    let Some(command) = catalogue::find(cn, packet.edition()) else { return Upload::Unknown };
    if command.up == Some(Role::Answer) {
        return Upload::Answer;
    }
    let data_time = packet.data_time();
    match command.shape {
        Shape::Measurements(cadence) => Upload::Measurements(Measurements::read(packet, cadence)),
        Shape::DeviceStates => Upload::DeviceStates { data_time, devices: reports::devices(packet, "RS") },
        Shape::DeviceTimes => Upload::DeviceTimes { data_time, devices: reports::devices(packet, "RT") },
        Shape::Restart if packet.value("RestartTime").is_none() => Upload::Measurements(Measurements::read(packet, catalogue::Cadence::RealTime)),
        Shape::Restart => Upload::Restart { data_time, restart_time: packet.value("RestartTime").and_then(Stamp::parse) },
        Shape::Retention => Upload::Retention { data_time, vase_no: packet.value("VaseNo") },
        Shape::SamplingPeriod => {
            Upload::SamplingPeriod { pol_id: packet.value("PolId"), start: packet.value("CstartTime"), period: packet.value("CTime") }
        }
        Shape::SampleOutTime => Upload::SampleOutTime { pol_id: packet.value("PolId"), minutes: packet.value("Stime") },
        Shape::InstrumentId => {
            let serial = packet.pairs().find(|pair| pair.suffix() == Some("SN")).map(|pair| pair.value);
            Upload::InstrumentId { data_time, pol_id: packet.value("PolId"), serial }
        }
        Shape::SiteInformation => Upload::SiteInformation { data_time, groups: reports::groups(packet) },
        Shape::Alarm => Upload::Alarm { time: data_time, alarms: reports::alarms(packet), alarm_type: packet.value("AlarmType") },
        Shape::StandardCheck => Upload::StandardCheck { data_time, results: reports::check_results(packet) },
        Shape::Clock => Upload::Clock { pol_id: packet.value("PolId"), system_time: packet.value("SystemTime").and_then(Stamp::parse) },
        Shape::Interval => Upload::Interval { real_secs: packet.value("RtdInterval"), minute_min: packet.value("MinInterval") },
        Shape::Hardware => Upload::Hardware { ids: reports::informations(packet) },
        Shape::KeyRequest => Upload::KeyRequest { created: packet.value("SKCreateTime") },
        Shape::Heartbeat => Upload::Heartbeat,
        Shape::Plain if cn == "1013" => Upload::ClockRequest { pol_id: packet.value("PolId") },
        Shape::Plain => Upload::Plain,
    }
}
