//! Measured values (HJ 212-2017 table 4; C.14–C.18, C.24–C.29): per factor, under their suffixes, as text.

use crate::protocol::catalogue::Cadence;
use crate::protocol::packet::Packet;
use crate::protocol::stamp::Stamp;

/// All factors of one packet.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurements<'p> {
    /// Which period the values stand for.
    pub cadence: Cadence,
    /// Start of the period (2051, 2061, 2031), or the moment (2011).
    pub data_time: Option<Stamp>,
    /// One entry per factor code, in the order of their first appearance.
    pub factors: Vec<Measurement<'p>>,
}

/// The values of one factor, each as the logger wrote it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measurement<'p> {
    /// Factor code as sent.
    pub code: &'p str,
    /// 实时采样值; for noise also the `-Data` value of the period.
    pub rtd: Option<&'p str>,
    /// 最小值.
    pub min: Option<&'p str>,
    /// 平均值.
    pub avg: Option<&'p str>,
    /// 最大值.
    pub max: Option<&'p str>,
    /// 累计值 (volume or mass of the period).
    pub cou: Option<&'p str>,
    /// 折算实时值.
    pub zs_rtd: Option<&'p str>,
    /// 折算平均值.
    pub zs_avg: Option<&'p str>,
    /// 数据标记.
    pub flag: Option<&'p str>,
    /// Everything else under its suffix: `-ZsMin`, `-EFlag`, `-SampleTime`, `-DayData`, `-RawAvg` …
    pub others: Vec<(&'p str, &'p str)>,
}

impl<'p> Measurements<'p> {
    pub(super) fn read(packet: &'p Packet<'_>, cadence: Cadence) -> Self {
        let mut factors: Vec<Measurement<'p>> = Vec::with_capacity(16);
        for pair in packet.pairs() {
            let Some((code, suffix)) = pair.name.rsplit_once('-') else {
                // A bare mark belongs to the factor before it (a dialect that separates with `;`).
                if pair.name == "Flag"
                    && let Some(last) = factors.last_mut()
                {
                    last.flag.get_or_insert(pair.value);
                }
                continue;
            };
            let at = match factors.last() {
                Some(last) if last.code == code => factors.len() - 1,
                _ => factors.iter().position(|factor| factor.code == code).unwrap_or_else(|| {
                    factors.push(Measurement { code, ..Measurement::default() });
                    factors.len() - 1
                }),
            };
            factors[at].put(suffix, pair.value);
        }
        Self { cadence, data_time: packet.data_time(), factors }
    }
}

impl<'p> Measurement<'p> {
    fn put(&mut self, suffix: &'p str, value: &'p str) {
        let slot = match suffix {
            "Rtd" | "Data" => &mut self.rtd,
            "Min" => &mut self.min,
            "Avg" => &mut self.avg,
            "Max" => &mut self.max,
            "Cou" => &mut self.cou,
            "ZsRtd" => &mut self.zs_rtd,
            "ZsAvg" => &mut self.zs_avg,
            "Flag" => &mut self.flag,
            _ => return self.others.push((suffix, value)),
        };
        if slot.is_none() {
            *slot = Some(value);
        } else {
            self.others.push((suffix, value));
        }
    }
}
