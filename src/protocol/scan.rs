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

/// Whether every byte may stand in a plain area: printable ASCII, no blank, no `&`, no `/`.
fn is_plain(bytes: &[u8]) -> bool {
    // Without an early end, so that the compiler can take many bytes at a time.
    bytes.iter().fold(true, |plain, byte| plain & matches!(byte, b'!'..=b'~') & (*byte != b'&') & (*byte != b'/'))
}

const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;

/// The high bit of every byte of `word` that equals `byte`.
const fn equal(word: u64, byte: u8) -> u64 {
    let differs = word ^ (0x0101_0101_0101_0101 * byte as u64);
    !(((differs & LOW) + LOW) | differs) & !LOW
}

fn area(bytes: &[u8], start: usize, end: usize, pairs: &mut Vec<PairSpan>) -> Option<()> {
    if start == end {
        return Some(());
    }
    if !is_plain(&bytes[start..end]) {
        return None;
    }
    let mut reader = Reader { bytes, pairs, item: 0, from: start, name: None };
    let (words, tail) = bytes[start..end].as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let mut signs = equal(word, b'=') | equal(word, b',') | equal(word, b';');
        while signs != 0 {
            reader.sign(start + number * 8 + (signs.trailing_zeros() / 8) as usize)?;
            signs &= signs - 1;
        }
    }
    for (at, byte) in tail.iter().enumerate().map(|(number, byte)| (end - tail.len() + number, *byte)) {
        if matches!(byte, b'=' | b',' | b';') {
            reader.sign(at)?;
        }
    }
    reader.finish(end)
}

/// Turns the places of `=`, `,` and `;` into pairs.
struct Reader<'b> {
    bytes: &'b [u8],
    pairs: &'b mut Vec<PairSpan>,
    item: u16,
    from: usize,
    name: Option<Span>,
}

impl Reader<'_> {
    fn sign(&mut self, at: usize) -> Option<()> {
        match (self.bytes[at], self.name) {
            (b'=', None) if at > self.from => self.name = Some(Span::new(self.from, at)),
            (b',' | b';', Some(name)) => {
                self.pairs.push(PairSpan { item: self.item, name, value: Span::new(self.from, at) });
                self.name = None;
                if self.bytes[at] == b';' {
                    self.item = self.item.checked_add(1)?;
                } else if !has_suffix(&self.bytes[usize::from(name.start)..usize::from(name.end)]) {
                    // A comma between plain pairs is a deviation that the grammar names.
                    return None;
                }
            }
            _ => return None,
        }
        self.from = at + 1;
        Some(())
    }

    fn finish(self, end: usize) -> Option<()> {
        self.pairs.push(PairSpan { item: self.item, name: self.name?, value: Span::new(self.from, end) });
        Some(())
    }
}

