//! Decoding on one core: frame, check, header and every field of minute packets, and the typed upload beside it.
//! `cargo bench --bench decode`; the figures are in benches/README.md.

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use hj212d::protocol::{CrcDialect, crc, decode, encode, inspect, upload};

fn main() {
    divan::main();
}

/// A minute packet of so many factors whose segment has exactly `len` bytes.
fn packet(len: usize) -> Vec<u8> {
    let head = "QN=20260314085500123;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169D03;Flag=5;CP=&&DataTime=20260314085400";
    let mut segment = head.to_owned();
    for code in ["a34013", "a21026", "a21002", "a21024", "a21005", "a19001", "a01011", "a01012", "a01013", "a01014", "a00000", "a01017"] {
        let factor = format!(";{code}-Min=10.11,{code}-Avg=12.345,{code}-Max=14.90,{code}-ZsAvg=13.01,{code}-Flag=N");
        if segment.len() + factor.len() + 2 > len {
            break;
        }
        segment.push_str(&factor);
    }
    let fill = len - segment.len() - 2;
    if fill > 0 {
        // The rest is digits of the last value, so that the shape stays a logger's.
        let at = segment.rfind(",").unwrap_or(segment.len());
        segment.insert_str(at, &"1".repeat(fill));
    }
    segment.push_str("&&");
    assert_eq!(segment.len(), len);
    let mut bytes = encode::frame(segment.as_bytes());
    bytes.truncate(bytes.len() - 2);
    bytes
}

#[divan::bench(args = [644, 948])]
fn whole_packet(bencher: Bencher<'_, '_>, segment: usize) {
    let bytes = packet(segment);
    bencher
        .counter(BytesCount::new(bytes.len()))
        .counter(ItemsCount::new(1usize))
        .bench(|| decode(divan::black_box(&bytes), CrcDialect::Standard, &[]).map(|packet| packet.pairs().len()));
}

#[divan::bench(args = [644, 948])]
fn check_only(bencher: Bencher<'_, '_>, segment: usize) {
    let bytes = packet(segment);
    bencher.counter(BytesCount::new(bytes.len())).bench(|| crc::standard(divan::black_box(&bytes)));
}

#[divan::bench(args = [644, 948])]
fn typed_upload(bencher: Bencher<'_, '_>, segment: usize) {
    let bytes = packet(segment);
    let read = decode(&bytes, CrcDialect::Standard, &[]).expect("a packet");
    bencher.counter(BytesCount::new(bytes.len())).bench(|| upload::read(divan::black_box(&read)));
}

#[divan::bench(args = [644, 948])]
fn inspection(bencher: Bencher<'_, '_>, segment: usize) {
    let bytes = packet(segment);
    let read = decode(&bytes, CrcDialect::Standard, &[]).expect("a packet");
    bencher.counter(BytesCount::new(bytes.len())).bench(|| inspect::quirks(divan::black_box(&read)));
}
