//! Instants, hours and days. This is the one file that knows the zone: China Standard Time, UTC+8, no summer time
//! (packets carry none; HJ 212 does not say; averaging-and-validity §1.1).

use crate::protocol::stamp::Stamp;
use jiff::civil;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The zone of every stamp.
const OFFSET: Offset = Offset::constant(8);
const OFFSET_MS: i64 = 8 * 3_600_000;
/// Milliseconds of a minute.
pub const MINUTE_MS: i64 = 60_000;
/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// An instant: milliseconds since 1970-01-01T00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub i64);

impl Moment {
    /// The instant of a stamp's digits. `None` outside the years that a calendar can hold.
    #[must_use]
    pub fn of(stamp: Stamp) -> Option<Self> {
        let nanos = i32::from(stamp.milli) * 1_000_000;
        let at = civil::DateTime::new(stamp.year, stamp.month, stamp.day, stamp.hour, stamp.minute, stamp.second, nanos).ok()?;
        Some(Self(OFFSET.to_timestamp(at).ok()?.as_millisecond()))
    }

    /// Reads RFC 3339, with any offset.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        Some(Self(text.parse::<jiff::Timestamp>().ok()?.as_millisecond()))
    }

    /// Reads an instant as people write it: RFC 3339, or Beijing time without a zone, `2026-03-14 08:00` or `2026-03-14`.
    #[must_use]
    pub fn parse_local(text: &str) -> Option<Self> {
        if let Some(day) = Day::parse(text) {
            return Some(day.start());
        }
        let text = text.replacen(' ', "T", 1);
        let zoned = |text: String| Self::parse_rfc3339(&text);
        zoned(format!("{text}+08:00")).or_else(|| zoned(format!("{text}:00+08:00"))).or_else(|| zoned(text.clone()))
    }

    /// This instant and so many milliseconds more.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The hour that holds this instant.
    #[must_use]
    pub fn hour(self) -> Hour {
        Hour((self.0 + OFFSET_MS).div_euclid(HOUR_MS))
    }

    /// The natural day (自然日) that holds this instant.
    #[must_use]
    pub fn day(self) -> Day {
        Day(((self.0 + OFFSET_MS).div_euclid(DAY_MS)) as i32)
    }

    /// The minute of the hour, 0–59.
    #[must_use]
    pub fn minute_of_hour(self) -> u8 {
        ((self.0 + OFFSET_MS).rem_euclid(HOUR_MS) / MINUTE_MS) as u8
    }

    /// The second of the hour, 0–3599.
    #[must_use]
    pub fn second_of_hour(self) -> u16 {
        ((self.0 + OFFSET_MS).rem_euclid(HOUR_MS) / 1000) as u16
    }

    /// `YYYYMMDDhhmmss`, as the wire writes it.
    #[must_use]
    pub fn wire(self) -> String {
        self.civil().strftime("%Y%m%d%H%M%S").to_string()
    }

    /// `YYYYMMDDhhmmsszzz`, as a QN writes it.
    #[must_use]
    pub fn wire_ms(self) -> String {
        format!("{}{:03}", self.wire(), self.0.rem_euclid(1000))
    }

    fn civil(self) -> civil::DateTime {
        let at = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        OFFSET.to_datetime(at)
    }
}

impl fmt::Display for Moment {
    /// RFC 3339 with the zone: `2026-03-14T08:00:00+08:00`; milliseconds only when there are some.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milli = self.0.rem_euclid(1000);
        write!(f, "{}", self.civil().strftime("%Y-%m-%dT%H:%M:%S"))?;
        if milli != 0 {
            write!(f, ".{milli:03}")?;
        }
        write!(f, "+08:00")
    }
}

/// An hour, half-open: hours since the epoch in local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hour(pub i64);

impl Hour {
    /// Its first instant.
    #[must_use]
    pub fn start(self) -> Moment {
        Moment(self.0 * HOUR_MS - OFFSET_MS)
    }

