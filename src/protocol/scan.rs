//! The fast path: a segment written exactly as HJ 212-2017 table 3 has it, read in one pass.
//! Anything unusual makes it step aside for `grammar.rs`; a property test holds the two together.

use super::layout::{Layout, PairSpan, Span};

/// Reads a segment of the plain form, or nothing.
#[must_use]
pub fn read(text: &str) -> Option<Layout> {
    let bytes = text.as_bytes();
    if bytes.len() > usize::from(u16::MAX) {
        return None;
    }
    let mut at = 0;
    let qn = field(bytes, &mut at, b"QN=")?;
    let st = field(bytes, &mut at, b"ST=")?;
    let cn = field(bytes, &mut at, b"CN=")?;
    let pw = field(bytes, &mut at, b"PW=")?;
    let mn = field(bytes, &mut at, b"MN=")?;
    let flag = field(bytes, &mut at, b"Flag=")?;
    let pnum = field(bytes, &mut at, b"PNUM=");
    let pno = if pnum.is_some() { Some(field(bytes, &mut at, b"PNO=")?) } else { None };
    if !bytes[at..].starts_with(b"CP=&&") || !bytes.ends_with(b"&&") || at + 7 > bytes.len() {
        return None;
    }
    let mut pairs = Vec::with_capacity((bytes.len() - at) / 14);
    area(bytes, at + 5, bytes.len() - 2, &mut pairs)?;
    Some(Layout {
        qn: Some(qn),
        st: Some(st),
        cn: Some(cn),
        pw: Some(pw),
        mn: Some(mn),
        flag: Some(flag),
        pnum,
        pno,
        rf: None,
        pairs,
        ..Layout::default()
    })
}

/// `name value ";"` with a value of letters, digits, `_` and `-` only.
fn field(bytes: &[u8], at: &mut usize, name: &[u8]) -> Option<Span> {
    let rest = bytes.get(*at..)?;
    let value = rest.strip_prefix(name)?;
    let len = value.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).count();
    if value.get(len) != Some(&b';') {
        return None;
    }
    let start = *at + name.len();
    *at = start + len + 1;
    Some(Span::new(start, start + len))
}

/// What a byte of the data area is to the scanner.
const CLASS: [u8; 256] = {
    let mut class = [ODD; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        class[byte as usize] = PLAIN;
        byte += 1;
    }
    class[b'&' as usize] = ODD;
    class[b'/' as usize] = ODD;
    class[b'=' as usize] = EQUALS;
    class[b',' as usize] = COMMA;
    class[b';' as usize] = SEMICOLON;
    class
};
const PLAIN: u8 = 0;
const EQUALS: u8 = 1;
const COMMA: u8 = 2;
const SEMICOLON: u8 = 3;
const ODD: u8 = 4;

fn area(bytes: &[u8], start: usize, end: usize, pairs: &mut Vec<PairSpan>) -> Option<()> {
    if start == end {
        return Some(());
    }
    let mut item = 0u16;
    let mut name_start = start;
    let mut at = start;
    loop {
        let name_len = bytes[at..end].iter().position(|&byte| CLASS[byte as usize] != PLAIN)?;
        if name_len == 0 || CLASS[bytes[at + name_len] as usize] != EQUALS {
            return None;
        }
        let name = Span::new(name_start, at + name_len);
        at += name_len + 1;
        let value_len = bytes[at..end].iter().position(|&byte| CLASS[byte as usize] != PLAIN).unwrap_or(end - at);
        let value = Span::new(at, at + value_len);
        pairs.push(PairSpan { item, name, value });
        at += value_len;
        if at == end {
            return Some(());
        }
        match CLASS[bytes[at] as usize] {
            COMMA => {
                // A comma between plain pairs is a deviation that the grammar names.
                if !bytes[usize::from(name.start)..usize::from(name.end)].contains(&b'-') {
                    return None;
                }
            }
            SEMICOLON => item = item.checked_add(1)?,
            _ => return None,
        }
        at += 1;
        name_start = at;
        if at == end {
            return None;
        }
    }
}
