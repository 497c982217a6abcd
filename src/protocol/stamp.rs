//! The stamps of the standard: digits without a zone. What instant they mean is `domain::time`'s business.

/// `YYYYMMDDhhmmss[zzz]` read into its parts and checked against the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Year, 1970–9999.
    pub year: i16,
    /// Month, 1–12.
    pub month: i8,
    /// Day of the month, checked against the calendar.
    pub day: i8,
    /// Hour, 0–23.
    pub hour: i8,
    /// Minute, 0–59.
    pub minute: i8,
    /// Second, 0–59.
    pub second: i8,
    /// Millisecond, 0–999; 0 where the field has none.
    pub milli: i16,
}

impl Stamp {
    /// Reads 14 digits (`DataTime`, HJ 212-2017 table 4), or 17 as `QN` has them and some loggers write everywhere.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 14 && digits.len() != 17 {
            return None;
        }
        let mut values = [0u8; 17];
        for (value, digit) in values.iter_mut().zip(digits) {
            *value = digit.wrapping_sub(b'0');
            if *value > 9 {
                return None;
            }
        }
        let two = |at: usize| (values[at] * 10 + values[at + 1]) as i8;
        let stamp = Self {
            year: i16::from(values[0]) * 1000 + i16::from(values[1]) * 100 + i16::from(two(2)),
            month: two(4),
            day: two(6),
            hour: two(8),
            minute: two(10),
            second: two(12),
            milli: i16::from(values[14]) * 100 + i16::from(values[15]) * 10 + i16::from(values[16]),
        };
        let real = stamp.year >= 1970
            && (1..=12).contains(&stamp.month)
            && (1..=days_in(stamp.year, stamp.month)).contains(&stamp.day)
            && stamp.hour < 24
            && stamp.minute < 60
            && stamp.second < 60;
        real.then_some(stamp)
    }
}

fn days_in(year: i16, month: i8) -> i8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fourteen_and_seventeen_digits_are_read_and_the_calendar_is_kept() {
        let qn = Stamp::parse("20160801085857223").expect("the standard's own QN");
        assert_eq!((qn.year, qn.month, qn.day, qn.hour, qn.minute, qn.second, qn.milli), (2016, 8, 1, 8, 58, 57, 223));
        assert_eq!(Stamp::parse("20160801085857").map(|s| s.milli), Some(0));
        assert!(Stamp::parse("20240229000000").is_some());
        for wrong in ["20230229000000", "20231301000000", "20230101240000", "2023010100000", "2023-1-1000000", ""] {
            assert_eq!(Stamp::parse(wrong), None, "{wrong}");
        }
    }
}
