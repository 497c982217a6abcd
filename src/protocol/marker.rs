//! Data marks (数据标记, `-Flag`): HJ 212-2017 table 8, HJ/T 212-2005 6.3.3.2.3, and what else is sent.

/// A mark as sent. Up to four characters are kept; a longer one is cut and can be no known mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Marker([u8; 4]);

impl Marker {
    /// 正常: works normally.
    pub const NORMAL: Marker = Marker(*b"N\0\0\0");
    /// 停运: stopped.
    pub const STOPPED: Marker = Marker(*b"F\0\0\0");
    /// 手工输入的设定值: set by hand.
    pub const SET: Marker = Marker(*b"S\0\0\0");
    /// 校准: calibration.
    pub const CALIBRATION: Marker = Marker(*b"C\0\0\0");
    /// 通讯异常: instrument and logger do not talk.
    pub const LINK_FAULT: Marker = Marker(*b"B\0\0\0");
    /// No mark was sent.
    pub const ABSENT: Marker = Marker([0; 4]);

    /// Takes the mark as sent. The tables know upper case only; a lower-case mark means the same and is named as a quirk.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut bytes = [0; 4];
        // Whole characters only; a NUL is no padding of ours.
        let whole = &text[..text.floor_char_boundary(4.min(text.len()))];
        for (byte, sent) in bytes.iter_mut().zip(whole.bytes()) {
            *byte = if sent == 0 { b'?' } else { sent };
        }
        if text.len() == 1 {
            bytes[0] = bytes[0].to_ascii_uppercase();
        }
        Self(bytes)
    }

    /// The mark's text.
    #[must_use]
    pub fn text(&self) -> &str {
        let len = self.0.iter().position(|&byte| byte == 0).unwrap_or(4);
        std::str::from_utf8(&self.0[..len]).unwrap_or("?")
    }

    /// What the mark says, Chinese and English.
    #[must_use]
    pub fn says(&self) -> (&'static str, &'static str) {
        match &self.0 {
            b"N\0\0\0" => ("正常", "normal"),
            b"F\0\0\0" => ("停运", "stopped"),
            b"M\0\0\0" => ("维护", "maintenance"),
            b"S\0\0\0" => ("手工设定值", "set by hand"),
            b"D\0\0\0" => ("故障", "fault"),
            b"C\0\0\0" => ("校准", "calibration"),
            b"T\0\0\0" => ("超测量上限", "over range"),
            b"B\0\0\0" => ("通讯异常", "link fault"),
            b"P\0\0\0" => ("电源故障", "power failure (2005)"),
            [0, 0, 0, 0] => ("无标记", "no mark"),
            _ => ("未列入标准的标记", "a mark outside the tables"),
        }
    }

    /// Whether some edition's table has it (`P` and `0`–`3` are of 2005).
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.0[1] == 0 && b"NFMSDCTBP0123".contains(&self.0[0])
    }
}
