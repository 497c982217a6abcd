//! A packet (通讯包) that could be read: its header, and its data area as pairs in the order they came.

use super::frame::Frame;
use super::layout::{Layout, PairSpan, Span};
use super::quirk::{Quirk, QuirkSet};
use super::stamp::Stamp;
use super::{grammar, scan};
use std::borrow::Cow;

/// The edition a packet speaks: `Flag >> 2` (HJ 212-2017 table 3). No Flag, or 0–3, is HJ/T 212-2005.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edition {
    /// HJ/T 212-2005.
    Y2005,
    /// HJ 212-2017.
    Y2017,
    /// HJ 212-2025, and the surface-water profile that used its version bits before.
    Y2025,
}

impl Edition {
    /// The year, as the register and `decode --json` write it.
    #[must_use]
    pub const fn year(self) -> &'static str {
        match self {
            Self::Y2005 => "2005",
            Self::Y2017 => "2017",
            Self::Y2025 => "2025",
        }
    }

    /// Reads the year.
    #[must_use]
    pub fn parse(year: &str) -> Option<Self> {
        [Self::Y2005, Self::Y2017, Self::Y2025].into_iter().find(|edition| edition.year() == year)
    }

    /// The Flag of an answer in this edition, with neither split nor answer bit; 2005 answers carry none.
    #[must_use]
    pub const fn answer_flag(self) -> Option<u8> {
        match self {
            Self::Y2005 => None,
            Self::Y2017 => Some(4),
            Self::Y2025 => Some(8),
        }
    }
}

/// One `name=value` of the data area, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair<'p> {
    /// Counts the `;` groups (项目) from 0.
    pub item: u16,
    /// The whole name, `w01018-Rtd`.
    pub name: &'p str,
    /// The value as sent, trimmed.
    pub value: &'p str,
}

impl<'p> Pair<'p> {
    /// The part before the last `-`: factor code, device or information code; the whole name where there is none.
    #[must_use]
    pub fn code(&self) -> &'p str {
        self.name.rsplit_once('-').map_or(self.name, |(code, _)| code)
    }

    /// The part after the last `-`: `Rtd`, `Avg`, `Flag` …
    #[must_use]
    pub fn suffix(&self) -> Option<&'p str> {
        self.name.rsplit_once('-').map(|(_, suffix)| suffix)
    }
}

/// `PNUM` and `PNO` of a sub-packet (拆分包).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    /// 包号, from 1.
    pub number: u16,
    /// 总包数.
    pub count: u16,
}

/// A packet as read. Borrows the frame's bytes unless they had to be decrypted or converted from GBK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet<'f> {
    text: Cow<'f, str>,
    layout: Layout,
    flag: Option<u8>,
    edition: Edition,
    key: Option<String>,
}

impl<'f> Packet<'f> {
    /// Reads the text of a data segment. `framing` are the quirks seen before.
    #[must_use]
    pub fn read(text: Cow<'f, str>, framing: QuirkSet, key: Option<String>) -> Self {
        let mut layout = scan::read(&text).unwrap_or_else(|| grammar::read(&text));
        layout.quirks.extend(framing);
        let flag = layout.flag.and_then(|span| digits(span.of(&text))).and_then(|flag| u8::try_from(flag).ok());
        layout.quirks.insert_if(layout.flag.is_none(), Quirk::FlagMissing);
        layout.quirks.insert_if(layout.flag.is_some() && flag.is_none(), Quirk::FlagUnreadable);
        let edition = match flag.unwrap_or(0) >> 2 {
            0 => Edition::Y2005,
            1 => Edition::Y2017,
            _ => Edition::Y2025,
        };
        layout.quirks.insert_if(flag.is_some_and(|flag| flag > 11), Quirk::EditionUnknown);
        Self { text, layout, flag, edition, key }
    }

    /// The data segment's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The edition that `Flag` names.
    #[must_use]
    pub fn edition(&self) -> Edition {
        self.edition
    }

    fn header(&self, span: Option<Span>) -> Option<&str> {
        span.map(|span| span.of(&self.text))
    }

    /// 请求编码 as written in the header; may be empty.
    #[must_use]
    pub fn header_qn(&self) -> Option<&str> {
        self.header(self.layout.qn)
    }

    /// 请求编码: the header's, or, where the header has none (2005), the one in the data area.
    #[must_use]
    pub fn qn(&self) -> Option<&str> {
        self.header_qn().filter(|qn| !qn.is_empty()).or_else(|| self.value("QN").filter(|qn| !qn.is_empty()))
    }

    /// 系统编码.
    #[must_use]
    pub fn st(&self) -> Option<&str> {
        self.header(self.layout.st)
    }

    /// 命令编码.
    #[must_use]
    pub fn cn(&self) -> Option<&str> {
        self.header(self.layout.cn)
    }

    /// 访问密码. Masked in everything that leaves the house.
    #[must_use]
    pub fn pw(&self) -> Option<&str> {
        self.header(self.layout.pw)
    }

