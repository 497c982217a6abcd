//! The uploads that are not measured values: devices, information, alarms, checks (HJ 212-2017 C.15, C.19, C.34–C.45;
//! HJ/T 212-2005 C examples 9 and 10; HJ 212-2025 C59).

use crate::protocol::packet::Packet;

/// A treatment device (`SB1`) and its state or running time, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceValue<'p> {
    /// `SB1`; not padded.
    pub device: &'p str,
    /// 0 off, 1 running, 2 calibration, 3 maintenance, 4 alarm, 5 blow-back; or hours.
    pub value: &'p str,
}

/// One piece of field information (现场端信息).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Information<'p> {
    /// Annex B.10 code, `i13004`.
    pub id: &'p str,
    /// Value or `//log text//`.
    pub value: &'p str,
}

/// Information that belongs to one factor's instrument, or to none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InformationGroup<'p> {
    /// 污染因子编码; none: logger, door …
    pub pol_id: Option<&'p str>,
    /// In order.
    pub entries: Vec<Information<'p>>,
}

/// A factor that alarmed (2005).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarm<'p> {
    /// Factor code as sent.
    pub code: &'p str,
    /// The value that alarmed.
    pub value: &'p str,
}

/// One factor of an automatic standard-sample check (2025).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CheckResult<'p> {
    /// Factor code.
    pub code: &'p str,
    /// Measured.
    pub measured: Option<&'p str>,
    /// Nominal value of the sample.
    pub nominal: Option<&'p str>,
    /// 1 passed, 0 failed.
    pub result: Option<&'p str>,
}

pub(super) fn devices<'p>(packet: &'p Packet<'_>, suffix: &str) -> Vec<DeviceValue<'p>> {
    packet.pairs().filter(|pair| pair.suffix() == Some(suffix)).map(|pair| DeviceValue { device: pair.code(), value: pair.value }).collect()
}

pub(super) fn informations<'p>(packet: &'p Packet<'_>) -> Vec<Information<'p>> {
    packet.pairs().filter(|pair| pair.suffix() == Some("Info")).map(|pair| Information { id: pair.code(), value: pair.value }).collect()
}

pub(super) fn groups<'p>(packet: &'p Packet<'_>) -> Vec<InformationGroup<'p>> {
    let mut groups: Vec<InformationGroup<'p>> = Vec::new();
    for pair in packet.pairs() {
        if pair.name.eq_ignore_ascii_case("PolId") {
            groups.push(InformationGroup { pol_id: Some(pair.value), entries: Vec::new() });
        } else if pair.suffix() == Some("Info") {
            if groups.is_empty() {
                groups.push(InformationGroup { pol_id: None, entries: Vec::new() });
            }
            if let Some(last) = groups.last_mut() {
                last.entries.push(Information { id: pair.code(), value: pair.value });
            }
        }
    }
    groups
}

pub(super) fn alarms<'p>(packet: &'p Packet<'_>) -> Vec<Alarm<'p>> {
    packet.pairs().filter(|pair| pair.suffix() == Some("Ala")).map(|pair| Alarm { code: pair.code(), value: pair.value }).collect()
}

pub(super) fn check_results<'p>(packet: &'p Packet<'_>) -> Vec<CheckResult<'p>> {
    let mut results: Vec<CheckResult<'p>> = Vec::new();
    for pair in packet.pairs() {
        let Some(suffix) = pair.suffix() else { continue };
        if !matches!(suffix, "SampleRd" | "StandardValue" | "ResultType") {
            continue;
        }
        let at = results.iter().position(|result| result.code == pair.code()).unwrap_or_else(|| {
            results.push(CheckResult { code: pair.code(), ..CheckResult::default() });
            results.len() - 1
        });
        let slot = match suffix {
            "SampleRd" => &mut results[at].measured,
            "StandardValue" => &mut results[at].nominal,
            _ => &mut results[at].result,
        };
        slot.get_or_insert(pair.value);
    }
    results
}
