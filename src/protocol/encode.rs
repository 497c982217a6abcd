//! Packets ⇢ bytes: a segment from its fields, and the frame around it (HJ 212-2017 6.3.1).

use super::crc;
use super::sm4::Key;

/// `##`, length, segment, check, CR LF.
#[must_use]
pub fn frame(segment: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(segment.len() + 12);
    bytes.extend_from_slice(format!("##{:04}", segment.len()).as_bytes());
    bytes.extend_from_slice(segment);
    bytes.extend_from_slice(format!("{:04X}\r\n", crc::standard(segment)).as_bytes());
    bytes
}

/// A frame whose data area is encrypted (HJ 212-2025 Annex A.2): the check is over the plaintext.
#[must_use]
pub fn frame_encrypted(segment: &[u8], key: &Key) -> Vec<u8> {
    let mut bytes = frame(segment);
    if let (Some(open), Some(close)) = (memchr::memmem::find(&bytes, b"CP=&&"), memchr::memmem::rfind(&bytes, b"&&"))
        && open + 5 <= close
    {
        key.encrypt(&mut bytes[open + 5..close]);
    }
    bytes
}

/// Writes a segment field by field, in the order of HJ 212-2017 table 3. Fields that are `None` are left out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Segment<'a> {
    /// 请求编码.
    pub qn: Option<&'a str>,
    /// 系统编码.
    pub st: &'a str,
    /// 命令编码.
    pub cn: &'a str,
    /// 访问密码.
    pub pw: Option<&'a str>,
    /// 设备唯一标识.
    pub mn: Option<&'a str>,
    /// 拆分包及应答标志.
    pub flag: Option<u8>,
    /// 总包数 and 包号.
    pub part: Option<(u16, u16)>,
    /// 补传.
    pub refill: bool,
    /// The data area between the `&&`.
    pub area: &'a str,
}

impl Segment<'_> {
    /// The segment's text.
    #[must_use]
    pub fn text(&self) -> String {
        use std::fmt::Write;
        let mut text = String::with_capacity(96 + self.area.len());
        if let Some(qn) = self.qn {
            let _ = write!(text, "QN={qn};");
        }
        let _ = write!(text, "ST={};CN={};", self.st, self.cn);
        if let Some(pw) = self.pw {
            let _ = write!(text, "PW={pw};");
        }
        if let Some(mn) = self.mn {
            let _ = write!(text, "MN={mn};");
        }
        if let Some(flag) = self.flag {
            let _ = write!(text, "Flag={flag};");
        }
        if let Some((count, number)) = self.part {
            let _ = write!(text, "PNUM={count};PNO={number};");
        }
        if self.refill {
            text.push_str("RF=1;");
        }
        let _ = write!(text, "CP=&&{}&&", self.area);
        text
    }

    /// The framed segment.
    #[must_use]
    pub fn frame(&self) -> Vec<u8> {
        frame(self.text().as_bytes())
    }
}
