//! The grammar of a data segment (HJ 212-2017 6.3.2, 6.3.3, table 3), with what the field does to it.
//!
//! ```text
//! segment = 1*( header-field 1*separator ) "CP=" "&&" area "&&"
//! area    = [ item *( ";" item ) ]            ; may be empty: CP=&&&&
//! item    = pair *( "," pair )                ; 同一项目的不同分类值
//! pair    = name "=" value
//! value   = "//" text "//" / *char            ; a log text (C.40) may hold separators
//! ```
//!
//! Nothing here fails: what is no pair is kept as a word without a value, and named.

use super::layout::{Layout, PairSpan, Span};
use super::quirk::Quirk;
use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take_till, take_until, take_while, take_while1};
use nom::combinator::{opt, recognize};
use nom::sequence::{delimited, pair, terminated};
use nom::{IResult, Parser};

/// Segments beyond this many bytes of text cannot be addressed by a [`Span`].
const TEXT_LEN_MAX: usize = u16::MAX as usize;

/// Reads any data segment.
#[must_use]
pub fn read(text: &str) -> Layout {
    let text = &text[..text.floor_char_boundary(TEXT_LEN_MAX)];
    let mut layout = Layout::default();
    let area = header(text, &mut layout);
    items(text, area, &mut layout);
    layout
}

/// `separator = ";" / ","`, blanks around; `；` and `，` are copied from the standard's prose.
fn separator(input: &str) -> IResult<&str, &str> {
    recognize(delimited(blanks, alt((tag(";"), tag(","), tag("；"), tag("，"))), blanks)).parse(input)
}

fn blanks(input: &str) -> IResult<&str, &str> {
    take_while(|c: char| c == ' ' || c == '\t').parse(input)
}

/// `header-name "="`
fn header_name(input: &str) -> IResult<&str, &str> {
    terminated(take_while1(|c: char| c.is_ascii_alphanumeric() || c == '_'), pair(blanks, tag("="))).parse(input)
}

/// `"CP="`, also in another case.
fn cp(input: &str) -> IResult<&str, &str> {
    terminated(tag_no_case("CP"), pair(blanks, tag("="))).parse(input)
}

/// The header's fields; returns the area's place.
fn header(text: &str, layout: &mut Layout) -> Span {
    let mut rest = text;
    let mut order: u8 = 0;
    loop {
        let (next, skipped) = blanks(rest).unwrap_or((rest, ""));
        layout.quirks.insert_if(!skipped.is_empty(), Quirk::Blanks);
        rest = next;
        if rest.is_empty() {
            layout.quirks.insert(Quirk::CpNotDelimited);
            return Span::default();
        }
        if let Ok((area, name)) = cp(rest) {
            layout.quirks.insert_if(name != "CP", Quirk::HeaderNameCase);
            return delimited_area(text, area, layout);
        }
        if let Ok((next, sign)) = separator(rest) {
            layout.quirks.insert(Quirk::HeaderStraySeparator);
            layout.quirks.insert_if(!sign.is_ascii(), Quirk::FullWidthPunctuation);
            rest = next;
            continue;
        }
        let Ok((after_name, name)) = header_name(rest) else {
            // Not a field: skip to the next separator, or to CP.
            let (next, _) = word(rest).unwrap_or(("", rest));
            layout.quirks.insert(Quirk::HeaderUnknownField);
            rest = next;
            continue;
        };
        let (mut next, value) = word(after_name).unwrap_or(("", after_name));
        let mut value = value;
        // `Flag=5CP=` of C.19: the separator before CP was lost.
        if let Some(glued) = value.find("CP=") {
            layout.quirks.insert(Quirk::HeaderGlued);
            value = &value[..glued];
            next = &after_name[glued..];
        }
        place(text, name, value, order, layout);
        order += 1;
        if let Ok((past, sign)) = separator(next) {
            layout.quirks.insert_if(sign.contains([',', '，']), Quirk::HeaderComma);
            layout.quirks.insert_if(!sign.is_ascii(), Quirk::FullWidthPunctuation);
            layout.quirks.insert_if(sign.contains([' ', '\t']), Quirk::Blanks);
            next = past;
        }
        rest = next;
    }
}

/// Everything up to a separator.
fn word(input: &str) -> IResult<&str, &str> {
    take_till(|c: char| matches!(c, ';' | ',' | '；' | '，')).parse(input)
}

fn place(text: &str, name: &str, value: &str, order: u8, layout: &mut Layout) {
    let trimmed = value.trim();
    layout.quirks.insert_if(trimmed.len() != value.len(), Quirk::Blanks);
    let span = span_in(text, trimmed);
    const NAMES: [&str; 9] = ["QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO", "RF"];
    let Some(at) = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name)) else {
        layout.quirks.insert(Quirk::HeaderUnknownField);
        return;
    };
    layout.quirks.insert_if(name != NAMES[at], Quirk::HeaderNameCase);
    layout.quirks.insert_if(at == 0 && order != 0, Quirk::QnNotFirst);
    layout.quirks.insert_if(at == 4 && layout.pw.is_none(), Quirk::MnBeforePw);
    layout.quirks.insert_if(at == 3 && layout.mn.is_some(), Quirk::MnBeforePw);
    layout.quirks.insert_if(at == 7 && layout.pnum.is_none(), Quirk::PnoBeforePnum);
    let slot = match at {
        0 => &mut layout.qn,
        1 => &mut layout.st,
        2 => &mut layout.cn,
        3 => &mut layout.pw,
        4 => &mut layout.mn,
        5 => &mut layout.flag,
        6 => &mut layout.pnum,
        7 => &mut layout.pno,
        _ => &mut layout.rf,
    };
    if slot.is_some() {
        layout.quirks.insert(Quirk::RepeatedField);
    } else {
        *slot = Some(span);
    }
}