fn has_suffix(name: &[u8]) -> bool {
    // Nearly all codes have six characters.
    name.get(6) == Some(&b'-') || name.contains(&b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{frame, grammar, packet, quirk::QuirkSet};
    use proptest::prelude::*;
    use proptest::sample::Index;

    /// What the mutations write: the signs and letters of the protocol, blanks, a control character, and two that are no ASCII.
    const ALPHABET: &[char] = &[
        'Q', 'N', 'S', 'T', 'C', 'P', 'W', 'M', 'F', 'l', 'a', 'g', 'U', 'O', 'R', '=', ';', ',', '&', '/', '-', '_', '.', '#', '0', '7', ' ', '\t',
        '\n', '\0', '；', '，', '清',
    ];

    fn agrees(text: &str) -> bool {
        let Some(layout) = read(text) else { return false };
        assert_eq!(layout, grammar::read(text), "{text:?}");
        true
    }

    /// A segment of the plain form: HJ 212-2017 table 3, word for word.
    fn plain() -> impl Strategy<Value = String> {
        let header = ("([0-9]{17})?", "[0-9]{2}", "2011|2051|2061|9014|[0-9]{4}", "[0-9A-Za-z]{0,8}", "[0-9A-F]{24}|[A-Z0-9_-]{1,14}", "[0-9]{1,2}");
        let parts = proptest::option::of(("[0-9]{1,4}", "[0-9]{1,4}"));
        let value = "([0-9]{1,4}(\\.[0-9]{1,3})?|-1|N)?";
        let alone = ("DataTime|PolId|RestartTime|Flag", value).prop_map(|(name, value)| format!("{name}={value}"));
        let several = proptest::collection::vec(("([a-z][0-9]{5}|SB[0-9])-(Rtd|Avg|Flag|RS)", value), 1..4)
            .prop_map(|pairs| pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(","));
        let items = proptest::collection::vec(prop_oneof![1 => alone, 3 => several], 0..6);
        (header, parts, items).prop_map(|((qn, st, cn, pw, mn, flag), parts, items)| {
            let parts = parts.map_or(String::new(), |(count, number)| format!("PNUM={count};PNO={number};"));
            format!("QN={qn};ST={st};CN={cn};PW={pw};MN={mn};Flag={flag};{parts}CP=&&{}&&", items.join(";"))
        })
    }

    /// One small accident: a character lost, doubled, swapped with the next, written over, or put in between.
    fn damage(text: &str, place: &Index, kind: u8, sign: char) -> String {
        let mut signs: Vec<char> = text.chars().collect();
        if signs.is_empty() {
            return sign.to_string();
        }
        let at = place.index(signs.len());
        match kind {
            0 => drop(signs.remove(at)),
            1 => signs.insert(at, signs[at]),
            2 if at + 1 < signs.len() => signs.swap(at, at + 1),
            3 => signs[at] = sign,
            _ => signs.insert(at, sign),
        }
        signs.into_iter().collect()
    }

    proptest! {
        #[test]
        fn the_plain_form_takes_the_fast_path_and_reads_as_the_grammar_reads_it(text in plain()) {
            prop_assert!(agrees(&text), "{:?} is plain", text);
        }

        #[test]
        fn what_the_fast_path_reads_near_the_plain_form_the_grammar_reads_alike(
            text in plain(),
            accidents in proptest::collection::vec((any::<Index>(), 0u8..5, proptest::sample::select(ALPHABET)), 0..5),
        ) {
            let damaged = accidents.iter().fold(text, |text, (place, kind, sign)| damage(&text, place, *kind, *sign));
            agrees(&damaged);
        }

        #[test]
        fn what_the_fast_path_reads_of_any_area_the_grammar_reads_alike(
            signs in proptest::collection::vec(proptest::sample::select(ALPHABET), 0..40),
        ) {
            let area: String = signs.into_iter().collect();
            agrees(&format!("QN=;ST=31;CN=2011;PW=;MN=;Flag=5;CP=&&{area}&&"));
        }
    }

    #[test]
    fn every_packet_of_the_standard_that_takes_the_fast_path_reads_as_the_grammar_reads_it() {
        let mut fast = 0;
        for line in include_str!("../../protocol-fixtures/frames/annex-c.jsonl").lines() {
            let row: serde_json::Value = serde_json::from_str(line).expect("one JSON object a line");
            let bytes = match (row["packet"].as_str(), row["packet_hex"].as_str()) {
                (Some(text), _) => text.as_bytes().to_vec(),
                (None, Some(hex)) => {
                    let digits = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex");
                    hex.as_bytes().as_chunks::<2>().0.iter().map(digits).collect()
                }
                (None, None) => panic!("packet or packet_hex: {line}"),
            };
            let Some(found) = frame::whole(&bytes) else { continue };
            let mut quirks = QuirkSet::default();
            fast += usize::from(agrees(&packet::text_of(packet::segment_of(&found, &bytes), &mut quirks)));
        }
        assert!(fast > 150, "{fast} of 367");
    }
}