    /// 设备唯一标识; empty before a 2025 logger is activated.
    #[must_use]
    pub fn mn(&self) -> Option<&str> {
        self.header(self.layout.mn)
    }

    /// 拆分包及应答标志.
    #[must_use]
    pub fn flag(&self) -> Option<u8> {
        self.flag
    }

    /// 补传标志 of HJ 212-2025, as written.
    #[must_use]
    pub fn rf(&self) -> Option<&str> {
        self.header(self.layout.rf)
    }

    /// 总包数 as written, in the header or (a dialect) in the data area.
    #[must_use]
    pub fn pnum(&self) -> Option<&str> {
        self.header(self.layout.pnum).or_else(|| self.value("PNUM"))
    }

    /// 包号 as written.
    #[must_use]
    pub fn pno(&self) -> Option<&str> {
        self.header(self.layout.pno).or_else(|| self.value("PNO"))
    }

    /// Both numbers, where both are there and make sense.
    #[must_use]
    pub fn part(&self) -> Option<Part> {
        let (number, count) = (digits(self.pno()?)?, digits(self.pnum()?)?);
        (1..=count).contains(&number).then_some(Part { number, count })
    }

    /// Bit 0 of Flag: the sender wants an answer.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.flag.is_some_and(|flag| flag & 1 == 1)
    }

    /// Bit 1 of Flag: PNUM and PNO are announced.
    #[must_use]
    pub fn announces_parts(&self) -> bool {
        self.flag.is_some_and(|flag| flag & 2 == 2)
    }

    /// The pairs of the data area in order.
    pub fn pairs(&self) -> impl ExactSizeIterator<Item = Pair<'_>> {
        self.layout.pairs.iter().map(|pair| self.pair(pair))
    }

    fn pair(&self, pair: &PairSpan) -> Pair<'_> {
        Pair { item: pair.item, name: pair.name.of(&self.text), value: pair.value.of(&self.text) }
    }

    /// The first value under a name. The standard writes some names in two ways (`CTime`, `Ctime`); case is ignored.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let fits = |pair: &&PairSpan| pair.name.len() == name.len() && pair.name.of(&self.text).eq_ignore_ascii_case(name);
        self.layout.pairs.iter().find(fits).map(|pair| pair.value.of(&self.text))
    }

    /// `DataTime` (数据时间) as a stamp, if it is one.
    #[must_use]
    pub fn data_time(&self) -> Option<Stamp> {
        self.value("DataTime").or_else(|| self.value("AlarmTime")).and_then(Stamp::parse)
    }

    /// Deviations met while reading the frame and the grammar. What the fields themselves hold, `inspect` tells.
    #[must_use]
    pub fn reading_quirks(&self) -> QuirkSet {
        self.layout.quirks
    }

    /// The id of the key that decrypted the data area.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The segment with the password's characters replaced: what may leave the house.
    #[must_use]
    pub fn masked(&self) -> String {
        let mut text = self.text.to_string();
        for secret in ["PW=", "NEWSK="] {
            let mut from = 0;
            // Upper case of ASCII keeps every offset. `NewPW`, a second PW, and any case of them are secrets, too.
            let upper = text.to_ascii_uppercase();
            while let Some(at) = upper[from..].find(secret) {
                let start = from + at + secret.len();
                let end = upper[start..].find([';', ',', '&']).map_or(upper.len(), |len| start + len);
                text.replace_range(start..end, &"*".repeat(end - start));
                from = end;
            }
        }
        text
    }
}

/// A number of digits only: no sign, as the standard writes its integers.
fn digits(text: &str) -> Option<u16> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// The text of a segment: UTF-8, else GBK (log texts of old loggers), else with replacements.
#[must_use]
pub fn text_of<'f>(segment: &'f [u8], quirks: &mut QuirkSet) -> Cow<'f, str> {
    if let Ok(text) = std::str::from_utf8(segment) {
        return Cow::Borrowed(text);
    }
    let (text, replaced) = encoding_rs::GBK.decode_without_bom_handling(segment);
    if replaced {
        quirks.insert(Quirk::TextUndecodable);
        return String::from_utf8_lossy(segment);
    }
    quirks.insert(Quirk::TextGbk);
    text
}

/// The bytes of a frame's segment.
#[must_use]
pub fn segment_of<'f>(frame: &Frame, bytes: &'f [u8]) -> &'f [u8] {
    &bytes[frame.segment.clone()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_leaves_the_house_however_it_is_written() {
        let text = "QN=1;ST=32;CN=1072;PW=123456;pw=abcdef;MN=M;Flag=5;CP=&&NewPW=654321;newpw=q9,NewSK=0123456789abcdef&&";
        let masked = Packet::read(Cow::Borrowed(text), QuirkSet::default(), None).masked();
        for secret in ["123456", "abcdef", "654321", "q9", "0123456789abcdef"] {
            assert!(!masked.contains(secret), "{masked}");
        }
        assert_eq!(masked.len(), text.len());
        assert!(masked.contains("MN=M;Flag=5;CP=&&"));
    }
}