/// The text between the opening and the last closing `&&`; a single `&` counts when nothing else is there.
fn delimited_area(text: &str, area: &str, layout: &mut Layout) -> Span {
    let opened = pair(blanks, alt((tag("&&"), tag("&")))).parse(area);
    let Ok((inner, (blank, sign))) = opened else {
        layout.quirks.insert(Quirk::CpNotDelimited);
        return span_in(text, area);
    };
    layout.quirks.insert_if(!blank.is_empty(), Quirk::Blanks);
    layout.quirks.insert_if(sign.len() == 1, Quirk::CpSingleAmpersand);
    let closed = inner.trim_end();
    let content = if let Some(content) = closed.strip_suffix("&&") {
        content
    } else if let Some(content) = closed.strip_suffix('&') {
        layout.quirks.insert(Quirk::CpSingleAmpersand);
        content
    } else {
        layout.quirks.insert(Quirk::CpNotDelimited);
        closed
    };
    span_in(text, content)
}

/// `//text//` with whatever stands in it, or a word.
fn value(input: &str) -> IResult<&str, &str> {
    let quoted = recognize((blanks, tag("//"), take_until("//"), tag("//"), word));
    alt((quoted, word)).parse(input)
}

/// `name "="`, where the name holds no separator.
fn pair_name(input: &str) -> IResult<&str, &str> {
    terminated(take_till(|c: char| matches!(c, '=' | ';' | ',' | '；' | '，')), tag("=")).parse(input)
}

fn items(text: &str, area: Span, layout: &mut Layout) {
    let mut rest = area.of(text);
    let mut item: u16 = 0;
    let mut pairs_in_item = 0;
    let mut last_sign = "";
    while !rest.is_empty() {
        let (next, name) = match pair_name(rest) {
            Ok((after, name)) => {
                let (next, value) = value(after).unwrap_or(("", after));
                push(text, item, name, value, layout);
                (next, name)
            }
            Err(_) => {
                let (next, bare) = word(rest).unwrap_or(("", rest));
                if bare.trim().is_empty() {
                    layout.quirks.insert_if(!bare.is_empty(), Quirk::Blanks);
                } else {
                    let at = span_in(text, bare.trim());
                    layout.quirks.insert(Quirk::WordWithoutValue);
                    layout.pairs.push(PairSpan { item, name: at, value: Span { start: at.end, end: at.end } });
                }
                (next, bare)
            }
        };
        let empty = name.trim().is_empty();
        if last_sign == "," && !empty && pairs_in_item > 0 && is_plain(name) && previous_is_plain(text, layout) {
            layout.quirks.insert(Quirk::CommaBetweenItems);
        }
        pairs_in_item += usize::from(!empty);
        let (past, sign) = opt(separator).parse(next).unwrap_or((next, None));
        let Some(sign) = sign else { break };
        layout.quirks.insert_if(!sign.is_ascii(), Quirk::FullWidthPunctuation);
        layout.quirks.insert_if(sign.contains([' ', '\t']), Quirk::Blanks);
        let ends_item = sign.contains([';', '；']);
        if past.trim().is_empty() && ends_item {
            layout.quirks.insert(Quirk::TrailingSemicolon);
        } else {
            layout.quirks.insert_if(empty, Quirk::EmptyItem);
        }
        if ends_item {
            item = item.saturating_add(1);
            pairs_in_item = 0;
            last_sign = ";";
        } else {
            last_sign = ",";
        }
        rest = past;
    }
}

fn is_plain(name: &str) -> bool {
    !name.contains('-')
}

fn previous_is_plain(text: &str, layout: &Layout) -> bool {
    layout.pairs.len().checked_sub(2).is_some_and(|at| is_plain(layout.pairs[at].name.of(text)))
}

fn push<'t>(text: &str, item: u16, mut name: &'t str, mut value: &'t str, layout: &mut Layout) {
    loop {
        let (short_name, mut short_value) = (name.trim(), value.trim());
        layout.quirks.insert_if(short_name.len() != name.len() || short_value.len() != value.len(), Quirk::Blanks);
        // `w20143-Flag=Nw20144-Rtd=10`: a mark of one character, then the next pair.
        let mut lost = None;
        if (short_name.ends_with("-Flag") || short_name == "Flag")
            && !short_value.starts_with("//")
            && short_value.is_char_boundary(1)
            && short_value.find('=').is_some_and(|equals| equals > 1)
        {
            layout.quirks.insert(Quirk::SeparatorLost);
            lost = short_value[1..].split_once('=');
            short_value = &short_value[..1];
        }
        layout.pairs.push(PairSpan { item, name: span_in(text, short_name), value: span_in(text, short_value) });
        match lost {
            Some(next) => (name, value) = next,
            None => return,
        }
    }
}

/// The place of `part`, a slice of `text`.
fn span_in(text: &str, part: &str) -> Span {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    Span::new(start, start + part.len())
}
