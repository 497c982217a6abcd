//! `protocol-fixtures/quirks/`: one file per deviation that has a name. Its first line says what the sender did, its second
//! where the packets come from; every other line is one raw packet (`\r`, `\n`, `\\`, `\xHH`) that must show the deviation.

use hj212d::protocol::frame::{Framer, Piece};
use hj212d::protocol::quirk::{Quirk, QuirkSet};
use hj212d::protocol::sm4::Key;
use hj212d::protocol::{CrcDialect, decode_frame, inspect};
use std::collections::BTreeSet;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/protocol-fixtures/quirks");

#[test]
fn every_quirk_has_its_file_and_every_packet_in_it_shows_the_quirk() {
    let mut wrong = Vec::new();
    for quirk in Quirk::ALL {
        let name = quirk.name();
        let Ok(text) = std::fs::read_to_string(format!("{FOLDER}/{name}.txt")) else {
            wrong.push(format!("{name}: no file"));
            continue;
        };
        let mut lines = text.lines();
        let says = lines.next().is_some_and(|line| line.starts_with("# "));
        let provenance = lines.next().is_some_and(|line| line.starts_with("# Provenance: "));
        if !says || !provenance {
            wrong.push(format!("{name}: the first line says what the sender did, the second its provenance"));
        }
        let mut packets = 0;
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with("# ")) {
            packets += 1;
            match shown(&unescape(line), *quirk) {
                Ok(quirks) if quirks.contains(*quirk) => {}
                Ok(quirks) => wrong.push(format!("{name}: packet {packets} shows {:?}", quirks.iter().map(Quirk::name).collect::<Vec<_>>())),
                Err(failure) => wrong.push(format!("{name}: packet {packets}: {failure}")),
            }
        }
        if packets == 0 {
            wrong.push(format!("{name}: no packet"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_named_after_a_quirk_that_does_not_exist() {
    let names: BTreeSet<&str> = Quirk::ALL.iter().map(|quirk| quirk.name()).collect();
    for entry in std::fs::read_dir(FOLDER).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
            assert!(names.contains(stem.as_str()), "{stem}");
        }
    }
}

/// What the bytes show on a connection that then ends, decoded as the register of a sender with this quirk allows.
fn shown(bytes: &[u8], quirk: Quirk) -> Result<QuirkSet, String> {
    let dialect = match quirk {
        Quirk::CrcModbus => CrcDialect::Modbus,
        Quirk::CrcModbusSwapped => CrcDialect::ModbusSwapped,
        _ => CrcDialect::Standard,
    };
    let keys = match quirk {
        Quirk::Sm4Encrypted | Quirk::Sm4AsHexList => vec![Key::new("k1", [0x30; 16])],
        _ => Vec::new(),
    };
    let mut quirks = QuirkSet::default();
    let mut framer = Framer::default();
    let mut rest = bytes;
    let mut frames = 0;
    loop {
        let progress = framer.next(rest, true);
        quirks.extend(progress.previous);
        match progress.piece {
            Some(Piece::Frame(frame)) => {
                frames += 1;
                let packet = decode_frame(rest, &frame, dialect, &keys).map_err(|refusal| refusal.to_string())?;
                quirks.extend(inspect::quirks(&packet));
            }
            Some(Piece::Junk { reason, .. }) => return Err(format!("junk: {}", reason.name())),
            None if progress.consumed == 0 => break,
            None => {}
        }
        rest = &rest[progress.consumed..];
    }
    if frames == 0 { Err("no frame".to_owned()) } else { Ok(quirks) }
}

fn unescape(line: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(line.len());
    let mut rest = line.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (&kind, after) = rest.split_first().expect("something behind the backslash");
        rest = after;
        bytes.push(match kind {
            b'r' => b'\r',
            b'n' => b'\n',
            b'\\' => b'\\',
            b'x' => {
                let hex = std::str::from_utf8(&rest[..2]).expect("ASCII");
                rest = &rest[2..];
                u8::from_str_radix(hex, 16).expect("two hex digits")
            }
            other => panic!("unknown escape {}", char::from(other)),
        });
    }
    bytes
}
