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
    /// 维护: maintenance.
    pub const MAINTENANCE: Marker = Marker(*b"M\0\0\0");
    /// 故障: fault.
    pub const FAULT: Marker = Marker(*b"D\0\0\0");
    /// 超测量上限: over range.
    pub const OVER_RANGE: Marker = Marker(*b"T\0\0\0");
    /// 启炉, HJ 75-2017.
    pub const START_UP: Marker = Marker(*b"St\0\0");
    /// 停炉, HJ 75-2017.
    pub const SHUT_DOWN: Marker = Marker(*b"Sd\0\0");
    /// 闷炉: `B` in HJ 75-2017, which is a link fault in HJ 212. Ours, so that the two stay apart.
    pub const BANKED_FIRE: Marker = Marker(*b"Bf\0\0");
    /// An instrument that stopped: `F` where the register says that it speaks of the instrument (HJ 212-2017 table 8). Ours.
    pub const INSTRUMENT_STOPPED: Marker = Marker(*b"Fi\0\0");
    /// 失控: between a failed check and the next that passes. Ours; no logger sends it.
    pub const OUT_OF_CONTROL: Marker = Marker(*b"Oc\0\0");
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
            b"St\0\0" => ("启炉", "start-up"),
            b"Sd\0\0" => ("停炉", "shut-down"),
            b"Bf\0\0" => ("闷炉", "banked fire"),
            b"Fi\0\0" => ("仪器停运", "instrument stopped"),
            b"Oc\0\0" => ("失控", "out of control"),
            b"Md\0\0" => ("缺失", "no data"),
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
