//! Seeded chance: splitmix64, as a stream and as a hash. The fleet has no other source of chance, so a seed is a world.

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// A stream of numbers that a seed and a few words determine.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    /// The stream of these words under a seed.
    pub(super) fn of(seed: u64, words: &[&str]) -> Self {
        Self(hash(seed, words))
    }

    /// The next 64 bits.
    pub(super) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number from 0 to `bound - 1`; 0 for a bound of 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.draw().checked_rem(bound).unwrap_or(0)
    }

    /// One of a list.
    pub(super) fn one_of<'v, T>(&mut self, values: &'v [T]) -> Option<&'v T> {
        let at = self.below(values.len() as u64) as usize;
        values.get(at)
    }
}

/// The finaliser of splitmix64: every bit of the input touches every bit of the output.
pub(super) fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// A hash of words; `["a", "b"]` and `["ab"]` differ.
pub(super) fn hash(seed: u64, words: &[&str]) -> u64 {
    words.iter().fold(mix(seed.wrapping_add(GOLDEN)), |state, word| {
        word.bytes().fold(mix(state ^ GOLDEN), |state, byte| mix(state.wrapping_add(u64::from(byte) + 1)))
    })
}

/// Bits as a number in `[0, 1)`.
pub(super) fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// Bits as a number in `[-1, 1)`.
pub(super) fn signed(bits: u64) -> f64 {
    2.0 * unit(bits) - 1.0
}
