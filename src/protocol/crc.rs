//! The check of HJ 212-2017 Annex A, and the two MODBUS readings of it that live in the field.
//!
//! The standard's loop throws the register's low byte away before each byte comes in, so one step is a look-up in
//! CRC-16/ARC's table and the state has 8 bits. That makes the check foldable: the step is linear over GF(2) and its
//! eighth power is the identity, so bytes eight apart may be combined with XOR before any table is touched.
//!
//! Only 256 values exist: one damaged packet in 256 passes. Never an identity, never evidence.

use crc::{CRC_16_ARC, CRC_16_MODBUS, Crc, Table};

const ARC: Crc<u16, Table<1>> = Crc::<u16, Table<1>>::new(&CRC_16_ARC);
const MODBUS: Crc<u16, Table<1>> = Crc::<u16, Table<1>>::new(&CRC_16_MODBUS);

/// `TABLE[i]` is CRC-16/ARC of the single byte `i`.
const TABLE: [u16; 256] = {
    let mut table = [0u16; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = ARC.checksum(&[i as u8]);
        i += 1;
    }
    table
};

/// `POWER[k][x]`: the high byte of the table's entry, looked up `k` times in a row, starting from `x`.
const POWER: [[u8; 256]; 8] = {
    let mut power = [[0u8; 256]; 8];
    let mut x = 0;
    while x < 256 {
        power[0][x] = x as u8;
        x += 1;
    }
    let mut k = 1;
    while k < 8 {
        let mut x = 0;
        while x < 256 {
            power[k][x] = (TABLE[power[k - 1][x] as usize] >> 8) as u8;
            x += 1;
        }
        k += 1;
    }
    power
};

/// The standard's check of a data segment (`0..=1024` bytes by the standard, any length here).
#[must_use]
pub fn standard(segment: &[u8]) -> u16 {
    let Some((&last, front)) = segment.split_last() else { return 0xFFFF };
    TABLE[(state_after(front) ^ last) as usize]
}

/// The 8-bit state after `front`: eight lanes by distance from the end, folded with XOR, then one look-up a lane.
fn state_after(front: &[u8]) -> u8 {
    if front.is_empty() {
        return 0xFF;
    }
    let (head, rest) = front.split_at(front.len() % 8);
    let mut first = [0u8; 8];
    first[8 - head.len()..].copy_from_slice(head);
    let (wide, tail) = rest.as_chunks::<32>();
    let mut lanes = [0u64; 4];
    for block in wide {
        for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<8>().0) {
            *lane ^= u64::from_le_bytes(*word);
        }
    }
    let mut folded = u64::from_le_bytes(first) ^ lanes[0] ^ lanes[1] ^ lanes[2] ^ lanes[3];
    for word in tail.as_chunks::<8>().0 {
        folded ^= u64::from_le_bytes(*word);
    }
    // The start value 0xFF enters with the first byte, whose lane follows from the length.
    let lane_of_first = (8 - front.len() % 8) % 8;
    folded ^= 0xFF << (8 * lane_of_first);
    folded.to_le_bytes().iter().enumerate().fold(0, |state, (lane, &byte)| state ^ POWER[(8 - lane) % 8][byte as usize])
}

/// Plain CRC-16/MODBUS, which some senders use although the standard does not.
#[must_use]
pub fn modbus(segment: &[u8]) -> u16 {
    MODBUS.checksum(segment)
}

/// Which algorithm gives the printed value for this segment, tried in the order of likelihood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CrcKind {
    /// HJ 212-2017 Annex A.
    Standard,
    /// CRC-16/MODBUS.
    Modbus,
    /// CRC-16/MODBUS with its two bytes swapped.
    ModbusSwapped,
    /// None of these.
    Mismatch,
}

/// Names the algorithm behind a printed check value.
#[must_use]
pub fn kind_of(segment: &[u8], printed: u16) -> CrcKind {
    if standard(segment) == printed {
        return CrcKind::Standard;
    }
    let modbus = modbus(segment);
    if modbus == printed {
        CrcKind::Modbus
    } else if modbus.swap_bytes() == printed {
        CrcKind::ModbusSwapped
    } else {
        CrcKind::Mismatch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PRINTED: &[u8] = b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&";

    /// The loop as HJ 212-2017 Annex A prints it in C.
    fn as_printed(data: &[u8]) -> u16 {
        let mut register = 0xFFFFu16;
        for &byte in data {
            register = (register >> 8) ^ u16::from(byte);
            for _ in 0..8 {
                let out = register & 1;
                register >>= 1;
                if out == 1 {
                    register ^= 0xA001;
                }
            }
        }
        register
    }

    #[test]
    fn the_printed_example_gives_1c80_and_modbus_gives_another_value() {
        assert_eq!(standard(PRINTED), 0x1C80);
        assert_eq!(modbus(PRINTED), 0x0759);
        assert_eq!(kind_of(PRINTED, 0x0759), CrcKind::Modbus);
        assert_eq!(kind_of(PRINTED, 0x5907), CrcKind::ModbusSwapped);
        assert_eq!(kind_of(PRINTED, 0x1C08), CrcKind::Mismatch);
        assert_eq!(standard(b""), 0xFFFF);
    }

    proptest! {
        #[test]
        fn folding_equals_the_printed_loop(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(standard(&data), as_printed(&data));
        }
    }
}
