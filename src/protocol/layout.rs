//! Where the parts of a data segment lie. The grammar (`grammar.rs`) and the fast path (`scan.rs`) both fill this.

use super::quirk::QuirkSet;

/// A piece of the segment's text, by byte offsets. A segment has at most 8,192 bytes (three times that once GBK became UTF-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: u16,
    /// One past the last.
    pub end: u16,
}

impl Span {
    /// The piece from `start` to `end`.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self { start: start as u16, end: end as u16 }
    }

    /// Bytes covered.
    #[must_use]
    pub fn len(self) -> usize {
        usize::from(self.end.saturating_sub(self.start))
    }

    /// The text it covers.
    #[must_use]
    pub fn of(self, text: &str) -> &str {
        text.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }
}

/// `name=value` of the data area, with the number of the `;` group (项目) it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairSpan {
    /// Counts the groups from 0.
    pub item: u16,
    /// The name, trimmed.
    pub name: Span,
    /// The value, trimmed; may be empty.
    pub value: Span,
}

/// The parts of one data segment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// 请求编码.
    pub qn: Option<Span>,
    /// 系统编码.
    pub st: Option<Span>,
    /// 命令编码.
    pub cn: Option<Span>,
    /// 访问密码.
    pub pw: Option<Span>,
    /// 设备唯一标识.
    pub mn: Option<Span>,
    /// 拆分包及应答标志, as written.
    pub flag: Option<Span>,
    /// 总包数.
    pub pnum: Option<Span>,
    /// 包号.
    pub pno: Option<Span>,
    /// 补传标志 of HJ 212-2025.
    pub rf: Option<Span>,
    /// The pairs of the data area (数据区), in order.
    pub pairs: Vec<PairSpan>,
    /// Deviations seen while reading.
    pub quirks: QuirkSet,
}