    /// The first instant after it.
    #[must_use]
    pub fn end(self) -> Moment {
        Hour(self.0 + 1).start()
    }

    /// Its day.
    #[must_use]
    pub fn day(self) -> Day {
        Day(self.0.div_euclid(24) as i32)
    }

    /// 0–23.
    #[must_use]
    pub fn of_day(self) -> u8 {
        self.0.rem_euclid(24) as u8
    }
}

/// A natural day (自然日), half-open: days since the epoch in local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i32);

impl Day {
    /// Its first instant.
    #[must_use]
    pub fn start(self) -> Moment {
        Moment(i64::from(self.0) * DAY_MS - OFFSET_MS)
    }

    /// The first instant after it.
    #[must_use]
    pub fn end(self) -> Moment {
        Day(self.0 + 1).start()
    }

    /// Its hour `0..=23`.
    #[must_use]
    pub fn hour(self, of_day: u8) -> Hour {
        Hour(i64::from(self.0) * 24 + i64::from(of_day))
    }

    /// The day after.
    #[must_use]
    pub fn next(self) -> Day {
        Day(self.0 + 1)
    }

    /// Reads `YYYY-MM-DD`, and nothing longer.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let date: civil::Date = (text.len() == 10).then(|| text.parse().ok()).flatten()?;
        Some(Moment(OFFSET.to_timestamp(date.at(0, 0, 0, 0)).ok()?.as_millisecond()).day())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.start().civil().strftime("%Y-%m-%d"))
    }
}

/// Instants as text where people read and write them: RFC 3339 out, and in as [`Moment::parse_local`] takes it.
pub mod instant_text {
    use super::Moment;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes RFC 3339.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(moment)
    }

    /// Reads an instant.
    ///
    /// # Errors
    /// The text is none.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        let text = String::deserialize(deserializer)?;
        Moment::parse_local(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is no instant; write 2026-03-14T08:00:00+08:00")))
    }
}

/// Days as text, `2026-03-14`.
pub mod day_text {
    use super::Day;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes the day.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(day: &Day, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(day)
    }

    /// Reads a day.
    ///
    /// # Errors
    /// The text is none.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
        let text = String::deserialize(deserializer)?;
        Day::parse(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is no day; write 2026-03-14")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_as_people_write_them() {
        let eight = Moment::parse_rfc3339("2026-03-14T08:00:00+08:00");
        for text in ["2026-03-14 08:00", "2026-03-14 08:00:00", "2026-03-14T08:00:00+08:00", "2026-03-14T00:00:00Z"] {
            assert_eq!(Moment::parse_local(text), eight, "{text}");
        }
        assert_eq!(Moment::parse_local("2026-03-14"), Moment::parse_rfc3339("2026-03-14T00:00:00+08:00"));
        assert_eq!(Moment::parse_local("14.03.2026"), None);
    }

    #[test]
    fn midnight_belongs_to_the_day_that_begins() {
        let at = Moment::of(Stamp::parse("20260315000000").expect("a stamp")).expect("an instant");
        assert_eq!(at.to_string(), "2026-03-15T00:00:00+08:00");
        assert_eq!(at.day(), Day::parse("2026-03-15").expect("a day"));
        assert_eq!(at.hour().of_day(), 0);
        assert_eq!(at.plus_ms(-1).day().to_string(), "2026-03-14");
        assert_eq!(at.wire(), "20260315000000");
        assert_eq!(Moment::parse_rfc3339("2026-03-14T16:00:00Z"), Some(at));
    }

    #[test]
    fn hours_and_days_tile_time() {
        let day = Day::parse("2026-03-14").expect("a day");
        assert_eq!(day.hour(23).end(), day.end());
        assert_eq!(day.hour(8).start().minute_of_hour(), 0);
        assert_eq!(day.hour(8).start().plus_ms(59 * MINUTE_MS + 59_999).minute_of_hour(), 59);
        assert_eq!(day.hour(8).day(), day);
    }
}
